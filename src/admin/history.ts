/** Counts per interval of the last hour. Takes the same memory after a day as after an hour. */
import type { ServerStats } from "../server/index.ts";
import type { HistoryReply } from "./api.ts";

/** Length of an interval. */
export const INTERVAL_MS = 10_000;
const INTERVALS = 360;

interface Interval {
  /** null if the last interval was missed: nothing tells in which of both a packet came. */
  readonly verdicts: readonly number[] | null;
  readonly nodes: number;
  readonly devices: number;
  readonly journalLag: number;
  readonly kernelDrops: number | null;
}

export class History {
  readonly #verdictNames: readonly string[];
  /** The last hour, the oldest first; undefined for an interval before the start, or that nothing was read in. */
  readonly #intervals: (Interval | undefined)[] = new Array(INTERVALS).fill(undefined);
  /** The counters at the end of the last interval, and when they were read. */
  #last: ServerStats;
  #lastAt: number;

  /**
   * @param stats - the counters that the first interval starts from
   * @param now - monotonic, in ms, as everywhere here
   */
  constructor(stats: ServerStats, now: number) {
    this.#verdictNames = Object.keys(stats.verdicts);
    this.#last = stats;
    this.#lastAt = now;
  }

  /**
   * To be called at the end of each interval. If that comes too late, the intervals that were missed are unknown. An
   * interval begins with the last reading: a timer that is always a little late would otherwise miss one every few hours.
   */
  record(stats: ServerStats, now: number): void {
    const count = Math.round((now - this.#lastAt) / INTERVAL_MS);
    if (count < 1) return;
    const missed = Math.min(count - 1, INTERVALS);
    for (let i = 0; i < missed; i++) this.#intervals.push(undefined);
    const interval = difference(this.#last, stats);
    this.#intervals.push(missed === 0 ? interval : { ...interval, verdicts: null, kernelDrops: null });
    this.#intervals.splice(0, missed + 1);
    this.#last = stats;
    this.#lastAt = now;
  }

  reply(now: number): HistoryReply {
    const each = <T>(get: (interval: Interval) => T) =>
      this.#intervals.map((interval) => (interval === undefined ? null : get(interval)));
    return {
      interval: INTERVAL_MS / 1000,
      until: new Date(Date.now() - (now - this.#lastAt)).toISOString(),
      verdictNames: this.#verdictNames,
      totals: Object.values(this.#last.verdicts),
      verdicts: each(({ verdicts }) => verdicts),
      nodes: each(({ nodes }) => nodes),
      devices: each(({ devices }) => devices),
      journalLag: each(({ journalLag }) => journalLag),
      kernelDrops: each(({ kernelDrops }) => kernelDrops),
    };
  }
}

function difference(before: ServerStats, after: ServerStats): Interval {
  const names = Object.keys(after.verdicts) as (keyof ServerStats["verdicts"])[];
  const { nodes, https, journal, kernelDrops: drops } = after;
  return {
    verdicts: names.map((name) => after.verdicts[name] - before.verdicts[name]),
    nodes,
    devices: https.devices,
    journalLag: journal.lag,
    kernelDrops: drops === undefined || before.kernelDrops === undefined ? null : drops - before.kernelDrops,
  };
}
