/** The load generator and the echo of `bench:server`. */
import { describe, expect, test } from "bun:test";
import { nodeId } from "../../bench/packets.ts";
import { Clients } from "../../bench/server/load/clients.ts";
import { Latencies } from "../../bench/server/load/latencies.ts";
import { DEFAULT_LOAD, load, WORKLOADS, type Workload } from "../../bench/server/load/load.ts";
import {
  ANNOUNCEMENT_LENGTH,
  PACKET_SIZE,
  Packets,
  QUERY_LENGTH,
  REPLY_LENGTH,
} from "../../bench/server/load/packets.ts";
import { Loaders } from "../../bench/server/subject.ts";
import { createEngineMemory, defaultEngineOptions } from "../../src/engine/index.ts";
import { UNLIMITED } from "../support/harness.ts";
import { testIf } from "../support/needs.ts";
import { announcement, query } from "../support/packets.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";
import { Running } from "./transports.ts";

const NUMBERS = [0, 1, 31, 32, 1023, 59_999, 60_000, 9_999_999, 10_000_000, 2 ** 30 - 1, 2 ** 30, 2 ** 31 - 1];
/** Long enough for a busy machine. The load stops waiting as soon as all replies are there. */
const TAIL_MS = 10_000;
const linux = testIf(process.platform === "linux", "needs Linux");

describe("packets written in place", () => {
  const packets = new Packets(3);
  const at = (i: number, length: number) => packets.bytes.slice(i * PACKET_SIZE, i * PACKET_SIZE + length);
  const port = (n: number) => 1024 + (n % 60_000);

  test("are those of bench/packets.ts, at any position and over any earlier packet", () => {
    for (const n of NUMBERS) {
      for (const i of [0, 2]) {
        packets.writeAnnouncement(i, n);
        expect(at(i, ANNOUNCEMENT_LENGTH)).toEqual(announcement(nodeId(n), port(n)));
        packets.writeQuery(i, n);
        expect(at(i, QUERY_LENGTH)).toEqual(query(nodeId(n)));
      }
    }
  });

  test("are recognized as correct replies, and not with any single bit flipped", () => {
    for (const n of NUMBERS) {
      const reply = announcement(nodeId(n), port(n), Uint8Array.of(127, 1, 2, 3));
      expect(reply.length).toBe(REPLY_LENGTH);
      packets.bytes.set(reply, PACKET_SIZE);
      expect(packets.answered(1, REPLY_LENGTH)).toBe(n);
      expect(packets.answered(1, REPLY_LENGTH - 1)).toBe(-1);
    }
    // The last three bytes are not checked: any address of the clients' network is right.
    for (let bit = 0; bit < (REPLY_LENGTH - 3) * 8; bit++) {
      packets.bytes[PACKET_SIZE + (bit >> 3)]! ^= 1 << (bit & 7);
      expect(packets.answered(1, REPLY_LENGTH), `bit ${bit}`).toBe(-1);
      packets.bytes[PACKET_SIZE + (bit >> 3)]! ^= 1 << (bit & 7);
    }
  });

  test("are right with an address of the clients' network only", () => {
    const others = new Packets(1, 10);
    const answered = (...ip: number[]) => {
      others.bytes.set(announcement(nodeId(7), port(7), Uint8Array.from(ip)));
      return others.answered(0, REPLY_LENGTH);
    };
    expect([answered(10, 1, 2, 3), answered(127, 1, 2, 3)]).toEqual([7, -1]);
  });
});

describe("the latencies of a load", () => {
  test("are those of each client's replies, within 5 us", () => {
    const latencies = new Latencies(2);
    expect(latencies.quantileMs(0.5)).toBe(0);
    for (const [n, sentAt] of [10, 10.2, 10.4].entries()) latencies.sent(1, n, sentAt);
    latencies.sent(0, 0, 11);
    // 1.003 ms, 2.001 ms, 2.001 ms and 5 ms.
    latencies.received(1, 0, 11.003);
    latencies.received(1, 1, 12.201);
    latencies.received(1, 2, 12.401);
    latencies.received(0, 0, 16);
    expect([0.25, 0.5, 0.75, 1].map((q) => latencies.quantileMs(q))).toEqual([1.005, 2.005, 2.005, 5.005]);
  });

  test("leave out queries whose replies were lost, and replies that nothing asked for", () => {
    const latencies = new Latencies(1);
    for (const n of [7, 8, 9]) latencies.sent(0, n, n);
    latencies.received(0, 9, 10);
    latencies.received(0, 9, 50);
    expect(latencies.quantileMs(1)).toBe(1.005);
  });

  test("of an echo, which has no node in its replies, are in the order of the queries", () => {
    const latencies = new Latencies(1);
    for (const n of [7, 8]) latencies.sent(0, n, n);
    latencies.received(0, -1, 9);
    expect(latencies.quantileMs(1)).toBe(2.005);
    latencies.received(0, -1, 9);
    expect(latencies.quantileMs(0.5)).toBe(1.005);
  });

  test("are counted for the last queries when more were sent than can be outstanding", () => {
    const latencies = new Latencies(1);
    for (let n = 0; n < 10_000; n++) latencies.sent(0, n, n);
    latencies.received(0, 9_999, 10_000);
    expect(latencies.quantileMs(1)).toBe(1.005);
  });
});

describe("a load", () => {
  for (const what of Object.keys(WORKLOADS) as Workload[]) {
    linux(`of kind ${what} gets every reply that it expects, and all of them are right`, async () => {
      await using server = await Running.open("mmsg");
      const options = { ...DEFAULT_LOAD, port: server.port, nodes: 2000, what, seconds: 0.3, tailMs: TAIL_MS };
      const result = await load({ ...options, preload: true });
      const { received, verdicts } = server.counters();
      expect(result).toMatchObject({ announced: 2000, wrong: 0 });
      expect(result.expected).toBeGreaterThan(0);
      expect(result.replies).toBe(result.expected);
      expect(verdicts.stored).toBe(2000);
      expect(verdicts.unknown > 0).toBe(what === "miss" || what === "mixed");
      expect(received).toBeGreaterThanOrEqual(result.sent + 2000);
      const more = await load({ ...options, firstSource: 100, seed: 2 });
      expect(more.replies).toBe(more.expected);
    });
  }

  linux("with a pace sends no more than that, waits for no reply, and gets every reply", async () => {
    await using server = await Running.open("mmsg");
    const options = { ...DEFAULT_LOAD, port: server.port, nodes: 2000, seconds: 0.3, tailMs: TAIL_MS };
    await load({ ...options, preload: true, seconds: 0 });
    const paced = await load({ ...options, pace: 5000, window: 1, what: "announce" });
    expect(paced.sent).toBeGreaterThan(100);
    expect(paced.sent).toBeLessThanOrEqual(5000 * paced.seconds);
    expect(paced).toMatchObject({ expected: Math.floor(paced.sent / 32), replies: paced.expected, wrong: 0 });
    expect(paced.medianMs).toBeGreaterThan(0);
    expect(paced.p99Ms).toBeGreaterThanOrEqual(paced.medianMs);
  });

  linux("with a warm-up keeps the pace up before it begins, and counts nothing of that", async () => {
    await using server = await Running.open("mmsg");
    const options = { ...DEFAULT_LOAD, port: server.port, nodes: 2000, seconds: 0.1, tailMs: TAIL_MS };
    await load({ ...options, preload: true, seconds: 0 });
    const before = server.counters().received;
    let warm = 0;
    const begin = async () => {
      warm = server.counters().received - before;
    };
    const paced = await load({ ...options, pace: 5000, warmUpMs: 200 }, begin);
    expect(warm).toBeWithin(1, 1001);
    expect(paced).toMatchObject({ expected: paced.sent, replies: paced.sent, dropped: 0, wrong: 0 });
    expect(server.counters().received).toBe(before + warm + paced.sent);
  });

  linux("of several processes begins when all are ready", async () => {
    const sources: string[] = [];
    const echo = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: {
        data: (socket, data, port, address) => {
          sources.push(address);
          socket.send(data, port, address);
        },
      },
    });
    // The first process is ready long after the other one would have ended.
    const late = 'case "$*" in *"--first-source 0 "*) sleep 1;; esac; exec "$@"';
    const loaders = new Loaders(["sh", "-c", late, "sh"], 2, 1);
    const run = { nodes: 100, what: "hit", seconds: 0.5, seed: 1 } as const;
    const { pids, sent, replies } = await loaders.run({ ...run, port: echo.port, other: { window: 64 } });
    echo.close();
    expect(new Set(pids).size).toBe(2);
    expect(replies).toBe(sent);
    const isLate = sources.map((address) => Number(address.split(".")[3]) <= DEFAULT_LOAD.sources / 2);
    expect(isLate).toContain(true);
    expect(isLate.indexOf(true)).toBeLessThan(isLate.lastIndexOf(false));
  });

  linux("counts the packets that its own receive buffers had no room for", async () => {
    const SENT = 8000;
    const asked = Promise.withResolvers<[port: number, address: string]>();
    const socket = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: { data: (_socket, _data, port, address) => asked.resolve([port, address]) },
    });
    const clients = await Clients.open("127.0.0.1", socket.port, 2, DEFAULT_LOAD.source, 0);
    try {
      clients.send(1, 0, 1);
      const [port, address] = await asked.promise;
      let sent = 0;
      for (let i = 0; i < SENT; i++) if (socket.send("reply", port, address)) sent++;
      const dropped = clients.dropped();
      expect(dropped).toBeGreaterThan(0);
      let received = 0;
      for (let count = clients.receive(1); count > 0; count = clients.receive(1)) received += count;
      expect(received + dropped).toBe(sent);
    } finally {
      clients.close();
      socket.close();
    }
  });

  linux("comes from the addresses after the one that was given", async () => {
    const seen = new Set<string>();
    const both = Promise.withResolvers<void>();
    const server = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: {
        data: (_socket, _data, _port, address) => {
          if (seen.add(address).size === 2) both.resolve();
        },
      },
    });
    // The load blocks this thread, so the server reads its packets afterwards.
    const options = { ...DEFAULT_LOAD, port: server.port, source: "127.8.0.254", firstSource: 1, sources: 2 };
    await load({ ...options, seconds: 0.1, tailMs: 0 }).catch(() => {});
    await both.promise;
    server.close();
    expect(seen).toEqual(new Set(["127.8.0.255", "127.8.1.0"]));
  });

  linux(
    "fails when the server does not store what is announced",
    async () => {
      const memory = createEngineMemory({ ...defaultEngineOptions(), ...UNLIMITED, new: { rate: 1, burst: 100 } });
      await using server = await Running.open("mmsg", { memory });
      const failed = load({ ...DEFAULT_LOAD, port: server.port, nodes: 100_000, preload: true });
      expect(failed).rejects.toThrow("the server does not store node");
      await failed.catch(() => {});
    },
    TEST_LIMIT_MS,
  );

  linux("counts the replies of an echo as wrong, and the echo sends every packet back", async () => {
    const script = new URL("../../bench/server/echo/mmsg.ts", import.meta.url).pathname;
    const echo = Bun.spawn([process.execPath, script], { stdout: "pipe", stderr: "inherit" });
    try {
      let text = "";
      for await (const chunk of echo.stdout.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        if (text.endsWith("\n")) break;
      }
      const { sent, replies, wrong } = await load({
        ...DEFAULT_LOAD,
        port: JSON.parse(text).port,
        seconds: 0.3,
        tailMs: TAIL_MS,
      });
      expect(sent).toBeGreaterThan(0);
      expect(replies).toBe(sent);
      expect(wrong).toBe(sent);
    } finally {
      echo.kill();
      await echo.exited;
    }
  });

  linux("fails where no server listens", async () => {
    const failed = load({ ...DEFAULT_LOAD, port: 9, seconds: 0.3 });
    expect(failed).rejects.toThrow(/^none of \d+ queries was answered$/);
    await failed.catch(() => {});
  });
});
