/** The destinations of LAN announcements, from the current network interfaces of this host. */
import type { networkInterfaces } from "node:os";
import { builtin } from "../builtin.ts";

/** The multicast group of announcements by IPv6; its scope is link-local. */
export const LAN_GROUP = "ff02::2012:1025";

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
}

/**
 * The current targets. A target's key contains the interface and its address: if either changes, it is a new target, and
 * the other nodes need a new announcement.
 *
 * Without loopback, point-to-point interfaces and networks that have no broadcast address (/31 and /32). For IPv6 only
 * link-local addresses count: every interface of an IPv6 LAN has one (RFC 4291 §2.8).
 */
export function targets(interfaces = currentInterfaces()): Map<string, Target> {
  const found = new Map<string, Target>();
  let ipv4 = false;
  for (const name in interfaces) {
    // One datagram per network, even if the interface has several addresses in it.
    const destinations = new Set<string>();
    for (const { address, family, internal, netmask, scopeid } of interfaces[name]!) {
      if (internal) continue;
      if (family === "IPv4") ipv4 = true;
      else if (!/^fe[89ab]/i.test(address)) continue;
      const destination = family === "IPv4" ? broadcastAddress(address, netmask) : `${LAN_GROUP}%${name}`;
      if (destination === undefined || destinations.has(destination)) continue;
      destinations.add(destination);
      const scope = family === "IPv4" ? "" : `${name}%${scopeid}`;
      found.set(`${scope || name} ${address}`, { family, name, destination, scope });
    }
  }
  // For networks that have no broadcast address of their own. Elsewhere it repeats one of the targets above.
  if (ipv4) {
    found.set(LIMITED_BROADCAST, { family: "IPv4", name: "lan", destination: LIMITED_BROADCAST, scope: "" });
  }
  return found;
}

function currentInterfaces(): ReturnType<typeof networkInterfaces> {
  return builtin<typeof import("node:os")>("node:os").networkInterfaces();
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
