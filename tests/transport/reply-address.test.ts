/** A reply leaves from the address that was asked. The servers run on virtual hosts that have several addresses. */
import { describe, expect, setDefaultTimeout } from "bun:test";
import { testIf } from "../support/needs.ts";
import { type Host, hasNetns, NEEDS_NETNS, twoHosts } from "../support/netns.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const check = testIf(hasNetns, NEEDS_NETNS);
const SERVER = new URL("./server-in-namespace.ts", import.meta.url).pathname;
const CLIENT = new URL("./client-in-namespace.ts", import.meta.url).pathname;
const TRANSPORTS = ["mmsg", "udp"] as const;
/** How long a new address may take until it is answered from itself, on a busy machine: looks are 2 s apart. */
const NEW_ADDRESS_MS = 20_000;

async function readLine(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  let text = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.includes("\n")) break;
  }
  return text.split("\n")[0]!;
}

/** Starts a server on a virtual host. Without `hosts` it has the default host. */
async function serve(on: Host, transport: (typeof TRANSPORTS)[number], workers: number, ...hosts: string[]) {
  const server = Bun.spawn(on.command([process.execPath, SERVER, "server", transport, `${workers}`, ...hosts]), {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  const port = await readLine(server.stdout);
  return {
    port,
    /** Stops it. @returns the warnings that it logged */
    async stop(): Promise<string> {
      server.stdin.end();
      const warnings = await server.stderr.text();
      await server.exited;
      return warnings;
    },
    async [Symbol.asyncDispose]() {
      server.stdin.end();
      await server.exited;
    },
  };
}

/** Sends lookups to each address on connected sockets. @returns how many were answered, by address */
async function lookups(on: Host, count: number, port: string, addresses: readonly string[], wait = 5000) {
  const client = Bun.spawn(
    on.command([process.execPath, CLIENT, "lookups", `${count}`, `${wait}`, port, ...addresses]),
    {
      stdout: "pipe",
      stderr: "inherit",
    },
  );
  return JSON.parse(await client.stdout.text()) as Record<string, number>;
}

function all(count: number, addresses: readonly string[]): Record<string, number> {
  return Object.fromEntries(addresses.map((address) => [address, count]));
}

/** The reply to an unconnected client, which takes one from any address. */
function ask(on: Host, from: string, to: string, port: string, nodeId = "NODE"): string {
  const command = [process.execPath, CLIENT, "ask", from, to, port, nodeId];
  return Bun.spawnSync(on.command(command), { stderr: "inherit" }).stdout.toString().trim();
}

const REPLY = /^20121025[0-9a-f]+$/;

/** Two hosts. The first has two addresses of each family on its cable, one of each on lo, and a network as a local route. */
async function severalAddresses() {
  const hosts = await twoHosts();
  hosts.a.run(`
    ip addr add 10.9.0.3/24 dev a0; ip addr add fd09::1/64 dev a0; ip addr add fd09::3/64 dev a0
    ip addr add 10.7.0.1/32 dev lo; ip addr add fd07::1/128 dev lo
    ip route add local 10.6.0.0/24 dev lo; ip route add local fd06::/64 dev lo`);
  hosts.b.run(`
    ip addr add fd09::2/64 dev b0
    for net in 10.7.0.0/24 10.6.0.0/24 10.5.0.0/24; do ip route add $net via 10.9.0.1; done
    for net in fd07::/64 fd06::/64 fd05::/64; do ip -6 route add $net via fd09::1; done`);
  return hosts;
}

const IPV4 = ["10.9.0.1", "10.9.0.3", "10.7.0.1"];
const IPV6 = ["fd09::1", "fd09::3", "fd07::1"];
/** Local only by a route: no interface has them. */
const ROUTED = ["10.6.0.9", "fd06::9"];

describe.each(TRANSPORTS)("on transport %s", (transport) => {
  check("every lookup is answered from the address that was asked", async () => {
    await using hosts = await severalAddresses();
    for (const workers of [1, 2]) {
      await using server = await serve(hosts.a, transport, workers);
      const asked = [...IPV4, ...IPV6, ...(transport === "mmsg" ? ROUTED : [])];
      expect(await lookups(hosts.b, 500, server.port, asked)).toEqual(all(500, asked));
      expect(await server.stop()).toBe("");
    }
  });

  check("it is also with the host 0.0.0.0, and with several hosts", async () => {
    await using hosts = await severalAddresses();
    const routed = transport === "mmsg" ? [ROUTED[0]!] : [];
    for (const [given, asked] of [
      [["0.0.0.0"], [...IPV4, ...routed]],
      [["::ffff:0.0.0.0"], [...IPV4, ...routed]],
      [
        ["10.9.0.3", "fd09::1", "10.7.0.1"],
        ["10.9.0.3", "fd09::1", "10.7.0.1"],
      ],
      [
        ["10.9.0.3", "::", "fd09::3", "0.0.0.0", "10.9.0.3"],
        [...IPV4, ...IPV6, ...routed],
      ],
    ] as const) {
      await using server = await serve(hosts.a, transport, 2, ...given);
      expect(await lookups(hosts.b, 200, server.port, asked), given.join()).toEqual(all(200, asked));
      expect(await server.stop()).toBe("");
    }
  });

  check(
    "an address that is added is answered at once, and soon from itself; also when it was removed before",
    async () => {
      await using hosts = await severalAddresses();
      await using server = await serve(hosts.a, transport, 2);
      const added = ["10.9.0.5", "fd09::5"];
      const from = ["0.0.0.0", "::"];
      const change = (what: "add" | "del") =>
        hosts.a.run(added.map((address, i) => `ip addr ${what} ${address}/${i === 0 ? 24 : 64} dev a0`).join("\n"));
      const fromItself = async () => {
        const start = performance.now();
        let answered: Record<string, number>;
        do answered = await lookups(hosts.b, 1, server.port, added, 300);
        while (added.some((address) => answered[address] !== 1) && performance.now() - start < NEW_ADDRESS_MS);
        expect(answered).toEqual(all(1, added));
        expect(await lookups(hosts.b, 200, server.port, added)).toEqual(all(200, added));
      };
      change("add");
      for (const [i, address] of added.entries()) expect(ask(hosts.b, from[i]!, address, server.port)).toMatch(REPLY);
      await fromItself();
      // Long enough that the server notices it, then too short.
      for (const ms of [3000, 0]) {
        change("del");
        await Bun.sleep(ms);
        change("add");
        await fromItself();
      }
      expect(await server.stop()).toBe("");
    },
  );

  check("an address of an interface that is down, unplugged or on no network is answered from itself", async () => {
    await using hosts = await severalAddresses();
    // Unplugged: the other end is down.
    hosts.a.cable("a1", hosts.b, "b1");
    hosts.a.run("ip addr add 10.5.0.1/26 dev a1; ip addr add fd04::1/64 dev a1; ip link set a1 up");
    hosts.a.run("ip link add d2 type veth peer name d3; ip addr add 10.5.0.65/26 dev d2");
    // Where the kernel has no dummy interfaces, a pair that leads nowhere.
    hosts.a.run("ip link add d0 type dummy || ip link add d0 type veth peer name d1 && ip link set d1 up");
    hosts.a.run("ip link set d0 up; ip addr add 10.5.0.129/26 dev d0; ip addr add fd05::1/64 dev d0 nodad");
    await using server = await serve(hosts.a, transport, 1);
    // IPv6 does not use the address of an interface that is unplugged.
    const asked = ["10.5.0.1", "10.5.0.65", "10.5.0.129", "fd05::1"];
    expect(await lookups(hosts.b, 200, server.port, asked)).toEqual(all(200, asked));
  });

  check("more addresses than descriptors: the server starts, and answers at all of them", async () => {
    await using hosts = await severalAddresses();
    hosts.a.run("for i in $(seq 200); do echo addr add 10.5.0.$i/32 dev lo; done | ip -batch -");
    const few: Host = Object.create(hosts.a, {
      command: { value: (args: string[]) => hosts.a.command(["sh", "-c", 'ulimit -n 200; exec "$@"', "sh", ...args]) },
    });
    await using server = await serve(few, transport, 2);
    expect(ask(hosts.b, "0.0.0.0", "10.5.0.1", server.port)).toMatch(REPLY);
    expect(ask(hosts.b, "0.0.0.0", "10.5.0.200", server.port)).toMatch(REPLY);
  });

  check("a link-local address is answered from itself, on each of two links", async () => {
    await using hosts = await twoHosts();
    hosts.a.cable("a1", hosts.b, "b1");
    hosts.a.run("ip link set a1 up");
    hosts.b.run("ip link set b1 up");
    await Promise.all([hosts.a.linked("a1"), hosts.b.linked("b1")]);
    // The same address on both links, beside the one that the kernel has chosen.
    hosts.a.run("for name in a0 a1; do ip addr add fe80::77/64 dev $name; done");
    const linkLocal = (name: string) => hosts.a.run(`ip -6 addr show dev ${name}`).match(/fe80::[0-9a-f:]+/g) ?? [];
    await using server = await serve(hosts.a, transport, 2);
    for (const link of [0, 1]) {
      const asked = linkLocal(`a${link}`).map((address) => `${address}%b${link}`);
      expect(asked).toHaveLength(2);
      // Announcements from link-local addresses are not stored, so `lookups` needs nodes that were announced before.
      for (const nodeId of asked) expect(ask(hosts.b, "0.0.0.0", "10.9.0.1", server.port, nodeId)).toMatch(REPLY);
      expect(await lookups(hosts.b, 200, server.port, asked)).toEqual(all(200, asked));
    }
  });

  check("a query to a broadcast or multicast address is answered too, and ends nothing", async () => {
    await using hosts = await severalAddresses();
    hosts.b.run("ip route add default via 10.9.0.1");
    await using server = await serve(hosts.a, transport, 1);
    for (const [from, to] of [
      ["0.0.0.0", "10.9.0.255"],
      ["0.0.0.0", "255.255.255.255"],
      ["::", "ff02::1%b0"],
    ] as const) {
      expect(ask(hosts.b, from, to, server.port), to).toMatch(REPLY);
    }
    const asked = [...IPV4, ...IPV6];
    expect(await lookups(hosts.b, 200, server.port, asked)).toEqual(all(200, asked));
    expect(await server.stop()).toBe("");
  });
});
