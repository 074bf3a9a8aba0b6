/** The network interfaces of this host: which of them are used, and the destinations of LAN announcements on them. */
import type { networkInterfaces } from "node:os";
import { builtin } from "../builtin.ts";

/** By name, their addresses. Interfaces that are down or have no address are not among them. */
export type Interfaces = ReturnType<typeof networkInterfaces>;

/**
 * The host's end of container and VM networks, as the programs that make them name them. Behind them are only the
 * containers of this host, which would learn an address that no other host can use, and whose own addresses are not
 * valid elsewhere. Based on the list of Calico, which looks for the host's real address (autodetection_linux.go).
 * A bridge of another name, such as br0, was made by an administrator: it may well be the LAN.
 *
 * In order: Docker's bridge, that of a swarm, and those of `network create`; Podman; libvirt, LXC, LXD and Incus; the host's end of
 * one container (a short name such as veth0 is the kernel's default); Kubernetes.
 */
const CONTAINER_INTERFACES =
  /^(docker\d+|docker_gwbridge|br-[0-9a-f]{12}|(cni-)?podman\d+|(vir|lxc|lxd|incus)br\d+|(veth|lxc)[0-9a-z]{6,}|(cni|cbr)\d+|cali[0-9a-f]{11}|(cilium_|flannel|kube-|weave|vxlan(-v6)?\.calico).*)$/i;

/** The broadcast address of any network. The host's route for it, often the default route, selects the interface. */
export const LIMITED_BROADCAST = "255.255.255.255";

/** One destination of announcements, and the interface that sends them. */
export interface Target {
  readonly family: "IPv4" | "IPv6";
  /** The interface's name; `lan` for {@link LIMITED_BROADCAST}, which has none. */
  readonly name: string;
  /** The address for a socket's `send`: `192.0.2.255`, `ff02::2012:1025%eth0`. */
  readonly destination: string;
  /** IPv6: the interface's name and index, because a new interface may have the name of an old one. Otherwise empty. */
  readonly scope: string;
  /** For the code that announces: how many repeats of the first announcement are left; undefined before that one. */
  repeats?: number | undefined;
  /** For the code that announces: since when announcements fail, in ms on a monotonic clock. */
  failedSince?: number | undefined;
}

/**
 * Linux lists an IPv4 address that has a label, such as eth0:1, under the label. Here it is an address of eth0.
 *
 * @throws {Error} if the system cannot tell, for want of file descriptors, say
 */
export function currentInterfaces(): Interfaces {
  const interfaces: Interfaces = {};
  for (const [label, addresses] of Object.entries(builtin<typeof import("node:os")>("node:os").networkInterfaces())) {
    const name = label.replace(/:.*/, "");
    interfaces[name] = [...(interfaces[name] ?? []), ...addresses!];
  }
  return interfaces;
}

/** @param names - of the interfaces to use; `undefined`: all but those of containers */
export function inUse(interfaces: Interfaces, names: readonly string[] | undefined): Interfaces {
  const used = Object.entries(interfaces).filter(([name]) => names?.includes(name) ?? !CONTAINER_INTERFACES.test(name));
  return Object.fromEntries(used);
}

/**
 * The targets of these interfaces. A target's key contains the interface and its address: if either changes, it is a new
 * target, and the other nodes need a new announcement.
 *
 * Without loopback, and without a broadcast address for /31 and /32, as many point-to-point interfaces have. For IPv6 only
 * link-local addresses count: every interface of an IPv6 LAN has one (RFC 4291 §2.8).
 *
 * @param multicast - the group of announcements by IPv6
 * @param limited - whether {@link LIMITED_BROADCAST} is one of them; not if the caller has chosen the interfaces, because the
 *   host's route may lead it through another one
 */
export function targets(interfaces: Interfaces, multicast: string, limited = true): Map<string, Target> {
  const found = new Map<string, Target>();
  let ipv4 = false;
  for (const name in interfaces) {
    // One datagram per network, even if the interface has several addresses in it.
    const destinations = new Set<string>();
    for (const { address, family, internal, netmask, scopeid } of interfaces[name]!) {
      if (internal) continue;
      if (family === "IPv4") ipv4 = true;
      else if (!isLinkLocal(address)) continue;
      const destination = family === "IPv4" ? broadcastAddress(address, netmask) : `${multicast}%${name}`;
      if (destination === undefined || destinations.has(destination)) continue;
      destinations.add(destination);
      const scope = family === "IPv4" ? "" : `${name}%${scopeid}`;
      found.set(`${scope || name} ${address}`, { family, name, destination, scope });
    }
  }
  // For /31, and for hosts with a /32, whom others of the LAN hear; they themselves believe nobody by IPv4 (see Sources).
  // Elsewhere it repeats one of the targets above.
  if (ipv4 && limited) {
    found.set(LIMITED_BROADCAST, { family: "IPv4", name: "lan", destination: LIMITED_BROADCAST, scope: "" });
  }
  return found;
}

/** Whether it is an IPv6 address of fe80::/10, with or without its zone. */
export function isLinkLocal(address: string): boolean {
  return /^fe[89ab].:/i.test(address);
}

/** The broadcast address of an IPv4 network; undefined for /31 (RFC 3021) and /32, which have none. */
export function broadcastAddress(address: string, netmask: string): string | undefined {
  const mask = bitsOf(netmask);
  if (mask >>> 0 >= 0xfffffffe) return undefined;
  const bits = bitsOf(address) | ~mask;
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 0xff).join(".");
}

function bitsOf(ipv4: string): number {
  return ipv4.split(".").reduce((bits, part) => (bits << 8) | Number(part), 0);
}
