/**
 * Rate limits by GCRA (ITU-T I.371): a key has one timestamp, the time at which its bucket is empty again, and a packet
 * passes when that time is no more than the tolerance ahead.
 *
 * Memory is fixed. A key belongs to one set of five slots. When none is its own, the least-loaded slot gives way, and the
 * newcomer takes over that slot's load: a flood of invented keys neither frees an offender (his slot is the most loaded) nor
 * buys a fresh burst each. Sets are not locked: workers that charge one slot in the same instant may lose one charge.
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

/** The source of the packet in hand: where it stands in the tables of hosts (/32, /64) and of networks (/24, /48). */
let family: u32 = 0;
let hostSet: u32 = 0;
let hostTag: u32 = 0;
let networkSet: u32 = 0;
let networkTag: u32 = 0;

/** Whether the 16-byte address at `address` lies in a network without limits. */
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
 * Takes the 16-byte address at `address` as the source in hand. One hash serves host and network: the host's own bits
 * displace the network's place, by odd factors, so that no two hosts of a network meet.
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

/** Whether the source in hand may pass at `now` by the limit `host` and by that on its network (the first of a pair at `networks`); charges both if so. */
export function passSource(host: u32, networks: u32, now: f64): bool {
  if (load<f64>(H_LIMITS + host * LIMIT_SIZE, LIMIT_INTERVAL) === 0) return true;
  const network = networks + family;
  const one = slotOf(host, hostSet, hostTag);
  const all = slotOf(network, networkSet, networkTag);
  const oneFits = conforms(host, one, now);
  const allFits = conforms(network, all, now);
  if (!oneFits || !allFits) return false;
  charge(host, one, now);
  charge(network, all, now);
  return true;
}

/** Whether the key of the last hash may pass at `now` by `limit`; charges it if so. */
export function passKey(limit: u32, now: f64): bool {
  if (load<f64>(H_LIMITS + limit * LIMIT_SIZE, LIMIT_INTERVAL) === 0) return true;
  const slot = slotOf(limit, tag, spread);
  if (!conforms(limit, slot, now)) return false;
  charge(limit, slot, now);
  return true;
}

/** The address of the slot's time. A slot that gives way is the key's own from then on. */
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
  // A full bucket is never further ahead than this, unless the clock was set back: then it is full, and no more than that.
  const full = tolerance + load<f64>(H_LIMITS + limit * LIMIT_SIZE, LIMIT_INTERVAL);
  if (ahead > full) store<f64>(slot, now + full);
  return false;
}

function charge(limit: u32, slot: usize, now: f64): void {
  const time = load<f64>(slot);
  store<f64>(slot, (time > now ? time : now) + load<f64>(H_LIMITS + limit * LIMIT_SIZE, LIMIT_INTERVAL));
}
