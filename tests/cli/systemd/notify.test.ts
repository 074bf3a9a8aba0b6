// What the server tells systemd, and what it takes from its environment.

import { describe, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import { takeListenSockets } from "../../../src/cli/systemd/sockets.ts";
import { Systemd } from "../../../src/cli/systemd/systemd.ts";
import type { DiscoveryServer, Problem } from "../../../src/server/index.ts";
import { OutputLines, start } from "../../support/command.ts";
import { Folder } from "../../support/folder.ts";
import { testIf } from "../../support/needs.ts";
import { NotifyReceiver } from "../../support/notify-receiver.ts";
import { TEST_LIMIT_MS, until } from "../../support/time-limits.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const onLinux = process.platform === "linux";
const SERVER = ["server", "--host", "127.0.0.1", "--port", "0", "--workers", "1"];

/** Stands for a server whose workers have a heartbeat each time that it is asked, unless they are `stuck`. */
class FakeServer {
  ready = true;
  stuck: readonly number[] = [];
  running: readonly boolean[] = [true, true];
  readonly #heartbeats = [0, 0];

  async readiness() {
    return { ready: this.ready, checks: [{ name: "journal", ok: this.ready, text: "the journal is being read" }] };
  }

  stats() {
    const perWorker = this.#heartbeats.map((heartbeats, i) => {
      if (!this.stuck.includes(i + 1)) this.#heartbeats[i]!++;
      return { number: i + 1, running: this.running[i], heartbeats };
    });
    return { nodes: 3, received: 7, workers: 2, perWorker };
  }

  problems(): readonly Pick<Problem, "text">[] {
    return [];
  }
}

/** A service with a watchdog of 20 ms, and systemd's side of it. */
async function service(server: FakeServer, run: (receiver: NotifyReceiver, systemd: Systemd) => Promise<void>) {
  using folder = new Folder();
  using receiver = new NotifyReceiver(folder.at("notify"));
  const env = { NOTIFY_SOCKET: folder.at("notify"), WATCHDOG_USEC: "20000", WATCHDOG_PID: `${process.pid}` };
  const systemd = new Systemd(env);
  expect(env).toEqual({} as typeof env);
  void systemd.watch(server as unknown as DiscoveryServer);
  await run(receiver, systemd);
  systemd.stopping();
}

describe("a service tells systemd", () => {
  testIf(onLinux, "needs Linux")("that it is ready only when the server is, and until then why not", async () => {
    const server = new FakeServer();
    server.ready = false;
    await service(server, async (receiver) => {
      await receiver.has("STATUS=not ready: the journal is being read", 2);
      expect(receiver.lines).not.toContain("READY=1");
      server.ready = true;
      await receiver.has("READY=1");
      await receiver.has("STATUS=3 nodes, 7 packets received, 2 workers");
    });
  });

  testIf(onLinux, "needs Linux")("that it is alive only while every worker that runs has a heartbeat", async () => {
    const server = new FakeServer();
    const fed = (receiver: NotifyReceiver) => receiver.lines.filter((line) => line === "WATCHDOG=1").length;
    await service(server, async (receiver) => {
      await receiver.has("WATCHDOG=1", 3);
      for (const [stuck, running, alive] of [
        [[2], [true, true], false],
        [[], [true, true], true],
        // It is being replaced.
        [[2], [true, false], true],
        [[], [false, false], false],
      ] as const) {
        Object.assign(server, { stuck, running });
        let asked = 0;
        const { stats } = FakeServer.prototype;
        server.stats = () => {
          asked++;
          return stats.call(server);
        };
        // The first look may still compare with heartbeats from before.
        await until(() => asked >= 2, "the watchdog's timer");
        const before = fed(receiver);
        await until(() => asked >= 5, "the watchdog's timer");
        if (alive) await receiver.has("WATCHDOG=1", before + 3);
        else expect(fed(receiver)).toBeLessThanOrEqual(before + 1);
      }
    });
  });

  testIf(onLinux, "needs Linux")(
    "that it is alive twice in the time of the watchdog, and how it is every ten seconds, until it stops",
    async () => {
      const server = new FakeServer();
      const timers = spyOn(globalThis, "setInterval");
      try {
        await service(server, async (receiver, systemd) => {
          await receiver.has("WATCHDOG=1");
          // The first one is the receiver's.
          const [status, watchdog, ...others] = timers.mock.calls.slice(1);
          expect([status![1], watchdog![1], others]).toEqual([10_000, 10, []]);
          server.problems = () => [{ text: "the registry is full" }];
          (status![0] as () => void)();
          await receiver.has("STATUS=the registry is full; 3 nodes, 7 packets received, 2 workers");
          systemd.stopping();
          await receiver.has("STOPPING=1");
          let ticks = 0;
          const timer = setInterval(() => ticks++, 10);
          await until(() => ticks >= 3, "three times that of the watchdog's timer");
          clearInterval(timer);
          expect(receiver.lines.at(-1)).toBe("STOPPING=1");
        });
      } finally {
        timers.mockRestore();
      }
    },
  );

  testIf(onLinux, "needs Linux")("that it is ready again if the first message could not be sent", async () => {
    using folder = new Folder();
    const server = new FakeServer();
    const systemd = new Systemd({ NOTIFY_SOCKET: folder.at("notify") });
    const status = spyOn(server, "stats");
    void systemd.watch(server as unknown as DiscoveryServer);
    await until(() => status.mock.calls.length > 0, "the first attempt");
    using receiver = new NotifyReceiver(folder.at("notify"));
    await receiver.has("READY=1");
    systemd.stopping();
  });

  testIf(onLinux, "needs Linux")("nothing but the stop, if it stops before it was ready", async () => {
    const server = new FakeServer();
    server.ready = false;
    await service(server, async (receiver, systemd) => {
      await receiver.has("STATUS=not ready: the journal is being read");
      const asked = spyOn(server, "readiness");
      systemd.stopping();
      server.ready = true;
      await until(() => asked.mock.calls.length > 0, "the next look at the server");
      let ticks = 0;
      const timer = setInterval(() => ticks++, 10);
      await until(() => ticks >= 3, "what was sent after it");
      clearInterval(timer);
      expect(receiver.lines.at(-1)).toBe("STOPPING=1");
    });
  });

  testIf(onLinux, "needs Linux")("nothing of a watchdog that is for another process", async () => {
    using folder = new Folder();
    using receiver = new NotifyReceiver(folder.at("notify"));
    const timers = spyOn(globalThis, "setInterval");
    try {
      const env = { NOTIFY_SOCKET: folder.at("notify"), WATCHDOG_USEC: "20000", WATCHDOG_PID: `${process.pid + 1}` };
      const systemd = new Systemd(env);
      void systemd.watch(new FakeServer() as unknown as DiscoveryServer);
      await receiver.has("READY=1");
      expect(timers.mock.calls.map(([, ms]) => ms)).toEqual([10_000]);
      systemd.stopping();
    } finally {
      timers.mockRestore();
    }
  });

  testIf(onLinux, "needs Linux")(
    "all of this as a real process, over an abstract socket, and that it stops",
    async () => {
      const address = `@whereabouts-test-${crypto.randomUUID()}`;
      using receiver = new NotifyReceiver(address);
      const child = start(SERVER, { env: { NOTIFY_SOCKET: address, WATCHDOG_USEC: "500000" } });
      await receiver.has("READY=1");
      await receiver.has("WATCHDOG=1", 2);
      expect(receiver.lines).not.toContain("STOPPING=1");
      child.kill("SIGTERM");
      await receiver.has("STOPPING=1");
      expect(await child.exited).toBe(0);
    },
  );

  test("nothing, with one warning, if there is no way to", async () => {
    const child = start(SERVER, { env: { NOTIFY_SOCKET: "vsock:2:1234" } });
    const lines = new OutputLines(child.stdout);
    await lines.next(/listens on/);
    child.kill("SIGTERM");
    expect(await child.exited).toBe(0);
    await lines.end;
    const warnings = lines.lines.filter((line) => line.includes("systemd"));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("systemd is not told when the server is ready: the address vsock:2:1234 is not");
  });
});

describe("the sockets of systemd", () => {
  test("are taken if they are for this process, and the variables are removed", () => {
    const env = { LISTEN_PID: "7", LISTEN_FDS: "2", LISTEN_FDNAMES: "a:b", PATH: "/bin" };
    expect(takeListenSockets(env, 7)).toEqual([3, 4]);
    expect(env).toEqual({ PATH: "/bin" } as typeof env);
  });

  test("of another process, or none, are not taken", () => {
    expect(takeListenSockets({ LISTEN_PID: "8", LISTEN_FDS: "2" }, 7)).toEqual([]);
    expect(takeListenSockets({ LISTEN_PID: "7" }, 7)).toEqual([]);
    expect(takeListenSockets({}, 7)).toEqual([]);
  });
});
