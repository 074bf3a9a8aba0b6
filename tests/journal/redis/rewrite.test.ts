import { expect, setDefaultTimeout } from "bun:test";
import { Batch, BatchWriter, createJournal } from "../../../src/journal/index.ts";
import { Clock } from "../../../src/server/clock.ts";
import { Member } from "../../support/cluster.ts";
import { testIf } from "../../support/needs.ts";
import { ascii } from "../../support/packets.ts";
import { hasRedis, NEEDS_REDIS, Redis } from "../../support/redis.ts";
import { LONG_LIMIT_MS, until } from "../../support/time-limits.ts";
import { TcpRelay } from "./tcp-relay.ts";

const KEY = "whereabouts:journal";
const redisTest = testIf(hasRedis, NEEDS_REDIS);
const NODES = 4000;
const names = Array.from({ length: NODES }, (_, i) => `n${i}`);

setDefaultTimeout(LONG_LIMIT_MS);

/** Appends all nodes again and again, as servers do whose nodes announce themselves often. */
async function repeat(redis: Redis, rounds: number): Promise<void> {
  const origin = crypto.getRandomValues(new Uint8Array(8));
  const options = { prefix: "whereabouts", retentionMs: 3.6e6, origin, clock: new Clock() };
  const journal = createJournal({ journal: redis.url, ...options });
  await journal.prepare();
  const writer = new BatchWriter(origin);
  const address = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1);
  const nodeIds = names.map((name) => ascii(name));
  for (let round = 1; round <= rounds; round++) {
    for (const nodeId of nodeIds) {
      writer.addEntry({ nodeId, address, port: round, announcedAt: Date.now(), confirmed: true });
    }
    await journal.append(writer.seal());
    await Bun.sleep(2);
  }
  await journal.close();
}

/** Announcements in the stream. */
async function announcements(redis: Redis): Promise<number> {
  const entries = (await redis.ask("XRANGE", KEY, "-", "+")) as [string, string[]][];
  return entries.reduce((sum, [, fields]) => sum + Batch.parse(Uint8Array.fromBase64(fields[1]!)).count, 0);
}

async function untilTrimmed(redis: Redis): Promise<void> {
  for (const end = performance.now() + 40_000; (await redis.ask("GET", "whereabouts:trimmed")) === null; ) {
    if (performance.now() > end) throw new Error("the stream was not rewritten");
    await Bun.sleep(50);
  }
  await Bun.sleep(200);
}

redisTest(
  "a stream of repetition is rewritten by one of the servers, and no server misses a node or sees a loss",
  async () => {
    await using redis = await Redis.start();
    using cable = new TcpRelay(redis.port);
    await using a = await Member.start(redis.url);
    await using b = await Member.start(redis.url);
    await using slow = await Member.start(`redis://127.0.0.1:${cable.port}`);
    await a.announce(["own"], 7);
    for (const member of [b, slow]) await until(() => member.server.stats().nodes === 1, "the first node");
    cable.cut(true);
    const errors = slow.server.stats().journal.errors;
    await repeat(redis, 16);
    await untilTrimmed(redis);
    // Once, not by each server.
    await Bun.sleep(6000);
    expect(await announcements(redis)).toBeWithin(NODES, 3 * NODES + 1000);
    expect(await redis.ask("GET", "whereabouts:rewrite")).toBeNull();
    cable.cut(false);
    await using late = await Member.start(redis.url);
    for (const member of [a, b, slow, late]) {
      await until(() => member.server.stats().nodes === NODES + 1, "all nodes");
      expect([await member.port("own"), await member.port("n0"), await member.port("n3999")]).toEqual([7, 16, 16]);
      expect(await member.missing(names)).toBe(0);
    }
    // Several checks for a loss of data.
    await Bun.sleep(7000);
    for (const member of [a, b]) expect(member.server.stats().journal).toMatchObject({ errors: 0, bad: 0 });
    expect(slow.server.stats().journal.errors - errors).toBeLessThan(30);
    expect(await redis.ask("GET", "whereabouts:refill")).toBeNull();
  },
);

redisTest("a stream of repetition is left as it is by a server that has no room for all of it", async () => {
  await using redis = await Redis.start();
  await using small = await Member.start(redis.url, { capacity: 1000 });
  await repeat(redis, 16);
  await until(() => small.server.stats().journal.noRoom > 40_000, "the announcements to be read");
  await Bun.sleep(6000);
  expect(await announcements(redis)).toBe(16 * NODES);
  expect(await redis.ask("GET", "whereabouts:trimmed")).toBeNull();
});

redisTest("a stream that was to be rewritten by a server that died is rewritten by another", async () => {
  await using redis = await Redis.start();
  await using a = await Member.start(redis.url);
  // The lease of one that died, and half of what it appended.
  await redis.ask("SET", "whereabouts:rewrite", "busy 0000000000000000", "PX", "4000");
  await repeat(redis, 17);
  await until(() => a.server.stats().nodes === NODES, "all nodes");
  expect(await announcements(redis)).toBe(17 * NODES);
  await untilTrimmed(redis);
  expect(await announcements(redis)).toBe(NODES);
  await using late = await Member.start(redis.url);
  expect(late.server.stats().nodes).toBe(NODES);
});
