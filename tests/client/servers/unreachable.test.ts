/** A lookup that no server can answer, because none can be reached, says so. One that none has answered finds nothing. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { Discoverer, DiscoveryError } from "../../../src/client/index.ts";
import { DiscoveryServer } from "../../../src/server/index.ts";
import { Client } from "../../support/client.ts";
import { testIf } from "../../support/needs.ts";
import { hasNetns, NEEDS_NETNS, twoHosts } from "../../support/netns.ts";
import { announcement, ascii } from "../../support/packets.ts";
import { lastingPort } from "../../support/ports.ts";
import { TEST_LIMIT_MS, until } from "../../support/time-limits.ts";

setDefaultTimeout(TEST_LIMIT_MS);

/** Nothing listens there: the ports belong to old services. */
const REFUSED = ["127.0.0.1:9", "127.0.0.1:7"] as const;
/** Its label is too long, so no DNS server is asked. */
const UNRESOLVABLE = `${"a".repeat(64)}.example`;
const CLIENT = JSON.stringify(new URL("../../../src/client/index.ts", import.meta.url).pathname);

const start = (...servers: string[]) => Discoverer.start({ lan: false, servers });

async function failure(lookup: Promise<unknown>): Promise<DiscoveryError> {
  const error = await lookup.then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(DiscoveryError);
  return error as DiscoveryError;
}

async function silentServer() {
  const socket = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data() {}, error() {} } });
  return { address: `127.0.0.1:${socket.port}`, [Symbol.asyncDispose]: async () => socket.close() };
}

test("a lookup at a server where nothing listens is rejected, long before its timeout", async () => {
  await using discoverer = await start(REFUSED[0]);
  const error = await failure(discoverer.lookup("A", { timeout: 1e9 }));
  expect(error).toMatchObject({ code: "ECONNREFUSED", where: REFUSED[0] });
  expect(error.message).toBe(`${REFUSED[0]}: no server listens there (ECONNREFUSED)`);
});

test("so is one at a server whose name does not resolve", async () => {
  await using discoverer = await start(UNRESOLVABLE);
  const error = await failure(discoverer.lookup("A", { timeout: 1e9 }));
  expect(error.code).toBe("ENOTFOUND");
  expect(error.message).toBe(`${UNRESOLVABLE}: the name does not resolve (ENOTFOUND)`);
});

test("with several servers the error names each of them, on one line, and has the last one's code", async () => {
  await using discoverer = await start(...REFUSED, UNRESOLVABLE);
  const error = await failure(discoverer.lookup("A", { timeout: 1e9 }));
  for (const server of [...REFUSED, UNRESOLVABLE]) expect(error.message).toContain(`${server}: `);
  expect(error.message.split("\n")).toHaveLength(1);
  expect(error.code).toBe("ENOTFOUND");
});

test("with one server that only does not answer, the node is not found at the timeout", async () => {
  await using silent = await silentServer();
  await using discoverer = await start(REFUSED[0], silent.address);
  expect(await discoverer.lookup("A", { timeout: 400 })).toBeUndefined();
});

test("one of many lookups has the error in its result, and the others follow", async () => {
  await using discoverer = await start(REFUSED[0]);
  const ids = Array.from({ length: 3_000 }, (_, i) => `NODE-${i}`);
  const results = await Array.fromAsync(discoverer.lookupMany(ids, { timeout: 1e9 }));
  expect(results).toHaveLength(3_000);
  for (const { address, error } of results) {
    expect(address).toBeUndefined();
    expect(error?.code).toBe("ECONNREFUSED");
  }
});

test("there is one error event for a server until it works again", async () => {
  const port = await lastingPort();
  let server = await DiscoveryServer.start({ host: "127.0.0.1", port, capacity: 10 });
  await server.stop();
  await using discoverer = await start(`127.0.0.1:${port}`);
  const errors: DiscoveryError[] = [];
  discoverer.on("error", (error) => errors.push(error));
  for (let i = 0; i < 3; i++) await failure(discoverer.lookup("A"));
  expect(errors).toHaveLength(1);
  server = await DiscoveryServer.start({ host: "127.0.0.1", port, capacity: 10 });
  await using client = await Client.open(port);
  client.send(announcement(ascii("A"), 5));
  // For a second the server still counts as unreachable.
  let found: unknown;
  const look = async () => {
    for (let i = 0; i < 100 && found === undefined; i++) {
      found = await discoverer.lookup("A").catch(() => Bun.sleep(50));
    }
  };
  await look();
  expect(found).toMatchObject({ port: 5 });
  await server.stop();
  await failure(discoverer.lookup("A", { fresh: true }));
  expect(errors).toHaveLength(2);
  expect(discoverer.stats().errors).toBe(2);
});

test("without servers and without the LAN a lookup is an error", async () => {
  await using discoverer = await Discoverer.start({ lan: false });
  expect(discoverer.lookup("A")).rejects.toThrow("there is nobody to ask");
  expect(() => discoverer.lookupMany(["A"])).toThrow("there is nobody to ask");
});

test("close() rejects pending lookups, and ends many with the results so far", async () => {
  await using silent = await silentServer();
  const discoverer = await start(silent.address);
  const one = discoverer.lookup("A");
  one.catch(() => {});
  const many = Array.fromAsync(discoverer.lookupMany(["B", "C"]));
  await Bun.sleep(50);
  await discoverer.close();
  expect(one).rejects.toThrow("the discoverer is closed");
  expect(await many).toEqual([]);
});

testIf(hasNetns, NEEDS_NETNS)(
  "with the LAN it is said at the timeout, because the node may announce itself",
  async () => {
    await using hosts = await twoHosts();
    const script = `
    const { Discoverer } = await import(${CLIENT});
    await using discoverer = await Discoverer.start({ servers: ["${REFUSED[0]}"] });
    const began = performance.now();
    const error = await discoverer.lookup("A", { timeout: 1_000 }).catch((error) => error);
    console.log(error.code, performance.now() - began >= 990);
    setTimeout(() => Discoverer.start({ nodeId: "B", port: 5 }), 300);
    console.log((await discoverer.lookup("B", { timeout: 20_000 })).port);
    process.exit();`;
    const child = Bun.spawn(hosts.a.command([process.execPath, "-e", script]), { stdout: "pipe", stderr: "inherit" });
    expect(await child.stdout.text()).toBe("ECONNREFUSED true\n5\n");
  },
);

test("queries go on after the server was away", async () => {
  const port = await lastingPort();
  let server = await DiscoveryServer.start({ host: "127.0.0.1", port, capacity: 10 });
  await using silent = await silentServer();
  await using discoverer = await start(`127.0.0.1:${port}`, silent.address);
  const errors: DiscoveryError[] = [];
  discoverer.on("error", (error) => errors.push(error));
  await server.stop();
  const lookup = discoverer.lookup("A", { timeout: 20_000 });
  await until(() => errors.length === 1, "the error");
  server = await DiscoveryServer.start({ host: "127.0.0.1", port, capacity: 10 });
  await using client = await Client.open(port);
  client.send(announcement(ascii("A"), 5));
  expect(await lookup).toMatchObject({ port: 5 });
  await server.stop();
});
