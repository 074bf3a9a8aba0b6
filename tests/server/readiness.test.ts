import { expect, setDefaultTimeout, test } from "bun:test";
import { DiscoveryServer, type Readiness, type ServerOptions, TRANSPORTS } from "../../src/server/index.ts";
import { Client } from "../support/client.ts";
import { testIf } from "../support/needs.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { Threads } from "../support/threads.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const OPTIONS = { host: "127.0.0.1", port: 0, capacity: 1000, workers: 1 } satisfies Partial<ServerOptions>;

/** Checks until the result is as wanted: on a busy machine a probe may be late. */
async function becomes(server: DiscoveryServer, wanted: (readiness: Readiness) => boolean): Promise<Readiness> {
  const end = performance.now() + TEST_LIMIT_MS / 2;
  for (;;) {
    const readiness = await server.readiness();
    if (wanted(readiness)) return readiness;
    if (performance.now() > end) throw new Error(`waited in vain: ${JSON.stringify(readiness)}`);
    await Bun.sleep(200);
  }
}

const isReady = ({ ready }: Readiness) => ready;
const check = ({ checks }: Readiness, name: string) => checks.find((it) => it.name === name);

for (const transport of TRANSPORTS) {
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
  await becomes(server, isReady);
  await using client = await Client.open(server.port);
  for (let n = 0; n < 20; n++) client.send(announcement(ascii(`NODE${n}`), 1));
  for (let i = 0; i < 2; i++) {
    await Bun.sleep(1100);
    await becomes(server, isReady);
  }
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
  await becomes(brief, isReady);
  await Bun.sleep(1100);
  await becomes(brief, isReady);
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

test("a server whose worker hangs is not ready until it is replaced, and one that stops is not ready", async () => {
  using threads = new Threads("tests/server/faulty-worker.ts");
  const server = await DiscoveryServer.start(OPTIONS);
  await becomes(server, isReady);
  // The result of a check is used for a second.
  await Bun.sleep(1100);
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
