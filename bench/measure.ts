/** Times contestants side by side, in any runtime, by the runtime's own clock. */
import type { Contest, Row } from "./contest.ts";
import { quantile } from "./statistics.ts";

export interface Pace {
  /** Warm-up of each contestant, in ms: time for the JIT compilers. */
  readonly warmUp: number;
  /** Length of a sample, in ms. A browser's clock may tick only every 0.1 ms. */
  readonly sample: number;
  /** Samples per contestant. */
  readonly rounds: number;
  /** Processor time for each row of the engine suite, in ms. */
  readonly engine: number;
}

export const FULL: Pace = { warmUp: 200, sample: 2, rounds: 50, engine: 400 };
/** A smoke test: every contestant runs, but the times mean nothing. */
export const QUICK: Pace = { warmUp: 0, sample: 0.1, rounds: 1, engine: 1 };

/** Nanoseconds for `calls` calls. */
function time(run: () => unknown, calls: number): number {
  const start = performance.now();
  for (let i = 0; i < calls; i++) run();
  return (performance.now() - start) * 1e6;
}

/**
 * Warms up, and finds how many calls fill a sample. The first sample that is long enough may be slow only because of a
 * compilation or another process, so a second one must confirm the number.
 */
function callsOf(run: () => unknown, { warmUp, sample }: Pace): number {
  for (let calls = 1, spent = 0, confirming = false; ; ) {
    const ms = time(run, calls) / 1e6;
    spent += ms;
    if (ms < sample || spent < warmUp) calls *= 2;
    else if (confirming) return Math.max(1, Math.ceil((calls * sample) / ms));
    else {
      confirming = true;
      calls = Math.max(1, Math.ceil((calls * sample) / ms));
    }
  }
}

/** Nanoseconds per call. Makes more calls if the clock did not tick during the sample. */
function sampleOf(entry: { readonly run: () => unknown; calls: number }): number {
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
export async function compare({ suite, what, size, contestants }: Contest, pace: Pace): Promise<Row[]> {
  const entries = contestants.map(({ who, run }) => ({ who, run, calls: callsOf(run, pace), ns: [] as number[] }));
  for (let round = 0; round < pace.rounds; round++) {
    for (const entry of shuffled(entries)) entry.ns.push(sampleOf(entry) / size);
    // Lets a browser redraw the page.
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
    .map((item) => ({ item, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
