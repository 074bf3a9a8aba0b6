/** `fresh` asks again instead of using what is known. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { Discoverer } from "../../../src/client/index.ts";
import { DiscoveryServer } from "../../../src/server/index.ts";
import { Client } from "../../support/client.ts";
import { testIf } from "../../support/needs.ts";
import { hasNetns, NEEDS_NETNS, twoHosts } from "../../support/netns.ts";
import { announcement, ascii } from "../../support/packets.ts";
import { TEST_LIMIT_MS, until } from "../../support/time-limits.ts";
import { Relay } from "../lossy-relay.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const CLIENT = JSON.stringify(new URL("../../../src/client/index.ts", import.meta.url).pathname);

const startServer = () => DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 10 });
const start = (port: number) => Discoverer.start({ lan: false, servers: [`127.0.0.1:${port}`] });

/** Announces node A with another port. */
async function move(server: DiscoveryServer, port: number): Promise<void> {
  await using client = await Client.open(server.port);
  const before = server.stats().received;
  client.send(announcement(ascii("A"), port));
  await until(() => server.stats().received > before, "the announcement");
}

test("a fresh lookup gets the new address of a node that has moved, and later ones get it too", async () => {
  await using server = await startServer();
  await using discoverer = await start(server.port);
  await move(server, 1);
  expect(await discoverer.lookup("A")).toMatchObject({ port: 1 });
  await move(server, 2);
  expect(await discoverer.lookup("A")).toMatchObject({ port: 1 });
  expect(await discoverer.lookup("A", { fresh: true })).toMatchObject({ port: 2 });
  expect(await discoverer.lookup("A")).toMatchObject({ port: 2 });
});

test("it does not use that a node was unknown, either", async () => {
  await using server = await startServer();
  await using discoverer = await start(server.port);
  expect(await discoverer.lookup("A")).toBeUndefined();
  await move(server, 1);
  expect(await discoverer.lookup("A")).toBeUndefined();
  expect(await discoverer.lookup("A", { fresh: true })).toMatchObject({ port: 1 });
});

test("it shares the queries of a lookup that is already running", async () => {
  await using server = await startServer();
  await move(server, 1);
  await using relay = await Relay.open(server.port);
  await using discoverer = await start(relay.port);
  await Promise.all([discoverer.lookup("A"), discoverer.lookup("A", { fresh: true })]);
  // Through two sockets.
  expect(relay.queries).toHaveLength(2);
});

test("an unconfirmed result is no result for a lookup that wants a confirmed one, but the other way round", async () => {
  await using server = await startServer();
  await move(server, 1);
  await using relay = await Relay.open(server.port);
  await using discoverer = await start(relay.port);
  const asked = async (confirm: boolean) => {
    const before = relay.queries.length;
    expect(await discoverer.lookup("A", { confirm })).toMatchObject({ port: 1 });
    return relay.queries.length - before;
  };
  expect(await asked(false)).toBe(1);
  expect(await asked(false)).toBe(0);
  expect(await asked(true)).toBe(2);
  expect(await asked(true)).toBe(0);
  expect(await asked(false)).toBe(0);
});

test("a lookup that wants a confirmed result and joins one that does not makes its query a confirmed one", async () => {
  await using server = await startServer();
  await using relay = await Relay.open(server.port);
  await using discoverer = await start(relay.port);
  const [many] = [Array.fromAsync(discoverer.lookupMany(["A"], { timeout: 20_000 }))];
  await until(() => relay.queries.length === 1, "the query");
  const one = discoverer.lookup("A", { timeout: 20_000 });
  await until(() => relay.queries.length >= 3, "two queries at once");
  await move(server, 1);
  expect(await one).toMatchObject({ port: 1 });
  expect((await many)[0]?.address).toMatchObject({ port: 1 });
  // A later one uses the confirmed result.
  const before = relay.queries.length;
  await discoverer.lookup("A");
  expect(relay.queries).toHaveLength(before);
});

testIf(hasNetns, NEEDS_NETNS)(
  "on the LAN it waits for a new announcement, and falls back to the last one at the timeout",
  async () => {
    await using hosts = await twoHosts();
    const script = `
      const { Discoverer } = await import(${CLIENT});
      const mine = await Discoverer.start();
      const theirs = await Discoverer.start({ nodeId: "THEIRS", port: 5 });
      await mine.lookup("THEIRS", { timeout: 20_000 });
      setTimeout(() => theirs.announce(), 300);
      let began = performance.now();
      console.log((await mine.lookup("THEIRS", { fresh: true, timeout: 40_000 })).port, performance.now() - began < 30_000);
      await theirs.close();
      began = performance.now();
      console.log((await mine.lookup("THEIRS")).port, performance.now() - began < 900);
      console.log((await mine.lookup("THEIRS", { fresh: true, timeout: 1_000 })).port, performance.now() - began >= 990);
      process.exit();`;
    const child = Bun.spawn(hosts.a.command([process.execPath, "-e", script]), { stdout: "pipe", stderr: "inherit" });
    expect(await child.stdout.text()).toBe("5 true\n5 true\n5 true\n");
  },
);
