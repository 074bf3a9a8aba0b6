import { expect, test } from "bun:test";
import { Batch, BatchWriter } from "../../../src/journal/index.ts";
import type { RedisConnection } from "../../../src/journal/redis/connection.ts";
import { FutureBatches } from "../../../src/journal/redis/future-batches.ts";
import { RedisStream } from "../../../src/journal/redis/stream.ts";
import { ascii } from "../../support/packets.ts";

const NOW = 1_000_000_000_000;

function batchAt(announcedAt: number): Batch {
  const writer = new BatchWriter(new Uint8Array(8));
  writer.addEntry({ nodeId: ascii("A"), address: new Uint8Array(16), port: 1, announcedAt, confirmed: true });
  return Batch.parse(writer.seal().bytes);
}

test("a batch from the future waits until its time has come, or is dropped once the stream was trimmed up to it", async () => {
  const clock = { time: NOW, now: () => clock.time };
  const future = new FutureBatches(new RedisStream("p", 3_600_000, clock), clock);
  let trimmed: string | null = null;
  const connection = { send: async () => trimmed } as unknown as RedisConnection;
  const merged: number[] = [];
  const due = () => future.mergeDue(connection, async (batch) => void merged.push(batch.time(0) - NOW, future.count));
  expect(future.putOff("1-0", batchAt(NOW + 900))).toBe(false);
  for (const [id, ahead] of [
    ["2-0", 5_000],
    ["3-0", 7_200_000],
    ["4-0", 7_200_001],
  ] as const) {
    expect(future.putOff(id, batchAt(NOW + ahead))).toBe(true);
  }
  await due();
  expect([merged, future.count]).toEqual([[], 3]);
  clock.time += 5_000;
  await due();
  // It counts until it is merged.
  expect([merged, future.count]).toEqual([[5_000, 3], 2]);
  trimmed = "3-0";
  await due();
  expect([merged, future.count]).toEqual([[5_000, 3], 1]);
});

test("a batch without times from the future waits if Redis appended it in the future, which shows that its clock was set ahead", async () => {
  let ahead = 0;
  const clock = { now: () => NOW };
  const stream = new RedisStream("p", 3_600_000, clock);
  const future = new FutureBatches(stream, clock);
  const connection = {
    send: async (command: string) => (command === "TIME" ? [`${(NOW + ahead) / 1000}`, "0"] : null),
  } as unknown as RedisConnection;
  await stream.measureClock(connection);
  const merged: number[] = [];
  const due = () => future.mergeDue(connection, async (batch) => void merged.push(batch.time(0) - NOW));
  expect(future.putOff(`${NOW + 900}-0`, batchAt(NOW))).toBe(false);
  // Ids after Redis's clock was set back: they do not tell its time.
  expect(future.putOff(`${NOW + 7_200_000}-1`, batchAt(NOW))).toBe(false);
  expect(future.putOff(`${NOW + 5_000}-0`, batchAt(NOW + 100))).toBe(true);
  await due();
  expect([merged, future.count]).toEqual([[], 1]);
  // The server notices that the clock was set.
  ahead = 5_000;
  await stream.measureClock(connection);
  await due();
  expect([merged, future.count]).toEqual([[100], 0]);
});
