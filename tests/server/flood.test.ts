import { expect, test } from "bun:test";
import type { ServerStats } from "../../src/server/index.ts";
import { LONG_LIMIT_MS } from "../support/time-limits.ts";
import type { UnderFlood } from "./under-flood.ts";

// How late timers are and how fast the server stops depends on the machine: `bun run bench:resilience` has the targets.

async function flood(seconds: number, kind: "garbage" | "load"): Promise<UnderFlood> {
  const script = new URL("./under-flood.ts", import.meta.url).pathname;
  const child = Bun.spawn([process.execPath, script, `${seconds}`, kind, "1"], { stdout: "pipe", stderr: "inherit" });
  const out = await child.stdout.text();
  expect(await child.exited).toBe(0);
  return JSON.parse(out);
}

function sum(stats: ServerStats): number {
  return Object.values(stats.verdicts).reduce((a, b) => a + b);
}

test("garbage at full speed is counted, others are still answered, and SIGTERM stops the server during the flood", async () => {
  const { answered, stats } = await flood(10, "garbage");
  expect(answered).toBe(true);
  expect(stats.verdicts.malformed).toBeGreaterThan(10_000);
  expect(sum(stats)).toBe(stats.received);
});

test(
  "resident memory stays the same under full load",
  async () => {
    const { rss, stats, answered } = await flood(40, "load");
    expect(answered).toBe(true);
    expect(stats.verdicts.answered).toBeGreaterThan(20_000);
    expect(sum(stats)).toBe(stats.received);
    // A garbage collection frees up to 50 MB, and at times there is none for many seconds. What a leak takes, none of them frees.
    const [most, least] = [Math.max(...rss.slice(0, 20)), Math.min(...rss.slice(24, 39))];
    expect(least).toBeLessThan(most * 1.25);
  },
  LONG_LIMIT_MS,
);
