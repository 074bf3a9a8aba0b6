import { expect, test } from "bun:test";
import { VERDICTS } from "../../src/engine/index.ts";
import { checkInvariants } from "../support/invariants.ts";
import { fuzz } from "./twins.ts";

test("over 1,000,000 packets the twins give the same verdicts, replies and memory image", () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const { packets, verdicts, difference } = fuzz(1_000_000, seed, checkInvariants);
  expect(difference, `bun run fuzz --seed ${seed}`).toBeUndefined();
  expect(packets).toBe(1_000_000);
  // A run in which a verdict hardly ever falls compares nothing of that path.
  for (const name of VERDICTS) expect(verdicts[name], `${name}, seed ${seed}`).toBeGreaterThan(1000);
}, 120_000);

test("one bit that differs is found, in the batch in which it came about", () => {
  const spoilt = 12_345;
  const { difference } = fuzz(20_000, 1, undefined, spoilt);
  expect(difference).toBeDefined();
  expect(spoilt - difference!.packet).toBeWithin(0, 64);
});
