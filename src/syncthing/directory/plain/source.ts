/** Where a request comes from that a proxy passed on. */
import { tryIpFromText } from "../../../codec/ip.ts";
import type { Network } from "../../../engine/index.ts";
import type { Endpoint } from "../../addresses.ts";

const MAX_PORT = 65_535;
const IPV4_PREFIX = "::ffff:";

/** Whether an address is in one of the networks. @param address - 16 bytes */
export function isIn(networks: readonly Network[], address: Uint8Array): boolean {
  return networks.some((network) => {
    for (let at = 0, bits = network.prefix; bits > 0; at++, bits -= 8) {
      const mask = bits >= 8 ? 0xff : 0xff00 >> bits;
      if (((address[at]! ^ network.address[at]!) & mask) !== 0) return false;
    }
    return true;
  });
}

/**
 * The client of a request, as a trusted proxy names it.
 *
 * Each proxy adds the address that it got the request from to the end of `X-Forwarded-For`. So the last one that is not itself a
 * trusted proxy is the client; what stands before it, the client may have made up. If all are trusted, the first one is the client.
 *
 * @returns the unspecified address if the proxy names none: its own would be wrong
 */
export function forwardedSource(headers: Headers, trusted: readonly Network[]): Endpoint {
  const hops = headers.get("x-forwarded-for")?.split(",") ?? [];
  let address: Uint8Array | undefined;
  for (let hop = hops.length - 1; hop >= 0; hop--) {
    const before = mappedAddress(hops[hop]!.trim());
    if (before === undefined) break;
    address = before;
    if (!isIn(trusted, address)) break;
  }
  const port = Number(headers.get("x-client-port"));
  const valid = address !== undefined && Number.isInteger(port) && port > 0 && port <= MAX_PORT;
  return { address: address ?? new Uint8Array(16), port: valid ? port : 0 };
}

/** @returns 16 bytes, or undefined if it is no IP */
function mappedAddress(text: string): Uint8Array | undefined {
  return tryIpFromText(text.includes(":") ? text : IPV4_PREFIX + text);
}
