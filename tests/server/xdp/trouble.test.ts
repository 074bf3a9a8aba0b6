/** What keeps a server with the transport xdp from using its interface, and how it goes on. */
import { expect } from "bun:test";
import type { ServerOptions } from "../../../src/server/index.ts";
import { testIf } from "../../support/needs.ts";
import { Host } from "../../support/netns.ts";
import { hasRedis, NEEDS_REDIS, Redis } from "../../support/redis.ts";
import { TEST_LIMIT_MS } from "../../support/time-limits.ts";
import { hasXdp, NEEDS_XDP } from "../../support/xdp.ts";
import { setQueues } from "./channels.ts";
import type { Load, Round } from "./client.ts";
import { busyQueues, holdQueue } from "./queue-socket.ts";
import type { ServerAnswer } from "./server.ts";
import { PORT, type ServerProgram, Site } from "./site.ts";

const hasTools = ["setpriv", "prlimit"].every((tool) => Bun.which(tool) !== null);
const on = testIf(hasXdp && hasTools, `${NEEDS_XDP}; setpriv, prlimit`);
const NODES = 50;
const NEEDED = "it needs CAP_NET_ADMIN, CAP_NET_RAW and CAP_BPF (docs/xdp.md)";
const NO_INTERFACE = 'there is no such interface: "ip link" lists those of this host';
const NO_ADDRESS =
  "it has no address that the server listens on: give it one, or if it is part of a bridge or bond, name that";
const ATTACHED =
  'another XDP program is attached to the interface ("ip -d link" shows it): remove it, or end the server that uses it';

/** A command that takes capabilities away. */
const without = (...names: string[]) => [
  "setpriv",
  ...["--bounding-set", names.map((name) => `-${name}`).join(), "--inh-caps", "-all"],
];

/** The server's problem; it was started for that. */
async function problemOf(site: Site, options: Partial<ServerOptions>, by?: string[]): Promise<string | undefined> {
  await using server = await site.serve({ journal: "memory", ...options }, by);
  const { xdp } = await server.ask<ServerAnswer>({ do: "stats" });
  return xdp?.problem;
}

/** Waits until the state of the transport is as expected. */
async function becomes(server: ServerProgram, expected: Partial<ServerAnswer["xdp"] & {}>): Promise<void> {
  const end = performance.now() + 20_000;
  for (;;) {
    const { xdp } = await server.ask<ServerAnswer>({ do: "stats" });
    // A problem that is not expected must not be there.
    const wanted = { problem: undefined, ...expected };
    const names = Object.keys(wanted) as (keyof typeof wanted)[];
    const is = Object.fromEntries(names.map((name) => [name, xdp?.[name]])) as typeof wanted;
    if (Bun.deepEquals(is, wanted)) return;
    if (performance.now() > end) expect(is).toEqual(wanted);
    await Bun.sleep(10);
  }
}

on(
  "a server without the rights for xdp serves by mmsg, and says which capability is missing",
  async () => {
    await using site = await Site.create();
    for (const [dropped, missing] of [
      [["net_admin", "sys_admin"], "CAP_NET_ADMIN and CAP_BPF"],
      [["bpf", "sys_admin"], "CAP_BPF"],
    ] as const) {
      const names = missing.startsWith("CAP_NET_ADMIN") ? [...dropped, "bpf", "perfmon"] : dropped;
      expect(await problemOf(site, {}, without(...names))).toBe(`the server has no ${missing}: ${NEEDED}`);
    }
    await using server = await site.serve({ journal: "memory" }, without("net_raw"));
    await becomes(server, { mode: "native", served: 0, problem: `queue 0: the server has no CAP_NET_RAW: ${NEEDED}` });
    await using client = await site.ask(NODES);
    expect(await client.ask<Round>({ do: "announce" })).toMatchObject({ missing: 0 });
    expect((await server.ask<ServerAnswer>({ do: "stats" })).xdp?.received).toBe(0);
  },
  TEST_LIMIT_MS,
);

on(
  "an ordinary user with the capabilities, and memory to lock for its queue, serves it by xdp, also after its worker was replaced and after kill -9",
  async () => {
    await using site = await Site.create();
    const names = ["net_admin", "net_raw", "bpf"].map((name) => `+${name}`).join();
    // Nobody else has it: the kernel counts locked memory by user.
    const id = `${100_000 + process.pid}`;
    const user = ["--reuid", id, "--regid", id, "--clear-groups"];
    const capabilities = ["--inh-caps", `-all,${names}`, "--ambient-caps", `-all,${names}`];
    const by = (memory: number) => ["prlimit", `--memlock=${memory}`, "setpriv", ...user, ...capabilities];
    await using server = await site.serve({ journal: "memory", receiveBuffer: 1 << 20 }, by(1 << 20));
    await becomes(server, { mode: "native", served: 1 });
    // The memory that a thread had locked is free for its successor, even if it runs on.
    for (const how of ["throw", "spin"] as const) {
      await server.ask({ do: "fail", how, worker: 0 });
      await becomes(server, { served: 1 });
    }
    await server.ask({ do: "go" });
    server.child.kill("SIGKILL");
    await server.child.exited;
    // The kernel takes a moment to free the memory.
    await using next = await site.serve({ journal: "memory", receiveBuffer: 1 << 20, fallback: false }, by(1 << 20));
    await becomes(next, { mode: "native", served: 1 });
    await next.end();
    const problem =
      "queue 0: the process may not lock so much memory: raise its limit (ulimit -l, LimitMEMLOCK= of systemd), or take a smaller --receive-buffer";
    expect(await problemOf(site, { receiveBuffer: 1 << 20 }, by(1 << 19))).toBe(problem);
    const strict = site.server({ journal: "memory", receiveBuffer: 1 << 20, fallback: false }, by(1 << 19));
    expect(await strict.next<unknown>()).toEqual({ error: `cannot use the interface b0: ${problem}` });
    expect(await strict.child.exited).toBe(1);
    expect(await strict.errors).toBe("");
  },
  TEST_LIMIT_MS,
);

on(
  "an interface that is not there, is no Ethernet or has no address of the server is a problem; one whose driver cannot is served in generic mode",
  async () => {
    await using site = await Site.create();
    expect(await problemOf(site, { interface: "eth9" })).toBe(NO_INTERFACE);
    const other = "it is not an Ethernet interface: name that of the network card, not one such as lo, tun0 or wg0";
    expect(await problemOf(site, { interface: "lo" })).toBe(other);
    expect(await problemOf(site, { host: "127.0.0.1" })).toBe(NO_ADDRESS);
    const strict = site.server({ journal: "memory", interface: "eth9", fallback: false });
    expect(await strict.next<unknown>()).toEqual({ error: `cannot use the interface eth9: ${NO_INTERFACE}` });
    expect(await strict.child.exited).toBe(1);
    // The driver of a cable takes no program if a frame may have several pages.
    site.client.run("ip link set a0 mtu 9000");
    site.host.run("ip link set b0 mtu 9000");
    // Interfaces may have several names.
    site.host.run("ip link property add dev b0 altname enp3s0");
    await using server = await site.serve({ journal: "memory", fallback: false, interface: "enp3s0" });
    await becomes(server, { mode: "generic", served: 1, interface: "enp3s0" });
    await using client = await site.ask(NODES);
    expect(await client.ask<Round>({ do: "announce" })).toMatchObject({ missing: 0 });
    expect((await server.ask<ServerAnswer>({ do: "stats" })).xdp?.received).toBeGreaterThanOrEqual(2 * NODES);
  },
  TEST_LIMIT_MS,
);

on(
  "a second server on the interface serves by mmsg at another port, and by xdp when the first one has ended",
  async () => {
    await using site = await Site.create();
    await using first = await site.serve({ journal: "memory" });
    await using second = await site.serve({ journal: "memory", port: PORT + 1 });
    await becomes(second, { served: 0, problem: ATTACHED });
    await becomes(first, { served: 1 });
    await using client = await site.ask(NODES, PORT + 1);
    expect(await client.ask<Round>({ do: "announce" })).toMatchObject({ missing: 0 });
    await using strict = site.server({ journal: "memory", port: PORT + 2, fallback: false });
    expect(await strict.next<unknown>()).toEqual({ error: `cannot use the interface b0: ${ATTACHED}` });
    first.child.kill("SIGKILL");
    await becomes(second, { served: 1 });
    expect(await client.ask<Round>({ do: "all", ms: 20_000 })).toMatchObject({ missing: 0 });
    expect((await second.ask<ServerAnswer>({ do: "stats" })).xdp?.received).toBeGreaterThanOrEqual(NODES);
  },
  TEST_LIMIT_MS,
);

on(
  "a queue on which another program has a socket is served when that has ended",
  async () => {
    await using site = await Site.create();
    let server: ServerProgram;
    {
      await using _other = await holdQueue(site.host, "b0");
      server = await site.serve({ journal: "memory" });
      const problem = "queue 0: another program has an AF_XDP socket on it: end that program";
      await becomes(server, { mode: "native", queues: 1, served: 0, problem });
    }
    await becomes(server, { served: 1 });
    await server.end();
    expect(await busyQueues(site.host, "b0", 1)).toEqual([]);
  },
  TEST_LIMIT_MS,
);

on(
  "an interface that goes away and comes back, with another address or another name in between, is served again",
  async () => {
    await using site = await Site.create();
    await using elsewhere = await Host.create();
    await using server = await site.serve({ journal: "memory" });
    await using client = await site.ask(NODES);
    /** Waits until all nodes are answered, by xdp: after a change of its addresses, once the server has seen it. */
    const answers = async (what: "announce" | "all" = "all") => {
      for (let received = 0; received < NODES; ) {
        const before = (await server.ask<ServerAnswer>({ do: "stats" })).xdp!.received;
        expect(await client.ask<Round>({ do: what, ms: 20_000 })).toMatchObject({ missing: 0 });
        received = (await server.ask<ServerAnswer>({ do: "stats" })).xdp!.received - before;
      }
    };
    const address = "ip addr add 10.9.0.2/24 dev b0; ip link set b0 up";
    /** Another cable, whose interface `b0` has this number. */
    const cable = (index: string) => {
      site.host.run(`ip link del b0; ip link add b0 index ${index} type veth peer name a0`);
      site.client.take(site.host, "a0");
      site.client.run("ip addr add 10.9.0.1/24 dev a0; ip link set a0 up");
      site.host.run(address);
    };
    const { files, mappings } = await server.ask<ServerAnswer>({ do: "stats" });
    await answers("announce");

    site.host.run("ip link set b0 down; ip link set b0 up");
    await answers();
    site.host.run("ip link set b0 mtu 1300");
    await answers();
    site.host.run("ip link set b0 down; ip link set b0 name c0");
    await becomes(server, { queues: 0, served: 0, problem: NO_INTERFACE });
    site.host.run("ip link set c0 name b0; ip link set b0 up");
    await becomes(server, { served: 1 });
    await answers();

    const index = site.host.run("ip -o link show b0").split(":")[0]!;
    site.host.run("ip link del b0");
    await becomes(server, { queues: 0, served: 0, mode: undefined, problem: NO_INTERFACE });
    site.host.run("ip link add b0 type veth peer name c0");
    await becomes(server, { queues: 1, served: 0, problem: NO_ADDRESS });
    // At once.
    cable(`${Number(index) + 90}`);
    await answers();
    cable(`${Number(index) + 90}`);
    await answers();

    elsewhere.take(site.host, "b0");
    await becomes(server, { queues: 0, served: 0, problem: NO_INTERFACE });
    expect(elsewhere.run("ip -d link show b0")).not.toContain("xdp");
    site.host.take(elsewhere, "b0");
    site.host.run(address);
    await becomes(server, { served: 1 });
    await answers();

    site.host.run("ip link set b0 address 02:00:00:00:00:77");
    site.client.run("ip neigh flush dev a0");
    await answers();
    // Nothing of the sockets of six loans is left. The kernel's sockets may be one more or less: each address has one.
    const after = await server.ask<ServerAnswer>({ do: "stats" });
    expect(after.rings).toBe(4);
    expect(after.files).toBeLessThan(files + 4);
    expect(after.mappings).toBeLessThan(mappings + 20);
  },
  TEST_LIMIT_MS,
);

on(
  "each queue of the interface has a worker with --workers auto; queues that are added later are the kernel's, and are a problem",
  async () => {
    await using site = await Site.create(4);
    for (const [host, name] of [
      [site.host, "b0"],
      [site.client, "a0"],
    ] as const) {
      expect(setQueues(host, name, 2)).toBe("");
    }
    await using server = await site.serve({ journal: "memory", workers: "auto", fallback: false });
    await becomes(server, { queues: 2, served: 2 });
    await using client = await site.ask(NODES);
    expect(await client.ask<Round>({ do: "announce" })).toMatchObject({ missing: 0 });
    expect(setQueues(site.host, "b0", 4)).toBe("");
    const problem = "it has 4 queues, and only 2 of them have a worker: start the server again, with --workers auto";
    await becomes(server, { queues: 4, served: 2, problem });
    expect(setQueues(site.client, "a0", 4)).toBe("");
    expect(await client.ask<Round>({ do: "all", ms: 20_000 })).toMatchObject({ missing: 0 });
    expect(setQueues(site.client, "a0", 1)).toBe("");
    expect(setQueues(site.host, "b0", 2)).toBe("");
    await becomes(server, { queues: 2, served: 2 });
    // The kernel keeps a queue that has a socket.
    expect(setQueues(site.host, "b0", 1)).toBe("refused");
    expect(await client.ask<Round>({ do: "all", ms: 20_000 })).toMatchObject({ missing: 0 });
  },
  TEST_LIMIT_MS,
);

on(
  "with more workers than queues, the others serve what the kernel's sockets get; with fewer, the other queues are the kernel's",
  async () => {
    await using site = await Site.create(2);
    for (const [workers, served, problem] of [
      [3, 2, undefined],
      [1, 1, "it has 2 queues, and only 1 of them has a worker: start the server again, with --workers auto"],
    ] as const) {
      await using server = await site.serve({ journal: "memory", workers });
      await becomes(server, { queues: 2, served, problem });
      await using client = await site.ask(NODES);
      expect(await client.ask<Round>({ do: "announce" })).toMatchObject({ missing: 0 });
      const { xdp, received } = await server.ask<ServerAnswer>({ do: "stats" });
      expect(xdp!.received).toBeGreaterThan(0);
      if (served === 1) expect(received).toBeGreaterThan(xdp!.received);
    }
  },
  TEST_LIMIT_MS,
);

on(
  "a worker takes its queue over at once, also while packets come one by one through the kernel's sockets",
  async () => {
    await using site = await Site.create();
    await using client = await site.ask(NODES);
    await client.ask({ do: "load", rate: 40 });
    // The start fails if a worker does not answer within 3 s. 256 batches of one packet take longer.
    await using server = await site.serve({ journal: "memory", fallback: false });
    await becomes(server, { served: 1 });
  },
  TEST_LIMIT_MS,
);

testIf(hasXdp && hasRedis, `${NEEDS_XDP}; ${NEEDS_REDIS}`)(
  "a server with --share-port takes the interface over from an earlier one when that has ended, and no node is lost",
  async () => {
    await using site = await Site.create();
    await using redis = await Redis.start({ by: site.host.command([]) });
    const options = { journal: redis.url, sharePort: true, receiveBuffer: 8 << 20 };
    await using first = await site.serve(options);
    await using client = await site.ask(NODES);
    expect(await client.ask<Round>({ do: "announce" })).toMatchObject({ missing: 0 });
    await client.ask({ do: "load", rate: 1000 });
    await using second = await site.serve(options);
    await becomes(second, { served: 0, problem: ATTACHED });
    await first.end();
    await becomes(second, { served: 1 });
    expect(await client.ask<Round>({ do: "all", ms: 20_000 })).toMatchObject({ missing: 0 });
    const { wrong, asked, answered } = await client.ask<Load>({ do: "read" });
    expect(wrong).toBe(0);
    expect(answered).toBeGreaterThan(0.9 * asked);
  },
  TEST_LIMIT_MS,
);
