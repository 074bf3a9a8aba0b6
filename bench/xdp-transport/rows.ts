/** The figures of `bench:xdp`: samples, rows (their medians), and targets. */
import { aligned } from "../aligned.ts";
import type { Workload } from "../server/load/load.ts";
import { count, type Target } from "../server/rows.ts";
import { median, sum } from "../statistics.ts";
import type { Compared, Shape } from "./options.ts";

/** Microseconds per reply; per packet received where not every packet gets a reply. */
export interface Cost {
  /** Processor time of the process, user and system. */
  readonly own: number;
  /** The same with softirq counted where it belongs; see `SoftirqClock`. NaN where that cannot be measured. */
  readonly whole: number;
}

/** One measurement of one round. */
export interface Sample extends Cost {
  /** Both costs divided by those of the floor in the same round, under a load of the same shape. */
  readonly ratios: Cost;
  /** Replies per second; packets per second where not every packet gets a reply. */
  readonly perSecond: number;
  readonly expected: number;
  readonly replies: number;
  readonly wrong: number;
  /** Packets stopped by a rate limit. */
  readonly limited: number;
  /** Workers that the server replaced because they seemed stuck. */
  readonly replaced: number;
  /** Packets received, and those of them that came through the kernel's UDP. */
  readonly received: number;
  readonly kernel: number;
  /** From query to reply, where the load has a pace; else 0. */
  readonly medianMs: number;
  readonly p99Ms: number;
}

/** The subject and the load of a row. `nodes` is 0 for the echo. */
export interface Measured extends Shape {
  readonly who: "echo" | Compared;
  readonly coalesce: number | undefined;
  readonly nodes: number;
  readonly what: Workload;
}

export interface Row extends Measured, Cost {
  readonly ratios: Cost;
  readonly perSecond: number;
  /** The fraction of queries for known nodes that got no reply. */
  readonly unanswered: number;
  /** Wrong replies; 0 for an echo. */
  readonly wrong: number;
  readonly limited: number;
  readonly replaced: number;
  /** The fraction of packets that came through the kernel's UDP. */
  readonly kernel: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly samples: readonly Sample[];
}

export function rowOf(measured: Measured, samples: readonly Sample[]): Row {
  const middle = (figure: (sample: Sample) => number) => median(samples.map(figure));
  const total = (figure: (sample: Sample) => number) => sum(samples.map(figure));
  const expected = total(({ expected }) => expected);
  const received = total(({ received }) => received);
  return {
    ...measured,
    own: middle(({ own }) => own),
    whole: middle(({ whole }) => whole),
    ratios: { own: middle(({ ratios }) => ratios.own), whole: middle(({ ratios }) => ratios.whole) },
    perSecond: middle(({ perSecond }) => perSecond),
    unanswered: expected === 0 ? 0 : Math.max(0, 1 - total(({ replies }) => replies) / expected),
    wrong: total(({ wrong }) => wrong),
    limited: total(({ limited }) => limited),
    replaced: total(({ replaced }) => replaced),
    kernel: received === 0 ? 0 : total(({ kernel }) => kernel) / received,
    medianMs: middle(({ medianMs }) => medianMs),
    p99Ms: middle(({ p99Ms }) => p99Ms),
    samples,
  };
}

const FLOOR_TARGETS = [
  { nodes: 10_000, atMost: 0.65 },
  { nodes: 1_000_000, atMost: 0.85 },
] as const;
const TARGET_WINDOW = 512;
const UNANSWERED_AT_MOST = 0.001;

/** The targets for which these rows have figures. */
export function targets(rows: readonly Row[]): Target[] {
  const found: Target[] = [];
  const check = (text: string, figure: number, atMost: number) =>
    found.push({ text, figure, atMost, reached: figure <= atMost });
  const servers = rows.filter(({ who }) => who !== "echo");
  const xdp = servers.filter(({ who }) => who === "xdp");
  for (const row of xdp.filter(
    ({ what, window, coalesce }) => what === "hit" && window === TARGET_WINDOW && coalesce === undefined,
  )) {
    const target = FLOOR_TARGETS.find(({ nodes }) => nodes === row.nodes);
    if (target)
      check(`xdp, window ${TARGET_WINDOW}, ${count(row.nodes)} nodes: hit / floor`, row.ratios.own, target.atMost);
  }
  const total = (name: "wrong" | "limited" | "replaced") => sum(servers.map((row) => row[name]));
  check("wrong replies", total("wrong"), 0);
  check(
    "share of queries unanswered, in the worst row",
    Math.max(...servers.map((row) => row.unanswered)),
    UNANSWERED_AT_MOST,
  );
  check("packets stopped by a limit", total("limited"), 0);
  check("workers replaced under load", total("replaced"), 0);
  if (xdp.length > 0)
    check("share of the packets of xdp that came through the kernel", Math.max(...xdp.map(({ kernel }) => kernel)), 0);
  return found;
}

export function targetLine({ text, figure, atMost, reached }: Target): string {
  const digits = Number.isInteger(figure) && Number.isInteger(atMost) ? 0 : atMost < 0.01 ? 5 : 2;
  return `${reached ? "reached    " : "not reached"}  ${text}: ${figure.toFixed(digits)} (at most ${atMost})`;
}

/** "window 512" or "20,000/s". */
export function shapeText({ window, pace }: Shape): string {
  return pace > 0 ? `${count(pace)}/s` : `window ${window}`;
}

/** "xdp, nap 100". */
export function whoText({ who, coalesce }: Pick<Measured, "who" | "coalesce">): string {
  return coalesce === undefined ? who : `${who}, nap ${coalesce}`;
}

const HEADS = [
  "",
  "nodes",
  "load",
  "sent",
  "us",
  "x floor",
  "with softirq",
  "x floor",
  "per second",
  "unanswered",
  "wrong",
  "ms",
  "99 %",
];
const TEXT_COLUMNS = 4;

/** A line per row. Numbers are aligned to the right. */
export function table(rows: readonly Row[]): string {
  const figure = (value: number, digits = 2) => (Number.isNaN(value) ? "" : value.toFixed(digits));
  const lines = rows.map((row) => {
    const server = row.who !== "echo";
    return [
      whoText(row),
      server ? count(row.nodes) : "",
      row.what,
      shapeText(row),
      figure(row.own),
      figure(row.ratios.own),
      figure(row.whole),
      figure(row.ratios.whole),
      count(Math.round(row.perSecond)),
      `${(row.unanswered * 100).toFixed(2)} %`,
      server ? `${row.wrong}` : "",
      row.pace > 0 ? figure(row.medianMs, 3) : "",
      row.pace > 0 ? figure(row.p99Ms, 3) : "",
    ];
  });
  return aligned([HEADS, ...lines], (column) => column < TEXT_COLUMNS && column !== 1);
}
