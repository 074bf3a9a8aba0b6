import { expect, test } from "bun:test";
import type { ServerStats } from "../../src/server/index.ts";
import { LONG_LIMIT_MS } from "../support/time-limits.ts";
import type { UnderFlood } from "./under-flood.ts";

// How late timers are and how fast the server stops depends on the machine: `bun run bench:resilience` has the targets.

/** Runs a server that is flooded until it has received so many packets. */
async function flood(packets: number, kind: "garbage" | "load"): Promise<UnderFlood> {
  const script = new URL("./under-flood.ts", import.meta.url).pathname;
  const child = Bun.spawn([process.execPath, script, "0", kind, `${packets}`], { stdout: "pipe", stderr: "inherit" });
  const out = await child.stdout.text();
  expect(await child.exited).toBe(0);
  return JSON.parse(out);
}

function sum(stats: ServerStats): number {
  return Object.values(stats.verdicts).reduce((a, b) => a + b);
}

test(
  "garbage at full speed is counted, others are still answered, and SIGTERM stops the server during the flood",
  async () => {
    const { answered, stats } = await flood(100_000, "garbage");
    expect(answered).toBe(true);
    expect(stats.verdicts.malformed).toBeGreaterThan(50_000);
    expect(sum(stats)).toBe(stats.received);
  },
  LONG_LIMIT_MS,
);

test(
  "resident memory stays the same under full load",
  async () => {
    const { memory, stats, answered } = await flood(1_500_000, "load");
    expect(answered).toBe(true);
    expect(stats.verdicts.answered).toBeGreaterThan(300_000);
    expect(sum(stats)).toBe(stats.received);
    const between = (from: number, to: number) => {
      const samples = memory.filter(({ received }) => received >= from && received < to).map(({ rss }) => rss);
      expect(samples.length).toBeGreaterThan(2);
      return samples;
    };
    // A garbage collection frees up to 50 MB, and at times there is none for a while. What a leak takes, none of them frees.
    const [most, least] = [Math.max(...between(200_000, 500_000)), Math.min(...between(1_200_000, 1_500_000))];
    expect(least).toBeLessThan(most + 20e6);
  },
  LONG_LIMIT_MS,
);
