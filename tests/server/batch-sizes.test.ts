import { expect, test } from "bun:test";
import { BatchCounter, BatchSizes, createBatchCounters } from "../../src/server/workers/batch-sizes.ts";

function counted(...sizes: number[]): SharedArrayBuffer {
  const buffer = createBatchCounters();
  const counter = new BatchCounter(buffer);
  for (const size of sizes) counter.add(size);
  return buffer;
}

test("each batch is in the range whose bound is the next one from its size up", () => {
  const sizes = new BatchSizes();
  sizes.read(counted(1, 2, 3, 4, 5, 8, 9, 16, 17, 32, 33, 63, 64));
  const { bounds, counts, sum } = sizes.histogram();
  expect(bounds).toEqual([1, 2, 4, 8, 16, 32, 64]);
  expect(counts).toEqual([1, 1, 2, 2, 2, 2, 3, 0]);
  expect(sum).toBe(257);
});

test("sums up the workers, keeps the counts of one that has ended, and counts nothing twice", () => {
  const sizes = new BatchSizes();
  const [one, other] = [counted(1), counted(64, 64)];
  for (let i = 0; i < 3; i++) for (const buffer of [one, other]) sizes.read(buffer);
  expect(sizes.histogram()).toMatchObject({ counts: [1, 0, 0, 0, 0, 0, 2, 0], sum: 129 });
  new BatchCounter(one).add(2);
  sizes.close(one);
  sizes.read(other);
  expect(sizes.histogram()).toMatchObject({ counts: [1, 1, 0, 0, 0, 0, 2, 0], sum: 131 });
});

test("a worker's counters may wrap around", () => {
  const sizes = new BatchSizes();
  const buffer = counted(1);
  const counters = new Uint32Array(buffer);
  sizes.read(buffer);
  counters.fill(2 ** 32 - 1);
  sizes.read(buffer);
  new BatchCounter(buffer).add(3);
  sizes.read(buffer);
  expect(new Uint32Array(buffer)[2]).toBe(0);
  expect(sizes.histogram().counts[2]).toBe(2 ** 32);
  expect(sizes.histogram().sum).toBe(2 ** 32 + 2);
});
