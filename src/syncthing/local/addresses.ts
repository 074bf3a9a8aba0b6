/** The addresses of a device that announced itself on the LAN. */
import { ipBytes, usableAddresses } from "../addresses.ts";

/** A URL whose port is missing or 0. */
const WITHOUT_PORT = /^[^/]+\/\/[^/?#]*:0*(?:[/?#]|$)/;
/** A URL with a link-local IPv6 address without its zone: up to that address, and the rest. */
const LINK_LOCAL = /^([^/]+\/\/(?:[^@/?#]*@)?\[fe[89ab][\da-f]:[\da-f:.]*)(\].*)$/i;

/**
 * The announced addresses that can be dialled. An unspecified host is the source of the announcement. A link-local IPv6 address gets
 * the source's zone, as RFC 6874 writes it in URLs: `tcp://[fe80::1%25eth0]:22000`.
 *
 * @param announced - any texts
 * @param source - of the datagram: `192.0.2.1`, `fe80::1%eth0`
 * @returns without doubles, at most those that are kept of a device
 */
export function dialableAddresses(announced: readonly string[], source: string): string[] {
  const [ip = "", zone] = source.split("%");
  const address = ipBytes(ip);
  if (address === undefined) return [];
  return usableAddresses(announced, { address, port: 0 }).flatMap((url) => {
    if (WITHOUT_PORT.test(url)) return [];
    const [, before, after] = LINK_LOCAL.exec(url) ?? [];
    if (before === undefined) return [url];
    // Without a zone nobody can dial it.
    return zone === undefined ? [] : [`${before}%25${encodeURIComponent(zone)}${after}`];
  });
}

const ANY_SOURCES = ["192.0.2.1", "2001:db8::1"] as const;

/** Whether others can dial an address if this host announces it. */
export function isDialable(address: string): boolean {
  return ANY_SOURCES.some((source) => dialableAddresses([address], source).length > 0);
}
