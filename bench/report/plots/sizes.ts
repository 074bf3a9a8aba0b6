/** The cost of a reply over the size of the registry. */
import { colour } from "../../../scripts/pictures/theme.ts";
import { plural } from "../../server/rows.ts";
import { median } from "../../statistics.ts";
import type { Plot } from "../picture.ts";
import type { ServerRun } from "../runs.ts";
import { figure, nodesText } from "../words.ts";
import { COLOURS } from "./colours.ts";
import { ABOVE, ends, LEFT, LINES_WIDTH } from "./lines.ts";

const HEIGHT = 230;

export function sizesPlot(run: ServerRun): Plot | undefined {
  const { rows, rounds, seconds } = run;
  const workers = Math.min(...rows.map((row) => row.workers));
  const hits = rows.filter((row) => row.who === "server" && row.what === "hit" && row.workers === workers);
  const sizes = [...new Set(hits.map(({ nodes }) => nodes))];
  if (sizes.length < 2) return undefined;
  const largest = Math.max(...sizes);
  const values = hits.map(({ transport, nodes, cpu, spread }) => ({
    ...{ nodes, cpu, low: spread.cpu[0], high: spread.cpu[1], colour: colour(COLOURS[transport]) },
  }));
  const floor = median(rows.filter((row) => row.who === "mmsg echo" && row.workers === workers).map(({ cpu }) => cpu));
  const domainMax = 1.05 * Math.max(floor, ...values.map(({ high }) => high));
  const lines = hits
    .filter(({ nodes }) => nodes === largest)
    .map(({ transport, cpu }) => ({ name: transport, value: cpu }));
  const labels = ends<{ name: string; value: number }>([...lines, { name: "floor", value: floor }], domainMax, HEIGHT);
  const texts = labels.map(({ name, value }, i) => ({
    nodes: largest,
    at: value,
    label: `${name} ${figure(lines[i]?.value ?? floor)}`,
  }));
  const x = {
    field: "nodes",
    type: "quantitative",
    scale: { type: "log", domainMin: Math.min(...sizes), domainMax: largest, nice: false },
    axis: { title: "nodes in the registry", values: sizes, grid: true, labelExpr: labelOf(sizes), labelOverlap: false },
  } as const;
  const y = (field: string) =>
    ({
      field,
      type: "quantitative",
      scale: { domainMin: 0, domainMax, nice: false },
      axis: { title: "µs of processor per reply", tickCount: 5, ...ABOVE },
    }) as const;
  const color = { field: "colour", type: "nominal", scale: null } as const;
  return {
    name: "bench-sizes",
    title: "Processor time per reply, by size of the registry",
    about: "Queries for random nodes: the larger the registry, the less of it is in the processor's cache.",
    left: LEFT,
    origin: run,
    notes: [
      `Queries for known nodes, ${plural(workers, "worker")}. Medians of ${rounds} rounds of ${seconds} s; upright lines: lowest to highest round.`,
    ],
    spec: {
      data: { values },
      width: LINES_WIDTH,
      height: HEIGHT,
      layer: [
        {
          data: { values: [{ floor }] },
          mark: { type: "rule", strokeDash: [5, 4], strokeWidth: 1.5 },
          encoding: { y: y("floor") },
        },
        { mark: { type: "rule", strokeWidth: 1.2 }, encoding: { x, y: y("low"), y2: { field: "high" }, color } },
        { mark: { type: "line", strokeWidth: 2 }, encoding: { x, y: y("cpu"), color } },
        { mark: { type: "point", filled: true, size: 50, opacity: 1 }, encoding: { x, y: y("cpu"), color } },
        {
          data: { values: texts },
          mark: { type: "text", align: "left", dx: 8, baseline: "middle" },
          encoding: { x, y: y("at"), text: { field: "label" } },
        },
      ],
    },
  };
}

/** A Vega expression that writes sizes as words. */
function labelOf(sizes: readonly number[]): string {
  return `${JSON.stringify(Object.fromEntries(sizes.map((size) => [size, nodesText(size)])))}[datum.value]`;
}
