import { afterAll, beforeAll, describe, expect, setDefaultTimeout } from "bun:test";
import type { LogRecord } from "@logtape/logtape";
import { Batch } from "../../../src/journal/index.ts";
import { range, CLOCK_STEPS as STEPS } from "../../support/clock-steps.ts";
import { Member } from "../../support/cluster.ts";
import { testIf } from "../../support/needs.ts";
import { hasRedis, NEEDS_REDIS, Redis } from "../../support/redis.ts";
import { dropLogs, keepLogs, startWithLog, textOf } from "../../support/server-log.ts";
import { SteppingServer } from "../../support/stepping-server.ts";
import { LONG_LIMIT_MS, until } from "../../support/time-limits.ts";
import { ClockRelay } from "./clock-relay.ts";

setDefaultTimeout(LONG_LIMIT_MS);

/** Each test has a prefix of its own in it. */
let redis: Redis;

beforeAll(async () => {
  await keepLogs();
  // Each entry has a node of its own, so that trimming is exact.
  if (hasRedis) redis = await Redis.start({ args: ["--stream-node-max-entries", "1"] });
});

afterAll(async () => {
  if (hasRedis) await redis[Symbol.asyncDispose]();
  await dropLogs();
});

/** The stream of one test. */
class Stream {
  static #count = 0;
  readonly prefix = `test${Stream.#count++}`;
  readonly key = `${this.prefix}:journal`;

  async batches(): Promise<Batch[]> {
    const entries = (await redis.ask("XRANGE", this.key, "-", "+")) as [string, string[]][];
    return entries.map(([, fields]) => Batch.parse(Uint8Array.fromBase64(fields[1]!)));
  }

  async firstId(): Promise<string> {
    const [entry] = (await redis.ask("XRANGE", this.key, "-", "+", "COUNT", "1")) as [[string]];
    return entry[0];
  }

  async lastId(): Promise<string> {
    const [entry] = (await redis.ask("XREVRANGE", this.key, "+", "-", "COUNT", "1")) as [[string]];
    return entry[0];
  }

  /** Waits until each of the nodes was appended with this port. */
  async untilAppended(names: readonly string[], port: number): Promise<void> {
    const missing = new Set(names);
    for (const end = performance.now() + 30_000; ; await Bun.sleep(20)) {
      for (const batch of await this.batches()) {
        for (let i = 0; i < batch.count; i++) {
          const entry = batch.entry(i);
          if (entry.port === port) missing.delete(new TextDecoder().decode(entry.nodeId));
        }
      }
      if (missing.size === 0) return;
      if (performance.now() > end) throw new Error(`not in the stream: ${[...missing]}`);
    }
  }

  /** Waits until the stream was rewritten: the entry `old` is gone, and no batch has times from the future. */
  async untilRewritten(relay: ClockRelay, old: string): Promise<void> {
    for (const end = performance.now() + 60_000; ; await Bun.sleep(100)) {
      const now = Date.now() + relay.ahead;
      const found = (await redis.ask("XRANGE", this.key, old, old)) as unknown[];
      if (found.length === 0 && (await this.batches()).every(({ newest }) => newest <= now)) return;
      if (performance.now() > end) throw new Error("the stream was not rewritten");
    }
  }
}

/** A server in this process, whose clock is right. */
class Server implements AsyncDisposable {
  static #starting: Promise<unknown> = Promise.resolve();
  readonly #stream: Stream;
  readonly #log: readonly LogRecord[];
  readonly #member: Member;

  private constructor(stream: Stream, log: readonly LogRecord[], member: Member) {
    this.#stream = stream;
    this.#log = log;
    this.#member = member;
  }

  static async start(stream: Stream, url = redis.url): Promise<Server> {
    const log: LogRecord[] = [];
    const options = { capacity: 1000, workers: 1, journalPrefix: stream.prefix };
    const start = () => startWithLog(log, () => Member.start(url, options));
    // One at a time: if many start at once, some of them wait so long for Redis that they start without it.
    const starting = Server.#starting.then(start);
    Server.#starting = starting.catch(() => {});
    return new Server(stream, log, await starting);
  }

  stats() {
    return this.#member.server.stats();
  }

  ports(names: readonly string[]): Promise<(number | undefined)[]> {
    return this.#member.ports(names);
  }

  /** Announces nodes and waits until they are in the stream. */
  async announce(names: readonly string[], port: number): Promise<void> {
    await this.#member.announce(names, port);
    await this.#stream.untilAppended(names, port);
  }

  /** Waits until it has noticed that often that the clock of Redis was set. */
  async noticed(times: number): Promise<void> {
    const count = () => this.#log.filter((record) => textOf(record).includes("the clock of Redis was set")).length;
    await until(() => count() >= times, "the log to tell that the clock of Redis was set", 40_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#member[Symbol.asyncDispose]();
  }
}

/** Waits until `ports` gives what is expected. */
async function untilPorts(
  server: Pick<Server, "ports">,
  names: readonly string[],
  expected: readonly number[],
): Promise<void> {
  for (const end = performance.now() + 30_000; ; await Bun.sleep(200)) {
    const ports = await server.ports(names);
    if (Bun.deepEquals(ports, expected)) return;
    if (performance.now() > end) expect(ports).toEqual([...expected]);
  }
}

describe.concurrent("servers that share a Redis", () => {
  for (const [what, step] of STEPS) {
    testIf(hasRedis, NEEDS_REDIS)(`lose nothing, and trim nothing, when the clock of one is set: ${what}`, async () => {
      const stream = new Stream();
      const options = { journalPrefix: stream.prefix };
      await using other = await Server.start(stream);
      const before = range(10, "before");
      const after = range(10, "after");
      const all = [...before, ...after];
      const expected = all.map((name) => (name === "before0" || after.includes(name) ? 2 : 1));
      {
        await using server = await SteppingServer.start(redis.url, 0, options);
        await server.announce(before, 1);
        const first = await stream.firstId();
        await server.step(step);
        await server.announce(["before0"], 2);
        // Longer than it takes until the clocks are compared.
        await Bun.sleep(3500);
        await server.announce(after, 2);
        for (const one of [server, other]) await untilPorts(one, all, expected);
        expect(await stream.firstId()).toBe(first);
        expect(server.log).not.toContain("clock of Redis");
        await server.end("SIGKILL");
      }
      await using again = await SteppingServer.start(redis.url, step, options);
      expect(await again.ports(all)).toEqual(expected);
      await again.step(0);
      await again.announce(["last"], 3);
      await untilPorts(other, ["last", ...all], [3, ...expected]);
      for (const { journal } of [await again.stats(), other.stats()]) {
        expect(journal).toMatchObject({ errors: 0, bad: 0, ahead: 0 });
      }
    });
  }

  for (const [what, step] of STEPS) {
    testIf(hasRedis, NEEDS_REDIS)(
      `lose nothing when the clock of Redis is set, and when it is set right again: ${what}`,
      async () => {
        const stream = new Stream();
        using relay = await ClockRelay.start(redis.port);
        const { url } = relay;
        await using a = await Server.start(stream, url);
        await using b = await Server.start(stream, url);
        {
          await using gone = await Server.start(stream, url);
          await gone.announce(range(5, "gone"), 1);
        }
        await a.announce(range(5, "a"), 1);
        await b.announce(range(5, "b"), 1);
        const all = [...range(5, "gone"), ...range(5, "a"), ...range(5, "b")];
        const expected = all.map(() => 1);
        for (const one of [a, b]) await untilPorts(one, all, expected);

        for (const [round, ms] of [step, 0].entries()) {
          const old = await stream.lastId();
          relay.ahead = ms;
          // Some of the nodes move before the servers have noticed, and after that.
          const moves = [`a${round}`, `gone${round}`, `b${round}`, `gone${2 + round}`] as const;
          await a.announce(moves.slice(0, 2), 2);
          await a.noticed(round + 1);
          await b.announce(moves.slice(2), 2);
          for (const name of moves) expected[all.indexOf(name)] = 2;
          for (const one of [a, b]) await untilPorts(one, all, expected);
          // Until the stream has no times of the earlier clock any more, a server that starts may have to wait.
          await using late = await Server.start(stream, url);
          await untilPorts(late, all, expected);
          await b.noticed(round + 1);
          // What the servers append again comes before these nodes, or in the same batch.
          await a.announce([`later-a${round}`], 3);
          await b.announce([`later-b${round}`], 3);
          await stream.untilRewritten(relay, old);
          await using later = await Server.start(stream, url);
          expect(await later.ports(all)).toEqual(expected);
        }
        for (const one of [a, b]) expect(one.stats().journal).toMatchObject({ errors: 0, bad: 0, noRoom: 0 });
      },
    );

    testIf(hasRedis, NEEDS_REDIS)(
      `lose nothing that one of them writes when it alone has noticed that the clock of Redis was set: ${what}`,
      async () => {
        const stream = new Stream();
        using first = await ClockRelay.start(redis.port);
        using second = await first.another();
        await using a = await Server.start(stream, first.url);
        await using b = await Server.start(stream, second.url);
        const names = range(3, "n");
        await a.announce(names, 1);
        const announced = performance.now();
        const old = await stream.lastId();
        await untilPorts(b, names, [1, 1, 1]);
        // When a notices it, the nodes are nearly 5 s old: if that is the step, the times that a appends again do not look wrong.
        first.hide();
        await Bun.sleep(Math.max(0, 4200 - (performance.now() - announced)));
        first.ahead = step;
        first.show();
        await a.noticed(1);
        while ((await stream.lastId()) === old) await Bun.sleep(20);
        await second.untilPassed(await stream.lastId());
        // b reads this before it can notice the new clock, which it will see as soon as it compares the clocks again.
        second.hide();
        await a.announce(["n0", "n1"], 2);
        await second.untilPassed(await stream.lastId());
        second.ahead = step;
        second.show();
        await b.noticed(1);
        await b.announce(["n1"], 3);
        for (const one of [a, b]) await untilPorts(one, names, [2, 3, 1]);
        await stream.untilRewritten(second, old);
        await using later = await Server.start(stream, second.url);
        await untilPorts(later, names, [2, 3, 1]);
      },
    );
  }
});
