/** Twin of assembly/limiter.ts: rate limits by GCRA (ITU-T I.371) in sets of five slots. */
import {
  ALLOWED_SIZE,
  H_ALLOWED,
  H_ALLOWED_AT,
  H_LIMITERS_AT,
  H_LIMITS,
  H_SET_MASK,
  IPV4_MAPPED,
  LIMIT_INTERVAL,
  LIMIT_SIZE,
  LIMIT_TOLERANCE,
  SET_SIZE,
  SET_TAGS,
  SET_TIMES,
  SET_WAYS,
} from "../../assembly/layout.ts";
import { hashSource } from "./hash.ts";
import type { EngineState } from "./state.ts";

/** Whether the 16-byte address at `address` is in a network that is exempt from limits. */
export function allowed(m: EngineState, address: number): boolean {
  const i32 = m.i32;
  const word = address >>> 2;
  let network = m.u32[H_ALLOWED_AT >>> 2]! >>> 2;
  for (let left = m.u32[H_ALLOWED >>> 2]!; left !== 0; left--, network += ALLOWED_SIZE >>> 2) {
    if (
      (i32[word]! & i32[network + 4]!) === i32[network]! &&
      (i32[word + 1]! & i32[network + 5]!) === i32[network + 1]! &&
      (i32[word + 2]! & i32[network + 6]!) === i32[network + 2]! &&
      (i32[word + 3]! & i32[network + 7]!) === i32[network + 3]!
    ) {
      return true;
    }
  }
  return false;
}

/**
 * Makes the 16-byte address at `address` the current source. Only the network is hashed. The host's set and tag are those
 * of its network, changed by the host's own bits times an odd number. An odd factor keeps numbers different, so no two
 * hosts of one network have the same tag.
 */
export function setSource(m: EngineState, address: number): void {
  const at = address >>> 2;
  let host = 0;
  if (m.i32[at] === 0 && m.i32[at + 1] === 0 && m.u32[at + 2] === IPV4_MAPPED) {
    const word = m.i32[at + 3]!;
    m.family = 0;
    hashSource(m, word & 0x00ffffff, 0, m.family);
    host = (word >>> 24) + 1;
  } else {
    const word = m.i32[at + 1]!;
    m.family = 1;
    hashSource(m, m.i32[at]!, word & 0x0000ffff, m.family);
    host = (word >>> 16) + 1;
  }
  m.networkSet = m.spread;
  m.networkTag = m.tag;
  m.hostSet = (m.spread + Math.imul(host, 0x9e3779b1)) | 0;
  m.hostTag = m.tag ^ Math.imul(host, 0x85ebca6b);
}

/**
 * Whether a packet of the current source may pass at `now`, by the limit on its host and by the limit on its network. If
 * it may, both are charged. The arguments are numbers of limits. The limit on IPv6 networks follows that on IPv4 networks.
 */
export function passSource(m: EngineState, hostLimit: number, ipv4NetworkLimit: number, now: number): boolean {
  if (m.f64[(H_LIMITS + hostLimit * LIMIT_SIZE + LIMIT_INTERVAL) >>> 3] === 0) return true;
  const networkLimit = ipv4NetworkLimit + m.family;
  const hostSlot = slotOf(m, hostLimit, m.hostSet, m.hostTag);
  const networkSlot = slotOf(m, networkLimit, m.networkSet, m.networkTag);
  const hostFits = conforms(m, hostLimit, hostSlot, now);
  const networkFits = conforms(m, networkLimit, networkSlot, now);
  if (!hostFits || !networkFits) return false;
  charge(m, hostLimit, hostSlot, now);
  charge(m, networkLimit, networkSlot, now);
  return true;
}

/** Whether a packet for the last hashed key may pass at `now` by `limit`. If it may, the limit is charged. */
export function passKey(m: EngineState, limit: number, now: number): boolean {
  if (m.f64[(H_LIMITS + limit * LIMIT_SIZE + LIMIT_INTERVAL) >>> 3] === 0) return true;
  const slot = slotOf(m, limit, m.tag, m.spread);
  if (!conforms(m, limit, slot, now)) return false;
  charge(m, limit, slot, now);
  return true;
}

/** Returns the address of the time in the key's slot. If the key has no slot, it takes over the least-loaded one. */
function slotOf(m: EngineState, limit: number, place: number, key: number): number {
  const mask = m.u32[H_SET_MASK >>> 2]!;
  const set = m.u32[H_LIMITERS_AT >>> 2]! + (limit * (mask + 1) + (place & mask)) * SET_SIZE;
  const tags = (set + SET_TAGS) >>> 2;
  const times = (set + SET_TIMES) >>> 3;
  let least = 0;
  let lightest = m.f64[times]!;
  for (let way = 0; way < SET_WAYS; way++) {
    if (m.i32[tags + way] === key) return set + (way << 3);
    const time = m.f64[times + way]!;
    if (time < lightest) {
      lightest = time;
      least = way;
    }
  }
  m.i32[tags + least] = key;
  return set + (least << 3);
}

function conforms(m: EngineState, limit: number, slot: number, now: number): boolean {
  const ahead = m.f64[slot >>> 3]! - now;
  const tolerance = m.f64[(H_LIMITS + limit * LIMIT_SIZE + LIMIT_TOLERANCE) >>> 3]!;
  if (ahead <= tolerance) return true;
  // A bucket can be fuller than full only if the clock was set back. Then it becomes exactly full.
  const full = tolerance + m.f64[(H_LIMITS + limit * LIMIT_SIZE + LIMIT_INTERVAL) >>> 3]!;
  if (ahead > full) m.f64[slot >>> 3] = now + full;
  return false;
}

function charge(m: EngineState, limit: number, slot: number, now: number): void {
  const interval = m.f64[(H_LIMITS + limit * LIMIT_SIZE + LIMIT_INTERVAL) >>> 3]!;
  m.f64[slot >>> 3] = Math.max(m.f64[slot >>> 3]!, now) + interval;
}
