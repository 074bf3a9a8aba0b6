/** IP addresses as text and as the bytes of a packet. */
import { checkInput } from "./check.ts";
import { checkText, quoted } from "./text.ts";

/** Length of the longest valid text: 0000:0000:0000:0000:0000:ffff:255.255.255.255. */
const LONGEST = 45;
const PART = /^(?:0|[1-9]\d{0,2})$/;
const GROUP = /^[\da-f]{1,4}$/i;

/**
 * Parses an IP address.
 *
 * IPv4 is four decimal numbers without leading zeros, since some programs read those as octal. IPv6 is any form of RFC
 * 4291 §2.2: groups with or without leading zeros, upper or lower case, one `::` for one or more groups of zeros, and
 * optionally the last two groups as IPv4. A zone (`%eth0`) is an error, since a packet has no field for it. So are
 * brackets, ports, prefix lengths and spaces.
 *
 * @param text - the IP. The empty text is an error; for an announcement without an IP, use `new Uint8Array(0)`
 * @returns 4 bytes (IPv4) or 16 (IPv6, including IPv4-mapped addresses), as in a packet
 * @throws {TypeError} if `text` is not a string
 * @throws {RangeError} if `text` is not an IP
 * @example
 * ```ts
 * ipFromText("192.0.2.1"); // => Uint8Array.of(192, 0, 2, 1)
 * ipFromText("::ffff:192.0.2.1").length; // => 16
 * ipFromText("192.0.2.01"); // throws RangeError
 * ```
 */
export function ipFromText(text: string): Uint8Array<ArrayBuffer> {
  const ip = tryIpFromText(text);
  if (ip !== undefined) return ip;
  const zone = text.indexOf("%");
  const why = zone > 0 && tryIpFromText(text.slice(0, zone)) ? " (an IP in a packet has no zone)" : "";
  throw new RangeError(`text: expected an IP, such as 192.0.2.1 or 2001:db8::1, got ${quoted(text)}${why}`);
}

/**
 * Parses an IP address like {@link ipFromText}, but does not throw if the text is something else, such as a host name.
 *
 * @param text - an IP or any other text
 * @returns 4 or 16 bytes, or `undefined` if `text` is not an IP
 * @throws {TypeError} if `text` is not a string
 * @example
 * ```ts
 * tryIpFromText("2001:db8::1")?.length; // => 16
 * tryIpFromText("discovery.example"); // => undefined
 * ```
 */
export function tryIpFromText(text: string): Uint8Array<ArrayBuffer> | undefined {
  checkText(text);
  // Do not parse longer texts: they are no IPs, and may be huge.
  if (text.length > LONGEST) return undefined;
  const bytes = text.includes(":") ? ipv6Bytes(text) : ipv4Bytes(text);
  return bytes && Uint8Array.from(bytes);
}

/**
 * Formats an IP address as RFC 5952 recommends: lower case, no leading zeros, and `::` for the longest run of two or
 * more groups of zeros (the first one of equally long runs). An IPv4-mapped address ends in its IPv4 address, as in
 * `::ffff:192.0.2.1` (§5). Other addresses that can contain an IPv4 address, such as those of NAT64, do not.
 *
 * @param ip - the `ip` of an announcement: 4 bytes (IPv4), 16 (IPv6) or none
 * @returns the text; `undefined` for no bytes, which stand for the address that the announcement came from
 * @throws {TypeError} if `ip` is not a Uint8Array, or its buffer is detached
 * @throws {RangeError} if `ip` does not have 0, 4 or 16 bytes
 * @example
 * ```ts
 * ipToText(Uint8Array.of(192, 0, 2, 1)); // => "192.0.2.1"
 * ipToText(ipFromText("2001:DB8:0:0:1:0:0:1")); // => "2001:db8::1:0:0:1"
 *
 * // An announcement without an IP means the address that it came from.
 * const sender = "198.51.100.7";
 * ipToText(new Uint8Array(0)) ?? sender; // => "198.51.100.7"
 * ```
 */
export function ipToText(ip: Uint8Array): string | undefined {
  checkInput("ip", ip);
  if (ip.length === 4 || ip.length === 16) return ipText(ip);
  if (ip.length === 0) return undefined;
  throw new RangeError(`ip: expected 4 bytes (IPv4), 16 (IPv6) or none, got ${ip.length}`);
}

function ipv4Bytes(text: string): number[] | undefined {
  const parts = text.split(".");
  const bytes = parts.map((part) => (PART.test(part) ? Number(part) : 256));
  return bytes.length === 4 && bytes.every((byte) => byte < 256) ? bytes : undefined;
}

function ipv6Bytes(text: string): number[] | undefined {
  const [head = "", tail, ...more] = text.split("::");
  if (tail === undefined) {
    const bytes = groupBytes(head, true);
    return bytes?.length === 16 ? bytes : undefined;
  }
  const before = groupBytes(head, false);
  const after = groupBytes(tail, true);
  if (more.length > 0 || before === undefined || after === undefined) return undefined;
  const zeros = 16 - before.length - after.length;
  return zeros >= 2 ? [...before, ...new Array<number>(zeros).fill(0), ...after] : undefined;
}

/**
 * Parses groups separated by colons.
 *
 * @param atEnd whether they are the last groups of the address, where the last two may be written as IPv4
 */
function groupBytes(text: string, atEnd: boolean): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [i, group] of groups.entries()) {
    if (GROUP.test(group)) {
      const value = Number.parseInt(group, 16);
      bytes.push(value >>> 8, value & 0xff);
    } else {
      const ipv4 = atEnd && i === groups.length - 1 ? ipv4Bytes(group) : undefined;
      if (ipv4 === undefined) return undefined;
      bytes.push(...ipv4);
    }
  }
  return bytes;
}

/** As {@link ipToText}, without its checks. @param ip - 4 or 16 bytes */
export function ipText(ip: Uint8Array): string {
  return ip.length === 4 ? ipv4Text(ip, 0) : ipv6Text(ip);
}

/** As {@link ipText}, but an IPv4-mapped address is written as IPv4: `192.0.2.1` for ::ffff:192.0.2.1. */
export function unmappedIpText(ip: Uint8Array): string {
  const text = ipText(ip);
  // No other text of an IPv6 address contains a dot.
  return text.startsWith("::ffff:") && text.includes(".") ? text.slice(7) : text;
}

function ipv4Text(ip: Uint8Array, at: number): string {
  return `${ip[at]}.${ip[at + 1]}.${ip[at + 2]}.${ip[at + 3]}`;
}

function ipv6Text(ip: Uint8Array): string {
  const groups: number[] = [];
  for (let at = 0; at < 16; at += 2) groups.push((ip[at]! << 8) | ip[at + 1]!);
  const [start, length] = longestZeros(groups);
  // If the sixth group is not zero, a run of five can only be the first five groups.
  if (length === 5 && groups[5] === 0xffff) return `::ffff:${ipv4Text(ip, 12)}`;
  const text = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(":");
  return length < 2 ? text(0, 8) : `${text(0, start)}::${text(start + length, 8)}`;
}

/** The longest run of zero groups, or the first one of equally long runs. */
function longestZeros(groups: readonly number[]): [start: number, length: number] {
  let start = 0;
  let length = 0;
  let run = 0;
  for (let i = 0; i < groups.length; i++) {
    run = groups[i] === 0 ? run + 1 : 0;
    if (run > length) {
      length = run;
      start = i + 1 - run;
    }
  }
  return [start, length];
}
