/** Where a LAN announcement has to go: the ways out of this host, as its interfaces are now. */
import { networkInterfaces } from "node:os";

/** The multicast group of IPv6 LANs, of link-local scope. */
export const LAN_GROUP = "ff02::2012:1025";

/** The broadcast address that needs no interface: the host's route for it, often the default one, says where it goes. */
export const LIMITED_BROADCAST = "255.255.255.255";

/** One way out: a destination, as seen from one address of one interface. */
export interface Link {
  readonly family: "IPv4" | "IPv6";
  /** The interface's name; for {@link LIMITED_BROADCAST}, which has none, `lan`. */
  readonly name: string;
  /** As a socket's `send` takes it: `192.0.2.255`, `ff02::2012:1025%eth0`. */
  readonly destination: string;
  /** IPv6: name and index, since a cable that is plugged in again may bear the old name and a new index. Else empty. */
  readonly scope: string;
}

/**
 * The ways out, by a key that changes whenever an announcement on that way would look new to those who hear it: another
 * interface, or another address of the same one.
 *
 * Loopback is left out. So are the broadcasts of point-to-point interfaces and of networks that have none (/31 and /32).
 * IPv6 is announced from link-local addresses: every interface of an IPv6 LAN has one (RFC 4291 §2.8).
 */
export function links(interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces()): Map<string, Link> {
  const found = new Map<string, Link>();
  let ipv4 = false;
  for (const name in interfaces) {
    // One datagram a network, however many addresses of this interface are in it.
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
  // It serves those that have no broadcast of their own, and goes where one of the others went already.
  if (ipv4) {
    found.set(LIMITED_BROADCAST, { family: "IPv4", name: "lan", destination: LIMITED_BROADCAST, scope: "" });
  }
  return found;
}

/** The address that every host of an IPv4 network listens to, or undefined for /31 (RFC 3021) and /32. */
export function broadcastAddress(address: string, netmask: string): string | undefined {
  const mask = bitsOf(netmask);
  if (mask >>> 0 >= 0xfffffffe) return undefined;
  const bits = bitsOf(address) | ~mask;
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 0xff).join(".");
}

function bitsOf(ipv4: string): number {
  return ipv4.split(".").reduce((bits, part) => (bits << 8) | Number(part), 0);
}
