/** Times contestants side by side, in any runtime, by the runtime's own clock. */
import type { Contest, Contestant, Row } from "./contest.ts";
import { quantile } from "./statistics.ts";

export interface Pace {
  /** A contestant is warm when it has not become faster for so long, in ms. */
  readonly warmUp: number;
  /** Length of a sample, in ms. A browser's clock may tick only every 0.1 ms. */
  readonly sample: number;
  /** Samples per contestant. */
  readonly rounds: number;
  /** Processor time for each row of the engine suite, in ms. */
  readonly engine: number;
  /** Whether garbage is collected before each row of the engine suite. */
  readonly collects: boolean;
  /** How often other-types.ts uses each of its 60 types of XDR. At 500 uses engines compile for them. */
  readonly otherUses: number;
}

export const FULL: Pace = { warmUp: 200, sample: 1, rounds: 100, engine: 400, collects: true, otherUses: 500 };
/** A smoke test: every contestant runs, but the times mean nothing. */
export const QUICK: Pace = { warmUp: 0, sample: 0.1, rounds: 1, engine: 1, collects: false, otherUses: 1 };

/** Nanoseconds for `calls` calls. */
function time(run: () => unknown, calls: number): number {
  const start = performance.now();
  for (let i = 0; i < calls; i++) run();
  return (performance.now() - start) * 1e6;
}

/** A sample that is so many times as fast as the fastest before shows that a contestant is not warm yet. */
const FASTER = 1.03;
/** The maximum time for warming up, in times of `warmUp`. */
const MAX_WARM_UPS = 5;

interface Entry extends Contestant {
  /** How many calls fill a sample. */
  calls: number;
  /** Nanoseconds per packet or value, by round. */
  readonly ns: number[];
}

/**
 * Warms up, and finds how many calls fill a sample. A contestant is warm when it has not become faster for a while: the
 * compilers of an engine replace code several times, and for a large schema they need seconds on a busy machine.
 * Contestants take turns, so that compilers, which have threads of their own, can work for one while others run.
 */
function warmUp(entries: readonly Entry[], { warmUp, sample }: Pace): void {
  let due = entries.map((entry) => ({ entry, spent: 0, best: Number.POSITIVE_INFINITY, improved: 0 }));
  while (due.length > 0) {
    due = due.filter((state) => {
      const { entry } = state;
      const ms = time(entry.run, entry.calls) / 1e6;
      const each = ms / entry.calls;
      state.spent += ms;
      if (ms < sample) {
        entry.calls *= 2;
        return true;
      }
      if (each < state.best / FASTER) {
        state.best = each;
        state.improved = state.spent;
      }
      entry.calls = Math.max(1, Math.ceil(sample / each));
      return state.spent - state.improved < warmUp && state.spent < MAX_WARM_UPS * warmUp;
    });
  }
}

/** Nanoseconds per call. Makes more calls if the clock did not tick during the sample. */
function sampleOf(entry: Entry): number {
  for (;;) {
    const ns = time(entry.run, entry.calls);
    if (ns > 0) return ns / entry.calls;
    entry.calls *= 2;
  }
}

/**
 * Measures all contestants in turns, in a new random order each round. Other processes slow the machine down for
 * seconds at a time, so only times of the same round are comparable. The time of the first contestant is its lower
 * quartile, because disturbances only add time. The time of each other contestant is that, times the median of its
 * per-round ratios. mitata measures one contestant after the other, which makes ratios unreliable.
 */
export async function compare({ suite, what, size, contestants, patience = 1 }: Contest, pace: Pace): Promise<Row[]> {
  const entries = contestants.map((contestant): Entry => ({ ...contestant, calls: 1, ns: [] }));
  warmUp(entries, { ...pace, warmUp: pace.warmUp * patience });
  for (let round = 0; round < pace.rounds; round++) {
    for (const entry of shuffled(entries)) entry.ns.push(sampleOf(entry) / size);
    // Lets a browser redraw the page.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  const base = entries[0]!.ns;
  const least = quantile(base, 0.25);
  return entries.map(({ who, ns }) => {
    const ratios = ns.map((time, round) => time / base[round]!);
    // The base would have no spread beside itself: it has that of its own times.
    const spread = who === entries[0]!.who ? base.map((time) => time / least) : ratios;
    const at = (q: number) => least * quantile(spread, q);
    return { suite, what, who, ns: least * quantile(ratios, 0.5), spread: [at(0.25), at(0.75)] };
  });
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
