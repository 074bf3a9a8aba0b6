import { expect, setDefaultTimeout, test } from "bun:test";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";
import { Killed, type SoakResult } from "./kill-harness.ts";

setDefaultTimeout(TEST_LIMIT_MS);

test("a server that is killed under 20,000 announcements a second knows what it had handled a second before, five times", async () => {
  await using soak = await Killed.create(20_000, 1 + Math.floor(Math.random() * 2 ** 31));
  let sum: SoakResult | undefined;
  for (let kill = 0; kill < 5; kill++) sum = Killed.add(sum, await soak.kill());
  expect(sum).toMatchObject({ missing: 0, wrong: 0, stale: 0 });
  expect(sum!.asked).toBeGreaterThan(1000);
  expect(sum!.over).toBeGreaterThan(100);
});
