/** Addresses as a discoverer gives them: RFC 5952 for IPv6, IPv4 in IPv6 as IPv4. */
import { ipFromText, ipToText } from "../codec/index.ts";

/** The address of `length` bytes, 4 or 16, at `at`. */
export function ipOf(bytes: Uint8Array, at: number, length: number): string {
  return unmapped(ipToText(bytes.subarray(at, at + length))!);
}

/** Any text of an address as it is given here: a scope (`%eth0`) stays. */
export function formatIp(text: string): string {
  const [address = "", scope] = text.split("%");
  const plain = unmapped(ipToText(ipFromText(address))!);
  return scope === undefined ? plain : `${plain}%${scope}`;
}

/** RFC 5952 has a dot in none but mapped addresses. */
function unmapped(text: string): string {
  return text.startsWith("::ffff:") && text.includes(".") ? text.slice(7) : text;
}
