/** The text form of a server: a name or an address, with or without a port. */
import { describeValue } from "../../xdr/describe-value.ts";
import { familyOf } from "../ip.ts";

/** The UDP port of a server whose text form has none: 22025. */
export const SERVER_PORT = 22025;

/** The parts of a server's text form. */
export interface ServerAddress {
  /** A name, or an address without brackets. */
  readonly host: string;
  /** UDP, 1 to 65535. */
  readonly port: number;
}

/**
 * Parses the text form of a server, as in {@link DiscovererOptions.servers}.
 *
 * @param text - `host`, `host:port`, `192.0.2.1:port`, `[2001:db8::1]:port`, or an IPv6 address alone
 * @returns its host and port
 * @throws {RangeError} if it is none of these, with a message that says how to write it; {TypeError} if it is not a string
 * @example
 * ```ts
 * parseServer("discovery.example"); // => { host: "discovery.example", port: 22025 }
 * parseServer("[2001:db8::1]:4000"); // => { host: "2001:db8::1", port: 4000 }
 * parseServer("2001:db8::1"); // => { host: "2001:db8::1", port: 22025 }
 * parseServer("discovery.example:0"); // throws RangeError
 * ```
 */
export function parseServer(text: string): ServerAddress {
  if (typeof text !== "string") throw new TypeError(`a server must be a string, not ${describeValue(text)}`);
  if (familyOf(text) === "IPv6") return parseServer(`[${text}]`);
  const parts = /^(?:\[([^\]]+)\]|([^:[\]\s/]+))(?::(\d{1,5}))?$/.exec(text);
  const [, v6, name, digits] = parts ?? [];
  const port = digits === undefined ? SERVER_PORT : Number(digits);
  const host = v6 ?? name;
  if (host === undefined || port < 1 || port > 65535 || (v6 !== undefined && familyOf(v6) !== "IPv6")) {
    throw new RangeError(`"${text}" is not a server: write host, host:port or [v6]:port, with a port from 1 to 65535`);
  }
  if (host === "0.0.0.0" || (v6 !== undefined && /^[0:]+$/.test(v6))) {
    throw new RangeError(`"${text}" means every address of this host: use one of them, such as 127.0.0.1`);
  }
  // The same link-local address may exist behind each interface.
  if (/^fe[89ab][^%]*(%\d+)?$/i.test(v6 ?? "")) throw new RangeError(`"${host}" must name its interface: fe80::1%eth0`);
  return { host, port };
}
