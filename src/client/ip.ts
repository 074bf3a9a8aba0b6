/** Addresses as text: RFC 5952 for IPv6, and IPv4 in IPv6 as IPv4. */
import ipaddr from "ipaddr.js";

/** The address of `length` bytes, 4 or 16, at `at`. */
export function ipOf(bytes: Uint8Array, at: number, length: number): string {
  if (length === 4) return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
  return print(ipaddr.fromByteArray([...bytes.subarray(at, at + length)]));
}

/** Any text of an address as it is printed here: a scope (`%eth0`) stays. */
export function formatIp(text: string): string {
  const [address = "", scope] = text.split("%");
  const plain = print(ipaddr.parse(address));
  return scope === undefined ? plain : `${plain}%${scope}`;
}

function print(address: ipaddr.IPv4 | ipaddr.IPv6): string {
  if (address.kind() === "ipv4") return address.toString();
  const v6 = address as ipaddr.IPv6;
  return v6.isIPv4MappedAddress() ? v6.toIPv4Address().toString() : v6.toRFC5952String();
}
