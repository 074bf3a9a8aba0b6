/** Servers as a person names them. */
import { isIPv6 } from "node:net";

export const SERVER_PORT = 22025;

export interface ServerAddress {
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
}

/**
 * @param text `host`, `host:port`, `192.0.2.1:port`, `[2001:db8::1]:port`, or an IPv6 address alone.
 * @throws {RangeError} if it is none of these, in a sentence that says how to write it.
 */
export function parseServer(text: string): ServerAddress {
  if (isIPv6(text)) return { host: text, port: SERVER_PORT };
  const parts = /^(?:\[([^\]]+)\]|([^:[\]\s/]+))(?::(\d{1,5}))?$/.exec(text);
  const [, v6, name, digits] = parts ?? [];
  const port = digits === undefined ? SERVER_PORT : Number(digits);
  const host = v6 ?? name;
  if (host === undefined || port < 1 || port > 65535 || (v6 !== undefined && !isIPv6(v6))) {
    throw new RangeError(`"${text}" is no server: write host, host:port or [v6]:port, with a port from 1 to 65535`);
  }
  return { host, port };
}
