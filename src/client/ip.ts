/** The family of an IP address. It asks node:net, since the parser of codec/ip-family.ts would make the client larger. */
import { builtin } from "./builtin.ts";

/** The family of an address without brackets, with or without a zone; `undefined` if it is a name. */
export function familyOf(host: string): "IPv4" | "IPv6" | undefined {
  const family = builtin<typeof import("node:net")>("node:net").isIP(host);
  return family === 0 ? undefined : `IPv${family as 4 | 6}`;
}
