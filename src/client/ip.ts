/** IP addresses as text: RFC 5952 for IPv6, and plain IPv4 for IPv4-mapped addresses. */
import { ipText } from "../codec/ip.ts";
import { builtin } from "./builtin.ts";

/** The text of the 4 or 16 bytes at `offset`. */
export function ipOf(bytes: Uint8Array, offset: number, length: number): string {
  return unmapped(ipText(bytes.subarray(offset, offset + length)));
}

/** The family of an address without brackets, with or without a zone; `undefined` if it is a name. */
export function familyOf(host: string): "IPv4" | "IPv6" | undefined {
  const family = builtin<typeof import("node:net")>("node:net").isIP(host);
  return family === 0 ? undefined : `IPv${family as 4 | 6}`;
}

/** In RFC 5952, only IPv4-mapped addresses contain a dot. */
function unmapped(text: string): string {
  return text.startsWith("::ffff:") && text.includes(".") ? text.slice(7) : text;
}
