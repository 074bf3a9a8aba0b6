/** Where to listen, as one text. */
import { ipFamily } from "../../codec/ip-family.ts";

export interface HostAndPort {
  /** An address without brackets, or a name. */
  readonly host: string;
  readonly port: number;
}

/** Reads `HOST:PORT`, with brackets around an IPv6 address. Undefined if it is anything else. */
export function parseHostAndPort(text: string): HostAndPort | undefined {
  const [, ipv6, name, port] = /^(?:\[(.+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const known =
    ipv6 === undefined ? name !== undefined && (ipFamily(name) === 4 || isHostName(name)) : ipFamily(ipv6) === 6;
  return known && Number(port) <= 65535 ? { host: (ipv6 ?? name)!, port: Number(port) } : undefined;
}

/** Whether it is `0.0.0.0` or `::`. */
export function isEveryAddress(host: string): boolean {
  return /^[0:.]+$/.test(host);
}

/** Whether a text has the form of a host name (RFC 1123). A name whose last part is a number would be an IP address. */
function isHostName(text: string): boolean {
  const labels = text.replace(/\.$/, "").split(".");
  const isLabel = (label: string) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label);
  return text.length <= 253 && labels.every(isLabel) && !/^\d+$/.test(labels.at(-1)!);
}
