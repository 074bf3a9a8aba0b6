import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { DEVICE_RETENTION_MS } from "../../../src/journal/device.ts";
import { Batch, BatchWriter, createJournal, type Journal, type SealedBatch } from "../../../src/journal/index.ts";
import type { RedisConnection } from "../../../src/journal/redis/connection.ts";
import { FutureBatches } from "../../../src/journal/redis/future-batches.ts";
import { RedisStream } from "../../../src/journal/redis/stream.ts";
import { StreamRewriter } from "../../../src/journal/redis/stream-rewriter.ts";
import { Clock } from "../../../src/server/clock.ts";
import { DeviceProcess } from "../../support/device-process.ts";
import { device, numbered } from "../../support/devices.ts";
import { testIf } from "../../support/needs.ts";
import { hasRedis, NEEDS_REDIS, Redis } from "../../support/redis.ts";
import { Site, SiteRegistry } from "../../support/registry-site.ts";
import { TEST_LIMIT_MS, until } from "../../support/time-limits.ts";

const KEY = "whereabouts:journal";
const HOUR = 3_600_000;
const MINUTE = 60_000;
const NOW = 1_760_000_000_000;
const redisTest = testIf(hasRedis, NEEDS_REDIS);

setDefaultTimeout(TEST_LIMIT_MS);

function journalAt(redis: Redis, retentionMs = HOUR): Journal {
  const origin = crypto.getRandomValues(new Uint8Array(8));
  return createJournal({ journal: redis.url, prefix: "whereabouts", retentionMs, origin, clock: new Clock() });
}

/** Opens the journal with a registry of its own. */
async function open(redis: Redis, retentionMs = HOUR) {
  const registry = new SiteRegistry(new Site());
  const journal = journalAt(redis, retentionMs);
  registry.journal = journal;
  await journal.open(registry);
  return { journal, registry, devices: registry.site.devices, [Symbol.asyncDispose]: () => journal.close() };
}

function batchOf(...devices: ReturnType<typeof device>[]): SealedBatch {
  const writer = new BatchWriter(new Uint8Array(8));
  for (const one of devices) writer.addDevice(one, 0);
  return writer.seal();
}

/** Nodes and devices in the stream, as often as they are there. */
async function announcements(redis: Redis): Promise<number> {
  const entries = (await redis.ask("XRANGE", KEY, "-", "+")) as [string, string[]][];
  return entries.reduce((sum, [, fields]) => sum + Batch.parse(Uint8Array.fromBase64(fields[1]!)).total, 0);
}

describe("processes that share a Redis", () => {
  redisTest(
    "know all addresses of a device that was announced to several, also after Redis lost its data",
    async () => {
      await using redis = await Redis.start();
      await using a = await DeviceProcess.start(redis.url);
      await using b = await DeviceProcess.start(redis.url);
      await a.announce(1, "tcp://192.0.2.1:1");
      await b.untilKnown({ 1: ["tcp://192.0.2.1:1"] });
      await b.announce(1, "tcp://192.0.2.1:2");
      await b.announce(2, "quic://192.0.2.2:1");
      const all = { 1: ["tcp://192.0.2.1:1", "tcp://192.0.2.1:2"], 2: ["quic://192.0.2.2:1"] };
      await a.untilKnown(all);
      {
        await using late = await DeviceProcess.start(redis.url);
        expect(await late.known()).toEqual(all);
      }
      await b.kill();
      await redis.kill();
      await redis.run();
      for (const end = performance.now() + 30_000; ; await Bun.sleep(100)) {
        await using late = await DeviceProcess.start(redis.url);
        const known = await late.known();
        if (Bun.deepEquals(known, all)) break;
        if (performance.now() > end) expect(known).toEqual(all);
      }
    },
  );

  redisTest(
    "restore a device for two hours although nodes are valid for a moment only, and trim nothing that it needs",
    async () => {
      await using redis = await Redis.start({ args: ["--stream-node-max-entries", "1"] });
      const now = Date.now();
      for (const [id, age] of [
        [1, DEVICE_RETENTION_MS + MINUTE],
        [2, DEVICE_RETENTION_MS - MINUTE],
        [3, HOUR],
      ] as const) {
        const { bytes } = batchOf(device(id, now - age));
        await redis.ask("XADD", KEY, `${now - age}-0`, "d", bytes.toBase64());
      }
      await using it = await open(redis, 1);
      const known = () => it.devices.all().map(({ id }) => id[0]);
      expect(known()).toEqual([2, 3]);
      it.registry.site.announce("N", 1);
      await it.registry.append();
      expect(await redis.ask("XLEN", KEY)).toBe(4);
      expect(it.journal.errors).toBe(0);
    },
  );

  redisTest("rewrite a stream that is mostly repetition of devices, without losing one", async () => {
    await using redis = await Redis.start();
    const writing = journalAt(redis);
    await writing.prepare();
    const [devices, rounds] = [4000, 15];
    for (let round = 0; round < rounds; round++) {
      await writing.append(batchOf(...Array.from({ length: devices }, (_, i) => numbered(i, Date.now()))));
    }
    await writing.close();
    expect(await announcements(redis)).toBe(rounds * devices);
    await using it = await open(redis);
    // The stream is looked at when something new was read.
    it.devices.merge(numbered(devices, Date.now()), false);
    await it.registry.append();
    for (const end = performance.now() + 30_000; (await redis.ask("GET", "whereabouts:trimmed")) === null; ) {
      if (performance.now() > end) throw new Error("the stream was not rewritten");
      await Bun.sleep(20);
    }
    await until(() => it.registry.all === 1, "the end of the rewrite");
    for (const end = performance.now() + 30_000; (await announcements(redis)) !== devices + 1; await Bun.sleep(20)) {
      if (performance.now() > end) expect(await announcements(redis)).toBe(devices + 1);
    }
    await using late = await open(redis);
    expect(late.devices.size).toBe(devices + 1);
    expect([it.journal.bad, it.journal.errors, late.journal.bad]).toEqual([0, 0, 0]);
  });
});

describe("a stream", () => {
  /** A stream, and how old an entry may be that is not trimmed by the next append; undefined if that trims nothing. */
  function streamWith(retentionMs: number) {
    const clock = { time: NOW, now: () => clock.time };
    const stream = new RedisStream("p", retentionMs, clock);
    let limit: number | undefined;
    const connection = {
      async send(command: string, args: readonly string[]) {
        if (command === "TIME") return [`${Math.floor(clock.time / 1000)}`, `${(clock.time % 1000) * 1000}`];
        limit = args[1] === "MINID" ? clock.time - Number.parseInt(args[3]!, 10) : undefined;
        return `${clock.time}-0`;
      },
    } as unknown as RedisConnection;
    const trims = async () => {
      await stream.append(connection, new Uint8Array(4), true);
      return limit;
    };
    return { stream, clock, trims, measure: () => stream.measureClock(connection) };
  }

  test("is kept for two hours while it has devices, and as long as nodes are valid without", async () => {
    const { stream, clock, trims, measure } = streamWith(HOUR);
    await measure();
    clock.time += 3 * HOUR;
    const trimmed = [await trims()];
    stream.noteDevices(`${clock.time}-0`);
    trimmed.push(await trims());
    clock.time += DEVICE_RETENTION_MS + MINUTE;
    trimmed.push(await trims());
    clock.time += 1;
    trimmed.push(await trims());
    expect(trimmed).toEqual([HOUR + MINUTE, 2 * HOUR + MINUTE, 2 * HOUR + MINUTE, HOUR + MINUTE]);
  });

  test("with devices is not trimmed before a server has run for two hours", async () => {
    const { stream, clock, trims, measure } = streamWith(HOUR);
    await measure();
    stream.noteDevices(`${NOW}-0`);
    clock.time += 2 * HOUR - 1;
    expect(await trims()).toBeUndefined();
    clock.time += 1;
    expect(await trims()).toBe(2 * HOUR + MINUTE);
  });

  test("is kept as long as nodes are valid if that is longer than two hours", async () => {
    const { stream, clock, trims, measure } = streamWith(24 * HOUR);
    await measure();
    stream.noteDevices(`${NOW}-0`);
    clock.time += 24 * HOUR;
    expect(await trims()).toBe(24 * HOUR + MINUTE);
    expect(stream.beginning).toBe(`${clock.time - 24 * HOUR - 2000}-0`);
  });

  test("is read from two hours ago by a server that starts, since it may have devices", () => {
    const { stream } = streamWith(MINUTE);
    expect(stream.beginning).toBe(`${NOW - 2 * HOUR - 2000}-0`);
  });

  test("that a server without devices has trimmed has not lost data", () => {
    const { stream } = streamWith(HOUR);
    stream.noteDevices(`${NOW}-0`);
    expect(stream.isExpired(`${NOW - HOUR - 1}-0`)).toBe(true);
    expect(stream.isExpired(`${NOW - HOUR}-0`)).toBe(false);
  });
});

test("devices count like nodes when a stream is rewritten because it is mostly repetition", async () => {
  const clock = { now: () => NOW };
  const commands: string[] = [];
  const connection = {
    async send(command: string) {
      commands.push(command);
      return null;
    },
  } as unknown as RedisConnection;
  const rewriter = new StreamRewriter(new RedisStream("p", HOUR, clock), "p", "0".repeat(16));
  const position = `${NOW}-0`;
  rewriter.read(position, 66_000);
  const rewrite = (nodes: number, devices: number) => {
    const counts = { nodes, devices, noRoom: 0, displaced: 0 };
    const registry = { ...counts, async merge() {}, appendAgain() {}, async appendAll() {} };
    return rewriter.rewriteIfNeeded({ connection, registry, position, intact: () => true });
  };
  await rewrite(0, 8000);
  await rewrite(4000, 4000);
  expect(commands).toEqual([]);
  await rewrite(0, 7999);
  // It asks for the lease.
  expect(commands[0]).toBe("SET");
});

test("a batch of devices from the future waits until its time has come", async () => {
  const clock = { time: NOW, now: () => clock.time };
  const future = new FutureBatches(new RedisStream("p", HOUR, clock), clock);
  const connection = { send: async () => null } as unknown as RedisConnection;
  const merged: Batch[] = [];
  const due = () => future.mergeDue(connection, async (batch) => void merged.push(batch));
  const parse = (announcedAt: number) => Batch.parse(batchOf(device(1, announcedAt)).bytes);
  expect(future.putOff("1-0", parse(NOW + 900))).toBe(false);
  expect(future.putOff("2-0", parse(NOW + 5000))).toBe(true);
  await due();
  expect([merged.length, future.count]).toEqual([0, 1]);
  clock.time += 5000;
  await due();
  expect([merged.length, merged[0]!.deviceCount, future.count]).toEqual([1, 1, 0]);
});
