/** The family of an IP address. */
import { ipFamily } from "../codec/ip-family.ts";

/** The family of an address without brackets, with or without a zone; `undefined` if it is a name. */
export function familyOf(host: string): "IPv4" | "IPv6" | undefined {
  const family = ipFamily(host);
  return family && `IPv${family}`;
}
