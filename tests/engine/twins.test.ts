import { expect, test } from "bun:test";
import { VERDICTS } from "../../src/engine/index.ts";
import { checkInvariants } from "../support/invariants.ts";
import { LONG_LIMIT_MS } from "../support/time-limits.ts";
import { fuzz } from "./twins.ts";

test(
  "over 1,000,000 packets the twins give the same verdicts, replies and memory image",
  () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    const { packets, verdicts, difference } = fuzz(1_000_000, seed, checkInvariants);
    expect(difference, `bun run fuzz --seed ${seed}`).toBeUndefined();
    expect(packets).toBe(1_000_000);
    // Each verdict must be common, or its path would not be compared.
    for (const name of VERDICTS) expect(verdicts[name], `${name}, seed ${seed}`).toBeGreaterThan(1000);
  },
  LONG_LIMIT_MS,
);

test("a single differing bit is found, in the batch after which it was flipped", () => {
  const corrupted = 12_345;
  const { difference } = fuzz(20_000, 1, undefined, corrupted);
  expect(difference).toBeDefined();
  expect(corrupted - difference!.packet).toBeWithin(0, 64);
});
