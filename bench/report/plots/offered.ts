/** Replies and loss over the load that is offered. */
import type { TopLevelSpec } from "vega-lite";
import { colour } from "../../../scripts/pictures/theme.ts";
import type { Plot } from "../picture.ts";
import type { ServerRun } from "../runs.ts";
import { nodesText } from "../words.ts";
import { COLOURS } from "./colours.ts";
import { ABOVE, LEFT, LINES_WIDTH } from "./lines.ts";

export function offeredPlot(run: ServerRun): Plot | undefined {
  const { sweep, rounds, seconds } = run;
  const [first] = sweep;
  if (first === undefined) return undefined;
  const last = new Map(sweep.map((step) => [step.transport, step]));
  const values = sweep.map((step) => ({
    transport: step.transport,
    offered: step.offered / 1000,
    answered: step.answered / 1000,
    answeredLow: step.spread.answered[0] / 1000,
    answeredHigh: step.spread.answered[1] / 1000,
    lost: step.lost * 100,
    lostLow: step.spread.lost[0] * 100,
    lostHigh: step.spread.lost[1] * 100,
    colour: colour(COLOURS[step.transport]),
    label: last.get(step.transport) === step ? step.transport : "",
  }));
  const most = Math.max(...values.map(({ offered }) => offered));
  return {
    name: "bench-offered",
    title: "Replies and loss, by offered load",
    about: "Queries are sent at a fixed rate, whatever is answered. On the dashed line each query gets its reply.",
    left: LEFT,
    origin: run,
    notes: [
      `Queries for known nodes, ${nodesText(first.nodes)} nodes, ${first.workers} worker. Medians of ${rounds} rounds of ${seconds} s; upright lines: lowest to highest round.`,
    ],
    spec: {
      data: { values },
      spacing: 40,
      vconcat: [
        panel("answered", "thousand replies per second", most, 180, [
          {
            data: { values: [0, most].map((offered) => ({ offered, answered: offered })) },
            mark: { type: "line", strokeDash: [5, 4], strokeWidth: 1.2, color: colour("muted") },
            encoding: { x: xOf(most, false), y: yOf("answered", "thousand replies per second") },
          },
        ]),
        // Without a loss, the axis needs a length of its own.
        panel("lost", "% of queries lost", most, 110, [], Math.max(10, ...values.map(({ lostHigh }) => lostHigh))),
      ],
    },
  };
}

type Layers = Extract<TopLevelSpec, { layer: unknown }>["layer"];

function xOf(most: number, titled: boolean) {
  return {
    field: "offered",
    type: "quantitative",
    scale: { domainMin: 0, domainMax: most, nice: false },
    axis: { title: titled ? "thousand queries sent per second" : null, tickCount: 6, grid: false },
  } as const;
}

function yOf(field: string, title: string, highest?: number) {
  return {
    field,
    type: "quantitative",
    scale: { domainMin: 0, ...(highest !== undefined && { domainMax: highest }) },
    axis: { title, tickCount: 4, ...ABOVE },
  } as const;
}

function panel(
  field: "answered" | "lost",
  title: string,
  most: number,
  height: number,
  below: Layers,
  highest?: number,
) {
  const x = xOf(most, field === "lost");
  const y = yOf(field, title, highest);
  const color = { field: "colour", type: "nominal", scale: null } as const;
  const layer: Layers = [
    ...below,
    {
      mark: { type: "rule", strokeWidth: 1.2 },
      encoding: { x, y: yOf(`${field}Low`, title, highest), y2: { field: `${field}High` }, color },
    },
    { mark: { type: "line", strokeWidth: 2 }, encoding: { x, y, color } },
    { mark: { type: "point", filled: true, size: 30, opacity: 1 }, encoding: { x, y, color } },
    {
      mark: { type: "text", align: "left", dx: 7, baseline: "middle" },
      encoding: { x, y, text: { field: "label" } },
    },
  ];
  return { width: LINES_WIDTH, height, layer };
}
