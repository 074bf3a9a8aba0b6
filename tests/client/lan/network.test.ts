/** What LanNetwork reports, on sockets and interfaces that the test controls: nothing is sent. */
import { afterAll, beforeEach, expect, spyOn, test } from "bun:test";
import os from "node:os";
import type { DiscoveryError } from "../../../src/client/error.ts";
import { LanNetwork } from "../../../src/client/lan/network.ts";
import { runtime } from "../../../src/client/sockets/index.ts";
import type { SharedSocket, SocketHandlers } from "../../../src/client/sockets/socket.ts";

const { sockets } = runtime;
const interfaces = spyOn(os, "networkInterfaces");
const clock = spyOn(performance, "now");
afterAll(() => {
  runtime.sockets = sockets;
  interfaces.mockRestore();
  clock.mockRestore();
});

let now = 0;
/** Of the first socket; a second one only tries whether the port is shared. */
let handlers: SocketHandlers | undefined;
let socket: { closed: boolean } | undefined;
let opens = true;
let reported: string[] = [];
/** Where packets are sent to; `undefined`: they all fail. */
let sent: string[] | undefined;

async function open(): Promise<LanNetwork> {
  const network = new LanNetwork({
    port: 21025,
    multicast: "ff02::2012:1025",
    interfaces: undefined,
    hello: new Uint8Array(1),
    announcement: new Uint8Array(1),
    receive() {},
    onNewTargets() {},
    onError: ({ message }: DiscoveryError) => reported.push(message),
    onAnnounced() {},
  });
  await network.open();
  return network;
}

const failure = (code: string) => Object.assign(new Error(code), { code });

beforeEach(() => {
  now = 0;
  handlers = undefined;
  socket = undefined;
  reported = [];
  sent = undefined;
  opens = true;
  clock.mockImplementation(() => now);
  runtime.sockets = {
    ...sockets,
    async share(family, _port, given) {
      if (family === "IPv6") throw failure("EAFNOSUPPORT");
      if (!opens) throw failure("EADDRINUSE");
      handlers ??= given;
      const send = async (_packet: Uint8Array, _port: number, destination: string) => {
        if (sent === undefined) throw failure("EPERM");
        sent.push(destination);
      };
      const opened = { closed: false, close: () => {}, send };
      socket ??= opened;
      return opened as unknown as SharedSocket;
    },
  };
});

const address = (address: string) => ({ address, netmask: "255.255.255.0", family: "IPv4" as const, internal: false });
function cable(plugged: boolean, others = {}): void {
  interfaces.mockReturnValue((plugged ? { eth0: [address("192.0.2.7")], ...others } : {}) as never);
}

test("an error of the network is reported once, and again if it comes back after a minute", async () => {
  cable(true);
  await open();
  for (const [at, count] of [
    [1, 1],
    [50_000, 1],
    [100_000, 1],
    [160_001, 2],
    [160_002, 2],
  ] as const) {
    now = at;
    handlers!.onError(failure("ECONNREFUSED"));
    expect(reported).toEqual(Array(count).fill("lan: the network reports: ECONNREFUSED"));
  }
});

test("an interface that fails is reported after 4 s, and again if it was away in between", async () => {
  cable(true);
  const network = await open();
  const errors = () => reported.filter((message) => message.startsWith("eth0"));
  const fails = async (from: number) => {
    for (const after of [0, 2_000, 3_999]) {
      now = from + after;
      await network.refresh(now, "new");
    }
    const before = errors().length;
    for (const after of [4_000, 6_000]) {
      now = from + after;
      await network.refresh(now, "new");
    }
    return errors().length - before;
  };
  expect(await fails(0)).toBe(1);
  expect(await fails(10_000)).toBe(0);
  cable(false);
  await network.refresh(20_000, "new");
  cable(true);
  expect(await fails(30_000)).toBe(1);
  expect(errors()).toEqual(Array(2).fill("eth0: cannot announce to 192.0.2.255: EPERM"));
});

test("a port that another program holds when the socket is opened again is reported once, in one sentence", async () => {
  cable(true);
  const network = await open();
  socket!.closed = true;
  opens = false;
  for (let i = 0; i < 3; i++) {
    await network.refresh(now, "new");
    await Bun.sleep(1);
  }
  expect(reported).toEqual([
    "lan: UDP port 21025 (IPv4) is in use by another program that does not share it: end it first",
  ]);
});

test("each new target gets the first announcement and two repeats, however late those are", async () => {
  const network = await open();
  /** How many packets each network gets: hello and announcement, or none. */
  const packets = async (at: number, on: "new" | "young") => {
    now = at;
    sent = [];
    await network.refresh(now, on);
    return ["192.0.2.255", "198.51.100.255"].map((it) => sent!.filter((destination) => destination === it).length);
  };
  cable(true);
  expect(await packets(0, "new")).toEqual([2, 0]);
  expect(await packets(5_000, "young")).toEqual([2, 0]);
  cable(true, { eth1: [address("198.51.100.7")] });
  expect(await packets(6_000, "new")).toEqual([0, 2]);
  expect(await packets(60_000, "young")).toEqual([2, 2]);
  expect(await packets(61_000, "young")).toEqual([0, 2]);
  expect(await packets(62_000, "young")).toEqual([0, 0]);
});
