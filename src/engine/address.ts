/** Twin of assembly/address.ts: kinds of addresses. An address has 16 bytes, as in a sockaddr_in6. */
import { IPV4_MAPPED } from "../../assembly/layout.ts";
import type { EngineState } from "./state.ts";

/** Whether the address at `address` is IPv4: ::ffff:a.b.c.d. */
export function isIpv4(m: EngineState, address: number): boolean {
  const word = address >>> 2;
  return m.i32[word] === 0 && m.i32[word + 1] === 0 && m.u32[word + 2] === IPV4_MAPPED;
}

/**
 * Whether the address at `address` is link-local: fe80::/10 (RFC 4291) or 169.254.0.0/16 (RFC 3927). Only hosts on the
 * same link can use it, and an entry has no room for the zone.
 */
export function isLinkLocal(m: EngineState, address: number): boolean {
  if ((m.u16[address >>> 1]! & 0xc0ff) === 0x80fe) return true;
  return isIpv4(m, address) && m.u16[(address + 12) >>> 1] === 0xfea9;
}

/** Whether two addresses are the same. */
export function isSameAddress(m: EngineState, one: number, other: number): boolean {
  const first = one >>> 2;
  const second = other >>> 2;
  return (
    m.i32[first] === m.i32[second] &&
    m.i32[first + 1] === m.i32[second + 1] &&
    m.i32[first + 2] === m.i32[second + 2] &&
    m.i32[first + 3] === m.i32[second + 3]
  );
}
