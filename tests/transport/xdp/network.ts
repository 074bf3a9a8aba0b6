/**
 * A virtual host for a server, and a cable to it on which a test sends any frames.
 *
 * ```
 *  the test's end: b0, 02:00:00:00:00:02 ── a0, 02:00:00:00:00:01: the server's host
 * ```
 *
 * The test's end has no addresses, so its kernel answers nothing. The server's host sends all that leaves it to that end.
 */
import { Host, hasNetns } from "../../support/netns.ts";
import { until } from "../../support/time-limits.ts";

export const SERVER_MAC = "02:00:00:00:00:01";
export const CLIENT_MAC = "02:00:00:00:00:02";
export const PORT = 22025;
/** Addresses of the server's interface: of each family the first one, a second one, and of IPv6 the link-local one. */
export const SERVER = {
  v4: "10.9.0.1",
  second4: "10.9.0.3",
  v6: "fd09::1",
  second6: "fd09::3",
  local6: "fe80::1",
} as const;
/** Addresses of the server's host that are on its loopback interface. */
export const LOOPBACK = { v4: "10.7.0.1", v6: "fd07::1" } as const;
export const CLIENT = { v4: "10.9.0.2", v6: "fd09::2", local6: "fe80::2" } as const;
/** A VLAN on the cable for which the server's host has an interface, and one for which it has none. */
export const VLAN = { number: 5, server: "10.5.0.1", client: "10.5.0.2", absent: 6 } as const;

const SET_UP = `
sysctl -q net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_msgs_per_sec=1000000 net.ipv4.icmp_msgs_burst=1000000 net.ipv6.icmp.ratelimit=0
sysctl -q net.ipv4.ipfrag_time=3600 net.ipv6.ip6frag_time=3600
for conf in /proc/sys/net/ipv4/conf/*; do echo 0 > $conf/rp_filter; done
ip link set a0 address ${SERVER_MAC} addrgenmode none
ip addr add ${SERVER.v4}/24 brd + dev a0
ip addr add ${SERVER.second4}/24 brd + dev a0
for address in ${SERVER.v6} ${SERVER.local6}; do ip addr add $address/64 dev a0 nodad; done
# Deprecated: the kernel never chooses it by itself.
ip addr add ${SERVER.second6}/64 dev a0 nodad preferred_lft 0
ip addr add ${LOOPBACK.v4}/32 dev lo
ip addr add ${LOOPBACK.v6}/128 dev lo
ip link set a0 up
for address in ${CLIENT.v4} ${CLIENT.v6} ${CLIENT.local6}; do ip neigh add $address lladdr ${CLIENT_MAC} dev a0 nud permanent; done
ip route add default via ${CLIENT.v4}
ip -6 route add default via ${CLIENT.local6} dev a0`;

const SET_UP_VLAN = `
ip link add link a0 name a5 type vlan id ${VLAN.number}
ip link set a5 addrgenmode none up
ip addr add ${VLAN.server}/24 dev a5
ip neigh add ${VLAN.client} lladdr ${CLIENT_MAC} dev a5 nud permanent`;

/** Whether the kernel has interfaces for VLANs, which not every one has. */
export const hasVlans: boolean =
  hasNetns &&
  Bun.spawnSync(["unshare", "-n", "ip", "link", "add", "link", "lo", "name", "v", "type", "vlan", "id", "5"])
    .exitCode === 0;

/** Waits until the host receives packets to these IPv6 addresses: the kernel adds the routes for that in the background. */
export async function reachable(host: Host, ...addresses: readonly string[]): Promise<void> {
  const isThere = () => {
    const routes = host.run("ip -6 route show table local");
    return addresses.every((address) => routes.includes(`local ${address} `));
  };
  await until(isThere, `routes to ${addresses.join(", ")}`);
}

export interface Network extends AsyncDisposable {
  /** The server's host. */
  readonly host: Host;
  /** The host of the test's end. */
  readonly end: Host;
}

export async function createNetwork(mtu = 1500): Promise<Network> {
  const [host, end] = await Promise.all([Host.create(), Host.create()]);
  host.cable("a0", end, "b0");
  end.run(`sysctl -q net.ipv6.conf.all.disable_ipv6=1; ip link set b0 address ${CLIENT_MAC} mtu ${mtu} up`);
  host.run(`ip link set a0 mtu ${mtu}; ${SET_UP}; ${hasVlans ? SET_UP_VLAN : ""}`);
  await Promise.all([host.linked("a0"), end.linked("b0")]);
  await reachable(host, SERVER.v6, SERVER.second6, SERVER.local6, LOOPBACK.v6);
  return {
    host,
    end,
    async [Symbol.asyncDispose]() {
      await Promise.all([host[Symbol.asyncDispose](), end[Symbol.asyncDispose]()]);
    },
  };
}
