import { describe, expect, setDefaultTimeout, setSystemTime, test } from "bun:test";
import { H_SHARDS_AT, SHARD_SEQUENCE } from "../../../assembly/layout.ts";
import { DiscoveryServer, type Limited, type ServerOptions, type ServerStats } from "../../../src/server/index.ts";
import { Client } from "../../support/client.ts";
import { HOUR } from "../../support/clock-steps.ts";
import { testIf } from "../../support/needs.ts";
import { announcement, ascii, query } from "../../support/packets.ts";
import { Threads } from "../../support/threads.ts";
import { TEST_LIMIT_MS, until } from "../../support/time-limits.ts";
import type { FailCommand } from "../faulty-worker.ts";

setDefaultTimeout(TEST_LIMIT_MS);

/** So slow that nothing passes during a test but the bursts. */
const RATE = 1 / 1024;
const LIMITS = { sourceRate: RATE, sourceBurst: 10, nodeRate: RATE, nodeBurst: 20, newRate: RATE, newBurst: 4 };

function start(options: Partial<ServerOptions>): Promise<DiscoveryServer> {
  return DiscoveryServer.start({
    host: "127.0.0.1",
    port: 0,
    capacity: 20_000,
    journal: "memory",
    ...LIMITS,
    ...options,
  });
}

function sum(stats: ServerStats): number {
  return Object.values(stats.verdicts).reduce((a, b) => a + b);
}

/** Sends packets from a source and waits until they are processed, and all that is told of them is written. */
async function send(server: DiscoveryServer, from: string, packets: readonly Uint8Array[]): Promise<void> {
  await using client = await Client.open(server.port, "127.0.0.1", from);
  const { sum } = server.stats().batches;
  for (const packet of packets) client.send(packet);
  await until(() => server.stats().batches.sum >= sum + packets.length, `the packets of ${from}`);
}

const queries = (count: number, id: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => query(ascii(id(i))));
const announcements = (count: number, id: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => announcement(ascii(id(i)), 1));

/** What the server lists, in short. */
function listed(limited: readonly Limited[]): string[] {
  return limited
    .map(({ kind, network, nodeId, limit, option, stopped }) =>
      [kind, network ?? "-", nodeId ? Buffer.from(nodeId).toString() : "-", limit, option, stopped].join(" "),
    )
    .sort();
}

/** Packets that exceed each limit. They come from networks of their own, so that no limit is exceeded by chance. */
async function exceedAll(server: DiscoveryServer): Promise<void> {
  await send(
    server,
    "127.1.0.1",
    queries(15, (i) => `one-${i}`),
  );
  // Each source stays within its limit, but their network has room for 320 packets.
  for (let i = 1; i <= 33; i++)
    await send(
      server,
      `127.2.0.${i}`,
      queries(10, (j) => `${i}-${j}`),
    );
  for (let i = 1; i <= 7; i++)
    await send(
      server,
      `127.3.${i}.1`,
      queries(4, () => "HOT"),
    );
  await send(
    server,
    "127.4.0.1",
    queries(9, () => "MINE"),
  );
  await send(
    server,
    "127.5.0.1",
    announcements(12, (i) => `new-${i}`),
  );
}

const EXCEEDED = [
  "network 127.2.0.0/24 - queries sourceRate 10",
  "node - HOT node nodeRate 8",
  "source 127.1.0.1/32 - queries sourceRate 5",
  "source 127.4.0.1/32 MINE node nodeRate 4",
  "source 127.5.0.1/32 - announcements sourceRate 2",
  "source 127.5.0.1/32 - new newRate 6",
];

for (const [transport, engine] of [
  ["mmsg", "wasm"],
  ["udp", "ts"],
] as const) {
  describe(`a server (transport ${transport}, ${engine} engine)`, () => {
    testIf(process.platform === "linux", "needs all of 127.0.0.0/8")(
      "tells which sources, networks and NodeIDs a limit stops, and goes on when a worker dies",
      async () => {
        using threads = new Threads("tests/server/faulty-worker.ts");
        await using server = await start({ transport, engine, workers: 2 });
        expect(server.limited()).toEqual([]);
        const before = Date.now();
        await exceedAll(server);
        const limited = server.limited();
        expect(listed(limited)).toEqual(EXCEEDED);
        for (const { rate, since, dryRun, stopped } of limited) {
          expect(rate).toBeWithin(stopped / 10, stopped / 9 + 0.001);
          expect(since).toBeWithin(before - 1, Date.now() + 1);
          expect(dryRun).toBe(false);
        }
        const stats = server.stats();
        expect(stats.verdicts).toMatchObject({ "limited-source": 17, "limited-node": 12, "limited-new": 6 });
        expect(sum(stats)).toBe(stats.received);
        expect(stats.batches.sum).toBe(stats.received);

        const fail: FailCommand = {
          type: "fail",
          step: "idle",
          how: "throw",
          wake: new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }),
        };
        for (const worker of threads.list.slice(0, 2)) worker.postMessage(fail);
        await until(() => server.stats().replaced === 2 && server.stats().workers === 2, "other workers");
        expect(listed(server.limited())).toEqual(EXCEEDED);
        await send(
          server,
          "127.4.0.1",
          queries(1, () => "MINE"),
        );
        await send(
          server,
          "127.6.0.1",
          queries(11, (i) => `six-${i}`),
        );
        expect(listed(server.limited())).toEqual(
          EXCEEDED.with(3, "source 127.4.0.1/32 MINE node nodeRate 5")
            .concat("source 127.6.0.1/32 - queries sourceRate 1")
            .sort(),
        );
        const after = server.stats();
        expect(sum(after)).toBe(after.received);
        expect(after.batches.sum).toBe(after.received);
        expect(after.batches.counts.reduce((a, b) => a + b)).toBeGreaterThan(40);
      },
    );

    testIf(process.platform === "linux", "needs all of 127.0.0.0/8")("tells the same in a dry run", async () => {
      await using server = await start({ transport, engine, limitDryRun: true });
      await exceedAll(server);
      const limited = server.limited();
      // A packet that exceeds two limits is listed for the first one.
      expect(listed(limited)).toEqual(EXCEEDED);
      expect(limited.every(({ dryRun }) => dryRun)).toBe(true);
      const { verdicts, dryRun, limiter } = server.stats();
      expect(verdicts).toMatchObject({ "limited-source": 0, "limited-node": 0, "limited-new": 0 });
      expect(dryRun).toMatchObject({ "limited-source": 17, "limited-node": 12, "limited-new": 8 });
      const used = limiter.map(({ limit, key, used }) => `${limit} ${key} ${used}`);
      // The last source of 127.2.0.0/24 found its network's limit used up: nothing counts against its own.
      expect(used).toContain("queries source 41");
      expect(used).toContain("queries network-ipv4 10");
      expect(used).toContain("new source 1");
      expect(used).toContain("node source 351");
      expect(used).toContain("node node 347");
      expect(used).toContain("queries network-ipv6 0");
    });
  });
}

test("statistics of the limiter leave out limits that are turned off", async () => {
  await using server = await start({ nodeRate: 0, newRate: 0 });
  const { limiter } = server.stats();
  expect(limiter.map(({ limit, key }) => `${limit} ${key}`)).toEqual([
    "queries source",
    "queries network-ipv4",
    "queries network-ipv6",
    "queries reserve",
    "announcements source",
    "announcements network-ipv4",
    "announcements network-ipv6",
    "announcements reserve",
  ]);
  for (const table of limiter) expect(table).toMatchObject({ slots: 20_480, used: 0, crowded: 0 });
});

describe("what a server tells of a node", () => {
  test("is its address, port and times, by the clock that the system has now", async () => {
    await using server = await start({ host: "::1", retention: 1800 });
    await using client = await Client.open(server.port, "::1");
    const id = ascii("NODE");
    expect(server.node(id)).toBeUndefined();
    const before = Date.now();
    client.send(announcement(id, 22000));
    await until(() => server.stats().verdicts.stored === 1, "the announcement");
    const node = server.node(id)!;
    expect(node).toMatchObject({ nodeId: id, ip: "::1", port: 22000, confirmed: false, fromJournal: false });
    // The server's clock has whole milliseconds.
    expect(node.announcedAt).toBeWithin(before - 2, Date.now() + 2);
    expect(node.expiresAt).toBe(node.announcedAt + 1_800_000);
    setSystemTime(Date.now() + HOUR);
    try {
      expect(server.node(id)!.announcedAt - node.announcedAt).toBeWithin(HOUR - 1000, HOUR + 1000);
    } finally {
      setSystemTime();
    }
    client.send(announcement(id, 22000));
    await until(() => server.stats().verdicts.refreshed === 1, "the second announcement");
    expect(server.node(id)).toMatchObject({ confirmed: true });
  });

  test("is nothing, if the NodeID is empty or longer than any that is stored", async () => {
    await using server = await start({});
    for (const length of [0, 65, 1008, 5000]) expect(server.node(new Uint8Array(length))).toBeUndefined();
    const text = "NODE" as unknown as Uint8Array;
    expect(() => server.node(text)).toThrow(
      new TypeError("nodeId must be a Uint8Array: nodeIdFromText makes one of a text"),
    );
  });

  test("is an error, if a worker has stopped in the middle of a change there", async () => {
    using threads = new Threads();
    await using server = await start({ capacity: 100 });
    const u32 = new Uint32Array(threads.memory.buffer);
    // The only shard of so small a registry.
    const sequence = (u32[H_SHARDS_AT >>> 2]! + SHARD_SEQUENCE) >>> 2;
    u32[sequence]!++;
    const error = expect.objectContaining({ name: "ServerError", code: "busy" });
    expect(() => server.node(ascii("NODE"))).toThrow(error);
    u32[sequence]!++;
    expect(server.node(ascii("NODE"))).toBeUndefined();
  });
});
