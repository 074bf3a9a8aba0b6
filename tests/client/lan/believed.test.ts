/** The LAN accepts announcements only from hosts on a directly connected network of an interface in use. */
import { expect } from "bun:test";
import { Host } from "../../support/netns.ts";
import { announcement, ascii } from "../../support/packets.ts";
import { TEST_LIMIT_MS, until } from "../../support/time-limits.ts";
import { Agent, type AgentOptions } from "./agents.ts";
import { lanTest, runtimeOfTest } from "./runtimes.ts";

const start = (host: Host, options: Partial<AgentOptions> = {}) =>
  Agent.start(host, { runtime: runtimeOfTest(), ...options });
const packet = (nodeId: string, port = 22000) => announcement(ascii(nodeId), port).toHex();
const nodesOf = (agent: Agent) => agent.all("node").map(({ nodeId, ip }) => `${nodeId} ${ip}`);

/** A host, a router on its network, and a host on the router's other network. Both networks have IPv4 and IPv6. */
async function routedNetworks() {
  const hosts = [await Host.create(), await Host.create(), await Host.create()] as const;
  const [near, router, far] = hosts;
  near.cable("n0", router, "r0");
  far.cable("f0", router, "r1");
  router.run(`
    echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
    ip addr add 10.9.0.254/24 dev r0; ip addr add fd09::fe/64 dev r0; ip link set r0 up
    ip addr add 10.9.7.254/24 dev r1; ip addr add fd97::fe/64 dev r1; ip link set r1 up`);
  near.run(`ip addr add 10.9.0.1/24 dev n0; ip addr add fd09::1/64 dev n0; ip link set n0 up
    ip route add default via 10.9.0.254; ip -6 route add default via fd09::fe`);
  far.run(`ip addr add 10.9.7.2/24 dev f0; ip addr add fd97::2/64 dev f0; ip link set f0 up
    ip route add default via 10.9.7.254; ip -6 route add default via fd97::fe`);
  await Promise.all([near.linked("n0"), far.linked("f0"), router.linked("r0"), router.linked("r1")]);
  return {
    near,
    router,
    far,
    async [Symbol.asyncDispose]() {
      await Promise.all(hosts.map((host) => host[Symbol.asyncDispose]()));
    },
  };
}

lanTest(
  "announcements that a router brought are ignored, those of hosts on the network are not (the original believed anyone)",
  async () => {
    await using net = await routedNetworks();
    await using lan = await start(net.near, { nodeId: "NEAR" });
    await using router = await start(net.router, { kind: "listener" });
    await using far = await start(net.far, { kind: "listener" });
    const before = (await lan.state()).counters.ignored;
    const routed = Array.from({ length: 100 }, (_, i) => packet(`FAR-${i}`));
    far.order({ send: routed, to: "10.9.0.1" });
    far.order({ send: routed, to: "fd09::1" });
    // A hello is a question, and strangers get no answer either.
    far.order({ send: [packet("HELLO", 0)], to: "10.9.0.1" });
    let ignored = 0;
    const look = async () => (ignored = (await lan.state()).counters.ignored - before);
    const end = performance.now() + 10_000;
    while ((await look()) < 201 && performance.now() < end);
    expect(ignored).toBeGreaterThanOrEqual(201);
    expect(lan.all("node")).toEqual([]);

    router.order({ send: [packet("BY-IPV4")], to: "10.9.0.1" });
    await lan.first("node", ({ nodeId }) => nodeId === "BY-IPV4");
    router.order({ send: [packet("BY-IPV6")], to: "fd09::1" });
    await lan.first("node", ({ nodeId }) => nodeId === "BY-IPV6");
    router.order({ send: [packet("BY-BROADCAST")], to: "10.9.0.255" });
    await lan.first("node", ({ nodeId }) => nodeId === "BY-BROADCAST");
    router.order({ send: [packet("BY-MULTICAST")], to: "ff02::2012:1025%r0" });
    await lan.first("node", ({ nodeId }) => nodeId === "BY-MULTICAST");
    expect(nodesOf(lan).map((node) => node.replace(/fe80::.*%/, "fe80::%"))).toEqual([
      "BY-IPV4 10.9.0.254",
      "BY-IPV6 fd09::fe",
      "BY-BROADCAST 10.9.0.254",
      "BY-MULTICAST fe80::%n0",
    ]);
    const { counters } = await lan.state();
    expect(counters.received).toBe(counters.announcements + counters.foreign + counters.ignored);
  },
  TEST_LIMIT_MS,
);

lanTest(
  "a new network is believed from its first packet on, and a flood does not make the list be read each time",
  async () => {
    await using net = await routedNetworks();
    // It would look at its interfaces after an hour.
    await using lan = await start(net.near, { nodeId: "NEAR", timings: { interfaces: 3_600_000 } });
    await using router = await start(net.router, { kind: "listener" });
    await using far = await start(net.far, { kind: "listener" });
    net.router.run("ip addr add 10.9.5.2/24 dev r0");
    net.near.run("ip addr add 10.9.5.1/24 dev n0");
    await Bun.sleep(200);
    router.order({ send: [packet("NEW")], to: "10.9.5.1" });
    await lan.first("node");
    expect(nodesOf(lan)).toEqual(["NEW 10.9.5.2"]);

    const { reads } = await lan.state();
    const began = performance.now();
    for (let i = 0; i < 20; i++) {
      far.order({ send: Array.from({ length: 100 }, (_, j) => packet(`FAR-${i}-${j}`)), to: "10.9.0.1" });
      await Bun.sleep(20);
    }
    const ignored = async () => (await lan.state()).counters.ignored;
    const end = performance.now() + 10_000;
    while ((await ignored()) < 1_000 && performance.now() < end);
    expect(await ignored()).toBeGreaterThanOrEqual(1_000);
    // Ten times a second at most.
    expect((await lan.state()).reads - reads).toBeLessThanOrEqual(1 + (performance.now() - began) / 100);
  },
);

lanTest("one host that invents NodeIDs gets 1,000 places, and other hosts theirs", async () => {
  await using net = await routedNetworks();
  await using lan = await start(net.near, { nodeId: "NEAR" });
  await using router = await start(net.router, { kind: "listener" });
  for (let i = 0; i < 12_000; i += 100) {
    router.order({ send: Array.from({ length: 100 }, (_, j) => packet(`INVENTED-${i + j}`)), to: "10.9.0.1" });
    if (i % 1_000 === 0) await lan.state();
  }
  await until(() => lan.all("node").length >= 1_000, "the nodes that were invented");
  net.router.run("ip addr add 10.9.0.99/24 dev r0");
  await using other = await start(net.router, { nodeId: "OTHER", port: 21026, announcedPort: 0 });
  await other.state();
  router.order({ send: [packet("BY-IPV6")], to: "fd09::1" });
  await lan.first("node", ({ nodeId }) => nodeId === "BY-IPV6");
  expect((await lan.state()).nodes).toBe(1_001);
});

lanTest("a list of interfaces that cannot be read is an error that is retried", async () => {
  await using net = await routedNetworks();
  const options: Partial<AgentOptions> = { nodeId: "NEAR", sabotage: "no list at first", timings: { interfaces: 50 } };
  await using lan = await start(net.near, options);
  await using router = await start(net.router, { nodeId: "ROUTER" });
  await Promise.all([lan.first("node"), router.first("node")]);
  expect(lan.all("error").filter(({ code }) => code === "EMFILE")).toEqual([
    { type: "error", code: "EMFILE", where: "lan", message: "lan: cannot list the network interfaces: EMFILE" },
  ]);
});
