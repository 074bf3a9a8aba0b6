/**
 * Rate limits by GCRA (ITU-T I.371). A key is a host, a network, a NodeID, or a host and a NodeID together. It has one
 * timestamp: when its bucket will be empty. A packet passes if that time is ahead of now by the tolerance at most.
 *
 * A packet needs room in its source's own bucket and in one that the source shares: that of its network or of the NodeID.
 * If only the shared one is full, the source's reserve still lets a packet a second through. So those who send the most
 * wait, and nobody can use up what others share with them.
 *
 * Memory is fixed. A key belongs to one set of five slots. A key without a slot takes over the least-loaded slot of its
 * set, and inherits that slot's load. So an attacker gains nothing by inventing keys: a new key does not start with a
 * full burst, and a key that is over its limit keeps its slot, because that slot is among the most loaded. Sets are not
 * locked: if two workers charge one slot at the same instant, one charge may be lost.
 */
import { isIpv4 } from "./address";
import { hashSource, spread, tag } from "./hash";
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
} from "./layout";

/**
 * The current source: its family (0: IPv4, 1: IPv6), and the sets and tags of its host (/32, /64) and of its network
 * (/24, /48).
 */
let family: u32 = 0;
let hostSet: u32 = 0;
let hostTag: u32 = 0;
let networkSet: u32 = 0;
let networkTag: u32 = 0;

/** After a packet that may not pass: the number of the limit that it exceeded. */
export let exceeded: u32 = 0;

/** Whether the 16-byte address at `address` is in a network that is exempt from limits. */
export function allowed(address: usize): bool {
  let network: usize = load<u32>(H_ALLOWED_AT);
  for (let left = load<u32>(H_ALLOWED); left !== 0; left--, network += ALLOWED_SIZE) {
    if (
      (load<u32>(address) & load<u32>(network, 16)) === load<u32>(network) &&
      (load<u32>(address, 4) & load<u32>(network, 20)) === load<u32>(network, 4) &&
      (load<u32>(address, 8) & load<u32>(network, 24)) === load<u32>(network, 8) &&
      (load<u32>(address, 12) & load<u32>(network, 28)) === load<u32>(network, 12)
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
export function setSource(address: usize): void {
  let host: u32 = 0;
  if (isIpv4(address)) {
    const word = load<u32>(address, 12);
    family = 0;
    hashSource(word & 0x00ffffff, 0, family);
    host = (word >>> 24) + 1;
  } else {
    const word = load<u32>(address, 4);
    family = 1;
    hashSource(load<u32>(address), word & 0x0000ffff, family);
    host = (word >>> 16) + 1;
  }
  networkSet = spread;
  networkTag = tag;
  hostSet = spread + ((host * (tag | 1)) >>> 16);
  hostTag = tag ^ (host * 0x85ebca6b);
}

/**
 * Whether a packet of the current source may pass at `now`, by the limits on its host and on its network: `limit` is
 * LIMIT_QUERIES, LIMIT_ANNOUNCEMENTS or LIMIT_NEW. If it may, both are charged.
 */
export function passSource(limit: u32, now: f64): bool {
  return pass(limit, limit + LIMIT_SHARED + family, hostSet, hostTag, networkSet, networkTag, now);
}

/**
 * Whether a query of the current source for the last hashed NodeID may pass at `now`, by the limits on both together and
 * on the NodeID. If it may, both are charged.
 */
export function passNode(now: f64): bool {
  return pass(LIMIT_NODE, LIMIT_NODE + LIMIT_SHARED, hostSet ^ tag, hostTag ^ spread, tag, spread, now);
}

/**
 * Whether a packet may pass by the limit `own`, and by `shared` or the reserve. If not, sets `exceeded`. `place` chooses a
 * set, `key` a slot.
 */
function pass(own: u32, shared: u32, ownPlace: u32, ownKey: u32, sharedPlace: u32, sharedKey: u32, now: f64): bool {
  if (load<f64>(H_LIMITS + own * LIMIT_SIZE, LIMIT_INTERVAL) === 0) return true;
  const ownSlot = slotOf(own, ownPlace, ownKey);
  const sharedSlot = slotOf(shared, sharedPlace, sharedKey);
  if (!hasRoom(own, ownSlot, 0, now)) return exceeds(own);
  if (!hasRoom(shared, sharedSlot, 0, now)) {
    const reserve = own + LIMIT_RESERVE;
    const reserveSlot = slotOf(reserve, ownPlace, ownKey);
    if (!hasRoom(shared, sharedSlot, RESERVE_MS, now) || !hasRoom(reserve, reserveSlot, 0, now)) return exceeds(shared);
    charge(reserve, reserveSlot, now);
  }
  charge(own, ownSlot, now);
  charge(shared, sharedSlot, now);
  return true;
}

function exceeds(limit: u32): bool {
  exceeded = limit;
  return false;
}

/** Returns the address of the time in the key's slot. If the key has no slot, it takes over the least-loaded one. */
function slotOf(limit: u32, place: u32, key: u32): usize {
  const mask = load<u32>(H_SET_MASK);
  const set: usize = load<u32>(H_LIMITERS_AT) + (limit * (mask + 1) + (place & mask)) * SET_SIZE;
  for (let way: u32 = 0; way < <u32>SET_WAYS; way++) {
    if (load<u32>(set + (way << 2), SET_TAGS) === key) return set + (way << 3);
  }
  return takeOver(set, key);
}

/** Gives the least-loaded slot of a set to a key. Returns the address of its time. */
function takeOver(set: usize, key: u32): usize {
  let least: u32 = 0;
  let lightest = load<f64>(set, SET_TIMES);
  for (let way: u32 = 1; way < <u32>SET_WAYS; way++) {
    const time = load<f64>(set + (way << 3), SET_TIMES);
    if (time < lightest) {
      lightest = time;
      least = way;
    }
  }
  store<u32>(set + (least << 2), key, SET_TAGS);
  return set + (least << 3);
}

/** Whether a bucket has room for a packet, if its limit may be exceeded by as much as it allows in `more` ms. */
function hasRoom(limit: u32, slot: usize, more: f64, now: f64): bool {
  const room = load<f64>(H_LIMITS + limit * LIMIT_SIZE, LIMIT_TOLERANCE) + more;
  return load<f64>(slot) - now <= room || emptyIfImpossible(limit, slot, now);
}

/**
 * Empties a bucket that is fuller than packets can make it, even if all workers charge it at the same instant. Returns
 * whether it did.
 */
function emptyIfImpossible(limit: u32, slot: usize, now: f64): bool {
  const tolerance = load<f64>(H_LIMITS + limit * LIMIT_SIZE, LIMIT_TOLERANCE);
  const interval = load<f64>(H_LIMITS + limit * LIMIT_SIZE, LIMIT_INTERVAL);
  if (load<f64>(slot) - now <= tolerance + RESERVE_MS + interval * <f64>MAX_LANES) return false;
  store<f64>(slot, now);
  return true;
}

function charge(limit: u32, slot: usize, now: f64): void {
  const time = load<f64>(slot);
  store<f64>(slot, (time > now ? time : now) + load<f64>(H_LIMITS + limit * LIMIT_SIZE, LIMIT_INTERVAL));
}
