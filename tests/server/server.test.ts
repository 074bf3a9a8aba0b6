import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { availableParallelism } from "node:os";
import {
  DiscoveryServer,
  formatNetwork,
  parseNetwork,
  type ServerOptions,
  type ServerStats,
} from "../../src/server/index.ts";
import { workerCount } from "../../src/server/options.ts";
import { Client } from "../support/client.ts";
import { testIf } from "../support/needs.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { sendRaw } from "../support/raw-socket.ts";
import { TEST_LIMIT_MS, until } from "../support/time-limits.ts";
import type { PermanentFailure } from "./permanent-failure.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const UNLIMITED = { sourceRate: 0, nodeRate: 0, newRate: 0 };

function start(options: Partial<ServerOptions> = {}): Promise<DiscoveryServer> {
  return DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 20_000, ...options });
}

function sum(stats: ServerStats): number {
  return Object.values(stats.verdicts).reduce((a, b) => a + b);
}

async function announce(server: DiscoveryServer, client: Client, ...packets: Uint8Array[]): Promise<void> {
  const before = server.stats().received;
  for (const packet of packets) client.send(packet);
  await until(() => server.stats().received >= before + packets.length, "the announcements");
}

test("workers: auto is 1 on systems that do not spread packets over sockets; a number is used as it is", () => {
  for (const platform of ["darwin", "win32", "freebsd"]) {
    expect(workerCount({ workers: "auto" }, platform)).toBe(1);
    expect(workerCount({ workers: 3 }, platform)).toBe(3);
  }
  expect(workerCount({ workers: "auto" }, "linux")).toBe(Math.min(256, Math.max(1, availableParallelism() - 1)));
});

for (const engine of ["wasm", "ts"] as const) {
  describe(`a server on the ${engine} engine`, () => {
    test("answers a query with the announced port and the announcement's source address", async () => {
      await using server = await start({ engine });
      await using client = await Client.open(server.port);
      await announce(server, client, announcement(ascii("NODE"), 22000, Uint8Array.of(6, 6, 6, 6)));
      expect(await client.ask(query(ascii("NODE")))).toEqual(announcement(ascii("NODE"), 22000, LOOPBACK));
      expect(server.stats()).toMatchObject({ received: 2, nodes: 1, verdicts: { stored: 1, answered: 1 } });
    });

    test("on a dual-stack socket stores an IPv4 source as 4 bytes and an IPv6 source as 16", async () => {
      await using server = await start({ engine, host: "::" });
      await using v4 = await Client.open(server.port);
      await using v6 = await Client.open(server.port, "::1");
      await announce(server, v4, announcement(ascii("FOUR"), 4));
      await announce(server, v6, announcement(ascii("SIX"), 6));
      const ip = new Uint8Array(16);
      ip[15] = 1;
      for (const client of [v4, v6]) {
        expect(await client.ask(query(ascii("FOUR")))).toEqual(announcement(ascii("FOUR"), 4, LOOPBACK));
        expect(await client.ask(query(ascii("SIX")))).toEqual(announcement(ascii("SIX"), 6, ip));
      }
    });
  });
}

describe("a server", () => {
  test("sends no reply to announcements, unknown NodeIDs and malformed packets", async () => {
    await using server = await start();
    await using client = await Client.open(server.port);
    await announce(server, client, announcement(ascii("A"), 1), query(ascii("B")), ascii("junk"), new Uint8Array(0));
    expect(await client.receive(200)).toBeUndefined();
    expect(server.stats().verdicts).toMatchObject({ stored: 1, unknown: 1, malformed: 2 });
  });

  test("evicts a node when its retention has passed", async () => {
    await using server = await start({ retention: 1 });
    await using client = await Client.open(server.port);
    await announce(server, client, announcement(ascii("A"), 1));
    expect(await client.ask(query(ascii("A")))).toBeDefined();
    await Bun.sleep(1100);
    expect(await client.ask(query(ascii("A")), 200)).toBeUndefined();
    await until(() => server.stats().nodes === 0, "the sweep");
  });

  test("limits one source without affecting another", async () => {
    await using server = await start({ sourceRate: 1, sourceBurst: 50 });
    await using greedy = await Client.open(server.port, "127.0.0.1", "127.0.0.2");
    await using other = await Client.open(server.port, "127.0.0.1", "127.3.0.1");
    await announce(server, other, announcement(ascii("A"), 1));
    const queries = Array.from({ length: 200 }, () => query(ascii("A")));
    await announce(server, greedy, ...queries);
    expect(server.stats().verdicts).toMatchObject({ answered: 50, "limited-source": 150 });
    expect(await other.ask(query(ascii("A")))).toBeDefined();
    await until(() => greedy.replies.length === 50, "50 replies");
  });

  test("counts malformed datagrams of 0 to 65,507 bytes and still answers", async () => {
    await using server = await start();
    await using client = await Client.open(server.port);
    const odd = [0, 1, 3, 1024, 1040, 1041, 1500, 9000, 65_507].map((length) => new Uint8Array(length));
    for (const packet of odd) await announce(server, client, packet);
    expect(server.stats().verdicts.malformed).toBe(odd.length);
    await announce(server, client, announcement(ascii("A"), 1));
    expect(await client.ask(query(ascii("A")))).toBeDefined();
    expect(sum(server.stats())).toBe(server.stats().received);
  });

  // Bun.udpSocket drops such packets, so the server cannot count them. engine.test.ts checks that the engine counts them.
  testIf(process.getuid?.() === 0, "a raw socket needs root")(
    "neither stores nor answers packets from source port 0",
    async () => {
      await using server = await start();
      await using client = await Client.open(server.port);
      await announce(server, client, announcement(ascii("A"), 1));
      sendRaw(announcement(ascii("B"), 2), 0, server.port);
      sendRaw(query(ascii("A")), 0, server.port);
      sendRaw(query(ascii("C")), 9, server.port);
      await until(() => server.stats().verdicts.unknown === 1, "the last of the raw packets");
      const stats = server.stats();
      expect(stats).toMatchObject({ nodes: 1, socketErrors: 0, unsent: 0, verdicts: { answered: 0 } });
      expect(sum(stats)).toBe(stats.received);
      expect(await client.ask(query(ascii("A")))).toBeDefined();
    },
  );

  test("loses no reply to a client while 1,000 other clients close their ports before their replies arrive", async () => {
    await using server = await start(UNLIMITED);
    await using client = await Client.open(server.port);
    await announce(server, client, announcement(ascii("A"), 1));
    let answered = 0;
    let asked = 0;
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 50; i++) {
        const gone = await Client.open(server.port);
        gone.send(query(ascii("A")));
        gone.close();
        if (i % 10 === 0) {
          client.send(query(ascii("A")));
          asked++;
        }
      }
      await until(() => client.replies.length + answered === asked, `reply ${asked} of round ${round}`);
      answered += client.replies.splice(0).length;
    }
    expect(answered).toBe(100);
    const stats = server.stats();
    expect(stats.received).toBe(1101);
    expect(stats.verdicts.answered).toBe(1100);
    expect(stats.unsent).toBe(0);
  });

  test("fails to start on a port that is in use, with an error that says so", async () => {
    await using server = await start();
    const second = start({ port: server.port });
    expect(second).rejects.toMatchObject({
      name: "ServerError",
      code: "EADDRINUSE",
      message: `cannot listen on 127.0.0.1:${server.port}: the port is in use`,
    });
    await second.catch(() => {});
  });

  test("has the numeric address that it is bound to", async () => {
    await using named = await start({ host: "localhost" });
    expect(["127.0.0.1", "::1"]).toContain(named.address);
    expect(named.options.host).toBe("localhost");
    await using everywhere = await start({ host: "::" });
    expect(everywhere.address).toBe("::");
    await using several = await start({ host: "localhost", workers: 3, transport: "udp" });
    expect(several.address).toBe(named.address);
    await using both = await start({ host: ["127.0.0.1", "[::1]", "127.0.0.1"], workers: 2 });
    expect([both.address, both.addresses]).toEqual(["127.0.0.1", ["127.0.0.1", "::1"]]);
    expect(both.options.host).toEqual(["127.0.0.1", "::1", "127.0.0.1"]);
  });

  test("accepts an IPv6 address in brackets", async () => {
    await using server = await start({ host: "[::1]" });
    expect([server.options.host, server.address]).toEqual(["::1", "::1"]);
    await using client = await Client.open(server.port, "::1");
    await announce(server, client, announcement(ascii("A"), 1));
    expect(await client.ask(query(ascii("A")))).toBeDefined();
  });

  test.each([
    ["fe80::1", "EINVAL", "[fe80::1]:0: fe80::1 is link-local: add its interface, as in fe80::1%eth0"],
    ["ff02::1", "EINVAL", "[ff02::1]:0: ff02::1 is a multicast address: give one of this host"],
    ["224.0.0.1", "EINVAL", "224.0.0.1:0: 224.0.0.1 is a multicast address: give one of this host"],
    ["[fe80::1]", "EINVAL", "[fe80::1]:0: fe80::1 is link-local: add its interface, as in fe80::1%eth0"],
    ["fe80::1%none", "ENODEV", "[fe80::1%none]:0: this host has no interface with the name or number after the %"],
    ["fe80::1%99999", "ENODEV", "[fe80::1%99999]:0: this host has no interface with the name or number after the %"],
    ["none.invalid", "ENOENT", "none.invalid:0: cannot resolve none.invalid"],
  ])("cannot listen on %s, and the error says why", async (host, code, message) => {
    await expect(start({ host })).rejects.toMatchObject({
      name: "ServerError",
      code,
      message: `cannot listen on ${message}`,
    });
  });

  test("does not limit sources in the networks of allow, given as text or parsed", async () => {
    const allow = ["127.0.0.2", parseNetwork("127.3.0.0/16")];
    await using server = await start({ sourceRate: 1, sourceBurst: 10, allow });
    for (const source of ["127.0.0.2", "127.3.0.1"]) {
      await using client = await Client.open(server.port, "127.0.0.1", source);
      await announce(server, client, ...Array.from({ length: 20 }, () => query(ascii("A"))));
    }
    expect(server.stats().verdicts).toMatchObject({ unknown: 40, "limited-source": 0 });
    await using other = await Client.open(server.port, "127.0.0.1", "127.0.0.3");
    await announce(server, other, ...Array.from({ length: 20 }, () => query(ascii("A"))));
    expect(server.stats().verdicts).toMatchObject({ unknown: 50, "limited-source": 10 });
    expect(server.options.allow.map(formatNetwork)).toEqual(["127.0.0.2/32", "127.3.0.0/16"]);
  });

  test("rejects options that are out of range", async () => {
    expect(start({ port: 70_000 })).rejects.toThrow(RangeError);
    expect(start({ workers: 0 })).rejects.toThrow('workers must be a whole number from 1 to 256 or "auto", not 0');
    expect(start({ transport: "tcp" as "udp" })).rejects.toThrow('transport must be "udp", "mmsg" or "xdp", not "tcp"');
    expect(start({ receiveBuffer: 0.5 })).rejects.toThrow("receiveBuffer must be a whole number from 1 to");
    expect(start({ engine: [] })).rejects.toThrow("engine must name at least one engine");
    expect(start({ engine: "go" as "ts" })).rejects.toThrow('engine must be "wasm" or "ts", not "go"');
    expect(start({ capacity: 0 })).rejects.toThrow("capacity must be");
  });

  test("frees its port when it stops, and may be stopped twice", async () => {
    const server = await start();
    const { port } = server;
    await Promise.all([server.stop(), server.stop()]);
    await server.closed;
    await using again = await start({ port });
    expect(again.port).toBe(port);
  });
});

// How late timers of the main thread are meanwhile depends on the machine: `bun run bench:resilience` has the target.
describe("a server whose workers fail again and again", () => {
  const script = new URL("./permanent-failure.ts", import.meta.url).pathname;

  for (const [how, reason] of [
    ["throws", "the registry is damaged: "],
    ["traps", "the packet workers keep failing: "],
    ["dies with a lock", "the packet workers keep failing: "],
  ] as const) {
    test(`rejects its promise closed, and can still be stopped, if the worker ${how}`, async () => {
      const child = Bun.spawn([process.execPath, script, how], { stdout: "pipe", stderr: "pipe" });
      const [out, code] = await Promise.all([child.stdout.text(), child.exited]);
      expect(code).toBe(0);
      const { message, received, threads }: PermanentFailure = JSON.parse(out);
      expect(message).toStartWith(reason);
      expect(message).not.toContain("\n");
      expect(received).toBe(1);
      expect(threads).toBeWithin(1, 10);
    });
  }
});
