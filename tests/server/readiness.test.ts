import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { createCodec } from "../../src/codec/index.ts";
import { Probe } from "../../src/server/health/probe.ts";
import { ReadinessChecks } from "../../src/server/health/readiness.ts";
import { DiscoveryServer, type Readiness, type ReadinessCheck, type ServerOptions } from "../../src/server/index.ts";
import { Client } from "../support/client.ts";
import { testIf } from "../support/needs.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { Threads } from "../support/threads.ts";
import { TEST_LIMIT_MS, until } from "../support/time-limits.ts";
import { SOCKET_TRANSPORTS } from "../support/transports.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const OPTIONS = { host: "127.0.0.1", port: 0, capacity: 1000, workers: 1 } satisfies Partial<ServerOptions>;

/** Checks until the result is as wanted: on a busy machine a probe may be late. */
async function becomes(server: DiscoveryServer, wanted: (readiness: Readiness) => boolean): Promise<Readiness> {
  const end = performance.now() + TEST_LIMIT_MS / 2;
  for (;;) {
    const readiness = await server.readiness();
    if (wanted(readiness)) return readiness;
    if (performance.now() > end) throw new Error(`waited in vain: ${JSON.stringify(readiness)}`);
    await Bun.sleep(20);
  }
}

const isReady = ({ ready }: Readiness) => ready;

/** Waits until a check after the one with the result `last` finds the server ready. */
function becomesReadyAfter(last: Readiness, server: DiscoveryServer): Promise<Readiness> {
  return becomes(server, (readiness) => readiness !== last && readiness.ready);
}

const check = ({ checks }: Readiness, name: string) => checks.find((it) => it.name === name);

for (const transport of SOCKET_TRANSPORTS) {
  testIf(transport === "udp" || process.platform === "linux", "needs Linux")(
    `a server on transport ${transport} is ready at every kind of address, and stores one node of its own`,
    async () => {
      for (const host of ["127.0.0.1", "::", "0.0.0.0", "::1", "::ffff:127.0.0.1", ["127.0.0.2", "::1"]]) {
        await using server = await DiscoveryServer.start({ ...OPTIONS, host, transport });
        const { checks } = await becomes(server, isReady);
        expect(checks.map(({ name, ok }) => ({ name, ok }))).toEqual([
          { name: "sockets", ok: true },
          { name: "journal", ok: true },
          { name: "workers", ok: true },
          { name: "probe", ok: true },
        ]);
        expect(check({ ready: true, checks }, "probe")!.text).toMatch(/ were answered within \d+ ms$/);
        expect(server.stats().nodes).toBe(1);
      }
    },
  );
}

test("many checks at once are one probe, whose result is used again", async () => {
  await using server = await DiscoveryServer.start(OPTIONS);
  const results = await Promise.all(Array.from({ length: 1000 }, () => server.readiness()));
  expect(new Set(results).size).toBe(1);
  expect(await server.readiness()).toBe(results[0]!);
  // At most three packets per attempt, and four attempts.
  expect(server.stats().received).toBeWithin(1, 13);
});

test("limits do not apply to probes, and they keep their one node in a full registry", async () => {
  const limits = { sourceRate: 0.001, sourceBurst: 1, nodeRate: 0.001, nodeBurst: 1, newRate: 0.001, newBurst: 1 };
  await using server = await DiscoveryServer.start({ ...OPTIONS, ...limits, capacity: 4, allow: ["127.0.0.1"] });
  const last = await becomes(server, isReady);
  const ended = performance.now();
  await using client = await Client.open(server.port);
  for (let n = 0; n < 20; n++) client.send(announcement(ascii(`NODE${n}`), 1));
  await until(() => server.stats().received >= 20, "the announcements");
  await becomesReadyAfter(last, server);
  // A result is used again for a second.
  expect(performance.now() - ended).toBeGreaterThan(500);
  const { verdicts, nodes } = server.stats();
  expect(nodes).toBe(4);
  // The node of the server has given way to none, so it was stored once.
  expect(verdicts.stored).toBe(21);
  expect(verdicts["limited-source"] + verdicts["limited-node"] + verdicts["limited-new"]).toBe(0);
});

test("a registry that is full of confirmed nodes, short NodeIDs and a short retention do not matter", async () => {
  await using server = await DiscoveryServer.start({ ...OPTIONS, capacity: 3, maxIdLength: 1 });
  await using client = await Client.open(server.port);
  for (const id of ["A", "B", "C"]) {
    for (let i = 0; i < 2; i++) client.send(announcement(ascii(id), 7));
    expect(await client.ask(query(ascii(id)))).toBeDefined();
  }
  await becomes(server, isReady);
  for (const id of ["A", "B", "C"]) {
    expect(await client.ask(query(ascii(id)))).toEqual(announcement(ascii(id), 7, Uint8Array.of(127, 0, 0, 1)));
  }
  await using brief = await DiscoveryServer.start({ ...OPTIONS, retention: 1, maxIdLength: 1 });
  const last = await becomes(brief, isReady);
  await until(() => brief.stats().nodes === 0, "the end of the retention");
  await becomesReadyAfter(last, brief);
});

test("a probe takes no NodeID that another node has", async () => {
  await using server = await DiscoveryServer.start({ ...OPTIONS, maxIdLength: 1, newRate: 0, sourceRate: 0 });
  await using client = await Client.open(server.port);
  // All but one.
  for (let id = 0; id < 255; id++) client.send(announcement(Uint8Array.of(id), 7));
  expect(await client.ask(query(Uint8Array.of(254)))).toBeDefined();
  await becomes(server, isReady);
  for (let id = 0; id < 255; id++) {
    expect(await client.ask(query(Uint8Array.of(id)))).toEqual(
      announcement(Uint8Array.of(id), 7, Uint8Array.of(127, 0, 0, 1)),
    );
  }
});

/** A probe of what listens on a port, in a registry that knows no other node. */
function probeOf(port: number, ...addresses: string[]): Promise<ReadinessCheck> {
  const reader = { read: () => undefined, sample: () => undefined };
  const source = "127.1.2.3";
  return new Probe({ addresses, port, maxIdLength: 1008, source, reader, now: () => 0, full: () => false }).run();
}

/** Answers queries for a node by what `change` makes of the right answer. */
function standIn(change: (nodeId: Uint8Array, port: number) => [Uint8Array, number] | undefined) {
  const codec = createCodec({ backend: "ts" });
  let announced = 0;
  return Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: {
      data(socket, datagram, port, address) {
        const packet = codec.decode(datagram);
        if (packet.type === "announcement") announced = packet.port;
        const answer = packet.type === "query" ? change(packet.nodeId, announced) : undefined;
        if (answer !== undefined) socket.send(announcement(...answer, Uint8Array.of(127, 0, 0, 1)), port, address);
      },
      error() {},
    },
  });
}

test("a probe fails on an address without an answer, and does not take an answer about another node for it", async () => {
  const sockets = await Promise.all([
    standIn((nodeId, port) => [nodeId, port]),
    standIn(() => undefined),
    standIn((nodeId, port) => [nodeId.map((byte) => byte ^ 1), port]),
    standIn((nodeId, port) => [nodeId, port ^ 1]),
  ]);
  const [right, silent, otherNode, otherPort] = sockets.map(({ port }) => port) as [number, number, number, number];
  const results = await Promise.all([
    probeOf(right, "127.0.0.1"),
    probeOf(silent, "127.0.0.1"),
    probeOf(otherNode, "127.0.0.1"),
    probeOf(otherPort, "127.0.0.1"),
    probeOf(right, "127.0.0.1", "127.0.0.2"),
    probeOf(silent, "fe80::1"),
  ]);
  const failed = (address: string) =>
    `false: ${address} did not answer an announcement and a query of the server's own within 1 s`;
  expect(results.map(({ ok, text }) => `${ok}: ${text}`)).toEqual([
    expect.stringMatching(/^true: an announcement and a query/),
    failed("127.0.0.1"),
    failed("127.0.0.1"),
    failed("127.0.0.1"),
    failed("127.0.0.2"),
    "true: not tried: from link-local addresses, servers take no announcements",
  ]);
  for (const socket of sockets) socket.close();
});

testIf(existsSync("/etc/machine-id"), "needs the machine's id")(
  "a probe has the same NodeID after a restart on the same port, and another one on another port",
  async () => {
    const ids: string[] = [];
    const answer = (nodeId: Uint8Array, port: number): [Uint8Array, number] => {
      ids.push(nodeId.toHex());
      return [nodeId, port];
    };
    const sockets = await Promise.all([standIn(answer), standIn(answer)]);
    for (const { port } of [sockets[0], sockets[0], sockets[1]]) {
      expect(await probeOf(port, "127.0.0.1")).toMatchObject({ ok: true });
    }
    const [first, second, other] = ids;
    expect([first!.length, second]).toEqual([32, first!]);
    expect(other).not.toBe(first!);
    for (const socket of sockets) socket.close();
  },
);

test("a check that was not over when the stop began says that the server is stopping", async () => {
  const answered = Promise.withResolvers<ReadinessCheck>();
  const checks = new ReadinessChecks({
    workers: 1,
    listening: () => 1,
    missing: () => [],
    restored: () => true,
    probe: () => answered.promise,
  });
  const running = checks.check();
  checks.stop();
  answered.resolve({ name: "probe", ok: true, text: "" });
  expect(await running).toMatchObject({ ready: false, checks: [{ text: "the server is stopping" }] });
});

test("a server whose worker hangs is not ready until it is replaced, and one that stops is not ready", async () => {
  using threads = new Threads("tests/server/faulty-worker.ts");
  const server = await DiscoveryServer.start(OPTIONS);
  const wake = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  threads.list[0]!.postMessage({ type: "fail", wake, step: "idle", how: "sleep" });
  const hung = await becomes(server, ({ ready }) => !ready);
  expect(hung.checks.some(({ name, ok }) => !ok && (name === "workers" || name === "probe"))).toBe(true);
  await becomes(server, isReady);
  expect(server.stats().replaced).toBe(1);
  const stopped = server.stop();
  expect(await server.readiness()).toEqual({
    ready: false,
    checks: [{ name: "sockets", ok: false, text: "the server is stopping" }],
  });
  await stopped;
});
