/** Measuring: in any runtime, by its own clock, contestants side by side. */
import type { Contest, Row } from "./contest.ts";

export interface Pace {
  /** Each contestant's time to be compiled in, in ms. */
  readonly warmUp: number;
  /** A sample, in ms: a browser's clock may tick only every 0.1 ms. */
  readonly sample: number;
  /** Samples of each. */
  readonly rounds: number;
  /** Time for each row of the engine, in ms of processor. */
  readonly engine: number;
}

export const FULL: Pace = { warmUp: 200, sample: 2, rounds: 50, engine: 400 };
/** To see that all of it works; the figures say little. */
export const QUICK: Pace = { warmUp: 0, sample: 0.1, rounds: 1, engine: 1 };

/** Nanoseconds that `calls` calls take. */
function time(run: () => unknown, calls: number): number {
  const start = performance.now();
  for (let i = 0; i < calls; i++) run();
  return (performance.now() - start) * 1e6;
}

/**
 * How many calls make a sample, found while they are warmed up. The first sample that is long enough may be so because the
 * calls were compiled in it, or something else ran: the calls are counted anew after it.
 */
function callsOf(run: () => unknown, { warmUp, sample }: Pace): number {
  for (let calls = 1, spent = 0, long = false; ; ) {
    const ms = time(run, calls) / 1e6;
    spent += ms;
    if (ms < sample || spent < warmUp) calls *= 2;
    else if (long) return Math.max(1, Math.ceil((calls * sample) / ms));
    else {
      long = true;
      calls = Math.max(1, Math.ceil((calls * sample) / ms));
    }
  }
}

/** Nanoseconds a call: more of them make the sample where the clock does not tick in it. */
function sampleOf(entry: { readonly run: () => unknown; calls: number }): number {
  for (;;) {
    const ns = time(entry.run, entry.calls);
    if (ns > 0) return ns / entry.calls;
    entry.calls *= 2;
  }
}

/**
 * Measures all contestants in turns, in an order drawn anew each round. What else the machine does makes it slower for
 * seconds on end, so it is in its round that a time says something: the first contestant's is the lower quartile, since all
 * else only ever adds to it, and those of the others are that, times the median of how many times as long they took.
 * mitata measures one after the other, which is not good enough for a ratio.
 */
export async function compare({ suite, what, size, contestants }: Contest, pace: Pace): Promise<Row[]> {
  const entries = contestants.map(({ who, run }) => ({ who, run, calls: callsOf(run, pace), ns: [] as number[] }));
  for (let round = 0; round < pace.rounds; round++) {
    for (const entry of shuffled(entries)) entry.ns.push(sampleOf(entry) / size);
    // A page wants to be drawn.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  const base = entries[0]!.ns;
  const least = quantile(base, 0.25);
  return entries.map(({ who, ns }) => {
    const ratio = quantile(
      ns.map((time, round) => time / base[round]!),
      0.5,
    );
    return { suite, what, who, ns: least * ratio };
  });
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((item) => ({ item, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

function quantile(list: readonly number[], part: number): number {
  return list.toSorted((a, b) => a - b)[Math.floor((list.length - 1) * part)]!;
}
