import { expect, test } from "bun:test";
import { TEST_LIMIT_MS } from "../../support/time-limits.ts";
import { KillHarness, type SoakResult } from "./harness.ts";

test(
  "a server killed at 20,000 announcements per second loses nothing it had handled a second before, five times in a row",
  async () => {
    await using harness = await KillHarness.create(20_000, 1 + Math.floor(Math.random() * 2 ** 31));
    let sum: SoakResult | undefined;
    for (let kill = 0; kill < 5; kill++) sum = KillHarness.add(sum, await harness.kill());
    expect(sum).toMatchObject({ missing: 0, wrong: 0, stale: 0 });
    expect(sum!.asked).toBeGreaterThan(1000);
    expect(sum!.expired).toBeGreaterThan(100);
  },
  TEST_LIMIT_MS,
);
