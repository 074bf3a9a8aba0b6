/** What to listen on, as text, to the addresses that the system has for it. */
import { lookup } from "node:dns/promises";
import { isIP, isIPv4 } from "node:net";
import { writeAddress } from "./address.ts";

export interface HostAddress {
  readonly ipv4: boolean;
  /** 16 bytes, IPv4 as ::ffff:a.b.c.d. */
  readonly bytes: Uint8Array;
  /** Interface of a link-local address, by name or number; empty where there is none. */
  readonly scope: string;
}

/**
 * The addresses of `host`, an address or a name, in the order in which they should be tried: IPv6 first.
 *
 * @throws {Error} with `code` ENOENT if a name is not known.
 */
export async function resolveHost(host: string): Promise<HostAddress[]> {
  if (isIP(host) !== 0) return [parse(host)];
  const found = await lookup(host, { all: true }).catch((cause: Error) => {
    throw Object.assign(new Error(`the name ${host} is not known`, { cause }), { code: "ENOENT", syscall: "bind" });
  });
  const addresses = found.map(({ address }) => parse(address));
  return [...addresses.filter(({ ipv4 }) => !ipv4), ...addresses.filter(({ ipv4 }) => ipv4)];
}

function parse(text: string): HostAddress {
  const bytes = new Uint8Array(16);
  writeAddress(text, bytes, 0);
  const percent = text.indexOf("%");
  return { ipv4: isIPv4(text), bytes, scope: percent < 0 ? "" : text.slice(percent + 1) };
}
