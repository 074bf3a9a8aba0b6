/** Replies and loss over the load that is offered. */
import type { TopLevelSpec } from "vega-lite";
import { colour } from "../../../scripts/pictures/theme.ts";
import { plural } from "../../server/rows.ts";
import type { Step } from "../../server/sweep.ts";
import type { Plot } from "../picture.ts";
import type { ServerRun } from "../runs.ts";
import { nodesText } from "../words.ts";
import { COLOURS } from "./colours.ts";
import { ABOVE, ends, LEFT, LINES_WIDTH } from "./lines.ts";

type Layers = Extract<TopLevelSpec, { layer: unknown }>["layer"];

interface Point {
  readonly transport: keyof typeof COLOURS;
  readonly offered: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export function offeredPlot(run: ServerRun): Plot | undefined {
  const { sweep, places, rounds, seconds } = run;
  const [first] = sweep;
  if (first === undefined) return undefined;
  const pointsOf = (name: "answered" | "lost", times: number) =>
    sweep.map(({ transport, offered, spread, ...step }): Point => {
      const [low, high] = spread[name];
      return { transport, offered: offered / 1000, value: step[name] * times, low: low * times, high: high * times };
    });
  const answered = pointsOf("answered", 1 / 1000);
  const lost = pointsOf("lost", 100);
  const most = Math.max(...answered.map(({ offered }) => offered));
  const all: Layers = [
    {
      data: { values: [0, most].map((offered) => ({ offered, value: offered })) },
      mark: { type: "line", strokeDash: [5, 4], strokeWidth: 1.2, color: colour("muted") },
      encoding: { x: xOf(most, null), y: yOf("value", "thousand replies per second", most) },
    },
  ];
  return {
    name: "bench-offered",
    title: "Replies and loss, by offered load",
    about: "Queries are sent at a fixed rate, whatever is answered. On the dashed line each query gets its reply.",
    left: LEFT,
    origin: run,
    notes: [
      `Queries for known nodes, ${nodesText(first.nodes)} nodes, ${placeOf(first, places)}. Medians of ${rounds} rounds of ${seconds} s; upright lines: lowest to highest round.`,
    ],
    spec: {
      spacing: 40,
      vconcat: [
        panel(answered, 180, xOf(most, null), (field) => yOf(field, "thousand replies per second", most), most, all),
        lossPanel(lost, most),
      ],
    },
  };
}

/** The workers of a step, and the processors that server and load had: "1 worker: server on processor 0, load on 1". */
function placeOf({ transport, workers }: Step, places: readonly string[]): string {
  const text = plural(workers, "worker");
  const place = places.find((place) => place.startsWith(`${transport}, ${text}: `));
  return place?.slice(transport.length + 2) ?? text;
}

/** The least height of the axis of losses, in percent: also where none are lost it needs one. */
const LEAST_LOSS = 10;

function lossPanel(lost: readonly Point[], most: number) {
  const top = Math.max(LEAST_LOSS, ...lost.map(({ high }) => high));
  const x = xOf(most, "thousand queries sent per second");
  return panel(lost, 110, x, (field) => yOf(field, "% of queries lost", top), top, []);
}

function xOf(most: number, title: string | null) {
  return {
    field: "offered",
    type: "quantitative",
    scale: { domainMin: 0, domainMax: most, nice: false },
    axis: { title, tickCount: 6, grid: false },
  } as const;
}

function yOf(field: string, title: string, domainMax: number) {
  return {
    field,
    type: "quantitative",
    scale: { domainMin: 0, domainMax, nice: false },
    axis: { title, tickCount: 4, ...ABOVE },
  } as const;
}

/** @param top - the value at the top of the upright axis */
function panel(
  points: readonly Point[],
  height: number,
  x: ReturnType<typeof xOf>,
  y: (field: string) => ReturnType<typeof yOf>,
  top: number,
  below: Layers,
) {
  const values = points.map((point) => ({ ...point, colour: colour(COLOURS[point.transport]) }));
  const last = [...new Map(points.map((point) => [point.transport, point])).values()];
  const color = { field: "colour", type: "nominal", scale: null } as const;
  const layer: Layers = [
    ...below,
    { mark: { type: "rule", strokeWidth: 1.2 }, encoding: { x, y: y("low"), y2: { field: "high" }, color } },
    { mark: { type: "line", strokeWidth: 2 }, encoding: { x, y: y("value"), color } },
    { mark: { type: "point", filled: true, size: 30, opacity: 1 }, encoding: { x, y: y("value"), color } },
    {
      data: { values: ends(last, top, height) },
      mark: { type: "text", align: "left", dx: 7, baseline: "middle" },
      encoding: { x, y: y("value"), text: { field: "transport" } },
    },
  ];
  return { data: { values }, width: LINES_WIDTH, height, layer };
}
