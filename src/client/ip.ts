/** IP addresses as text: RFC 5952 for IPv6, and plain IPv4 for IPv4-mapped addresses. */
import { ipFromText, ipToText, tryIpFromText } from "../codec/index.ts";

/** The text of the 4 or 16 bytes at `offset`. */
export function ipOf(bytes: Uint8Array, offset: number, length: number): string {
  return unmapped(ipToText(bytes.subarray(offset, offset + length))!);
}

/** Normalizes the text of an address. A scope (`%eth0`) is kept. */
export function formatIp(text: string): string {
  const [address = "", scope] = text.split("%");
  const plain = unmapped(ipToText(ipFromText(address))!);
  return scope === undefined ? plain : `${plain}%${scope}`;
}

/** The family of an address without brackets, with or without a zone; `undefined` if it is a name. */
export function familyOf(host: string): "IPv4" | "IPv6" | undefined {
  const [address = "", ...zone] = host.split("%");
  const length = tryIpFromText(address)?.length;
  if (length === 16 && (zone.length === 0 || (zone.length === 1 && zone[0] !== ""))) return "IPv6";
  return length === 4 && zone.length === 0 ? "IPv4" : undefined;
}

/** In RFC 5952, only IPv4-mapped addresses contain a dot. */
function unmapped(text: string): string {
  return text.startsWith("::ffff:") && text.includes(".") ? text.slice(7) : text;
}
