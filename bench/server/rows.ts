/** The figures of `bench:server`: samples, rows (their medians), and targets. */
import type { TransportName } from "../../src/server/index.ts";
import { median, sum } from "../statistics.ts";
import type { Workload } from "./load/load.ts";

/** One measurement of one round. */
export interface Sample {
  /** Microseconds of processor per reply; per packet received where not every packet gets a reply. */
  readonly cpu: number;
  /** `cpu` divided by the `cpu` of the floor in the same round. The floor is the echo on the system calls of mmsg. */
  readonly ratio: number;
  /** Replies per second; packets per second where not every packet gets a reply. */
  readonly perSecond: number;
  readonly expected: number;
  readonly replies: number;
  readonly wrong: number;
  /** Packets stopped by a rate limit. */
  readonly limited: number;
  /** Workers that the server replaced because they seemed stuck. The packets that waited in their sockets are lost. */
  readonly replaced: number;
}

/** The subject and the load of a row. `nodes` is 0 for an echo. */
export interface Measured {
  readonly who: "server" | "mmsg echo" | "udp echo";
  readonly transport: TransportName;
  readonly workers: number;
  readonly nodes: number;
  readonly what: Workload;
}

/** The lowest and the highest figure of the rounds. */
export type Spread = readonly [lowest: number, highest: number];

export interface Row extends Measured {
  readonly cpu: number;
  readonly ratio: number;
  readonly perSecond: number;
  /** Resident memory of the process after all rounds, in bytes. */
  readonly resident: number;
  /** The fraction of queries for known nodes that got no reply. */
  readonly unanswered: number;
  /** Wrong replies; 0 for an echo. */
  readonly wrong: number;
  readonly limited: number;
  readonly replaced: number;
  readonly spread: { readonly cpu: Spread; readonly ratio: Spread; readonly perSecond: Spread };
  readonly samples: readonly Sample[];
}

export interface Target {
  readonly text: string;
  readonly figure: number;
  readonly atMost: number;
  readonly reached: boolean;
}

export function rowOf(measured: Measured, resident: number, samples: readonly Sample[]): Row {
  const middle = (name: keyof Sample) => median(samples.map((sample) => sample[name]));
  const total = (name: keyof Sample) => sum(samples.map((sample) => sample[name]));
  const expected = total("expected");
  const spread = (name: keyof Sample) => spreadOf(samples.map((sample) => sample[name]));
  return {
    ...measured,
    cpu: middle("cpu"),
    ratio: middle("ratio"),
    perSecond: middle("perSecond"),
    resident,
    unanswered: expected === 0 ? 0 : Math.max(0, 1 - total("replies") / expected),
    wrong: total("wrong"),
    limited: total("limited"),
    replaced: total("replaced"),
    spread: { cpu: spread("cpu"), ratio: spread("ratio"), perSecond: spread("perSecond") },
    samples,
  };
}

export function spreadOf(figures: readonly number[]): Spread {
  return [Math.min(...figures), Math.max(...figures)];
}

/** Median of the ratios of each round. A ratio of medians would be wrong: the machine's speed differs between rounds. */
function medianRatio(row: Row, base: Row): number {
  return median(row.samples.map(({ cpu }, round) => cpu / base.samples[round]!.cpu));
}

const FLOOR_TARGETS = [
  { nodes: 10_000, atMost: 1.25 },
  { nodes: 1_000_000, atMost: 1.5 },
] as const;
const MISS_AT_MOST = 0.6;
const LARGE = { nodes: 10_000_000, base: 10_000, atMost: 1.6, gigabytes: 1.4 } as const;

export const count = (n: number) => n.toLocaleString("en-US");
export const plural = (n: number, name: string) => `${n} ${name}${n === 1 ? "" : "s"}`;

/** The targets for which these rows have figures. */
export function targets(rows: readonly Row[]): Target[] {
  const found: Target[] = [];
  const check = (text: string, figure: number, atMost: number) =>
    found.push({ text, figure, atMost, reached: figure <= atMost });
  const servers = rows.filter(({ who }) => who === "server");
  for (const row of servers.filter(({ what }) => what === "hit")) {
    const { transport, workers, nodes } = row;
    const name = (nodes: number) => `${transport}, ${plural(workers, "worker")}, ${count(nodes)} nodes`;
    const same = (nodes: number, what: Workload) =>
      servers.find(
        (other) =>
          other.transport === transport && other.workers === workers && other.nodes === nodes && other.what === what,
      );
    const floor = FLOOR_TARGETS.find((target) => target.nodes === nodes);
    // The floor uses the system calls of mmsg. The udp transport cannot come near it.
    if (floor && transport === "mmsg") check(`${name(nodes)}: hit / floor`, row.ratio, floor.atMost);
    const miss = same(nodes, "miss");
    if (miss) check(`${name(nodes)}: miss / hit`, medianRatio(miss, row), MISS_AT_MOST);
    if (nodes !== LARGE.nodes) continue;
    check(`${name(nodes)}: GB resident`, row.resident / 1e9, LARGE.gigabytes);
    const base = same(LARGE.base, "hit");
    if (base) check(`${name(nodes)}: hit / hit with ${count(LARGE.base)} nodes`, medianRatio(row, base), LARGE.atMost);
  }
  const total = (name: "wrong" | "limited" | "replaced") => sum(servers.map((row) => row[name]));
  check("wrong replies", total("wrong"), 0);
  check("packets stopped by a limit", total("limited"), 0);
  check("workers replaced under load", total("replaced"), 0);
  return found;
}

const HEADS = ["", "workers", "nodes", "load", "us", "per second", "MB", "unanswered", "wrong", "x floor"];

/** A line per row. Numbers are aligned to the right. */
export function table(rows: readonly Omit<Row, "samples">[]): string {
  const lines = rows.map((row) => {
    const server = row.who === "server";
    return [
      server ? row.transport : row.who,
      `${row.workers}`,
      server ? count(row.nodes) : "",
      row.what,
      row.cpu.toFixed(2),
      count(Math.round(row.perSecond)),
      `${Math.round(row.resident / 1e6)}`,
      `${(row.unanswered * 100).toFixed(2)} %`,
      server ? `${row.wrong}` : "",
      row.ratio.toFixed(2),
    ];
  });
  return aligned([HEADS, ...lines], (column) => column === 0 || column === 3);
}

/** Lines of cells as text. Columns of numbers are aligned to the right. */
export function aligned(lines: readonly (readonly string[])[], isText: (column: number) => boolean): string {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => (isText(column) ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export function targetLine({ text, figure, atMost, reached }: Target): string {
  const digits = Number.isInteger(figure) && Number.isInteger(atMost) ? 0 : 2;
  const verdict = reached ? "reached    " : "not reached";
  return `${verdict}  ${text}: ${figure.toFixed(digits)} (at most ${atMost})`;
}
