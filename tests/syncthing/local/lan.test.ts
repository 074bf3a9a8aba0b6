// Local discovery in network namespaces, under Bun and under Node, also with a real Syncthing.
import { afterAll, expect } from "bun:test";
import { formatDeviceId } from "../../../src/syncthing/index.ts";
import { encodeAnnouncement } from "../../../src/syncthing/local/codec.ts";
import { Agent } from "../../client/lan/agents.ts";
import { lanTest, runtimeOfTest } from "../../client/lan/runtimes.ts";
import { testIf } from "../../support/needs.ts";
import { type Host, hasNetns, NEEDS_NETNS, twoHosts } from "../../support/netns.ts";
import { hasOpenssl, NEEDS_OPENSSL } from "../../support/syncthing/certificates.ts";
import { Discovery, STDISCOSRV } from "../../support/syncthing/discovery.ts";
import { hasStdiscosrv, NEEDS_STDISCOSRV } from "../../support/syncthing/stdiscosrv.ts";
import { hasSyncthing, NEEDS_SYNCTHING, Syncthing } from "../../support/syncthing/syncthing.ts";
import { Device, type DeviceOptions, Identities } from "./devices.ts";

const identities = new Identities();
afterAll(() => identities[Symbol.dispose]());

const ADDRESSES = ["tcp://:22000", "quic://0.0.0.0:22000"];
const PORT = 21027;
/** A device of which there is only the ID. */
const STRANGER = new Uint8Array(32).fill(7);

/** A discoverer that announces itself. */
function announcing(host: Host, name: string, options: DeviceOptions = {}): Promise<Device> {
  const { certificate, key } = identities.of(name);
  return Device.start(host, runtimeOfTest(), { certificate, key, addresses: ADDRESSES, ...options });
}

/** A discoverer that only listens. */
function listening(host: Host, options: DeviceOptions = {}): Promise<Device> {
  return Device.start(host, runtimeOfTest(), options);
}

function linkLocal(host: Host, name: string): string {
  return /inet6 (fe80::[^/]+)/.exec(host.run(`ip -6 addr show ${name}`))![1]!;
}

/** The addresses of a device at an IPv4 and a link-local IPv6 address. */
function dialled(ipv4: string, ipv6: string, zone: string): string[] {
  return [`[${ipv6}%25${zone}]`, ipv4].flatMap((host) => [`tcp://${host}:22000`, `quic://${host}:22000`]).sort();
}

/** Waits until a discoverer knows just these addresses of a device. */
async function knows(device: Device, deviceId: string, addresses: readonly string[]): Promise<void> {
  const wanted = addresses.join();
  const fits = (event: { deviceId: string; addresses: readonly string[] }) =>
    event.deviceId === deviceId && [...event.addresses].sort().join() === wanted;
  await Promise.any([device.first("device", fits), device.first("moved", fits)]);
}

const needs = hasOpenssl ? lanTest : testIf(false, NEEDS_OPENSSL);
const needsBun = testIf(hasNetns && hasOpenssl, `${NEEDS_NETNS}; ${NEEDS_OPENSSL}`);

needs("two devices find each other by IPv4 and IPv6, as soon as the second one starts", async () => {
  await using hosts = await twoHosts();
  await using a = await announcing(hosts.a, "a");
  await using b = await announcing(hosts.b, "b");
  const [atA, atB] = [
    dialled("10.9.0.1", linkLocal(hosts.a, "a0"), "b0"),
    dialled("10.9.0.2", linkLocal(hosts.b, "b0"), "a0"),
  ];
  await Promise.all([knows(a, identities.of("b").deviceId, atB), knows(b, identities.of("a").deviceId, atA)]);
  // What one is heard at first is an event "device", and the other family adds to it.
  expect(a.all("device").length).toBe(1);
  const { devices } = await a.state();
  expect(devices.map(({ deviceId, via }) => [deviceId, via])).toEqual([[identities.of("b").deviceId, "lan"]]);
  expect([...devices[0]!.addresses].sort()).toEqual(atB);
  expect(a.all("error")).toEqual([]);
  expect(new Set(a.all("announced").map(({ address }) => address))).toEqual(
    new Set([`10.9.0.255:${PORT}`, `[ff12::8384%a0]:${PORT}`]),
  );
});

needsBun("a device that was restarted gets an answer at once, and has not moved", async () => {
  await using hosts = await twoHosts();
  await using a = await announcing(hosts.a, "a");
  const { deviceId } = identities.of("b");
  const addresses = dialled("10.9.0.2", linkLocal(hosts.b, "b0"), "a0");
  {
    await using first = await announcing(hosts.b, "b");
    await knows(a, deviceId, addresses);
    await knows(first, identities.of("a").deviceId, dialled("10.9.0.1", linkLocal(hosts.a, "a0"), "b0"));
  }
  const moves = a.all("moved").length;
  // A repeats its first announcement after 1 and 3 s, with up to 0.3 s more. What is heard of it later is an answer.
  await Bun.sleep(a.startedAt + 4_000 - performance.now());
  await using second = await announcing(hosts.b, "b");
  await second.first("device", (device) => device.deviceId === identities.of("a").deviceId);
  expect(a.all("device").length).toBe(1);
  expect(a.all("moved").length).toBe(moves);
  expect(a.all("gone")).toEqual([]);
});

needs("a device is gone if it was not heard for the retention time", async () => {
  await using hosts = await twoHosts();
  const timings = { lanInterval: 400, lanRetention: 1_500 };
  await using a = await listening(hosts.a, { timings });
  await using b = await announcing(hosts.b, "b", { timings });
  const { deviceId } = identities.of("b");
  await knows(a, deviceId, dialled("10.9.0.2", linkLocal(hosts.b, "b0"), "a0"));
  await b.kill();
  while ((await a.state()).devices.length > 0) await Bun.sleep(50);
  const last = a.reports.findLast(({ report }) => ["device", "moved", "gone"].includes(report.type));
  expect(last?.report).toMatchObject({ type: "gone", deviceId });
});

needs("a device with another IP address has moved, its new address comes first, and servers get it too", async () => {
  await using hosts = await twoHosts({ ipv6: false });
  await using a = await listening(hosts.a);
  // That one cannot be reached, so each announcement to it is an error. The next attempt would be in a minute.
  await using b = await announcing(hosts.b, "b", { servers: ["https://127.0.0.1:1/?insecure"] });
  await a.first("device", ({ addresses }) => addresses[0] === "tcp://10.9.0.2:22000");
  const refused = (error: { where: string }) => error.where === "127.0.0.1:1";
  await b.first("error", refused);
  hosts.b.run("ip addr del 10.9.0.2/24 dev b0; ip addr add 10.9.0.9/24 dev b0");
  const { addresses } = await a.first("moved");
  expect(addresses).toEqual([
    "tcp://10.9.0.9:22000",
    "quic://10.9.0.9:22000",
    "tcp://10.9.0.2:22000",
    "quic://10.9.0.2:22000",
  ]);
  await b.first("error", (error) => refused(error) && b.all("error").filter(refused).length === 2);
});

needs("a lookup takes what the LAN has announced, or waits for it, also if no server can be asked", async () => {
  await using hosts = await twoHosts({ ipv6: false });
  await using a = await listening(hosts.a, { servers: ["https://127.0.0.1:1/?insecure"] });
  const { deviceId } = identities.of("b");
  a.order({ do: "lookup", deviceId, timeout: 60_000 });
  const unknown = formatDeviceId(STRANGER);
  a.order({ do: "lookup", deviceId: unknown, timeout: 500 });
  expect((await a.first("result")).deviceId).toBe(unknown);
  expect(a.all("result")[0]).toMatchObject({ found: null, error: "ECONNREFUSED" });

  await using _b = await announcing(hosts.b, "b");
  const { found } = await a.first("result", (result) => result.deviceId === deviceId);
  expect(found).toEqual({
    deviceId,
    addresses: ["tcp://10.9.0.2:22000", "quic://10.9.0.2:22000"],
    via: "lan",
    seenAt: expect.any(Number),
  });
  expect(Math.abs(found!.seenAt - Date.now())).toBeLessThan(60_000);
  a.order({ do: "lookup", deviceId, timeout: 0 });
  await a.first("result", (result) => result.deviceId === deviceId && a.all("result").length === 3);
  expect(a.all("result")[2]?.found?.addresses).toEqual(found!.addresses);
});

needs("malformed, foreign and own packets are counted, and do no harm", async () => {
  await using hosts = await twoHosts({ ipv6: false });
  const own = identities.of("a");
  const { certificate, key } = own;
  await using a = await listening(hosts.a, { certificate, key });
  await using sender = await Agent.start(hosts.b, { kind: "listener", port: PORT });
  const packet = (id: Uint8Array, addresses: readonly string[]) => encodeAnnouncement({ id, addresses, instance: 1n });
  const right = packet(STRANGER, ["tcp://:22000"]);
  const ignored = [
    new Uint8Array(0),
    new Uint8Array(60_000).fill(255),
    right.subarray(0, -3),
    packet(STRANGER.subarray(1), []),
    packet(own.id, ["tcp://:22000"]),
    Buffer.from("7d79bc40", "hex"),
    Buffer.from("20121025000055f000000001", "hex"),
  ];
  const junk = ["http", "tcp://127.0.0.1:1", "tcp://[::1", "\0", "tcp://:0", "a".repeat(5_000)];
  sender.order({ send: ignored.map((bytes) => Buffer.from(bytes).toString("hex")), to: "10.9.0.1" });
  sender.order({
    send: [packet(STRANGER, [...junk, "tcp://:22001"]), right].map((bytes) => Buffer.from(bytes).toString("hex")),
    to: "10.9.0.1",
  });
  expect((await a.first("device")).addresses).toEqual(["tcp://10.9.0.2:22001"]);
  expect((await a.first("moved")).addresses).toEqual(["tcp://10.9.0.2:22000"]);
  const { devices, counters } = await a.state();
  expect(devices.map(({ deviceId }) => deviceId)).toEqual([formatDeviceId(STRANGER)]);
  expect(counters).toEqual({ received: ignored.length + 2, announcements: 2, ignored: ignored.length });
  expect(a.all("error")).toEqual([]);
});

const withSyncthing = testIf(
  hasNetns && hasOpenssl && hasSyncthing,
  [NEEDS_NETNS, NEEDS_OPENSSL, NEEDS_SYNCTHING].join("; "),
);

withSyncthing(
  "Syncthing hears a discoverer, which hears Syncthing, also on its own host, where it has the IPv4 port",
  async () => {
    await using hosts = await twoHosts();
    await using a = await announcing(hosts.a, "a");
    await using syncthing = new Syncthing(hosts.b);
    const { deviceId } = identities.of("a");
    await syncthing.start({ discovery: "lan", peer: deviceId });
    const own = linkLocal(hosts.a, "a0");
    await syncthing.finds(deviceId, "tcp://10.9.0.1:22000");
    await syncthing.finds(deviceId, `quic://[${own}%25b0]:22000`);
    const found = dialled("10.9.0.2", linkLocal(hosts.b, "b0"), "a0");
    await knows(a, syncthing.deviceId, found);

    await using beside = await announcing(hosts.b, "b");
    expect(await beside.first("error")).toMatchObject({
      code: "EADDRINUSE",
      message: "lan: IPv4 is not used as long as another program has UDP port 21027, such as a Syncthing on this host",
    });
    // Both the own host and the other one are heard by IPv6.
    await beside.first("device", (device) => device.deviceId === syncthing.deviceId);
    await beside.first("device", (device) => device.deviceId === deviceId);
    await syncthing.finds(identities.of("b").deviceId, `tcp://[${linkLocal(hosts.b, "b0")}%25b0]:22000`);
    expect(beside.all("error").length).toBe(1);
  },
);

const withServer = testIf(
  hasNetns && hasOpenssl && hasSyncthing && hasStdiscosrv,
  [NEEDS_NETNS, NEEDS_OPENSSL, NEEDS_SYNCTHING, NEEDS_STDISCOSRV].join("; "),
);

withServer("two Syncthings are found on the LAN, and without it through the original server", async () => {
  // The first announcement to a server is 2 s after the start.
  await using hosts = await twoHosts();
  await using server = await Discovery.start(hosts.a, STDISCOSRV);
  const discovery = server.url("10.9.0.1");
  await using a = new Syncthing(hosts.a);
  await using b = new Syncthing(hosts.b);
  await Promise.all([
    a.start({ discovery, peer: b.deviceId, lan: true }),
    b.start({ discovery, peer: a.deviceId, lan: true }),
  ]);
  await Promise.all([a.announced(), b.announced()]);

  await using onLan = await announcing(hosts.b, "b");
  const [atA, atB] = await Promise.all(
    [a, b].map((syncthing) => onLan.first("device", ({ deviceId }) => deviceId === syncthing.deviceId)),
  );
  expect(atA?.addresses).toContain(`tcp://[${linkLocal(hosts.a, "a0")}%25b0]:22000`);
  expect(atB?.addresses).toContain(`tcp://[${linkLocal(hosts.b, "b0")}%25b0]:22000`);

  await using elsewhere = await listening(hosts.b, { lan: false, servers: [discovery] });
  for (const { deviceId } of [a, b]) elsewhere.order({ do: "lookup", deviceId });
  const [ofA, ofB] = await Promise.all(
    [a, b].map((syncthing) => elsewhere.first("result", ({ deviceId }) => deviceId === syncthing.deviceId)),
  );
  expect(ofA?.found?.addresses).toContain("tcp://10.9.0.1:22000");
  expect(ofB?.found?.addresses).toContain("tcp://10.9.0.2:22000");
  expect([ofA?.found?.via, ofB?.found?.via]).toEqual(["10.9.0.1:8443", "10.9.0.1:8443"]);
});
