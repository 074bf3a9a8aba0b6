import { describe, expect, setDefaultTimeout } from "bun:test";
import { range, CLOCK_STEPS as STEPS } from "../../support/clock-steps.ts";
import { testIf } from "../../support/needs.ts";
import { hasRedis, NEEDS_REDIS, Redis } from "../../support/redis.ts";
import { SteppingServer } from "../../support/stepping-server.ts";
import { LONG_LIMIT_MS } from "../../support/time-limits.ts";
import { ClockRelay } from "./clock-relay.ts";

const KEY = "whereabouts:journal";
/** Each entry has a node of its own, so that trimming is exact. */
const EXACT = ["--stream-node-max-entries", "1"];

setDefaultTimeout(LONG_LIMIT_MS);

/** Waits until `ports` gives what is expected. */
async function untilPorts(
  server: SteppingServer,
  names: readonly string[],
  expected: readonly number[],
): Promise<void> {
  for (const end = performance.now() + 30_000; ; await Bun.sleep(200)) {
    const ports = await server.ports(names);
    if (Bun.deepEquals(ports, expected)) return;
    if (performance.now() > end) expect(ports).toEqual([...expected]);
  }
}

/** Waits until the server has noticed that often that the clock of Redis was set. */
async function untilNoticed(server: SteppingServer, times: number): Promise<void> {
  for (const end = performance.now() + 40_000; server.log.split("of Redis was set").length <= times; ) {
    if (performance.now() > end) throw new Error(`not noticed: ${server.log}`);
    await Bun.sleep(100);
    await server.stats();
  }
}

describe.concurrent("servers that share a Redis", () => {
  for (const [what, step] of STEPS) {
    testIf(hasRedis, NEEDS_REDIS)(`lose nothing, and trim nothing, when the clock of one is set: ${what}`, async () => {
      await using redis = await Redis.start({ args: EXACT });
      await using other = await SteppingServer.start(redis.url);
      const before = range(10, "before");
      const after = range(10, "after");
      const all = [...before, ...after];
      const expected = all.map((name) => (name === "before0" || after.includes(name) ? 2 : 1));
      {
        await using server = await SteppingServer.start(redis.url);
        await server.announce(before, 1);
        const [first] = (await redis.ask("XRANGE", KEY, "-", "+", "COUNT", "1")) as [[string]];
        await server.step(step);
        await server.announce(["before0"], 2);
        // Longer than it takes until the clocks are compared.
        await Bun.sleep(3500);
        await server.announce(after, 2);
        for (const one of [server, other]) await untilPorts(one, all, expected);
        expect(await redis.ask("XRANGE", KEY, "-", "+", "COUNT", "1")).toEqual([first]);
        expect(server.log).not.toContain("clock of Redis");
        await server.end("SIGKILL");
      }
      await using again = await SteppingServer.start(redis.url, step);
      expect(await again.ports(all)).toEqual(expected);
      await again.step(0);
      await again.announce(["last"], 3);
      await untilPorts(other, ["last", ...all], [3, ...expected]);
      for (const one of [again, other]) {
        expect((await one.stats()).journal).toMatchObject({ errors: 0, bad: 0, ahead: 0 });
      }
    });
  }

  for (const [what, step] of STEPS) {
    testIf(hasRedis, NEEDS_REDIS)(
      `lose nothing when the clock of Redis is set, and when it is set right again: ${what}`,
      async () => {
        await using redis = await Redis.start({ args: EXACT });
        using relay = await ClockRelay.start(redis.port);
        const { url } = relay;
        await using a = await SteppingServer.start(url);
        await using b = await SteppingServer.start(url);
        {
          await using gone = await SteppingServer.start(url);
          await gone.announce(range(5, "gone"), 1);
        }
        await a.announce(range(5, "a"), 1);
        await b.announce(range(5, "b"), 1);
        const all = [...range(5, "gone"), ...range(5, "a"), ...range(5, "b")];
        const expected = all.map(() => 1);
        for (const one of [a, b]) await untilPorts(one, all, expected);

        for (const [round, ms] of [step, 0].entries()) {
          relay.ahead = ms;
          // Some of the nodes move before the servers have noticed, and after that.
          const moves = [`a${round}`, `gone${round}`, `b${round}`, `gone${2 + round}`] as const;
          await a.announce(moves.slice(0, 2), 2);
          await untilNoticed(a, round + 1);
          await b.announce(moves.slice(2), 2);
          for (const name of moves) expected[all.indexOf(name)] = 2;
          for (const one of [a, b]) await untilPorts(one, all, expected);
          // Until the stream has no times of the earlier clock any more, a server that starts may have to wait.
          await using late = await SteppingServer.start(url);
          await untilPorts(late, all, expected);
          await Bun.sleep(7000);
          await using later = await SteppingServer.start(url);
          expect(await later.ports(all)).toEqual(expected);
        }
        for (const one of [a, b]) expect((await one.stats()).journal).toMatchObject({ errors: 0, bad: 0, noRoom: 0 });
      },
    );

    testIf(hasRedis, NEEDS_REDIS)(
      `lose nothing that one of them writes when it alone has noticed that the clock of Redis was set: ${what}`,
      async () => {
        await using redis = await Redis.start({ args: EXACT });
        using first = await ClockRelay.start(redis.port);
        using second = await first.another();
        await using a = await SteppingServer.start(first.url);
        await using b = await SteppingServer.start(second.url);
        const names = range(3, "n");
        await a.announce(names, 1);
        await untilPorts(b, names, [1, 1, 1]);
        first.ahead = step;
        await untilNoticed(a, 1);
        // b reads this before it can notice the new clock, which it will see as soon as it compares the clocks again.
        second.hide();
        await a.announce(["n0", "n1"], 2);
        const [last] = (await redis.ask("XREVRANGE", KEY, "+", "-", "COUNT", "1")) as [[string]];
        await second.untilPassed(last[0]);
        second.ahead = step;
        second.show();
        await untilNoticed(b, 1);
        await b.announce(["n1"], 3);
        for (const one of [a, b]) await untilPorts(one, names, [2, 3, 1]);
        await Bun.sleep(7000);
        await using later = await SteppingServer.start(second.url);
        await untilPorts(later, names, [2, 3, 1]);
      },
    );
  }
});
