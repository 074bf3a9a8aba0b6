/** The figures of `bench:admin`: rows and targets. */

import type { TransportName } from "../../src/server/index.ts";
import { aligned } from "../aligned.ts";
import { median, quantile } from "../statistics.ts";

export interface LatencyRow {
  readonly transport: TransportName;
  readonly streams: number;
  readonly hostile: boolean;
  readonly requests: number;
  readonly failures: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly worstMs: number;
  /** UDP packets per second that the server handled meanwhile. */
  readonly packetsPerSecond: number;
  /** Workers that were replaced meanwhile. */
  readonly replaced: number;
}

/** The cost of a hit with the page's stream open, divided by that without, in each round. */
export interface CostRow {
  readonly transport: TransportName;
  readonly ratios: readonly number[];
}

export interface Target {
  readonly text: string;
  readonly figure: number;
  readonly atMost: number;
  readonly reached: boolean;
}

const P99_MS = 100;
const COST_RATIO = 1.02;

export function latencyRow(
  row: Pick<LatencyRow, "transport" | "streams" | "hostile" | "failures" | "packetsPerSecond" | "replaced">,
  latencies: readonly number[],
): LatencyRow {
  if (latencies.length === 0) throw new Error("the admin server answered no request");
  return {
    ...row,
    requests: latencies.length + row.failures,
    medianMs: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    worstMs: quantile(latencies, 1),
  };
}

const circumstances = ({ streams, hostile }: LatencyRow) =>
  `${streams} streams${hostile ? " and hostile clients" : ""}`;

export function targets(latencies: readonly LatencyRow[], costs: readonly CostRow[]): Target[] {
  const target = (text: string, figure: number, atMost: number) => ({
    text,
    figure,
    atMost,
    reached: figure <= atMost,
  });
  return [
    ...latencies.flatMap((row) => {
      const name = `${row.transport}, ${circumstances(row)}`;
      return [
        target(`${name}: ms of 99 % of requests`, row.p99Ms, P99_MS),
        target(`${name}: failed requests`, row.failures, 0),
        target(`${name}: workers replaced`, row.replaced, 0),
      ];
    }),
    ...costs.map(({ transport, ratios }) =>
      target(`${transport}: cost of a hit with the page open / without`, median(ratios), COST_RATIO),
    ),
  ];
}

export function table(rows: readonly LatencyRow[]): string {
  const lines = [
    ["", "streams", "hostile", "requests", "failed", "median ms", "99 % ms", "worst ms", "packets/s"],
    ...rows.map((row) => [
      row.transport,
      `${row.streams}`,
      row.hostile ? "yes" : "no",
      `${row.requests}`,
      `${row.failures}`,
      row.medianMs.toFixed(1),
      row.p99Ms.toFixed(1),
      row.worstMs.toFixed(1),
      `${Math.round(row.packetsPerSecond)}`,
    ]),
  ];
  return aligned(lines, (column) => column === 0);
}

export function targetLine({ text, figure, atMost, reached }: Target): string {
  const digits = Number.isInteger(figure) ? 0 : 3;
  return `${reached ? "reached    " : "not reached"}  ${text}: ${figure.toFixed(digits)} (at most ${atMost})`;
}
