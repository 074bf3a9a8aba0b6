/** Resolves the names and addresses that a server listens on. */
import { ipFamily } from "../codec/ip-family.ts";
import { writeAddress } from "./address.ts";

/** As a host: every interface, IPv6 and IPv4, or only IPv4 where the kernel has no IPv6. */
export const EVERY_ADDRESS = "";

export interface HostAddress {
  /** The numeric address, with its zone if it has one: `127.0.0.1`, `fe80::1%eth0`. */
  readonly text: string;
  /** Whether it is written as IPv4. `::ffff:a.b.c.d` is not: its socket is an IPv6 one, although it only receives IPv4. */
  readonly ipv4: boolean;
  /** 16 bytes, IPv4 as ::ffff:a.b.c.d. */
  readonly bytes: Uint8Array;
  /** Zone of a link-local address: the name or number of an interface. Empty if there is none. */
  readonly zone: string;
}

/**
 * Resolves `host`: an address, a name, or {@link EVERY_ADDRESS}.
 *
 * @returns the addresses in the order in which to try them: IPv6 first. Never empty.
 * @throws {Error} with `code` ENOENT if a name has no address, EAI_AGAIN if no name server answers, EINVAL if the only
 *   addresses are multicast ones, or link-local ones without a zone: no server can answer from those.
 */
export async function resolveHost(host: string): Promise<HostAddress[]> {
  if (host === EVERY_ADDRESS) return [parseAddress("::"), parseAddress("0.0.0.0")];
  const addresses = ipFamily(host) !== undefined ? [parseAddress(host)] : await resolveName(host);
  const usable = addresses.filter((address) => !lacksZone(address) && !isMulticast(address));
  if (usable.length === 0) {
    const { text } = addresses[0]!;
    if (isMulticast(addresses[0]!)) throw bindError("EINVAL", `${text} is a multicast address: give one of this host`);
    throw bindError("EINVAL", `${text} is link-local: add its interface, as in ${text}%eth0`);
  }
  return [...usable.filter(({ ipv4 }) => !ipv4), ...usable.filter(({ ipv4 }) => ipv4)];
}

async function resolveName(name: string): Promise<HostAddress[]> {
  // Loaded on use: each packet worker loads this file, and most hosts are addresses.
  const { lookup } = await import("node:dns/promises");
  let found: { readonly address: string }[];
  try {
    found = await lookup(name, { all: true });
  } catch (cause) {
    const again = (cause as NodeJS.ErrnoException).code?.endsWith("EAI_AGAIN") ?? false;
    if (again) throw bindError("EAI_AGAIN", `cannot resolve ${name}: the name server does not answer`, cause);
    throw bindError("ENOENT", `cannot resolve ${name}`, cause);
  }
  if (found.length === 0) throw bindError("ENOENT", `cannot resolve ${name}`);
  return found.map(({ address }) => parseAddress(address));
}

/** @param text - a valid address, not a name */
export function parseAddress(text: string): HostAddress {
  const bytes = new Uint8Array(16);
  writeAddress(text, bytes, 0);
  const percent = text.indexOf("%");
  return { text, ipv4: ipFamily(text) === 4, bytes, zone: percent < 0 ? "" : text.slice(percent + 1) };
}

/** Link-local addresses are fe80::/10. Each interface has this network, so only the zone tells which one is meant. */
function lacksZone({ bytes, zone }: HostAddress): boolean {
  return zone === "" && bytes[0] === 0xfe && (bytes[1]! & 0xc0) === 0x80;
}

/** 224.0.0.0/4 and ff00::/8. Such a socket could get queries, but replies need an address of the host to come from. */
function isMulticast({ ipv4, bytes }: HostAddress): boolean {
  return ipv4 ? bytes[12]! >> 4 === 0xe : bytes[0] === 0xff;
}

/** Whether it stands for every address: `::` (IPv6 and IPv4), `0.0.0.0` or `::ffff:0.0.0.0` (IPv4). */
export function isWildcard(address: HostAddress): boolean {
  return address.bytes.subarray(isIpv4(address) ? 12 : 0).every((byte) => byte === 0);
}

/** Whether it is an IPv4 address, however it is written. */
export function isIpv4({ bytes }: HostAddress): boolean {
  return bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;
}

function bindError(code: string, message: string, cause?: unknown): NodeJS.ErrnoException {
  return Object.assign(new Error(message, { cause }), { code, syscall: "bind" });
}
