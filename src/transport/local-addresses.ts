/** Lists the addresses of this host. */
import { type Pointer, ptr, read } from "bun:ffi";
import { networkInterfaces } from "node:os";
import { AF_INET, AF_INET6, type Libc, loadLibc, systemError } from "./libc.ts";

/* struct ifaddrs: the next one, name, flags, address. */
const NEXT = 0;
const ADDRESS = 24;
/* struct sockaddr_in and sockaddr_in6. */
const IPV4_BYTES = 4;
const IPV6_BYTES = 8;
const IPV6_SCOPE = 24;

/**
 * The addresses of all interfaces, also of those that are down: IPv4 is answered on them. Link-local addresses have their
 * zone, as a number.
 *
 * @throws {Error} a system error
 */
export function localAddresses(): string[] {
  let libc: Libc;
  try {
    libc = loadLibc();
  } catch {
    return ofRunningInterfaces();
  }
  return ofAllInterfaces(libc);
}

/** Without the C library. Leaves out interfaces whose cable is unplugged, although other interfaces receive for them. */
function ofRunningInterfaces(): string[] {
  return Object.values(networkInterfaces()).flatMap((interfaces = []) =>
    interfaces.map((one) => (one.family === "IPv6" && one.scopeid ? `${one.address}%${one.scopeid}` : one.address)),
  );
}

function ofAllInterfaces(libc: Libc): string[] {
  const addresses: string[] = [];
  eachAddress(libc, (family, address) => {
    if (family === AF_INET) addresses.push(ipv4(address));
    else if (family === AF_INET6) addresses.push(ipv6(address));
  });
  return addresses;
}

/**
 * Visits the addresses of all interfaces, also those of other families.
 *
 * @param visit - gets the family, a pointer to the address as a struct sockaddr, and one to its struct ifaddrs
 * @throws {Error} a system error
 */
export function eachAddress(
  { call, errno }: Libc,
  visit: (family: number, address: Pointer, entry: Pointer) => void,
): void {
  const list = new BigUint64Array(1);
  if (call.getifaddrs(ptr(list)) < 0) throw systemError("getifaddrs", errno());
  const first = Number(list[0]) as Pointer;
  try {
    for (let at = first; at !== 0; at = read.ptr(at, NEXT) as Pointer) {
      const address = read.ptr(at, ADDRESS) as Pointer;
      if (address !== 0) visit(read.u16(address, 0), address, at);
    }
  } finally {
    call.freeifaddrs(first);
  }
}

export function ipv4(address: Pointer): string {
  return [0, 1, 2, 3].map((i) => read.u8(address, IPV4_BYTES + i)).join(".");
}

export function ipv6(address: Pointer): string {
  const text = ipv6Text((i) => (read.u8(address, IPV6_BYTES + 2 * i) << 8) | read.u8(address, IPV6_BYTES + 2 * i + 1));
  const scope = read.u32(address, IPV6_SCOPE);
  return scope === 0 ? text : `${text}%${scope}`;
}

/** An IPv6 address, given its eight groups. The URL parser shortens it: lines of the log show it. */
export function ipv6Text(group: (i: number) => number): string {
  const groups = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => group(i).toString(16));
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}
