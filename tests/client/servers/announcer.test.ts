/** Announcements are confirmed by a query for the own NodeID, and repeated until its answer is right. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { type Confirmed, Discoverer, type DiscovererOptions } from "../../../src/client/index.ts";
import { DiscoveryServer } from "../../../src/server/index.ts";
import { announcement, ascii } from "../../support/packets.ts";
import { lastingPort } from "../../support/ports.ts";
import { TEST_LIMIT_MS, until } from "../../support/time-limits.ts";
import { Relay } from "../lossy-relay.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const startServer = (port = 0) => DiscoveryServer.start({ host: "127.0.0.1", port, capacity: 100 });
const isAnnouncement = (packet: Uint8Array) => packet[0] === 0x20;

/** A node, and what its events were. */
async function announce(port: number, options: DiscovererOptions = {}) {
  const servers = [`127.0.0.1:${port}`];
  const discoverer = await Discoverer.start({ lan: false, nodeId: "ME", port: 4242, servers, ...options });
  const confirmed: Confirmed[] = [];
  const errors: string[] = [];
  discoverer.on("confirmed", (event) => confirmed.push(event));
  discoverer.on("error", ({ message }) => errors.push(message));
  return { discoverer, confirmed, errors, [Symbol.asyncDispose]: () => discoverer.close() };
}

test("a node that a server knows is confirmed, once for each announcement", async () => {
  await using server = await startServer();
  await using node = await announce(server.port);
  await node.discoverer.announce();
  const where = `127.0.0.1:${server.port}`;
  const event = { where, address: where, ip: "127.0.0.1", port: 4242 };
  expect(node.confirmed).toEqual([event, event]);
  expect(node.errors).toEqual([]);
});

test("a lost announcement is repeated within the second, and not after half an hour", async () => {
  await using server = await startServer();
  let announcements = 0;
  const drop = (packet: Uint8Array) => isAnnouncement(packet) && announcements++ < 2;
  await using relay = await Relay.open(server.port, { drop });
  await using node = await announce(relay.port);
  await node.discoverer.announce();
  // The first run needed three of them, and the second one.
  expect(announcements).toBe(4);
  expect(node.confirmed).toHaveLength(2);
});

test("a server that was restarted without its registry gets the node again by itself", async () => {
  const port = await lastingPort();
  let server = await startServer(port);
  await using node = await announce(port, { timings: { confirmInterval: 200, retryFirst: 50, retryLongest: 100 } });
  await until(() => node.confirmed.length === 1, "the first confirmation");
  await server.stop();
  server = await startServer(port);
  await until(() => server.stats().nodes === 1, "the announcement to the new server");
  await until(() => node.confirmed.length === 2, "the second confirmation");
  await server.stop();
});

test("a node that is still known is not announced again before its time", async () => {
  await using server = await startServer();
  await using relay = await Relay.open(server.port);
  await using node = await announce(relay.port, { timings: { confirmInterval: 50 } });
  // The announcement and many routine questions.
  await until(() => relay.queries.length > 20, "questions");
  expect(relay.queries.filter(isAnnouncement)).toHaveLength(1);
  expect(node.confirmed).toHaveLength(1);
});

test("it is announced in intervals, confirmed each time", async () => {
  await using server = await startServer();
  await using node = await announce(server.port, { timings: { serverInterval: 100 } });
  await until(() => node.confirmed.length >= 3, "three announcements");
  expect(server.stats().verdicts.refreshed).toBeGreaterThanOrEqual(2);
});

test("a NodeID that is too long for the server is an error that says so", async () => {
  await using server = await startServer();
  await using node = await announce(server.port, { nodeId: "N".repeat(65) });
  await node.discoverer.announce();
  expect(node.confirmed).toEqual([]);
  expect(node.errors[0]).toBe(
    `127.0.0.1:${server.port}: it does not answer: it may be down, or refuse this node: ` +
      "its NodeID has 65 bytes, and servers accept 64 by default",
  );
});

test("another node with the same NodeID is an error that names its port", async () => {
  const other = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: {
      data(socket, packet, port, address) {
        if (isAnnouncement(packet)) return;
        socket.send(announcement(ascii("ME"), 5, Uint8Array.of(192, 0, 2, 1)), port, address);
      },
      error() {},
    },
  });
  try {
    await using node = await announce(other.port);
    await until(() => node.errors.length === 1, "the error");
    expect(node.errors[0]).toBe(`127.0.0.1:${other.port}: another node announces this NodeID, with port 5`);
    expect(node.confirmed).toEqual([]);
  } finally {
    other.close();
  }
});

test("the own NodeID can be looked up while it is being announced", async () => {
  await using server = await startServer();
  let dropped = 0;
  await using relay = await Relay.open(server.port, { drop: (packet) => isAnnouncement(packet) && dropped++ < 1 });
  await using node = await announce(relay.port);
  expect(await node.discoverer.lookup("ME")).toMatchObject({ port: 4242 });
  await until(() => node.confirmed.length === 1, "the confirmation");
});

test("close() ends an announcement that is being confirmed", async () => {
  const silent = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data() {}, error() {} } });
  const node = await announce(silent.port);
  const announced = node.discoverer.announce();
  await node.discoverer.close();
  await announced;
  expect(node.errors).toEqual([]);
  silent.close();
});
