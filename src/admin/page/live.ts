/** Answers and packets of each second of the last minutes, in arrays of a fixed size. */
import type { HistoryReply, StatsReply } from "../api.ts";
import type { Rates } from "./rates.ts";

/** A longer pause between two events is filled from the history, which is finer than one average. */
const LONGEST_STEP_S = 3;

export class Live {
  /** How many seconds it holds. */
  readonly length: number;
  /** The second, since 1970, of each place; a second's place is its rest modulo the length. */
  readonly #seconds: Float64Array;
  readonly #answered: Float64Array;
  readonly #received: Float64Array;
  /** The columns of the chart, always the same arrays. */
  readonly #columns: readonly [number[], (number | null)[], (number | null)[]];

  constructor(length: number) {
    this.length = length;
    this.#seconds = new Float64Array(length);
    this.#answered = new Float64Array(length);
    this.#received = new Float64Array(length);
    const column = () => new Array<number>(length).fill(0);
    this.#columns = [column(), column(), column()];
  }

  /** Adds what happened between two events. */
  add({ from, to, answered, received }: Rates): void {
    const [first, last] = [Math.floor(from / 1000) + 1, Math.floor(to / 1000)];
    if (last - first >= LONGEST_STEP_S) return;
    for (let second = first; second <= last; second++) this.#put(second, answered, received);
  }

  /**
   * Fills seconds that have no value of their own: with the means of the history, and from its end to `stats` with the
   * mean of what the server counted in between.
   *
   * @param stats - those of an event before the history was fetched
   */
  fill(history: HistoryReply, stats: StatsReply): void {
    const { interval, verdicts, verdictNames, totals } = history;
    const [until, now] = [Date.parse(history.until) / 1000, Date.parse(stats.at) / 1000];
    const answered = verdictNames.indexOf("answered");
    const fill = (second: number, counts: readonly number[] | null | undefined, seconds: number) => {
      if (!counts || this.#has(second)) return;
      const received = counts.reduce((sum, n) => sum + n, 0);
      this.#put(second, (counts[answered] ?? 0) / seconds, received / seconds);
    };
    // Rounded: the first second after the history covers at least half a second.
    const last = Math.round(until);
    for (let second = last - this.length + 1; second <= last; second++) {
      fill(second, verdicts[verdicts.length - 1 - Math.floor((last - second) / interval)], interval);
    }
    const counters = stats.verdicts as Readonly<Record<string, number>>;
    const since = verdictNames.map((name, i) => (counters[name] ?? 0) - (totals[i] ?? 0));
    const end = Math.floor(now);
    for (let second = Math.max(last, end - this.length) + 1; second <= end; second++) fill(second, since, now - until);
  }

  /** Forgets everything. */
  clear(): void {
    this.#seconds.fill(0);
  }

  /** Columns for a chart that ends at `now`, in ms: times in s, answers, packets. null where nothing is known. */
  columns(now: number): readonly [readonly number[], readonly (number | null)[], readonly (number | null)[]] {
    const [times, answers, packets] = this.#columns;
    const first = Math.floor(now / 1000) - this.length + 1;
    for (let i = 0; i < this.length; i++) {
      const second = first + i;
      const known = this.#has(second);
      times[i] = second;
      answers[i] = known ? this.#answered[second % this.length]! : null;
      packets[i] = known ? this.#received[second % this.length]! : null;
    }
    return this.#columns;
  }

  #has(second: number): boolean {
    return this.#seconds[second % this.length] === second;
  }

  #put(second: number, answered: number, received: number): void {
    const at = second % this.length;
    this.#seconds[at] = second;
    this.#answered[at] = answered;
    this.#received[at] = received;
  }
}
