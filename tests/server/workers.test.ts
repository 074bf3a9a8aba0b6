import { describe, expect, test } from "bun:test";
import { closeSync, fstatSync, statSync } from "node:fs";
import {
  DiscoveryServer,
  defaultServerOptions,
  type ServerOptions,
  type ServerStats,
  type TransportName,
} from "../../src/server/index.ts";
import { PacketWorker } from "../../src/server/workers/packet-worker.ts";
import { WorkerReports } from "../../src/server/workers/reports.ts";
import { WorkerSlot } from "../../src/server/workers/slot.ts";
import { Ticks } from "../../src/server/workers/ticks.ts";
import { parseAddress } from "../../src/transport/host.ts";
import { type BoundSocket, bindSocket } from "../../src/transport/socket.ts";
import {
  closeRecordedSockets,
  createSocketRecord,
  revokeRecordedSockets,
  SocketEntry,
} from "../../src/transport/socket-record.ts";
import { Client } from "../support/client.ts";
import { openSockets } from "../support/descriptors.ts";
import { checkInvariants, isIntact } from "../support/invariants.ts";
import { testIf } from "../support/needs.ts";
import { nodeOf } from "../support/nodes.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { Threads } from "../support/threads.ts";
import { LONG_LIMIT_MS, TEST_LIMIT_MS, until } from "../support/time-limits.ts";
import { SOCKET_TRANSPORTS } from "../support/transports.ts";
import { engineMemory } from "../transport/transports.ts";
import { collideAt } from "./contention/contention.ts";
import type { Shortage } from "./descriptor-shortage.ts";
import type { FailCommand } from "./faulty-worker.ts";
import type { WorkerFailures } from "./worker-failures.ts";

const UNLIMITED = { sourceRate: 0, nodeRate: 0, newRate: 0 };

function start(options: Partial<ServerOptions> = {}): Promise<DiscoveryServer> {
  return DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 20_000, ...UNLIMITED, ...options });
}

/** `test`, where there is the transport. */
function on(transport: TransportName): ReturnType<typeof testIf> {
  return testIf(transport === "udp" || process.platform === "linux", "needs Linux");
}

function sum(stats: ServerStats): number {
  return Object.values(stats.verdicts).reduce((a, b) => a + b);
}

async function workerFailures(transport: string, engine: string): Promise<WorkerFailures> {
  const script = new URL("./worker-failures.ts", import.meta.url).pathname;
  const child = Bun.spawn([process.execPath, script, transport, engine], { stdout: "pipe", stderr: "inherit" });
  const out = await child.stdout.text();
  expect(await child.exited).toBe(0);
  return JSON.parse(out);
}

// How long clients wait meanwhile depends on the machine: `bun run bench:resilience` has the targets.
describe.each([
  ["udp", "wasm"],
  ["mmsg", "ts"],
] as const)(
  "workers (transport %s, %s engine) that die, hang or spin under load, with locks held",
  (transport, engine) => {
    on(transport)(
      "are replaced; no node is lost and the registry stays intact",
      async () => {
        const result = await workerFailures(transport, engine);
        expect(result.before).toEqual([]);
        expect(result.lost).toEqual([]);
        expect(result.load.answered).toBeGreaterThan(1000);
        expect(result.damage).toBe("");
        expect(result.workers).toBe(3);
        expect(result.stats.nodes).toBe(2000);
        expect(result.restored).toBe(2000);
        expect(result.stats.journal).toMatchObject({ appended: expect.any(Number), errors: 0 });
        expect(result.stats.replaced).toBeGreaterThanOrEqual(result.failures);
        expect(sum(result.stats)).toBe(result.stats.received);
        expect(result.miscounts).toEqual([]);
        expect(result.readings).toBeGreaterThan(20);
        const { perWorker, journal } = result.stats;
        expect(perWorker.reduce((total, { replaced }) => total + replaced, 0)).toBe(result.stats.replaced);
        for (const worker of perWorker) {
          expect(worker.received).toBeGreaterThan(0);
          expect(worker.heartbeats).toBeGreaterThan(10);
          if (process.platform === "linux") expect(worker.cpuSeconds).toBeGreaterThan(0);
        }
        expect(journal.appends.counts.reduce((a, b) => a + b)).toBeGreaterThan(0);
        expect(journal.appends.sum).toBeGreaterThan(0);
        expect(result.stats.received).toBeGreaterThanOrEqual(result.load.answered);
        // The program itself has checked the reason that each line gives.
        expect(result.log).toHaveLength(result.stats.replaced);
        for (const line of result.log) expect(line).toMatch(/^packet worker [123] was replaced after \d+ ms: \w/);
      },
      LONG_LIMIT_MS,
    );
  },
);

describe.each(SOCKET_TRANSPORTS)("two workers, one wasm and one TypeScript, on transport %s", (transport) => {
  on(transport)(
    "never mix two announcements when many sources announce and query the same nodes",
    async () => {
      const { sent, answered, mixed, stats } = await collideAt(transport, 2);
      expect(mixed).toBe(0);
      expect(answered).toBeGreaterThan(1000);
      expect(stats.received).toBeWithin(sent / 2, sent + 1);
      expect(sum(stats)).toBe(stats.received);
      expect(stats.verdicts.stored).toBeGreaterThan(8);
      expect(stats.verdicts.full).toBeGreaterThan(0);
    },
    TEST_LIMIT_MS,
  );

  on(transport)("share one registry, and their counters add up", async () => {
    await using server = await start({ transport, workers: 2, engine: ["wasm", "ts"] });
    expect(server.stats()).toMatchObject({ workers: 2, replaced: 0 });
    // The kernel chooses the worker by the client's port.
    const clients = await Promise.all(Array.from({ length: 16 }, () => Client.open(server.port)));
    clients.forEach((client, n) => {
      const { id, port } = nodeOf(n);
      client.send(announcement(id, port));
    });
    await until(() => server.stats().verdicts.stored === clients.length, "the announcements");
    for (const client of clients) {
      for (let n = 0; n < clients.length; n++) {
        const { id, port } = nodeOf(n);
        const reply = await client.ask(query(id));
        expect(reply).toEqual(announcement(id, port, Uint8Array.of(127, 0, 0, 1)));
      }
      client.close();
    }
    expect(server.stats().verdicts).toMatchObject({ stored: 16, answered: 256 });
  });
});

describe("the slot of a worker", () => {
  test("is restarted at once, then after longer and longer waits, and is given up in the end", () => {
    const slot = new WorkerSlot(1, "wasm");
    const waits = Array.from({ length: 10 }, () => {
      slot.fail();
      return slot.backoff;
    });
    expect(waits).toEqual([0, 100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
    expect(slot.hopeless).toBe(true);
    const other = new WorkerSlot(2, "wasm");
    for (let i = 0; i < 4; i++) other.fail();
    expect(other.hopeless).toBe(false);
  });
});

describe("the sockets that a dead thread left open", () => {
  const bind = (socketRecord = createSocketRecord()) =>
    bindSocket({ address: parseAddress("127.0.0.1"), port: 0, receiveBuffer: 1, socketRecord });
  const several = () => {
    const socketRecord = createSocketRecord();
    const sockets = [bind(socketRecord), bind(socketRecord), bind(socketRecord)];
    return { sockets, socketRecord };
  };
  const isFree = async (port: number) => {
    try {
      (await Bun.udpSocket({ hostname: "127.0.0.1", port })).close();
      return true;
    } catch {
      return false;
    }
  };

  test("are all closed when the thread is gone, but not those that Bun closes", async () => {
    const { sockets, socketRecord } = several();
    sockets[1]!.entry.handOver();
    closeRecordedSockets(socketRecord);
    for (const { fd } of [sockets[0]!, sockets[2]!]) expect(() => fstatSync(fd)).toThrow("EBADF");
    expect(await Promise.all(sockets.map(({ port }) => isFree(port)))).toEqual([true, false, true]);
    closeSync(sockets[1]!.fd);
  });

  test("are taken from a thread that may wake up, and their descriptor numbers are not used again", async () => {
    const { sockets, socketRecord } = several();
    sockets[1]!.entry.handOver();
    revokeRecordedSockets(socketRecord);
    for (const { fd, port } of sockets) {
      expect(await isFree(port)).toBe(true);
      expect(fstatSync(fd).rdev).toBe(statSync("/dev/null").rdev);
    }
    // The thread ends after all. Bun closes its own.
    closeRecordedSockets(socketRecord);
    closeSync(sockets[1]!.fd);
    for (const { fd } of sockets) expect(() => fstatSync(fd)).toThrow("EBADF");
  });

  test("are left alone if they are closed and other sockets have their descriptor numbers", async () => {
    const { sockets, socketRecord } = several();
    const [erased, handedOver] = sockets as [BoundSocket, BoundSocket];
    erased.close();
    // Closed by Bun, when the thread ended: nothing erases it from the record.
    handedOver.entry.handOver();
    closeSync(handedOver.fd);
    const again = [bind(), bind()];
    expect(again.map(({ fd }) => fd).sort()).toEqual([erased.fd, handedOver.fd].sort());
    revokeRecordedSockets(socketRecord);
    closeRecordedSockets(socketRecord);
    for (const { port, close } of again) {
      expect(await isFree(port)).toBe(false);
      close();
    }
  });

  test("are as many as the record has room for: the next one is not opened", () => {
    const socketRecord = createSocketRecord();
    while (socketRecord.at(-2) === 0) new SocketEntry(socketRecord).open(() => 0);
    expect(() => bind(socketRecord)).toThrow(expect.objectContaining({ code: "EMFILE" }));
  });
});

describe.each(SOCKET_TRANSPORTS)("a thread on transport %s", (transport) => {
  on(transport)("leaves no socket behind when it is terminated before it reports that it listens", async () => {
    using _threads = new Threads("tests/server/silent-worker.ts");
    const { engine, receiveBuffer } = defaultServerOptions();
    const memory = engineMemory();
    const before = openSockets();
    const ticks = new Ticks();
    const reports = new WorkerReports({ maxIdLength: 64, limitDryRun: false });
    const start = { memory, lane: 0, transport, hosts: ["::"], port: 0, reusePort: "first", receiveBuffer } as const;
    const worker = new PacketWorker(
      1,
      { ...start, coalesce: 0, epoch: 0, engine: [engine].flat()[0]! },
      ticks,
      reports,
    );
    await until(() => openSockets() > before, "its socket");
    expect(await worker.end(2000)).toBe(true);
    ticks.stop();
    await until(() => openSockets() === before, "its socket to be closed");
  });

  on(transport)(
    "leaves no socket behind when it cannot listen, nor do the workers that were starting beside it",
    async () => {
      using _threads = new Threads("tests/server/failing-worker.ts");
      const before = openSockets();
      for (let i = 0; i < 3; i++) await start({ transport, workers: 4 }).catch(() => {});
      // A thread that ends late may have opened a socket meanwhile. It is closed when the thread has ended.
      await until(() => openSockets() === before, "the sockets to be closed");
    },
  );
});

describe.each(SOCKET_TRANSPORTS)("a stuck worker on transport %s", (transport) => {
  on(transport)("loses all of its sockets, those of local addresses too", async () => {
    using threads = new Threads("tests/server/faulty-worker.ts");
    const before = openSockets();
    const server = await start({ transport, workers: 2, host: "::" });
    const wake = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    threads.list[0]!.postMessage({ type: "fail", step: "idle", how: "spin", wake } satisfies FailCommand);
    await until(() => server.stats().replaced === 1, "the worker to be replaced");
    for (const host of ["127.0.0.1", "::1", "127.0.0.2"]) {
      // The kernel chooses the worker by the client's port.
      const clients = await Promise.all(Array.from({ length: 40 }, () => Client.open(server.port, host)));
      clients[0]!.send(announcement(ascii("A"), 1));
      expect(await clients[0]!.ask(query(ascii("A"))), host).toBeDefined();
      for (const client of clients) expect(await client.ask(query(ascii("A"))), host).toBeDefined();
      for (const client of clients) client.close();
    }
    await server.stop();
    new Int32Array(wake.buffer)[0] = 1;
    await until(() => openSockets() === before, "all sockets to be closed");
  });
});

describe("a server of many workers", () => {
  test("has all of them listen on the port of the first", async () => {
    using threads = new Threads();
    await using server = await start({ workers: 4 });
    expect(threads.list).toHaveLength(4);
    expect(server.stats().workers).toBe(4);
    expect(server.options.workers).toBe(4);
  });

  test("does not share its port with another server", async () => {
    await using server = await start({ workers: 2 });
    for (const workers of [1, 2]) {
      const second = start({ port: server.port, workers });
      expect(second).rejects.toMatchObject({ name: "ServerError", code: "EADDRINUSE" });
      await second.catch(() => {});
    }
  });

  test("stops while one of them waits for a lock that is never freed", async () => {
    using threads = new Threads("tests/server/faulty-worker.ts");
    const server = await start({ workers: 2 });
    const wake = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    threads.list[0]!.postMessage({ type: "fail", step: "allocate", how: "spin", wake } satisfies FailCommand);
    await until(() => !isIntact(threads.memory), "the lock");
    await using client = await Client.open(server.port);
    for (let n = 0; n < 20; n++) client.send(announcement(nodeOf(n).id, 1));
    await Bun.sleep(50);
    await server.stop();
    expect(() => checkInvariants(new Uint8Array(threads.memory.buffer))).toThrow("is locked");
    new Int32Array(wake.buffer)[0] = 1;
    await until(() => isIntact(threads.memory), "the change to be undone, when the thread has ended");
  });

  test("frees its port when it stops while a worker cannot be terminated", async () => {
    using threads = new Threads("tests/server/faulty-worker.ts");
    const server = await start({ workers: 2 });
    const wake = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    threads.list[0]!.postMessage({ type: "fail", step: "idle", how: "spin", wake } satisfies FailCommand);
    await until(() => server.stats().workers === 1, "the worker to be given up");
    await server.stop();
    (await Bun.udpSocket({ hostname: "127.0.0.1", port: server.port })).close();
    new Int32Array(wake.buffer)[0] = 1;
  });

  test("keeps the counters of a worker that was replaced", async () => {
    using threads = new Threads();
    await using server = await start({ workers: 1 });
    await using client = await Client.open(server.port);
    client.send(announcement(ascii("A"), 1));
    expect(await client.ask(query(ascii("A")))).toBeDefined();
    for (let round = 1; round <= 2; round++) {
      threads.list.at(-1)!.terminate();
      await until(() => server.stats().replaced === round, "another worker");
      expect(await client.ask(query(ascii("A")))).toBeDefined();
    }
    expect(server.stats()).toMatchObject({ received: 4, workers: 1, verdicts: { stored: 1, answered: 3 } });
  });
});

on("mmsg")(
  "a server without free descriptors goes on while a worker hangs, says what failed, and replaces the worker later",
  async () => {
    const script = new URL("./descriptor-shortage.ts", import.meta.url).pathname;
    const child = Bun.spawn(["sh", "-c", 'ulimit -n 100; exec "$@"', "sh", process.execPath, script], {
      stdout: "pipe",
      stderr: "inherit",
    });
    const result: Shortage = JSON.parse(await child.stdout.text());
    expect(result).toMatchObject({ message: "", workers: 2, answered: true });
    // It is logged at each attempt: the log of the command sums it up.
    expect([...new Set(result.log)]).toEqual([
      "packet worker 1 could not be replaced, trying again: too many files are open: raise the limit with ulimit -n",
      expect.stringMatching(/^the socket of packet worker 1 could not be taken away, trying again: EMFILE/),
      expect.stringMatching(
        /^packet worker 1 was replaced after \d+ ms: its heartbeat stopped; its thread has not ended yet$/,
      ),
    ]);
  },
  LONG_LIMIT_MS,
);
