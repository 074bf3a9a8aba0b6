/** Which interfaces are used. */
import { expect, test } from "bun:test";
import { inUse } from "../../../src/client/lan/interfaces.ts";
import { Host } from "../../support/netns.ts";
import { announcement, ascii } from "../../support/packets.ts";
import { TEST_LIMIT_MS } from "../../support/time-limits.ts";
import { Agent, type AgentOptions } from "./agents.ts";
import { lanTest, runtimeOfTest } from "./runtimes.ts";

const used = (names: string[], chosen?: string[]) =>
  Object.keys(inUse(Object.fromEntries(names.map((name) => [name, []])), chosen));

test("by default the interfaces of containers are not used, those that only look like them are", () => {
  const ofContainers = [
    ..."docker0 docker1 docker_gwbridge br-0123456789ab podman0 podman12 cni-podman0 virbr0 lxcbr0 lxdbr0 incusbr0".split(
      " ",
    ),
    ..."vethd1e5a3f veth0a1b2c3d vethQ3bXz9 lxc1f2e3d4c5b6a cni0 cbr0 cali12345678901 cilium_host cilium_vxlan".split(
      " ",
    ),
    ..."flannel.1 flannel-v6.1 kube-bridge kube-ipvs0 weave vxlan.calico vxlan-v6.calico".split(" "),
  ];
  const ofLans = [
    ..."lo eth0 enp3s0 wlan0 wlp2s0 br0 br-lan br-guest bridge0 bond0 eth0.7 vlan7 vmbr0 veth0 veth12 tun0 wg0 en0".split(
      " ",
    ),
    ..."dockernet br-0123456789ag br-0123456789abc podman virbr virbridge cni calibre Ethernet Wi-Fi".split(" "),
  ];
  expect(used([...ofContainers, ...ofLans])).toEqual(ofLans);
  expect(used([...ofContainers, ...ofLans], ["docker0", "eth0", "eth9"])).toEqual(["docker0", "eth0"]);
  expect(used(ofLans, [])).toEqual([]);
});

/** A host with cables to another one: from each of the names to p0, p1, ... The networks are 10.9.0.0/24, 10.9.1.0/24, ... */
async function cabledHosts(...names: string[]) {
  const [host, peer] = [await Host.create(), await Host.create()];
  for (const [i, name] of names.entries()) {
    host.cable(name, peer, `p${i}`);
    host.run(`ip addr add 10.9.${i}.1/24 dev ${name}; ip link set ${name} up`);
    peer.run(`ip addr add 10.9.${i}.2/24 dev p${i}; ip link set p${i} up`);
  }
  for (const [i, name] of names.entries()) await Promise.all([host.linked(name), peer.linked(`p${i}`)]);
  return {
    host,
    peer,
    async [Symbol.asyncDispose]() {
      await Promise.all([host[Symbol.asyncDispose](), peer[Symbol.asyncDispose]()]);
    },
  };
}

const start = (host: Host, options: Partial<AgentOptions>) =>
  Agent.start(host, { runtime: runtimeOfTest(), ...options });

/**
 * The sources of what the peer's listener has heard, apart from its own packets: an IPv4 address, or the cable's end.
 *
 * @param all - sources that it waits for
 */
async function heardBy(listener: Agent, all: readonly string[]): Promise<string[]> {
  const own = /^.{24}(42524f|4d554c|554e49|4c494e)/; // BRO, MUL, UNI, LIN
  const source = (ip: string) => ip.split("%")[1] ?? ip;
  for (const each of all) await listener.first("heard", ({ hex, ip }) => !own.test(hex) && source(ip) === each);
  const heard = listener.all("heard").filter(({ hex }) => !own.test(hex));
  return [...new Set(heard.map(({ ip }) => source(ip)))].sort();
}

/** Sends announcements from all of the peer's addresses, the last of them on `last`. @returns the nodes then known */
async function believed(
  { host }: { host: Host },
  names: readonly string[],
  lan: Agent,
  listener: Agent,
  last: number,
): Promise<string[]> {
  const all = [...names.keys()].filter((i) => i !== last);
  for (const i of [...all, last]) {
    const send = (to: string, how: string) =>
      listener.order({ send: [announcement(ascii(`${how}-${i}`), 22000).toHex()], to });
    send(`10.9.${i}.255`, "BROADCAST");
    send(`10.9.${i}.1`, "UNICAST");
    send(`ff02::2012:1025%p${i}`, "MULTICAST");
    const linkLocal = /fe80::[0-9a-f:]+/.exec(host.run(`ip -6 addr show dev ${names[i]}`))![0];
    send(`${linkLocal}%p${i}`, "LINK-LOCAL");
  }
  for (const how of ["BROADCAST", "UNICAST", "MULTICAST", "LINK-LOCAL"]) {
    await lan.first("node", ({ nodeId }) => nodeId === `${how}-${last}`);
  }
  await lan.state();
  return lan
    .all("node")
    .map(({ nodeId }) => nodeId)
    .sort();
}

lanTest(
  "only the chosen interfaces are announced on, joined and believed",
  async () => {
    const names = ["eth0", "eth1", "docker0"];
    await using net = await cabledHosts(...names);
    await using listener = await start(net.peer, { kind: "listener" });
    // The limited broadcast would follow this route.
    net.host.run("ip route add default via 10.9.0.2");
    const interfaces = ["eth1", "docker0", "eth9"];
    await using lan = await start(net.host, { interfaces, timings: { interfaces: 50, lanInterval: 100 } });
    expect(await believed(net, names, lan, listener, 2)).toEqual([
      "BROADCAST-1",
      "BROADCAST-2",
      "LINK-LOCAL-1",
      "LINK-LOCAL-2",
      "MULTICAST-1",
      "MULTICAST-2",
      "UNICAST-1",
      "UNICAST-2",
    ]);
    const sources = ["10.9.1.1", "10.9.2.1", "p1", "p2"];
    expect(await heardBy(listener, sources)).toEqual(sources);
    const groups = net.host
      .run("cat /proc/net/igmp6")
      .split("\n")
      .filter((line) => line.includes("20121025"));
    expect(groups.map((line) => line.split(/\s+/)[1]).sort()).toEqual(["docker0", "eth1"]);

    // Programs of the same host are believed, whichever of its addresses they use.
    await using neighbour = await start(net.host, { kind: "listener", port: 21026 });
    for (const [nodeId, to] of [
      ["BY-ETH0", "10.9.0.1"],
      ["BY-LO", "127.0.0.1"],
    ] as const) {
      neighbour.order({ send: [announcement(ascii(nodeId), 22000).toHex()], to, port: 21025 });
      expect(await lan.first("node", (node) => node.nodeId === nodeId)).toMatchObject({ ip: to });
    }

    // It says so once, and uses the interface when it is there.
    expect(lan.all("error")).toEqual([
      {
        type: "error",
        code: "ENODEV",
        where: "lan",
        message: "lan: there is no interface eth9, only lo, eth0, eth1, docker0 (ENODEV)",
      },
    ]);
    net.host.cable("eth9", net.peer, "p9");
    net.peer.run("ip addr add 10.9.9.2/24 dev p9; ip link set p9 up");
    net.host.run("ip addr add 10.9.9.1/24 dev eth9; ip link set eth9 up");
    await listener.first("heard", ({ ip }) => ip === "10.9.9.1");
    expect(lan.all("error")).toHaveLength(1);
  },
  TEST_LIMIT_MS,
);

lanTest(
  "the bridges of containers are not used by default, and a bridge of another name is",
  async () => {
    const names = ["br-0123456789ab", "br0", "docker0"];
    await using net = await cabledHosts(...names);
    await using listener = await start(net.peer, { kind: "listener" });
    await using lan = await start(net.host, {});
    expect(await believed(net, names, lan, listener, 1)).toEqual([
      "BROADCAST-1",
      "LINK-LOCAL-1",
      "MULTICAST-1",
      "UNICAST-1",
    ]);
    expect(await heardBy(listener, ["10.9.1.1", "p1"])).toEqual(["10.9.1.1", "p1"]);
    expect(lan.all("error")).toEqual([]);
  },
  TEST_LIMIT_MS,
);

lanTest("an address with a label belongs to its interface", async () => {
  await using net = await cabledHosts("eth0", "docker0");
  net.host.run("ip addr flush dev eth0; ip addr add 10.9.0.1/24 dev eth0 label eth0:1");
  net.host.run("ip addr flush dev docker0; ip addr add 10.9.1.1/24 dev docker0 label docker0:1");
  await using listener = await start(net.peer, { kind: "listener" });
  for (const interfaces of [["eth0"], undefined]) {
    await using lan = await start(net.host, { nodeId: `${interfaces}`, ...(interfaces && { interfaces }) });
    await lan.first("announced", ({ address }) => address.startsWith("10.9.0.255"));
    listener.order({ send: [announcement(ascii("BROADCAST"), 22000).toHex()], to: "10.9.0.255" });
    await lan.first("node", ({ nodeId }) => nodeId === "BROADCAST");
    expect(lan.all("error")).toEqual([]);
  }
  expect(await heardBy(listener, ["10.9.0.1"])).toEqual(["10.9.0.1"]);
});
