/** The addresses that a device of Syncthing announces: URLs such as `tcp://0.0.0.0:22000`. */
import { ipText, tryIpFromText } from "../codec/ip.ts";
import { MAX_DEVICE_ADDRESS_LENGTH, MAX_DEVICE_ADDRESSES, MAX_DEVICE_BYTES } from "../journal/device.ts";

/** An IP address and a port. */
export interface Endpoint {
  /** 16 bytes; IPv4 as ::ffff:a.b.c.d. */
  readonly address: Uint8Array;
  /** 0 if it is not known. */
  readonly port: number;
}

/**
 * So many addresses of an announcement are looked at. A body has room for ten thousand doubles or unusable ones, which would take tens
 * of milliseconds.
 */
const MAX_ANNOUNCED = 8 * MAX_DEVICE_ADDRESSES;
const PRINTABLE_ASCII = /^[!-~]+$/;
/**
 * The parts of a URL with a port, which may be empty: scheme, user, host, port, and the rest. They are kept as they are written, which a
 * parser of URLs would not do. No part can be divided in two ways, so a hostile text takes no longer than another one.
 */
const URL_WITH_PORT =
  /^([a-z][a-z\d+.-]*):\/\/((?:[^@/?#]*@)?)(\[[\da-f:.]+\]|[\w.~!$&'()*+,;=-]*):(\d{0,5})((?:[/?#].*)?)$/i;
const TCP = /^tcp[46]?$/;
const MAX_PORT = 65_535;

/**
 * The addresses of an announcement that others can use.
 *
 * An empty or unspecified host becomes the source's, port 0 the source's port. Left out are: what is not a URL with a port, loopback
 * and multicast, an IP that does not fit a scheme such as `tcp4` or `quic6`, doubles, and what exceeds the limits of a device.
 *
 * @param announced - any texts, of any length
 * @param source - where the announcement came from
 * @returns URLs in printable ASCII, in the same order
 */
export function usableAddresses(announced: readonly string[], source: Endpoint): string[] {
  const usable = new Set<string>();
  let bytes = 0;
  for (const text of announced.slice(0, MAX_ANNOUNCED)) {
    if (usable.size === MAX_DEVICE_ADDRESSES) break;
    const address = usableAddress(text, source);
    if (address === undefined || usable.has(address)) continue;
    if (address.length > MAX_DEVICE_ADDRESS_LENGTH || bytes + address.length > MAX_DEVICE_BYTES) continue;
    usable.add(address);
    bytes += address.length;
  }
  return [...usable];
}

/**
 * The address by which programs can reach a device that only know an IP and a port for each node.
 *
 * @param addresses - URLs, as {@link usableAddresses} returns them
 * @returns the first TCP address with an IP that everyone can use: neither unspecified nor link-local; undefined if there is none
 */
export function firstTcpEndpoint(addresses: readonly string[]): Endpoint | undefined {
  for (const text of addresses) {
    const [, scheme, , host, digits] = URL_WITH_PORT.exec(text) ?? [];
    if (scheme === undefined || !TCP.test(scheme)) continue;
    const address = ipBytes(host!);
    const port = Number(digits);
    if (address === undefined || isUnspecified(address) || isLinkLocal(address)) continue;
    if (port > 0 && port <= MAX_PORT) return { address, port };
  }
  return undefined;
}

function usableAddress(text: string, source: Endpoint): string | undefined {
  if (text.length > MAX_DEVICE_ADDRESS_LENGTH || !PRINTABLE_ASCII.test(text)) return undefined;
  const [, announcedScheme, user, announcedHost, announcedPort, rest] = URL_WITH_PORT.exec(text) ?? [];
  if (announcedScheme === undefined || Number(announcedPort) > MAX_PORT) return undefined;
  const scheme = announcedScheme.toLowerCase();
  let host = announcedHost!;
  let ip = ipBytes(host);
  if (host.startsWith("[") && (ip === undefined || !host.includes(":"))) return undefined;
  if (host === "" || (ip !== undefined && isUnspecified(ip))) {
    ip = source.address;
    if (isUnspecified(ip)) return undefined;
    host = hostText(ip);
  }
  if (ip !== undefined && (isLoopback(ip) || isMulticast(ip) || !fits(scheme, ip))) return undefined;
  const port = announcedPort === "0" && source.port > 0 ? source.port : announcedPort;
  return `${scheme}://${user}${host}:${port}${rest}`;
}

/** @param host - as in a URL, IPv6 in brackets. @returns 16 bytes, or undefined if it is a name or empty */
export function ipBytes(host: string): Uint8Array | undefined {
  const bytes = tryIpFromText(host.startsWith("[") ? host.slice(1, -1) : host);
  if (bytes?.length !== 4) return bytes;
  const mapped = new Uint8Array(16);
  mapped.fill(0xff, 10, 12);
  mapped.set(bytes, 12);
  return mapped;
}

/** An IP as the host of a URL. @param ip - 16 bytes, IPv4 as ::ffff:a.b.c.d */
export function hostText(ip: Uint8Array): string {
  return isIpv4(ip) ? ipText(ip.subarray(12)) : `[${ipText(ip)}]`;
}

function isIpv4(ip: Uint8Array): boolean {
  for (let at = 0; at < 10; at++) if (ip[at] !== 0) return false;
  return ip[10] === 0xff && ip[11] === 0xff;
}

/** `::` or 0.0.0.0. */
function isUnspecified(ip: Uint8Array): boolean {
  return isZero(ip, 12, 16) && (isIpv4(ip) || isZero(ip, 0, 12));
}

/** `::1` or 127.0.0.0/8. */
function isLoopback(ip: Uint8Array): boolean {
  return isIpv4(ip) ? ip[12] === 127 : isZero(ip, 0, 15) && ip[15] === 1;
}

/** ff00::/8 or 224.0.0.0/4. */
function isMulticast(ip: Uint8Array): boolean {
  return isIpv4(ip) ? ip[12]! >> 4 === 0xe : ip[0] === 0xff;
}

/** fe80::/10 or 169.254.0.0/16. */
function isLinkLocal(ip: Uint8Array): boolean {
  return isIpv4(ip) ? ip[12] === 169 && ip[13] === 254 : ip[0] === 0xfe && (ip[1]! & 0xc0) === 0x80;
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] !== 0) return false;
  return true;
}

/** Whether an IP has the family that schemes such as `tcp4` and `quic6` demand. */
function fits(scheme: string, ip: Uint8Array): boolean {
  if (scheme.endsWith("4")) return isIpv4(ip);
  return !scheme.endsWith("6") || !isIpv4(ip);
}
