/** Kinds of addresses. An address has 16 bytes, as in a sockaddr_in6. */
import { IPV4_MAPPED } from "./layout";

/** Whether the address at `address` is IPv4: ::ffff:a.b.c.d. */
export function isIpv4(address: usize): bool {
  return load<u64>(address) === 0 && load<u32>(address, 8) === <u32>IPV4_MAPPED;
}

/**
 * Whether the address at `address` is link-local: fe80::/10 (RFC 4291) or 169.254.0.0/16 (RFC 3927). Only hosts on the
 * same link can use it, and an entry has no room for the zone.
 */
export function isLinkLocal(address: usize): bool {
  return (load<u16>(address) & 0xc0ff) === 0x80fe || (isIpv4(address) && load<u16>(address, 12) === 0xfea9);
}

/** Whether two addresses are the same. */
export function isSameAddress(one: usize, other: usize): bool {
  return load<u64>(one) === load<u64>(other) && load<u64>(one, 8) === load<u64>(other, 8);
}
