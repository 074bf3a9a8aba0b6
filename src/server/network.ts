/** Networks as people write them (CIDR notation) and as the packet engine wants them. */
import ipaddr from "ipaddr.js";
import type { Network } from "../engine/index.ts";

/** The difference between the prefix length of an IPv4 network and that of the same network as ::ffff:a.b.c.d. */
const IPV4_BITS = 96;

/**
 * Reads a network in CIDR notation. A single address is the network that consists of this address.
 *
 * @param text - `192.0.2.0/24`, `2001:db8::/32`, or an address without a prefix length
 * @returns the network, for `allow` in {@link ServerOptions}. An IPv4 address becomes ::ffff:a.b.c.d, its prefix length
 *   grows by 96. Address bits behind the prefix are kept, and have no effect
 * @throws {TypeError} if `text` is not a string
 * @throws {RangeError} if it is not a network
 * @example
 * ```ts
 * parseNetwork("192.0.2.0/24").prefix; // => 120
 * parseNetwork("2001:db8::1").prefix; // => 128
 * parseNetwork("10/8"); // throws RangeError
 * ```
 */
export function parseNetwork(text: string): Network {
  if (typeof text !== "string") throw new TypeError("text must be a string, such as 192.0.2.0/24");
  const [address = "", prefix, ...rest] = text.split("/");
  // ipaddr.js alone would read 10/8 as 0.0.0.10/8.
  const ipv4 = ipaddr.IPv4.isValidFourPartDecimal(address);
  const ipv6 = !ipv4 && address.includes(":") && !address.includes("%") && ipaddr.IPv6.isValid(address);
  const bits = ipv4 ? 32 : 128;
  const length = prefix === undefined ? bits : Number(prefix);
  if ((!ipv4 && !ipv6) || rest.length > 0 || (prefix !== undefined && !/^\d+$/.test(prefix)) || length > bits) {
    throw new RangeError(`"${text}" is no network: write 192.0.2.0/24, 2001:db8::/32 or a single address`);
  }
  const ip = ipv4 ? ipaddr.IPv4.parse(address).toIPv4MappedAddress() : ipaddr.IPv6.parse(address);
  return { address: Uint8Array.from(ip.toByteArray()), prefix: length + (ipv4 ? IPV4_BITS : 0) };
}

/**
 * Writes a network in CIDR notation. Address bits behind the prefix are written as 0. {@link parseNetwork} reads the text.
 *
 * @param network - for example one of the `allow` of a server's options
 * @returns `192.0.2.0/24` or `2001:db8::/32`, with a prefix length even for a single address
 * @throws {TypeError} if `address` is not a Uint8Array of 16 bytes
 * @throws {RangeError} if `prefix` is not a whole number from 0 to 128
 * @example
 * ```ts
 * formatNetwork(parseNetwork("10.1.2.3/8")); // => "10.0.0.0/8"
 * formatNetwork(parseNetwork("2001:DB8:0::1")); // => "2001:db8::1/128"
 * ```
 */
export function formatNetwork(network: Network): string {
  checkNetwork(network);
  const { address, prefix } = network;
  const masked = [...address].map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, prefix - i * 8))) & 0xff);
  const ip = ipaddr.fromByteArray(masked) as ipaddr.IPv6;
  if (prefix >= IPV4_BITS && ip.isIPv4MappedAddress()) return `${ip.toIPv4Address()}/${prefix - IPV4_BITS}`;
  return `${ip.toRFC5952String()}/${prefix}`;
}

/**
 * @throws {TypeError} if `address` is not a Uint8Array of 16 bytes
 * @throws {RangeError} if `prefix` is not a whole number from 0 to 128
 */
export function checkNetwork({ address, prefix }: Network): void {
  if (!(address instanceof Uint8Array) || address.length !== 16) {
    throw new TypeError("the address of a network must be a Uint8Array of 16 bytes, IPv4 as ::ffff:a.b.c.d");
  }
  if (typeof prefix !== "number") throw new TypeError("the prefix of a network must be a number");
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > 128) {
    throw new RangeError(`the prefix of a network must be a whole number from 0 to 128, not ${prefix}`);
  }
}
