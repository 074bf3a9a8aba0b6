/**
 * Rate limits by GCRA (ITU-T I.371). A key is a host, a network or a NodeID. It has one timestamp: when its bucket will
 * be empty. A packet passes if that time is ahead of now by the tolerance at most.
 *
 * Memory is fixed. A key belongs to one set of five slots. A key without a slot takes over the least-loaded slot of its
 * set, and inherits that slot's load. So an attacker gains nothing by inventing keys: a new key does not start with a
 * full burst, and a key that is over its limit keeps its slot, because that slot is among the most loaded. Sets are not
 * locked: if two workers charge one slot at the same instant, one charge may be lost.
 */
import { hashSource, spread, tag } from "./hash";
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
 * Makes the 16-byte address at `address` the current source. Only the network is hashed. The host's set and tag are those
 * of its network, changed by the host's own bits times an odd number. An odd factor keeps numbers different, so no two
 * hosts of one network have the same tag.
 */
export function setSource(address: usize): void {
  let host: u32 = 0;
  if (load<u64>(address) === 0 && load<u32>(address, 8) === <u32>IPV4_MAPPED) {
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
  hostSet = spread + host * 0x9e3779b1;
  hostTag = tag ^ (host * 0x85ebca6b);
}

/**
 * Whether a packet of the current source may pass at `now`, by the limit on its host and by the limit on its network. If
 * it may, both are charged. The arguments are numbers of limits. The limit on IPv6 networks follows that on IPv4 networks.
 */
export function passSource(hostLimit: u32, ipv4NetworkLimit: u32, now: f64): bool {
  if (load<f64>(H_LIMITS + hostLimit * LIMIT_SIZE, LIMIT_INTERVAL) === 0) return true;
  const networkLimit = ipv4NetworkLimit + family;
  const hostSlot = slotOf(hostLimit, hostSet, hostTag);
  const networkSlot = slotOf(networkLimit, networkSet, networkTag);
  const hostFits = conforms(hostLimit, hostSlot, now);
  const networkFits = conforms(networkLimit, networkSlot, now);
  if (!hostFits || !networkFits) return false;
  charge(hostLimit, hostSlot, now);
  charge(networkLimit, networkSlot, now);
  return true;
}

/** Whether a packet for the last hashed key may pass at `now` by `limit`. If it may, the limit is charged. */
export function passKey(limit: u32, now: f64): bool {
  if (load<f64>(H_LIMITS + limit * LIMIT_SIZE, LIMIT_INTERVAL) === 0) return true;
  const slot = slotOf(limit, tag, spread);
  if (!conforms(limit, slot, now)) return false;
  charge(limit, slot, now);
  return true;
}

/** Returns the address of the time in the key's slot. If the key has no slot, it takes over the least-loaded one. */
function slotOf(limit: u32, place: u32, key: u32): usize {
  const mask = load<u32>(H_SET_MASK);
  const set: usize = load<u32>(H_LIMITERS_AT) + (limit * (mask + 1) + (place & mask)) * SET_SIZE;
  let least: u32 = 0;
  let lightest = load<f64>(set, SET_TIMES);
  for (let way: u32 = 0; way < <u32>SET_WAYS; way++) {
    if (load<u32>(set + (way << 2), SET_TAGS) === key) return set + (way << 3);
    const time = load<f64>(set + (way << 3), SET_TIMES);
    if (time < lightest) {
      lightest = time;
      least = way;
    }
  }
  store<u32>(set + (least << 2), key, SET_TAGS);
  return set + (least << 3);
}

function conforms(limit: u32, slot: usize, now: f64): bool {
  const ahead = load<f64>(slot) - now;
  const tolerance = load<f64>(H_LIMITS + limit * LIMIT_SIZE, LIMIT_TOLERANCE);
  if (ahead <= tolerance) return true;
  // A bucket can be fuller than full only if the clock was set back. Then it becomes exactly full.
  const full = tolerance + load<f64>(H_LIMITS + limit * LIMIT_SIZE, LIMIT_INTERVAL);
  if (ahead > full) store<f64>(slot, now + full);
  return false;
}

function charge(limit: u32, slot: usize, now: f64): void {
  const time = load<f64>(slot);
  store<f64>(slot, (time > now ? time : now) + load<f64>(H_LIMITS + limit * LIMIT_SIZE, LIMIT_INTERVAL));
}
