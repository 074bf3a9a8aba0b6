/**
 * Twin of assembly/limiter.ts: rate limits by GCRA (ITU-T I.371) in sets of five slots. A packet needs room in its
 * source's own bucket and in one that the source shares, or else in its reserve.
 */
import {
  ALLOWED_SIZE,
  H_ALLOWED,
  H_ALLOWED_AT,
  H_LIMITERS_AT,
  H_LIMITS,
  H_SET_MASK,
  LIMIT_INTERVAL,
  LIMIT_NODE,
  LIMIT_RESERVE,
  LIMIT_SHARED,
  LIMIT_SIZE,
  LIMIT_TOLERANCE,
  MAX_LANES,
  RESERVE_MS,
  SET_SIZE,
  SET_TAGS,
  SET_TIMES,
  SET_WAYS,
} from "../../assembly/layout.ts";
import { isIpv4 } from "./address.ts";
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
 * Makes the 16-byte address at `address` the current source. Only the network is hashed. The host's tag is that of its
 * network, changed by the host's own bits times an odd number: an odd factor keeps numbers different, so no two hosts of
 * one network have the same tag. The factor of the set is secret, so that nobody can choose a host whose set is that of
 * another.
 */
export function setSource(m: EngineState, address: number): void {
  const at = address >>> 2;
  let host = 0;
  if (isIpv4(m, address)) {
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
  m.hostSet = (m.spread + (Math.imul(host, m.tag | 1) >>> 16)) | 0;
  m.hostTag = m.tag ^ Math.imul(host, 0x85ebca6b);
}

/**
 * Whether a packet of the current source may pass at `now`, by the limits on its host and on its network: `limit` is
 * LIMIT_QUERIES, LIMIT_ANNOUNCEMENTS or LIMIT_NEW. If it may, both are charged.
 */
export function passSource(m: EngineState, limit: number, now: number): boolean {
  return pass(m, limit, limit + LIMIT_SHARED + m.family, m.hostSet, m.hostTag, m.networkSet, m.networkTag, now);
}

/**
 * Whether a query of the current source for the last hashed NodeID may pass at `now`, by the limits on both together and
 * on the NodeID. If it may, both are charged.
 */
export function passNode(m: EngineState, now: number): boolean {
  const place = m.hostSet ^ m.tag;
  const key = m.hostTag ^ m.spread;
  return pass(m, LIMIT_NODE, LIMIT_NODE + LIMIT_SHARED, place, key, m.tag, m.spread, now);
}

/**
 * Whether a packet may pass by the limit `own`, and by `shared` or the reserve. If not, sets `exceeded`. `place` chooses a
 * set, `key` a slot.
 */
function pass(
  m: EngineState,
  own: number,
  shared: number,
  ownPlace: number,
  ownKey: number,
  sharedPlace: number,
  sharedKey: number,
  now: number,
): boolean {
  if (m.f64[(H_LIMITS + own * LIMIT_SIZE + LIMIT_INTERVAL) >>> 3] === 0) return true;
  const ownSlot = slotOf(m, own, ownPlace, ownKey);
  const sharedSlot = slotOf(m, shared, sharedPlace, sharedKey);
  if (!hasRoom(m, own, ownSlot, 0, now)) return exceeds(m, own);
  if (!hasRoom(m, shared, sharedSlot, 0, now)) {
    const reserve = own + LIMIT_RESERVE;
    const reserveSlot = slotOf(m, reserve, ownPlace, ownKey);
    if (!hasRoom(m, shared, sharedSlot, RESERVE_MS, now) || !hasRoom(m, reserve, reserveSlot, 0, now)) {
      return exceeds(m, shared);
    }
    charge(m, reserve, reserveSlot, now);
  }
  charge(m, own, ownSlot, now);
  charge(m, shared, sharedSlot, now);
  return true;
}

function exceeds(m: EngineState, limit: number): boolean {
  m.exceeded = limit;
  return false;
}

/** Returns the address of the time in the key's slot. If the key has no slot, it takes over the least-loaded one. */
function slotOf(m: EngineState, limit: number, place: number, key: number): number {
  const mask = m.u32[H_SET_MASK >>> 2]!;
  const set = m.u32[H_LIMITERS_AT >>> 2]! + (limit * (mask + 1) + (place & mask)) * SET_SIZE;
  const tags = (set + SET_TAGS) >>> 2;
  for (let way = 0; way < SET_WAYS; way++) {
    if (m.i32[tags + way] === key) return set + (way << 3);
  }
  return takeOver(m, set, key);
}

/** Gives the least-loaded slot of a set to a key. Returns the address of its time. */
function takeOver(m: EngineState, set: number, key: number): number {
  const times = (set + SET_TIMES) >>> 3;
  let least = 0;
  let lightest = m.f64[times]!;
  for (let way = 1; way < SET_WAYS; way++) {
    const time = m.f64[times + way]!;
    if (time < lightest) {
      lightest = time;
      least = way;
    }
  }
  m.i32[((set + SET_TAGS) >>> 2) + least] = key;
  return set + (least << 3);
}

/** Whether a bucket has room for a packet, if its limit may be exceeded by as much as it allows in `more` ms. */
function hasRoom(m: EngineState, limit: number, slot: number, more: number, now: number): boolean {
  const room = m.f64[(H_LIMITS + limit * LIMIT_SIZE + LIMIT_TOLERANCE) >>> 3]! + more;
  return m.f64[slot >>> 3]! - now <= room || emptyIfImpossible(m, limit, slot, now);
}

/**
 * Empties a bucket that is fuller than packets can make it, even if all workers charge it at the same instant. Returns
 * whether it did.
 */
function emptyIfImpossible(m: EngineState, limit: number, slot: number, now: number): boolean {
  const tolerance = m.f64[(H_LIMITS + limit * LIMIT_SIZE + LIMIT_TOLERANCE) >>> 3]!;
  const interval = m.f64[(H_LIMITS + limit * LIMIT_SIZE + LIMIT_INTERVAL) >>> 3]!;
  if (m.f64[slot >>> 3]! - now <= tolerance + RESERVE_MS + interval * MAX_LANES) return false;
  m.f64[slot >>> 3] = now;
  return true;
}

function charge(m: EngineState, limit: number, slot: number, now: number): void {
  const interval = m.f64[(H_LIMITS + limit * LIMIT_SIZE + LIMIT_INTERVAL) >>> 3]!;
  m.f64[slot >>> 3] = Math.max(m.f64[slot >>> 3]!, now) + interval;
}
