import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { connect } from "node:net";
import { DiscoveryServer, type ServerOptions } from "../../../src/server/index.ts";
import { deviceIdOfPem, formatDeviceId } from "../../../src/syncthing/device-id.ts";
import { Client } from "../../support/client.ts";
import { Device } from "../../support/device.ts";
import { Folder } from "../../support/folder.ts";
import { testIf } from "../../support/needs.ts";
import { announcement, ascii, query } from "../../support/packets.ts";
import { lastingPort } from "../../support/ports.ts";
import { hasRedis, NEEDS_REDIS, Redis } from "../../support/redis.ts";
import { TEST_LIMIT_MS, until } from "../../support/time-limits.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const FIRST = "tcp://192.0.2.7:22000";
const SECOND = "quic://192.0.2.7:22000";
/** What a query over UDP gets: port 22000 and the IP of FIRST. */
const IP = Uint8Array.of(192, 0, 2, 7);

function start(folder: Folder, options: Partial<ServerOptions> = {}): Promise<DiscoveryServer> {
  const files = { httpsCert: folder.at("cert.pem"), httpsKey: folder.at("key.pem") };
  const common = { host: "127.0.0.1", port: 0, capacity: 10_000, https: "127.0.0.1:0", ...files };
  return DiscoveryServer.start({ ...common, ...options });
}

/** The URL of a server, with its device ID. */
function urlOf(server: DiscoveryServer): string {
  return server.https!.url;
}

test("a device that announced itself over HTTPS is found over HTTPS and UDP, and UDP does not replace it", async () => {
  using folder = new Folder();
  await using server = await start(folder);
  const device = new Device();
  expect(await device.addresses(urlOf(server))).toBeUndefined();
  await device.announce(urlOf(server), FIRST, SECOND);
  expect(await device.addresses(urlOf(server))).toEqual([FIRST, SECOND]);
  await using client = await Client.open(server.port);
  expect(await client.ask(query(device.nodeId))).toEqual(announcement(device.nodeId, 22000, IP));
  client.send(announcement(device.nodeId, 9));
  await until(() => server.stats().verdicts["refused-device"] === 1, "the announcement");
  expect(await client.ask(query(device.nodeId))).toEqual(announcement(device.nodeId, 22000, IP));
  expect(server.node(device.nodeId)).toMatchObject({
    ip: "192.0.2.7",
    port: 22000,
    authenticated: true,
    fromJournal: false,
  });
});

test("requests, handshakes, devices and addresses are counted", async () => {
  using folder = new Folder();
  await using server = await start(folder);
  const [device, other] = [new Device(), new Device()];
  await device.announce(urlOf(server), FIRST, SECOND);
  await device.announce(urlOf(server), FIRST);
  await device.addresses(urlOf(server));
  await other.addresses(urlOf(server));
  const { https } = server.stats();
  expect(https).toMatchObject({ devices: 1, addresses: 2, displaced: 0 });
  expect(https.threads).toBeGreaterThan(0);
  // Each is copied by itself, so one may be seen before another.
  await until(() => Object.values(server.stats().https.requests).reduce((a, b) => a + b) === 4, "the requests");
  await until(() => server.stats().https.handshakes === 4, "the handshakes");
  expect(server.stats().https.requests).toMatchObject({ new: 1, known: 1, found: 1 });
});

test("without https and http it listens nowhere else, and knows no device", async () => {
  await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 1000 });
  expect([server.https, server.http]).toEqual([undefined, undefined]);
  expect(server.stats().https).toMatchObject({ devices: 0, threads: 0, connections: 0 });
});

test("the pair that is made at the first start is used again, and only its owner can read it", async () => {
  using folder = new Folder();
  let url: string;
  {
    await using server = await start(folder);
    url = urlOf(server);
    const id = deviceIdOfPem(readFileSync(folder.at("cert.pem"), "utf8"));
    expect(server.https).toMatchObject({ host: "127.0.0.1", deviceId: formatDeviceId(id) });
    expect(url).toBe(`https://127.0.0.1:${server.https!.port}/?id=${formatDeviceId(id)}`);
    expect(statSync(folder.at("key.pem")).mode & 0o777).toBe(0o600);
  }
  await using server = await start(folder, { https: `127.0.0.1:${new URL(url).port}` });
  expect(urlOf(server)).toBe(url);
});

test("a node that announced itself over UDP is told over HTTPS only with httpsUnverified, and a device comes first", async () => {
  using folder = new Folder();
  const device = new Device();
  for (const httpsUnverified of [false, true]) {
    await using server = await start(folder, { httpsUnverified });
    await using client = await Client.open(server.port);
    client.send(announcement(device.nodeId, 22001));
    await until(() => server.stats().nodes > 0, "the announcement");
    expect(await device.addresses(urlOf(server))).toEqual(httpsUnverified ? ["tcp://127.0.0.1:22001"] : undefined);
    await device.announce(urlOf(server), SECOND);
    expect(await device.addresses(urlOf(server))).toEqual([SECOND]);
  }
});

test("devices outlive a restart, over HTTPS and UDP, with all their addresses", async () => {
  using folder = new Folder();
  const journal = `sqlite:${folder.at("registry.db")}`;
  const device = new Device();
  {
    await using server = await start(folder, { journal });
    await device.announce(urlOf(server), FIRST);
    await device.announce(urlOf(server), SECOND);
  }
  await using server = await start(folder, { journal });
  expect(server.stats().journal.devicesRestored).toBe(1);
  expect((await device.addresses(urlOf(server)))?.toSorted()).toEqual([SECOND, FIRST]);
  await using client = await Client.open(server.port);
  expect(await client.ask(query(device.nodeId))).toEqual(announcement(device.nodeId, 22000, IP));
  client.send(announcement(device.nodeId, 9));
  await until(() => server.stats().verdicts["refused-device"] === 1, "the announcement");
});

testIf(hasRedis, NEEDS_REDIS)(
  "servers that share a journal in Redis tell each other's devices, also a server without HTTPS over UDP",
  async () => {
    using folder = new Folder();
    await using redis = await Redis.start();
    const journal = redis.url;
    await using one = await start(folder, { journal });
    await using two = await start(folder, { journal });
    await using udp = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 1000, journal });
    const device = new Device();
    await device.announce(urlOf(one), FIRST, SECOND);
    for (const server of [two, udp]) await until(() => server.stats().https.devices === 1, "the device");
    expect(await device.addresses(urlOf(two))).toEqual([FIRST, SECOND]);
    await using client = await Client.open(udp.port);
    expect(await client.ask(query(device.nodeId))).toEqual(announcement(device.nodeId, 22000, IP));
    await device.announce(urlOf(two), "tcp://198.51.100.9:22000");
    await until(() => one.stats().https.addresses === 3, "the other address");
    expect(await device.addresses(urlOf(one))).toEqual(["tcp://198.51.100.9:22000", FIRST, SECOND]);
  },
);

test("limits of sources count requests over HTTPS and packets together", async () => {
  using folder = new Folder();
  await using server = await start(folder, { sourceRate: 0.001, sourceBurst: 3, nodeRate: 0, newRate: 0 });
  await using client = await Client.open(server.port);
  const device = new Device();
  expect(await device.addresses(urlOf(server))).toBeUndefined();
  for (let i = 0; i < 3; i++) client.send(query(ascii("NODE")));
  await until(() => server.stats().received === 3, "the packets");
  expect(server.stats().verdicts).toMatchObject({ unknown: 2, "limited-source": 1 });
  await expect(device.addresses(urlOf(server))).rejects.toThrow("429");
});

test("a start on a port in use, or with a certificate that does not fit, names the reason and frees the UDP port", async () => {
  using folder = new Folder();
  await using first = await start(folder);
  const port = await lastingPort();
  const https = `127.0.0.1:${first.https!.port}`;
  await expect(start(folder, { port, https })).rejects.toMatchObject({
    name: "ServerError",
    code: "EADDRINUSE",
    message: `cannot listen on https ${https}: the port is in use`,
  });
  await Bun.write(folder.at("other.pem"), new Device().certificate);
  await expect(start(folder, { port, httpsCert: folder.at("other.pem") })).rejects.toMatchObject({
    name: "ServerError",
    code: "key-pair",
    message: `the key in ${folder.at("key.pem")} does not belong to the certificate in ${folder.at("other.pem")}`,
  });
  (await Bun.udpSocket({ hostname: "127.0.0.1", port })).close();
});

test("with sharePort another server can take the port over", async () => {
  using folder = new Folder();
  const first = await start(folder, { sharePort: true });
  const { url, port } = first.https!;
  await using second = await start(folder, { sharePort: true, port: first.port, https: `127.0.0.1:${port}` });
  await first.stop();
  const device = new Device();
  await device.announce(url, FIRST);
  expect(second.stats().https.devices).toBe(1);
  expect(await device.addresses(url)).toEqual([FIRST]);
});

test("a stop ends connections that wait, and frees the port", async () => {
  using folder = new Folder();
  const server = await start(folder);
  const { port } = server.https!;
  const idle = connect(port, "127.0.0.1");
  const closed = new Promise((resolve) => idle.on("close", resolve));
  await new Promise((resolve) => idle.on("connect", resolve));
  idle.on("error", () => {});
  await server.stop();
  await closed;
  Bun.listen({ hostname: "127.0.0.1", port, socket: { data: () => {} } }).stop();
});
