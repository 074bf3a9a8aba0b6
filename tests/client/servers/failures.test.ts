/** What goes wrong on the way to a server, and what the client makes of it. */
import { afterEach, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import dns from "node:dns/promises";
import { readdirSync } from "node:fs";
import { Discoverer, type LookupOptions } from "../../../src/client/index.ts";
import { OPEN } from "../../../src/client/servers/heard.ts";
import { ServerLink } from "../../../src/client/servers/link.ts";
import { runtime } from "../../../src/client/sockets/index.ts";
import type { SocketHandlers, Sockets } from "../../../src/client/sockets/socket.ts";
import { DiscoveryServer } from "../../../src/server/index.ts";
import { Client } from "../../support/client.ts";
import { testIf } from "../../support/needs.ts";
import { hasNetns, NEEDS_NETNS, twoHosts } from "../../support/netns.ts";
import { announcement, ascii } from "../../support/packets.ts";
import { lastingPort } from "../../support/ports.ts";
import { Random } from "../../support/random.ts";
import { TEST_LIMIT_MS, until } from "../../support/time-limits.ts";
import { ADDRESSES, PORT, serverNetwork } from "./network.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const IP = Uint8Array.of(192, 0, 2, 1);
const CLIENT = JSON.stringify(new URL("../../../src/client/index.ts", import.meta.url).pathname);
const SOCKETS = JSON.stringify(new URL("../../../src/client/sockets/", import.meta.url).pathname);
const own = runtime.sockets;
afterEach(() => {
  runtime.sockets = own;
});

/** A server that knows every node, except that it loses every `lossth` query. */
async function allKnowing({ port = 0, loseEvery = Number.POSITIVE_INFINITY } = {}) {
  let received = 0;
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(socket, query, port, address) {
        if (++received % loseEvery === 0) return;
        const nodeId = query.subarray(8, 8 + query.readUInt32BE(4));
        socket.send(announcement(new Uint8Array(nodeId), 5, IP), port, address);
      },
      error() {},
    },
  });
  return { port: socket.port, address: `127.0.0.1:${socket.port}`, [Symbol.asyncDispose]: async () => socket.close() };
}

const names = (count: number) => Array.from({ length: count }, (_, i) => `NODE-${i}`);

async function count(discoverer: Discoverer, ids: Iterable<string>, options: LookupOptions = {}) {
  const counts = { found: 0, missing: 0, errors: 0 };
  for await (const { address, error } of discoverer.lookupMany(ids, options)) {
    if (address) counts.found++;
    else if (error) counts.errors++;
    else counts.missing++;
  }
  return counts;
}

async function lengthOf(results: AsyncIterable<unknown>): Promise<number> {
  return (await Array.fromAsync(results)).length;
}

/** Replaces the runtime's connected sockets. */
function replaceConnect(
  connect: (real: Sockets["connect"], ...args: Parameters<Sockets["connect"]>) => ReturnType<Sockets["connect"]>,
) {
  runtime.sockets = { ...own, connect: (...args) => connect(own.connect, ...args) };
}

test("retries have their turn while lookupMany sends more and more queries, so a lost one does not hide its node", async () => {
  await using server = await allKnowing({ loseEvery: 50 });
  await using discoverer = await Discoverer.start({ lan: false, servers: [server.address] });
  function* ids() {
    // So many that the first attempts take longer than a lookup waits.
    const end = performance.now() + 4_500;
    for (let i = 0; performance.now() < end; i++) yield `NODE-${i}`;
  }
  expect(await count(discoverer, ids(), { timeout: 3_000 })).toMatchObject({ missing: 0, errors: 0 });
});

test("no lookup fails while a server that has answered is restarted", async () => {
  const server = await allKnowing({ port: await lastingPort() });
  await using discoverer = await Discoverer.start({ lan: false, servers: [server.address] });
  await discoverer.lookup("NODE");
  await server[Symbol.asyncDispose]();
  const found = count(discoverer, names(1_000));
  const one = discoverer.lookup("ONE");
  await until(() => discoverer.stats().errors > 0, "the refusal");
  await using _again = await allKnowing({ port: server.port });
  expect(await found).toEqual({ found: 1_000, missing: 0, errors: 0 });
  expect(await one).toMatchObject({ port: 5 });
});

test.each(["ENOBUFS", "EAGAIN", "EPERM"])(
  "a packet that the system refuses with %s is lost, and not the server",
  async (code) => {
    await using server = await allKnowing();
    let sent = 0;
    let opened = 0;
    replaceConnect(async (real, ip, port, handlers) => {
      opened++;
      const socket = await real(ip, port, handlers);
      return {
        ...socket,
        send(packets) {
          if (++sent % 5 > 0) return socket.send(packets);
          handlers.onError(Object.assign(new Error(code), { code }));
          return 0;
        },
      };
    });
    await using discoverer = await Discoverer.start({ lan: false, servers: [server.address] });
    await discoverer.lookup("NODE");
    expect(await count(discoverer, names(2_000))).toEqual({ found: 2_000, missing: 0, errors: 0 });
    expect(discoverer.stats().errors).toBe(0);
    expect(opened).toBe(OPEN);
  },
);

test("a firewall that forbids every packet is an error", async () => {
  replaceConnect(async (real, ip, port, handlers) => ({
    ...(await real(ip, port, handlers)),
    send() {
      handlers.onError(Object.assign(new Error("not permitted"), { code: "EPERM" }));
      return 0;
    },
  }));
  await using discoverer = await Discoverer.start({ lan: false, servers: ["127.0.0.1:9"] });
  await expect(discoverer.lookup("NODE")).rejects.toMatchObject({ code: "EPERM" });
});

test("a query that is restarted after its server's name was resolved again does not end the program", async () => {
  const link = new ServerLink("127.0.0.1:9", { onError() {}, onRoom() {} });
  const errors: string[] = [];
  const query = link.query("A", ascii("A"), false, {
    onReply() {},
    onUnreachable: ({ message }) => errors.push(message),
  });
  await until(() => errors.length === 1, "the refusal");
  await link.refresh();
  link.restart(query, true);
  await until(() => errors.length === 2, "the second one");
  expect(errors[1]).toBe("127.0.0.1:9: no server listens there (ECONNREFUSED)");
  link.close();
});

test("a name that is still being resolved at the timeout is an error, and not an unknown node", async () => {
  const lookup = spyOn(dns, "lookup").mockImplementation((() => new Promise(() => {})) as unknown as typeof dns.lookup);
  try {
    await using discoverer = await Discoverer.start({ lan: false, servers: ["slow.example"] });
    await expect(discoverer.lookup("NODE", { timeout: 50 })).rejects.toThrow(
      "slow.example: its name has not been resolved yet",
    );
  } finally {
    lookup.mockRestore();
  }
});

/** The handlers of each socket that is opened. */
function handlersOfSockets(): SocketHandlers[] {
  const found: SocketHandlers[] = [];
  replaceConnect((real, ip, port, handlers) => {
    found.push(handlers);
    return real(ip, port, handlers);
  });
  return found;
}

test("a datagram that is no answer proves no attack, and one that is makes lookups ask through more sockets", async () => {
  await using server = await allKnowing();
  const sockets = handlersOfSockets();
  await using discoverer = await Discoverer.start({ lan: false, servers: [server.address] });
  const queriesOf = async (nodeId: string) => {
    const before = discoverer.stats().servers[server.address]!.queries;
    await discoverer.lookup(nodeId);
    return discoverer.stats().servers[server.address]!.queries - before;
  };
  expect(await queriesOf("A")).toBe(2);
  /** To a socket that has not asked: at most eight do. */
  const send = (packet: Uint8Array) => {
    for (const { onDatagram } of sockets) onDatagram(Buffer.from(packet), "127.0.0.1");
  };
  send(Uint8Array.of(1));
  expect(await queriesOf("B")).toBe(2);
  send(announcement(ascii("NEVER-ASKED"), 6, IP));
  expect(await queriesOf("C")).toBe(8);
  // Those that are not confirmed need not be as safe, and must not meet the server's limits.
  const before = discoverer.stats().servers[server.address]!.queries;
  await count(discoverer, ["D"]);
  expect(discoverer.stats().servers[server.address]!.queries - before).toBe(2);
});

test("the right answer, once in the wrong place, delays a lookup, but does not make its node unknown", async () => {
  await using server = await allKnowing();
  const handlers: SocketHandlers[] = [];
  let injected = 0;
  replaceConnect(async (real, ip, port, own) => {
    handlers.push(own);
    const socket = await real(ip, port, own);
    return {
      ...socket,
      send(packets) {
        // Before the server's own answer comes.
        if (injected++ === 0) {
          const right = Buffer.from(announcement(ascii("NODE"), 5, IP));
          for (const { onDatagram } of handlers) onDatagram(right, "127.0.0.1");
        }
        return socket.send(packets);
      },
    };
  });
  await using discoverer = await Discoverer.start({ lan: false, servers: [server.address] });
  expect(await discoverer.lookup("NODE", { timeout: 3_000 })).toMatchObject({ port: 5 });
  expect(injected).toBeGreaterThan(2);
});

test("closing a discoverer while sockets are being opened leaves none open", async () => {
  const addresses = ["127.0.0.1", "127.0.0.2", "::1"].map((address) => ({ address, family: 0 }));
  const lookup = spyOn(dns, "lookup").mockImplementation((async () => addresses) as unknown as typeof dns.lookup);
  const open = () => readdirSync("/proc/self/fd").length;
  try {
    const before = open();
    for (let i = 0; i < 60; i++) {
      const discoverer = await Discoverer.start({ lan: false, servers: ["many.example:9"], nodeId: "A", port: 1 });
      for (let turn = 0; turn < i % 20; turn++) await Promise.resolve();
      if (i % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
      await discoverer.close();
    }
    await until(() => open() <= before, "the sockets to be closed");
  } finally {
    lookup.mockRestore();
  }
});

test("where sockets run out, lookups go on with fewer", async () => {
  await using server = await allKnowing();
  let opened = 0;
  replaceConnect(async (real, ...args) => {
    if (++opened > 12) throw Object.assign(new Error("bind EMFILE 0.0.0.0"), { code: "EMFILE" });
    return await real(...args);
  });
  await using discoverer = await Discoverer.start({ lan: false, servers: [server.address] });
  expect(await discoverer.lookup("NODE")).toMatchObject({ port: 5 });
});

testIf(hasNetns, NEEDS_NETNS)(
  "a node whose host has moved to another address is found there after the next check",
  async () => {
    await using network = await serverNetwork();
    const script = `
    const { Discoverer } = await import(${CLIENT});
    const servers = ["${ADDRESSES.v4.right}:${PORT}"];
    const timings = { confirmInterval: 200 };
    const discoverer = await Discoverer.start({ lan: false, servers, nodeId: "MOVER", port: 5, timings });
    discoverer.on("confirmed", ({ ip }) => console.log(ip));
    for await (const _end of process.stdin);
    process.exit();`;
    const child = Bun.spawn(network.client.command([process.execPath, "-e", script]), {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    const seen: string[] = [];
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      seen.push(...text.trim().split("\n"));
      if (seen.includes("10.9.0.77")) break;
      if (seen.length === 1) network.client.run("ip addr del 10.9.0.1/24 dev a0; ip addr add 10.9.0.77/24 dev a0");
    }
    child.stdin.end();
    await child.exited;
    expect([seen[0], seen.at(-1)]).toEqual(["10.9.0.1", "10.9.0.77"]);
  },
);

test("a name that is being resolved keeps a lookup going, though another server refuses", async () => {
  await using server = await allKnowing();
  const slow = async () => {
    await Bun.sleep(30);
    return [{ address: "127.0.0.1", family: 4 }];
  };
  const lookup = spyOn(dns, "lookup").mockImplementation(slow as unknown as typeof dns.lookup);
  try {
    await using discoverer = await Discoverer.start({
      lan: false,
      servers: ["127.0.0.1:9", `slow.example:${server.port}`],
    });
    expect(await discoverer.lookup("NODE")).toMatchObject({ port: 5 });
  } finally {
    lookup.mockRestore();
  }
});

test("a server that refuses does not end a lookup while another one, which has answered, is restarted", async () => {
  const server = await allKnowing({ port: await lastingPort() });
  await using discoverer = await Discoverer.start({ lan: false, servers: [server.address, "127.0.0.1:9"] });
  await discoverer.lookup("NODE");
  await server[Symbol.asyncDispose]();
  const found = discoverer.lookup("OTHER");
  await until(() => discoverer.stats().errors > 1, "both refusals");
  await using _again = await allKnowing({ port: server.port });
  expect(await found).toMatchObject({ port: 5 });
});

test("lookupMany goes on when others that had filled the queue are aborted", async () => {
  const silent = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data() {}, error() {} } });
  try {
    await using discoverer = await Discoverer.start({ lan: false, servers: [`127.0.0.1:${silent.port}`] });
    const controller = new AbortController();
    const first = lengthOf(discoverer.lookupMany(names(3_000), { signal: controller.signal })).catch(() => {});
    await Bun.sleep(50);
    const second = lengthOf(discoverer.lookupMany(["LAST"], { timeout: 300 }));
    await Bun.sleep(20);
    controller.abort();
    await first;
    expect(await second).toBe(1);
  } finally {
    silent.close();
  }
});

test("sockets that cannot be opened for lack of memory are an error, and not tried in a loop", async () => {
  let opened = 0;
  replaceConnect(async () => {
    opened++;
    throw Object.assign(new Error("no buffer space"), { code: "ENOBUFS" });
  });
  await using discoverer = await Discoverer.start({ lan: false, servers: ["127.0.0.1:9"] });
  await expect(discoverer.lookup("NODE")).rejects.toMatchObject({ code: "ENOBUFS" });
  expect(opened).toBeLessThan(10);
});

test("of confirmed lookups at least 98 % succeed, too, if 30 % of the datagrams are lost each way", async () => {
  const random = new Random(30);
  const server = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: {
      data(socket, query, port, address) {
        // Lost on the way there, or on the way back.
        if (random.below(100) < 30 || random.below(100) < 30) return;
        const nodeId = query.subarray(8, 8 + query.readUInt32BE(4));
        socket.send(announcement(new Uint8Array(nodeId), 5, IP), port, address);
      },
      error() {},
    },
  });
  try {
    await using discoverer = await Discoverer.start({ lan: false, servers: [`127.0.0.1:${server.port}`] });
    let found = 0;
    // So many that chance alone does not decide: 99.1 % are expected, whose standard deviation is 0.2 %.
    for await (const { address } of discoverer.lookupMany(names(2_000), { confirm: true })) if (address) found++;
    expect(found).toBeGreaterThanOrEqual(1_960);
  } finally {
    server.close();
  }
});

test("announce() ends when the discoverer is closed, though the name is still being resolved", async () => {
  const lookup = spyOn(dns, "lookup").mockImplementation((() => new Promise(() => {})) as unknown as typeof dns.lookup);
  try {
    const discoverer = await Discoverer.start({ lan: false, servers: ["slow.example"], nodeId: "A", port: 1 });
    const announced = discoverer.announce();
    await discoverer.close();
    await announced;
  } finally {
    lookup.mockRestore();
  }
});

for (const name of ["Bun", "Node"]) {
  testIf(hasNetns, NEEDS_NETNS)(`a server at a link-local address answers (${name})`, async () => {
    await using hosts = await twoHosts({ ipv4: false });
    const address = /fe80:[0-9a-f:]+/.exec(hosts.b.run("ip -6 addr show b0"))![0];
    const serve = `
      const socket = await Bun.udpSocket({ hostname: "::", port: 22025, socket: { error() {}, data(socket, query, port, from) {
        const length = query.readUInt32BE(4);
        const reply = Buffer.alloc(20 + ((length + 3) & ~3));
        reply.writeUInt32BE(0x20121025, 0); reply.writeUInt16BE(5, 4); reply.writeUInt32BE(length, 8);
        query.copy(reply, 12, 8, 8 + length); reply[reply.length - 5] = 4; reply[reply.length - 4] = 192;
        socket.send(reply, port, from);
      } } });
      console.log("ready");`;
    const server = Bun.spawn(hosts.b.command([process.execPath, "-e", serve]), { stdout: "pipe", stderr: "inherit" });
    for await (const _ready of server.stdout) break;
    const look = `
      const { runtime } = await import(${SOCKETS} + "index.ts");
      if (${name === "Node"}) runtime.sockets = (await import(${SOCKETS} + "node.ts")).nodeSockets;
      const { Discoverer } = await import(${CLIENT});
      for (const zone of ["a0", "nosuch"]) {
        await using discoverer = await Discoverer.start({ lan: false, servers: ["[${address}%" + zone + "]"] });
        console.log(await discoverer.lookup("NODE").then((found) => found?.port, (error) => error.message));
      }`;
    try {
      const client = Bun.spawn(hosts.a.command([process.execPath, "-e", look]), { stdout: "pipe", stderr: "inherit" });
      expect(await client.stdout.text()).toBe(`5\n[${address}%nosuch]: there is no interface nosuch\n`);
    } finally {
      server.kill();
      await server.exited;
    }
  });
}

test("a node whose NodeID another one has taken is told at the next check, and announces itself again", async () => {
  await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 10 });
  const servers = [`127.0.0.1:${server.port}`];
  const timings = { confirmInterval: 100 };
  await using discoverer = await Discoverer.start({ lan: false, servers, nodeId: "A", port: 1, timings });
  await discoverer.announce();
  await using other = await Client.open(server.port);
  other.send(announcement(ascii("A"), 2));
  await until(() => discoverer.stats().errors > 0, "the error");
  expect(discoverer.stats().lastError?.message).toBe(`${servers[0]}: another node announces this NodeID, with port 2`);
  await discoverer.announce();
  expect(await discoverer.lookup("A", { fresh: true })).toMatchObject({ port: 1 });
});
