import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { configure, reset } from "@logtape/logtape";
import { Batch, BatchWriter, createJournal, type Journal } from "../../../src/journal/index.ts";
import type { RedisConnection } from "../../../src/journal/redis/connection.ts";
import { RedisStream } from "../../../src/journal/redis/stream.ts";
import { Clock } from "../../../src/server/clock.ts";
import { Client } from "../../support/client.ts";
import { Member } from "../../support/cluster.ts";
import { testIf } from "../../support/needs.ts";
import { announcement, ascii, query } from "../../support/packets.ts";
import { hasRedis, NEEDS_REDIS, Redis } from "../../support/redis.ts";
import { Site, SiteRegistry } from "../../support/registry-site.ts";
import { TEST_LIMIT_MS, until } from "../../support/time-limits.ts";
import { TcpRelay } from "./tcp-relay.ts";

const KEY = "whereabouts:journal";
const redisTest = testIf(hasRedis, NEEDS_REDIS);
// Some tests take seconds, longer on a busy machine.
setDefaultTimeout(TEST_LIMIT_MS);
/**
 * Announcements of one node to two servers are this far apart, in ms: servers that start on a busy machine may have clocks that
 * differ by a few.
 */
const APART_MS = 50;
const range = (count: number, name = "n") => Array.from({ length: count }, (_, i) => `${name}${i}`);

/** Waits until a server answers for a node with this port. */
async function untilKnown(member: Member, name: string, port: number, timeout = 5000): Promise<void> {
  const end = performance.now() + timeout;
  while ((await member.port(name, 50)) !== port) {
    if (performance.now() > end) throw new Error(`${name} is still unknown`);
    await Bun.sleep(10);
  }
}

async function batches(redis: Redis): Promise<Batch[]> {
  const entries = (await redis.ask("XRANGE", KEY, "-", "+")) as [string, string[]][];
  return entries.map(([, fields]) => Batch.parse(Uint8Array.fromBase64(fields[1]!)));
}

/** Waits until the stream holds announcements of `count` nodes. */
async function untilStored(redis: Redis, count: number): Promise<void> {
  for (const end = performance.now() + 25_000; ; await Bun.sleep(100)) {
    const nodes = new Set<string>();
    for (const batch of await batches(redis)) {
      for (let i = 0; i < batch.count; i++) nodes.add(batch.entry(i).nodeId.toHex());
    }
    if (nodes.size === count) return;
    if (performance.now() > end) throw new Error(`the stream holds only ${nodes.size} nodes`);
  }
}

describe("servers that share a Redis", () => {
  redisTest("answer queries for nodes that were announced to another server", async () => {
    await using redis = await Redis.start();
    await using a = await Member.start(redis.url);
    await using b = await Member.start(redis.url);
    await a.announce(["A"], 1);
    await b.announce(["B"], 2);
    await untilKnown(b, "A", 1);
    await untilKnown(a, "B", 2);
    expect(a.server.stats().journal).toMatchObject({ appended: 1, merged: 1, bad: 0, errors: 0 });
    // A server does not append what it has read.
    await Bun.sleep(600);
    expect((await batches(redis)).map(({ count }) => count)).toEqual([1, 1]);
  });

  redisTest("all keep the latest announcement of a node", async () => {
    await using redis = await Redis.start();
    const members = await Promise.all([1, 2, 3].map(() => Member.start(redis.url)));
    for (let round = 0; round < 12; round++) {
      const [one, other] = [members[round % 3]!, members[(round + 1 + (round & 1)) % 3]!];
      await one.announce(["N"], 100 + round);
      await Bun.sleep(APART_MS);
      await other.announce(["N"], 200 + round);
      if (round % 4 === 0) await Bun.sleep(300);
    }
    for (const member of members) await untilKnown(member, "N", 211);
    await Bun.sleep(600);
    for (const member of members) expect(await member.port("N")).toBe(211);
    for (const member of members) await member[Symbol.asyncDispose]();
  });

  redisTest("know every node when they are ready, even one that joins later", async () => {
    await using redis = await Redis.start();
    const names = range(10_000);
    {
      await using a = await Member.start(redis.url);
      await a.announce(names);
      await using b = await Member.start(redis.url);
      await b.announce(names.slice(0, 2500), 3);
    }
    await using late = await Member.start(redis.url);
    expect(late.server.stats()).toMatchObject({ nodes: 10_000, journal: { restored: 10_000 } });
    expect(await late.port("n7")).toBe(3);
    expect(await late.port("n9999")).toBe(22000);
  });

  redisTest("forget expired nodes, and trim the stream to the retention", async () => {
    await using redis = await Redis.start();
    {
      await using a = await Member.start(redis.url, { retention: 1 });
      await a.announce(["OLD"]);
      await until(() => a.server.stats().journal.appended === 1, "the journal");
    }
    await Bun.sleep(1000);
    await using b = await Member.start(redis.url, { retention: 1 });
    expect(b.server.stats()).toMatchObject({ nodes: 0, journal: { merged: 0 } });
    // More than an hour ago.
    const long = Date.now() - 3_700_000;
    await redis.ask("DEL", KEY);
    for (let i = 0; i < 500; i++) await redis.ask("XADD", KEY, `${long + i}-0`, "d", "x".repeat(500));
    // Long enough for a busy machine to append before the first retention ends.
    await using c = await Member.start(redis.url, { retention: 3 });
    await c.announce(["NEW"]);
    await until(() => c.server.stats().journal.appended === 1, "the journal");
    // A server that has just started cannot know whether entries only look old, because Redis's clock was set.
    expect(await redis.ask("XLEN", KEY)).toBe(501);
    await Bun.sleep(3100);
    await c.announce(["LATER"]);
    await until(() => c.server.stats().journal.appended === 2, "the journal");
    expect(await redis.ask("XLEN", KEY)).toBeLessThan(50);
  });

  redisTest("do not see each other with different databases or prefixes", async () => {
    await using redis = await Redis.start();
    await using a = await Member.start(`${redis.url}/1`);
    await using b = await Member.start(`${redis.url}/1`, { journalPrefix: "other" });
    await using c = await Member.start(`${redis.url}/2`);
    await a.announce(["A"]);
    await Bun.sleep(700);
    for (const member of [b, c]) expect(member.server.stats().nodes).toBe(0);
    expect(b.server.stats().journal.where).toBe(`redis://127.0.0.1:${redis.port}/1 (prefix other)`);
  });

  redisTest("read more new entries than fit in one reply", async () => {
    await using redis = await Redis.start();
    await using a = await Member.start(redis.url);
    const origin = new Uint8Array(8).fill(9);
    const journal = createJournal({
      journal: redis.url,
      prefix: "whereabouts",
      retentionMs: 3.6e6,
      origin,
      clock: new Clock(),
    });
    await journal.prepare();
    const address = new Uint8Array(16).fill(1);
    for (let i = 0; i < 100; i++) {
      const writer = new BatchWriter(origin);
      writer.addEntry({ nodeId: ascii(`n${i}`), address, port: 1 + i, announcedAt: Date.now(), confirmed: true });
      await journal.append(writer.seal());
    }
    await journal.close();
    await until(() => a.server.stats().nodes === 100, "all of them");
  });
});

describe.concurrent("a server that loses its Redis", () => {
  redisTest(
    "keeps answering, and all servers know all nodes soon after Redis is back",
    async () => {
      await using redis = await Redis.start({ persistent: true });
      await using a = await Member.start(redis.url);
      await using b = await Member.start(redis.url);
      await a.announce(range(300, "before"));
      await until(() => b.server.stats().nodes === 300, "the first of them");
      await redis.kill();
      await a.announce(range(3000, "a"));
      await b.announce(range(3000, "b"));
      // The same node at both, the second time at b.
      await a.announce(["both"], 1);
      await Bun.sleep(APART_MS);
      await b.announce(["both"], 2);
      await Bun.sleep(3000);
      expect(await a.port("before7")).toBe(22000);
      expect(a.server.stats().journal.errors).toBeGreaterThan(0);
      expect(a.server.stats().journal.lag).toBeGreaterThan(2);
      await redis.run();
      for (const member of [a, b]) await until(() => member.server.stats().nodes === 6301, "all of them");
      for (const member of [a, b]) await untilKnown(member, "both", 2);
      await using late = await Member.start(redis.url);
      expect(late.server.stats().nodes).toBe(6301);
      expect(await a.missing([...range(3000, "b"), ...range(3000, "a"), ...range(300, "before")])).toBe(0);
    },
    TEST_LIMIT_MS,
  );

  redisTest(
    "appends all it knows to a Redis that comes back empty, including nodes of a server that has stopped",
    async () => {
      await using redis = await Redis.start();
      await using a = await Member.start(redis.url);
      await using b = await Member.start(redis.url);
      {
        await using gone = await Member.start(redis.url);
        await gone.announce(range(500, "gone"));
      }
      await a.announce(range(500, "a"));
      await b.announce(range(500, "b"));
      for (const member of [a, b]) await until(() => member.server.stats().nodes === 1500, "all of them");
      await redis.kill();
      await Bun.sleep(500);
      await redis.run();
      await untilStored(redis, 1500);
      await using late = await Member.start(redis.url);
      expect(late.server.stats().nodes).toBe(1500);
    },
    TEST_LIMIT_MS,
  );

  redisTest(
    "adds what it alone has read to an emptied Redis that a server which had missed it refilled first",
    async () => {
      await using redis = await Redis.start();
      using cable = new TcpRelay(redis.port);
      using other = new TcpRelay(redis.port);
      await using a = await Member.start(`redis://127.0.0.1:${cable.port}`);
      await using b = await Member.start(`redis://127.0.0.1:${other.port}`);
      {
        await using gone = await Member.start(redis.url);
        await gone.announce(["early"]);
        for (const member of [a, b]) await until(() => member.server.stats().nodes === 1, "the first");
        other.cut(true);
        await gone.announce(["late"]);
        await until(() => a.server.stats().nodes === 2, "the second");
      }
      // Both have checked the stream by then.
      await Bun.sleep(3500);
      cable.cut(true);
      await redis.ask("FLUSHALL");
      other.cut(false);
      const refilled = async () => `${await redis.ask("GET", "whereabouts:refill")}`.startsWith("done");
      for (let i = 0; i < 250 && !(await refilled()); i++) await Bun.sleep(100);
      expect(b.server.stats().nodes).toBe(1);
      cable.cut(false);
      await until(() => b.server.stats().nodes === 2, "what it had missed");
    },
    TEST_LIMIT_MS,
  );

  redisTest(
    "refills Redis even if the key of the lease holds something else",
    async () => {
      await using redis = await Redis.start();
      await using a = await Member.start(redis.url);
      {
        await using gone = await Member.start(redis.url);
        await gone.announce(["N"]);
        await until(() => a.server.stats().nodes === 1, "the node");
      }
      await Bun.sleep(3500);
      await redis.ask("SET", "whereabouts:refill", "something else");
      await redis.ask("DEL", KEY);
      const refilled = async () => ((await redis.ask("XLEN", KEY)) as number) > 0;
      for (let i = 0; i < 250 && !(await refilled()); i++) await Bun.sleep(100);
      await using late = await Member.start(redis.url);
      expect(late.server.stats().nodes).toBe(1);
    },
    TEST_LIMIT_MS,
  );

  redisTest(
    "notices that the stream was deleted while it was connected",
    async () => {
      await using redis = await Redis.start();
      await using a = await Member.start(redis.url);
      await a.announce(range(100));
      await until(() => a.server.stats().journal.appended === 100, "the journal");
      // It has checked the stream by then.
      await Bun.sleep(3500);
      await redis.ask("FLUSHALL");
      for (let i = 0; i < 250 && ((await redis.ask("XLEN", KEY)) as number) === 0; i++) await Bun.sleep(100);
      await Bun.sleep(500);
      await using late = await Member.start(redis.url);
      expect(late.server.stats().nodes).toBe(100);
    },
    TEST_LIMIT_MS,
  );

  redisTest(
    "appends again what a Redis that went back to an earlier state has lost",
    async () => {
      await using redis = await Redis.start();
      await using a = await Member.start(redis.url);
      await a.announce(["first"]);
      await until(() => a.server.stats().journal.appended === 1, "the journal");
      const dump = (await redis.ask("XRANGE", KEY, "-", "+")) as [string, string[]][];
      await a.announce(["second"]);
      await until(() => a.server.stats().journal.appended === 2, "the journal");
      await redis.kill();
      await redis.run();
      for (const [id, fields] of dump) await redis.ask("XADD", KEY, id, ...fields).catch(() => {});
      await untilStored(redis, 2);
      await using late = await Member.start(redis.url);
      expect(late.server.stats().nodes).toBe(2);
    },
    TEST_LIMIT_MS,
  );

  redisTest(
    "while others do not, for longer than the stream reaches, catches up afterwards",
    async () => {
      await using redis = await Redis.start();
      using cable = new TcpRelay(redis.port);
      await using a = await Member.start(redis.url);
      await using b = await Member.start(`redis://127.0.0.1:${cable.port}`);
      await a.announce(["old"], 1);
      await b.announce(["own"], 2);
      await untilKnown(b, "old", 1);
      cable.cut(true);
      await a.announce(["old", ...range(100, "lost")], 3);
      await until(() => a.server.stats().journal.appended === 102, "the journal");
      await b.announce(["owed"], 4);
      await redis.ask("XTRIM", KEY, "MAXLEN", "0");
      await a.announce(range(100, "new"), 5);
      await until(() => a.server.stats().journal.appended > 200, "the journal");
      expect(b.server.stats().nodes).toBe(3);
      cable.cut(false);
      for (const member of [a, b]) await until(() => member.server.stats().nodes === 203, "all of them");
      for (const member of [a, b]) {
        expect(await member.port("old")).toBe(3);
        expect(await member.port("owed")).toBe(4);
        expect(await member.missing([...range(100, "lost"), ...range(100, "new")])).toBe(0);
      }
    },
    TEST_LIMIT_MS,
  );

  redisTest(
    "starts without Redis after a timeout, and reads the stream once Redis is up",
    async () => {
      await using redis = await Redis.start({ persistent: true });
      {
        await using a = await Member.start(redis.url);
        await a.announce(["A"], 1);
        await until(() => a.server.stats().journal.appended === 1, "the journal");
      }
      await redis.kill();
      const began = performance.now();
      await using b = await Member.start(redis.url);
      expect(performance.now() - began).toBeGreaterThan(4000);
      await b.announce(["B"], 2);
      expect(await b.port("B")).toBe(2);
      const checked = async () => (await b.server.readiness()).checks.find(({ name }) => name === "journal");
      expect(await checked()).toEqual({ name: "journal", ok: false, text: expect.stringContaining("not be read yet") });
      expect(b.server.problems()[0]).toMatchObject({ code: "journal-errors", severity: "error" });
      await redis.run();
      await untilKnown(b, "A", 1);
      // B, and the node of the server's own.
      await until(() => b.server.stats().journal.appended >= 2, "the journal");
      await until(() => b.server.problems().every(({ severity }) => severity !== "error"), "the end of the problem");
      // A result is used again for a second.
      while (!(await checked())!.ok) await Bun.sleep(50);
      expect(await checked()).toEqual({ name: "journal", ok: true, text: "the journal was read" });
    },
    TEST_LIMIT_MS,
  );
});

describe.concurrent("servers that share a Redis", () => {
  redisTest(
    "and whose clocks differ by seconds keep the latest announcement, for exactly the retention",
    async () => {
      await using redis = await Redis.start();
      const RETENTION_MS = 5000;
      const script = new URL("./wrong-clock-server.ts", import.meta.url).pathname;
      const children = [-7000, 0, 9000].map((skew) =>
        Bun.spawn([process.execPath, script, redis.url, `${skew}`, `${RETENTION_MS / 1000}`], {
          stdin: "pipe",
          stdout: "pipe",
          stderr: "inherit",
        }),
      );
      try {
        const clients = await Promise.all(
          children.map(async ({ stdout }) => {
            for await (const line of stdout) return await Client.open(Number(new TextDecoder().decode(line)));
            throw new Error("a server did not start");
          }),
        );
        const ports = () =>
          Promise.all(
            clients.map(async (client) => {
              const reply = await client.ask(query(ascii("N")), 300);
              return reply && new DataView(reply.buffer).getUint16(4);
            }),
          );
        const untilAll = async (port: number | undefined) => {
          const end = performance.now() + 20_000;
          while (!Bun.deepEquals(await ports(), [port, port, port])) {
            if (performance.now() > end) expect(await ports()).toEqual([port, port, port]);
          }
        };
        let announced = 0;
        // In every order, also before the servers have read each other's announcements.
        for (const [round, order] of [
          [0, 1, 2],
          [2, 1, 0],
          [1, 0, 2],
        ].entries()) {
          for (const which of order) {
            clients[which]!.send(announcement(ascii("N"), 100 + round * 10 + which));
            announced = performance.now();
            await Bun.sleep(120);
          }
          await Bun.sleep(700);
          await untilAll(100 + round * 10 + order[2]!);
        }
        await Bun.sleep(announced + RETENTION_MS - 2000 - performance.now());
        expect(await ports()).toEqual([122, 122, 122]);
        await untilAll(undefined);
        // The clocks differ by 7 s and more.
        expect(performance.now() - announced).toBeWithin(RETENTION_MS - 100, RETENTION_MS + 4000);
        for (const client of clients) client.close();
      } finally {
        for (const child of children) child.kill();
      }
    },
    TEST_LIMIT_MS,
  );
});

describe("a Redis with foreign data", () => {
  redisTest("in the stream: invalid entries are skipped and counted", async () => {
    await using redis = await Redis.start();
    const good = new BatchWriter(new Uint8Array(8));
    good.addEntry({
      nodeId: ascii("good"),
      address: new Uint8Array(16),
      port: 5,
      announcedAt: Date.now(),
      confirmed: true,
    });
    await redis.ask("XADD", KEY, "*", "d", "not base64 at all!");
    await redis.ask("XADD", KEY, "*", "other", "field");
    await redis.ask("XADD", KEY, "*", "other", "d", "d", "AAAA");
    await redis.ask("XADD", KEY, "*", "d", "");
    await redis.ask("XADD", KEY, "*", "d", crypto.getRandomValues(new Uint8Array(60_000)).toBase64());
    await redis.ask("XADD", KEY, "*", "d", good.seal().bytes.toBase64());
    await using a = await Member.start(redis.url);
    expect(a.server.stats()).toMatchObject({ nodes: 1, journal: { bad: 5, restored: 1 } });
    await redis.ask("XADD", KEY, "*", "d", "garbage");
    await until(() => a.server.stats().journal.bad === 6, "the garbage");
    await a.announce(["A"]);
    await until(() => a.server.stats().journal.appended === 1, "the journal");
  });

  redisTest(
    "under the journal's key: the server keeps running",
    async () => {
      await using redis = await Redis.start();
      await redis.ask("SET", KEY, "something else");
      const starting = Member.start(redis.url);
      await Bun.sleep(500);
      await redis.ask("DEL", KEY);
      await using a = await starting;
      await a.announce(["A"]);
      await redis.ask("DEL", KEY);
      await redis.ask("SET", KEY, "something else");
      await until(() => a.server.stats().journal.errors > 0, "an error");
      expect(await a.port("A")).toBe(22000);
      await redis.ask("DEL", KEY);
      await until(() => a.server.stats().journal.lag < 1, "the journal");
    },
    TEST_LIMIT_MS,
  );

  redisTest(
    "and no memory left: the server keeps running, and appends what is pending when there is memory",
    async () => {
      await using redis = await Redis.start();
      await using a = await Member.start(redis.url);
      await redis.ask("CONFIG", "SET", "maxmemory", "1", "maxmemory-policy", "noeviction");
      await a.announce(range(100));
      await until(() => a.server.stats().journal.errors > 1, "errors");
      expect(await a.port("n5")).toBe(22000);
      await redis.ask("CONFIG", "SET", "maxmemory", "0");
      await until(() => a.server.stats().journal.appended === 100, "the journal");
    },
    TEST_LIMIT_MS,
  );
});

describe("a stream", () => {
  /** Reads an endless stream of entries of `size` characters; replies of more than `most` characters time out. */
  async function read(size: number, most: number, readings: number) {
    const stream = new RedisStream("p", 1000, new Clock());
    const asked: number[] = [];
    const connection = {
      async send(_command: string, args: readonly string[]) {
        const count = Number(args[1]);
        asked.push(count);
        if (count * size > most) throw new Error("it took too long");
        const entry = (i: number) => [`${i}-0`, ["d", "x".repeat(size)]];
        return { "p:journal": Array.from({ length: count }, (_, i) => entry(i)) };
      },
    } as unknown as RedisConnection;
    for (let i = 0; i < readings; i++) await stream.read(connection, "0-0", 0).catch(() => {});
    return asked;
  }

  test("is read one entry at first, then more per reply until replies are large", async () => {
    expect(await read(100, 1e9, 8)).toEqual([1, 2, 4, 8, 16, 32, 64, 64]);
    expect(await read(700_000, 1e9, 4)).toEqual([1, 2, 2, 2]);
    expect(await read(3_000_000, 1e9, 3)).toEqual([1, 1, 1]);
  });

  test("is not trimmed by age until a retention after the start, and after Redis's clock was set ahead", async () => {
    let [now, ahead] = [1_000_000_000_000, 0];
    const limits: (number | undefined)[] = [];
    const connection = {
      async send(command: string, args: readonly string[]) {
        if (command === "TIME") return [`${Math.floor((now + ahead) / 1000)}`, `${((now + ahead) % 1000) * 1000}`];
        limits.push(args[1] === "MINID" ? now + ahead - Number.parseInt(args[3]!, 10) : undefined);
        return "1-0";
      },
    } as unknown as RedisConnection;
    const hour = 3_600_000;
    const stream = new RedisStream("p", hour, { now: () => now });
    const append = async () => {
      await stream.measureClock(connection);
      await stream.append(connection, new Uint8Array(4), true);
    };
    const margin = hour + 60_000;
    await append();
    now += hour;
    await append();
    ahead = 2 * hour;
    await append();
    now += hour;
    await append();
    now += 60_001;
    await append();
    ahead = -hour;
    await append();
    expect(limits).toEqual([undefined, margin, undefined, undefined, margin, margin]);
  });

  test("is read in replies that are small enough for a slow network", async () => {
    const asked = await read(100, 900, 20);
    expect(asked.filter((count) => count * 100 <= 900).length).toBeGreaterThanOrEqual(10);
  });
});

describe("clocks", () => {
  redisTest("that differ by seconds do no harm: times are converted to Redis's clock and back", async () => {
    await using redis = await Redis.start();
    const real = Date.now;
    let journal: Journal;
    let announcedAt: number;
    try {
      // The clock of this process is 7 s ahead of Redis's.
      Date.now = () => real() + 7000;
      const options = { journal: redis.url, prefix: "whereabouts", retentionMs: 3.6e6, origin: new Uint8Array(8) };
      journal = createJournal({ ...options, clock: new Clock() });
      const site = new Site();
      const registry = new SiteRegistry(site);
      await journal.prepare();
      registry.journal = journal;
      expect(Math.abs(journal.shift + 7000)).toBeLessThan(50);
      announcedAt = real();
      site.announce("n", 5);
      await registry.append();
    } finally {
      Date.now = real;
    }
    await journal.close();
    const [batch] = await batches(redis);
    expect(batch!.time(0)).toBeWithin(announcedAt - 60, real() + 60);
    await using a = await Member.start(redis.url);
    expect(a.server.stats()).toMatchObject({ nodes: 1, journal: { ahead: 0 } });
  });

  redisTest(
    "that differ are logged once; if this machine's clock is set, nothing changes",
    async () => {
      await using redis = await Redis.start();
      const logged: string[] = [];
      const sink = ({ message }: { message: readonly unknown[] }) => void logged.push(message.join(""));
      await configure({
        sinks: { sink },
        loggers: [
          { category: "whereabouts", sinks: ["sink"] },
          { category: ["logtape", "meta"], sinks: [] },
        ],
        reset: true,
      });
      const real = Date.now;
      Date.now = () => real() + 7000;
      const options = { journal: redis.url, prefix: "whereabouts", retentionMs: 3.6e6, origin: new Uint8Array(8) };
      const journal = createJournal({ ...options, clock: new Clock() });
      try {
        await journal.open(new SiteRegistry(new Site()));
        const { shift } = journal;
        expect(Math.abs(shift + 7000)).toBeLessThan(50);
        Date.now = () => real() - 7000;
        // The clocks are compared twice meanwhile.
        await Bun.sleep(6500);
        expect(Math.abs(journal.shift - shift)).toBeLessThan(500);
      } finally {
        Date.now = real;
        await journal.close();
        await reset();
      }
      expect(logged.filter((line) => line.includes("clock"))).toEqual([
        "the clock of this machine is 7.0 s ahead of the clock of Redis: times are converted",
      ]);
    },
    TEST_LIMIT_MS,
  );
});
