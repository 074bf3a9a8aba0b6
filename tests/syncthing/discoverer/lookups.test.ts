// Lookups on servers, without the LAN. The servers are scripted ones, under Bun.
import { afterAll, expect, test } from "bun:test";
import type { DiscoveryError } from "../../../src/client/index.ts";
import { formatDeviceId, SyncthingDiscoverer } from "../../../src/syncthing/index.ts";
import { Folder } from "../../support/folder.ts";
import { testIf } from "../../support/needs.ts";
import { DeadPort } from "../../support/ports.ts";
import { hasOpenssl, NEEDS_OPENSSL, selfSigned } from "../../support/syncthing/certificates.ts";
import { until } from "../../support/time-limits.ts";
import { FOUND_RESULT, finds, reply, ScriptedServer } from "../global/scripted-server.ts";

const folder = new Folder();
afterAll(() => folder[Symbol.dispose]());
const certificate = hasOpenssl ? selfSigned(folder, "server") : undefined;
const openssl = testIf(hasOpenssl, NEEDS_OPENSSL);

type Script = Parameters<typeof ScriptedServer.start>[1];

const DEVICE = formatDeviceId(new Uint8Array(32).fill(3));
const UNKNOWN = reply("404 Not Found", "", ["Retry-After: 900"]);
const isUnknown: Script = (socket) => void socket.write(UNKNOWN);
const silent: Script = () => {};

const start = (script: Script) => ScriptedServer.start(certificate!, script);
const urlOf = (server: ScriptedServer, options = "") => server.url(`id=${certificate!.deviceId}${options}`);
const discovererOf = (...servers: ScriptedServer[]) =>
  SyncthingDiscoverer.start({ servers: servers.map((server) => urlOf(server)), lan: false });
const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

openssl("a device that a server knows is found, and is not asked for again for a while", async () => {
  await using server = await start(finds);
  await using discoverer = await discovererOf(server);
  const found = { deviceId: DEVICE, ...FOUND_RESULT, via: `127.0.0.1:${server.port}` };
  expect(await discoverer.lookup(DEVICE)).toEqual(found);
  // In any form of the ID.
  expect(await discoverer.lookup(DEVICE.replaceAll("-", "").toLowerCase())).toEqual(found);
  expect(server.requests.map(({ line }) => line)).toEqual([`GET /v2/?device=${DEVICE} HTTP/1.1`]);
  expect(await discoverer.lookup(DEVICE, { fresh: true })).toEqual(found);
  expect(server.requests.length).toBe(2);
  expect(discoverer.stats()).toEqual({
    lan: { received: 0, announcements: 0, ignored: 0 },
    servers: { [`127.0.0.1:${server.port}`]: { lookups: 2, found: 2, announcements: 0, failures: 0 } },
    errors: 0,
    lastError: undefined,
  });
});

openssl("found addresses are asked for again after their time", async () => {
  await using server = await start(finds);
  const timings = { found: 1 };
  await using discoverer = await SyncthingDiscoverer.start({ servers: [urlOf(server)], lan: false, timings });
  await discoverer.lookup(DEVICE);
  await Bun.sleep(2);
  await discoverer.lookup(DEVICE);
  expect(server.requests.length).toBe(2);
});

openssl("an unknown device is not asked for again as long as the server wants it, but for a fresh lookup", async () => {
  await using server = await start(isUnknown);
  await using discoverer = await discovererOf(server);
  for (let i = 0; i < 3; i++) expect(await discoverer.lookup(DEVICE)).toBeUndefined();
  expect(server.requests.length).toBe(1);
  expect(await discoverer.lookup(DEVICE, { fresh: true })).toBeUndefined();
  expect(server.requests.length).toBe(2);
});

openssl("lookups of a device at the same time share a request", async () => {
  let answer = () => {};
  await using server = await start((socket, seen) => {
    answer = () => finds(socket, seen);
  });
  await using discoverer = await discovererOf(server);
  const lookups = [DEVICE, DEVICE, DEVICE].map((id) => discoverer.lookup(id));
  // One more does not wait any longer, and one is cancelled. The others are not concerned.
  expect(await rejection(discoverer.lookup(DEVICE, { timeout: 1 }))).toMatchObject({ code: "ETIMEDOUT" });
  const aborter = new AbortController();
  const cancelled = rejection(discoverer.lookup(DEVICE, { signal: aborter.signal }));
  aborter.abort(new Error("changed my mind"));
  expect(await cancelled).toEqual(new Error("changed my mind"));
  await until(() => server.requests.length > 0, "the request");
  answer();
  const found = await Promise.all(lookups);
  expect(found.map((result) => result?.addresses)).toEqual(Array(3).fill(FOUND_RESULT.addresses));
  expect(server.requests.length).toBe(1);
});

openssl("all servers are asked at once, and the first that knows the device is believed", async () => {
  await using unknown = await start(isUnknown);
  await using mute = await start(silent);
  await using knowing = await start(finds);
  await using discoverer = await discovererOf(mute, unknown, knowing);
  expect((await discoverer.lookup(DEVICE, { timeout: 30_000 }))?.via).toBe(`127.0.0.1:${knowing.port}`);
});

openssl("a device is unknown if one server does not know it and the others cannot be asked", async () => {
  await using dead = await DeadPort.open();
  await using unknown = await start(isUnknown);
  const servers = [`https://${dead.address}/?insecure`, urlOf(unknown)];
  await using discoverer = await SyncthingDiscoverer.start({ servers, lan: false });
  const errors: DiscoveryError[] = [];
  discoverer.on("error", (error) => errors.push(error));
  for (let i = 0; i < 3; i++) expect(await discoverer.lookup(DEVICE)).toBeUndefined();
  // It is tried each time, and reported once.
  expect(errors.map(({ where, code }) => [where, code])).toEqual([[dead.address, "ECONNREFUSED"]]);
  expect(discoverer.stats().servers[dead.address]).toMatchObject({ lookups: 3, failures: 3 });
});

openssl("a lookup is rejected if no server can be asked, with all reasons", async () => {
  await using dead = await DeadPort.open();
  await using broken = await start((socket) => void socket.write(reply("500 Internal Server Error")));
  const servers = [`https://${dead.address}/?insecure`, urlOf(broken)];
  await using discoverer = await SyncthingDiscoverer.start({ servers, lan: false });
  const error = (await rejection(discoverer.lookup(DEVICE))) as DiscoveryError;
  expect(error.where).toBe("servers");
  expect(error.message).toContain(`${dead.address}: no server listens there (ECONNREFUSED)`);
  expect(error.message).toContain(`127.0.0.1:${broken.port}: the server has an error (status 500)`);
});

openssl("a server that has said when to come again is not asked before", async () => {
  await using server = await start(
    (socket) => void socket.write(reply("429 Too Many Requests", "", ["Retry-After: 60"])),
  );
  await using discoverer = await discovererOf(server);
  const [first, second] = [
    await rejection(discoverer.lookup(DEVICE)),
    await rejection(discoverer.lookup(DEVICE, { fresh: true })),
  ];
  expect(first).toMatchObject({ name: "DiscoveryError", code: "HTTP_429" });
  expect(second).toBe(first);
  expect(server.requests.length).toBe(1);
});

openssl("a server with nolookup is not asked", async () => {
  await using server = await start(finds);
  await using unknown = await start(isUnknown);
  const servers = [urlOf(server, "&nolookup"), urlOf(unknown)];
  await using discoverer = await SyncthingDiscoverer.start({ servers, lan: false });
  expect(await discoverer.lookup(DEVICE)).toBeUndefined();
  expect(server.connections).toBe(0);
});

openssl("a lookup ends with its timeout, its signal or the discoverer", async () => {
  await using server = await start(silent);
  await using discoverer = await discovererOf(server);
  expect(await rejection(discoverer.lookup(DEVICE, { timeout: 20 }))).toMatchObject({
    message: `127.0.0.1:${server.port}: no answer within 0.02 s (ETIMEDOUT)`,
    where: `127.0.0.1:${server.port}`,
    code: "ETIMEDOUT",
  });
  const signal = AbortSignal.timeout(20);
  expect(await rejection(discoverer.lookup(DEVICE, { signal }))).toBe(signal.reason);
  expect(await rejection(discoverer.lookup(DEVICE, { signal }))).toBe(signal.reason);
  const pending = rejection(discoverer.lookup(DEVICE));
  await discoverer.close();
  expect(await pending).toEqual(new Error("the discoverer is closed"));
  expect(await rejection(discoverer.lookup(DEVICE))).toEqual(new Error("the discoverer is closed"));
});

test("a lookup is refused without anybody to ask, and with a wrong ID", async () => {
  await using discoverer = await SyncthingDiscoverer.start({ lan: false });
  expect(await rejection(discoverer.lookup(DEVICE))).toMatchObject({
    message: expect.stringContaining("nobody to ask"),
  });
  expect(await rejection(discoverer.lookup("ABC"))).toBeInstanceOf(RangeError);
  expect(await rejection(discoverer.lookup(7 as never))).toBeInstanceOf(TypeError);
});
