/**
 * The registry: which node announced what, and when. It consists of an open-addressing index, entries of fixed size, a
 * list of free entries, and a queue per shard in order of announcement. The retention is a constant, so the head of a
 * queue expires first.
 *
 * "The current NodeID" is the one that was hashed last. Its bytes must be padded with zeros to whole words.
 */
import { isSameAddress } from "./address";
import { reportDamage } from "./damage";
import { allocate, entryAt, isFull, link, moveCursorsBack, nextField, release, shardAt, unlink } from "./entries";
import { spread, tag } from "./hash";
import {
  BATCH,
  COUNTER_DISPLACED,
  ENTRY_ADDRESS,
  ENTRY_ID,
  ENTRY_META,
  ENTRY_NEXT,
  ENTRY_PREVIOUS,
  ENTRY_TAG,
  ENTRY_TIME,
  EVICT_STEPS,
  FULL_SEARCH_STEPS,
  H_INDEX_AT,
  H_INDEX_SLOTS,
  H_LAST_SWEEP,
  H_POOL_LOCK,
  H_RETENTION,
  H_SHARD_MASK,
  INDEX_ENTRY,
  INDEX_SIZE,
  INDEX_TAG,
  LANE_COUNTERS,
  META_CONFIRMED,
  META_LENGTH,
  RECORD_COUNT,
  RECORD_ENTRY,
  RECORD_OLD_FIELDS,
  RECORD_SLOT,
  RECORD_STEP,
  SEARCH_STEPS,
  SHARD_CONFIRMED,
  SHARD_COUNT,
  SHARD_HEAD,
  SHARD_LOCK,
  SHARD_SEQUENCE,
  SHARD_TAIL,
  STEP_NONE,
  STEP_REFRESH,
  STEP_REMOVE,
  TIME_STEP,
} from "./layout";
import { beginRead, beginWrite, endWrite, lane, lock, tryLock, unchanged, unlock } from "./lock";

/** The shard of a hash, given its word `spread`. */
export function shardOf(word: u32): u32 {
  return word & load<u32>(H_SHARD_MASK);
}

/** Address of a shard's index. */
function indexAt(shard: u32): usize {
  return load<u32>(H_INDEX_AT) + shard * load<u32>(H_INDEX_SLOTS) * INDEX_SIZE;
}

/** The index slot at which the search for a hash starts: the hash as a fraction of 2^32, times the number of slots. */
function homeSlot(word: u32): u32 {
  return <u32>((<u64>word * load<u32>(H_INDEX_SLOTS)) >> 32);
}

/**
 * Finds the entry of the current NodeID, which has `length` bytes at `id`; 0 if there is none. Terminates even if the
 * index is being changed meanwhile.
 */
function find(index: usize, id: usize, length: u32): u32 {
  const slots = load<u32>(H_INDEX_SLOTS);
  let place = homeSlot(tag);
  for (let left = slots; left !== 0; left--) {
    const slot = index + place * INDEX_SIZE;
    const entry = load<u32>(slot, INDEX_ENTRY);
    if (entry === 0) return 0;
    if (load<u32>(slot, INDEX_TAG) === tag && matchesId(entryAt(entry), id, length)) return entry;
    if (++place === slots) place = 0;
  }
  return 0;
}

/** Whether the entry at `entry` has this NodeID. */
function matchesId(entry: usize, id: usize, length: u32): bool {
  if ((load<u32>(entry, ENTRY_META) & META_LENGTH) !== length) return false;
  const last = id + ((length + 3) & 0xfffffffc);
  for (; id + 8 <= last; id += 8, entry += 8) {
    if (load<u64>(id) !== load<u64>(entry, ENTRY_ID)) return false;
  }
  return id === last || load<u32>(id) === load<u32>(entry, ENTRY_ID);
}

/**
 * Looks up the current NodeID without locking. Copies its node's address to `address` and returns the port, or 0 if it
 * is unknown or expired at `now`.
 */
export function lookUp(id: usize, length: u32, now: f64, address: usize): u32 {
  const shard = shardOf(spread);
  const sequence = shardAt(shard) + SHARD_SEQUENCE;
  const index = indexAt(shard);
  let seen: u32 = 0;
  let port: u32 = 0;
  do {
    seen = beginRead(sequence);
    port = 0;
    const entry = find(index, id, length);
    if (entry !== 0) {
      const from = entryAt(entry);
      if (isLive(load<f64>(from, ENTRY_TIME), now)) {
        port = load<u32>(from, ENTRY_META) >>> 16;
        copyAddress(address, from + ENTRY_ADDRESS);
      }
    }
  } while (!unchanged(sequence, seen));
  return port;
}

/** Whether an announcement made at `time` is still valid at `now`. Fractions of a millisecond in `time` do not count. */
export function isLive(time: f64, now: f64): bool {
  return now - Math.floor(time) < load<f64>(H_RETENTION);
}

/** Locks the shard of the current NodeID and evicts up to two expired entries. Returns the shard's number. */
export function lockShard(now: f64): u32 {
  const shard = shardOf(spread);
  lock(shardAt(shard) + SHARD_LOCK);
  evictExpired(shard, now, EVICT_STEPS);
  return shard;
}

/**
 * Locks a shard and the pool, so that no change in the shard has to wait. Returns false if another thread holds one of
 * them for long. The control thread must not wait for a lock, because it is the one that frees the locks of dead
 * workers.
 */
export function tryLockShardAndPool(shard: u32): bool {
  if (!tryLock(shardAt(shard) + SHARD_LOCK)) return false;
  if (tryLock(H_POOL_LOCK)) return true;
  unlock(shardAt(shard) + SHARD_LOCK);
  return false;
}

export function unlockShardAndPool(shard: u32): void {
  unlock(H_POOL_LOCK);
  unlock(shardAt(shard) + SHARD_LOCK);
}

export function unlockShard(shard: u32): void {
  unlock(shardAt(shard) + SHARD_LOCK);
}

/**
 * Finds the current NodeID's entry in its shard, which must be locked; 0 if there is none. Evicts the entry if it has
 * expired.
 */
export function findLive(shard: u32, id: usize, length: u32, now: f64): u32 {
  const entry = find(indexAt(shard), id, length);
  if (entry === 0 || isLive(load<f64>(entryAt(entry), ENTRY_TIME), now)) return entry;
  remove(shard, entry);
  return 0;
}

/**
 * The time to store for an announcement that was received at `now` for `entry`, or for a new node if `entry` is 0. The
 * shard must be locked. The time is not earlier than any other in the shard, and later than that of the node's last
 * announcement. `now` alone does not ensure that: a worker reads the clock before it locks the shard, and the clock has
 * no fractions of a millisecond.
 */
export function announcementTime(shard: u32, entry: u32, now: f64): f64 {
  const tail = load<u32>(shardAt(shard), SHARD_TAIL);
  if (tail === 0) return now;
  const latest = load<f64>(entryAt(tail), ENTRY_TIME);
  if (latest < now) return now;
  return entry !== 0 && load<f64>(entryAt(entry), ENTRY_TIME) === latest ? latest + TIME_STEP : latest;
}

/** Whether an announcement repeats the one that `entry` holds: the same address and port. */
export function isRepeated(entry: u32, meta: u32, address: usize): bool {
  const at = entryAt(entry);
  return (load<u32>(at, ENTRY_META) ^ meta) >>> 16 === 0 && isSameAddress(at + ENTRY_ADDRESS, address);
}

/**
 * Gives `entry` a new port, address and time, which may be earlier than the old one. A confirmed entry stays confirmed; the
 * other flags are those of `meta`. The shard must be locked.
 */
export function refresh(shard: u32, entry: u32, meta: u32, address: usize, time: f64): void {
  const at = entryAt(entry);
  meta |= load<u32>(at, ENTRY_META) & META_CONFIRMED;
  const later = time >= load<f64>(at, ENTRY_TIME);
  const sequence = shardAt(shard) + SHARD_SEQUENCE;
  recordOldFields(entry, at);
  beginWrite(sequence);
  writeFields(at, meta, address, time);
  endWrite(sequence);
  if (later && entry === load<u32>(shardAt(shard), SHARD_TAIL)) {
    moveCursorsBack(shard, entry, load<u32>(at, ENTRY_PREVIOUS));
  } else {
    unlink(shard, at);
    link(shard, entry, at, time);
  }
  store<u32>(lane, STEP_NONE, RECORD_STEP);
  findUnconfirmed(shard, SEARCH_STEPS);
}

/** Marks an entry of a locked shard as announced at least twice. */
export function confirm(entry: u32): void {
  const at = entryAt(entry);
  store<u32>(at, load<u32>(at, ENTRY_META) | META_CONFIRMED, ENTRY_META);
}

/** Records the entry's fields, all but the NodeID, before a refresh changes them. */
function recordOldFields(entry: u32, at: usize): void {
  store<u32>(lane, entry, RECORD_ENTRY);
  for (let i: u32 = 0; i < <u32>ENTRY_ID; i += 8) store<u64>(lane + i, load<u64>(at + i), RECORD_OLD_FIELDS);
  store<u32>(lane, STEP_REFRESH, RECORD_STEP);
}

/**
 * Makes room for a new entry in a locked shard: if the registry is full, the oldest entry of the shard gives way that is
 * not confirmed and was announced before `before`. Returns false if there is none.
 */
export function makeRoom(shard: u32, before: f64): bool {
  if (!isFull()) return true;
  const entry = findUnconfirmed(shard, FULL_SEARCH_STEPS);
  if (entry === 0 || load<f64>(entryAt(entry), ENTRY_TIME) >= before || !remove(shard, entry)) return false;
  const counter = lane + COUNTER_DISPLACED * 8;
  store<f64>(counter, load<f64>(counter, LANE_COUNTERS) + 1, LANE_COUNTERS);
  return true;
}

/**
 * Returns the oldest entry of a locked shard that is not confirmed, or 0. Goes on where the last search ended, and passes
 * at most `steps` confirmed entries: then it returns 0 too.
 */
function findUnconfirmed(shard: u32, steps: u32): u32 {
  const cursor = shardAt(shard) + SHARD_CONFIRMED;
  let last = load<u32>(cursor);
  let entry = load<u32>(nextField(shard, last));
  for (; entry !== 0 && (load<u32>(entryAt(entry), ENTRY_META) & META_CONFIRMED) !== 0; steps--) {
    if (steps === 0) {
      entry = 0;
      break;
    }
    last = entry;
    entry = load<u32>(entryAt(entry), ENTRY_NEXT);
  }
  store<u32>(cursor, last);
  return entry;
}

/** Inserts the current NodeID, which `findLive` did not find. The shard must be locked. False if no entry is free. */
export function insert(shard: u32, id: usize, length: u32, meta: u32, address: usize, time: f64): bool {
  const from = shardAt(shard);
  const slots = load<u32>(H_INDEX_SLOTS);
  const index = indexAt(shard);
  let place = homeSlot(tag);
  for (let left = slots; load<u32>(index + place * INDEX_SIZE, INDEX_ENTRY) !== 0; ) {
    if (--left === 0) return reportDamage();
    if (++place === slots) place = 0;
  }
  const slot = index + place * INDEX_SIZE;
  store<u32>(lane, slot, RECORD_SLOT);
  store<u32>(lane, load<u32>(from, SHARD_COUNT), RECORD_COUNT);
  const entry = allocate();
  if (entry === 0) return false;
  const at = entryAt(entry);
  beginWrite(from + SHARD_SEQUENCE);
  store<u32>(at, tag, ENTRY_TAG);
  for (let i: u32 = 0; i < length; i += 4) store<u32>(at + i, load<u32>(id + i), ENTRY_ID);
  writeFields(at, meta, address, time);
  store<u32>(slot, tag, INDEX_TAG);
  store<u32>(slot, entry, INDEX_ENTRY);
  endWrite(from + SHARD_SEQUENCE);
  store<u32>(from, load<u32>(from, SHARD_COUNT) + 1, SHARD_COUNT);
  link(shard, entry, at, time);
  store<u32>(lane, STEP_NONE, RECORD_STEP);
  findUnconfirmed(shard, SEARCH_STEPS);
  return true;
}

function writeFields(at: usize, meta: u32, address: usize, time: f64): void {
  store<f64>(at, time, ENTRY_TIME);
  store<u32>(at, meta, ENTRY_META);
  copyAddress(at + ENTRY_ADDRESS, address);
}

function copyAddress(to: usize, from: usize): void {
  store<u64>(to, load<u64>(from));
  store<u64>(to, load<u64>(from, 8), 8);
}

/** Evicts up to `most` expired entries from a locked shard. Returns how many. */
export function evictExpired(shard: u32, now: f64, most: u32): u32 {
  for (let done: u32 = 0; done < most; done++) {
    const head = load<u32>(shardAt(shard), SHARD_HEAD);
    if (head === 0 || isLive(load<f64>(entryAt(head), ENTRY_TIME), now)) return done;
    if (!remove(shard, head)) return done;
  }
  return most;
}

/**
 * Evicts expired entries, up to BATCH per shard. Skips a shard that another thread holds locked for long. Returns how
 * many. A second sweep in the same millisecond does nothing, unless the first left some behind.
 */
export function sweep(now: f64): u32 {
  if (load<f64>(H_LAST_SWEEP) === now) return 0;
  let total: u32 = 0;
  let complete = true;
  const last = load<u32>(H_SHARD_MASK);
  for (let shard: u32 = 0; shard <= last; shard++) {
    if (!tryLockShardAndPool(shard)) {
      complete = false;
      continue;
    }
    const evicted = evictExpired(shard, now, BATCH);
    unlockShardAndPool(shard);
    total += evicted;
    if (evicted === BATCH) complete = false;
  }
  if (complete) store<f64>(H_LAST_SWEEP, now);
  return total;
}

/**
 * Removes an entry from the index and the queue of its locked shard, and frees it. Returns false, without a change, if
 * the entry is not in the index: then the memory is damaged, and the entry cannot be trusted.
 */
function remove(shard: u32, entry: u32): bool {
  const from = shardAt(shard);
  const at = entryAt(entry);
  const slots = load<u32>(H_INDEX_SLOTS);
  const index = indexAt(shard);
  let hole = homeSlot(load<u32>(at, ENTRY_TAG));
  for (let left = slots; load<u32>(index + hole * INDEX_SIZE, INDEX_ENTRY) !== entry; ) {
    if (--left === 0) return reportDamage();
    if (++hole === slots) hole = 0;
  }
  store<u32>(lane, entry, RECORD_ENTRY);
  store<u32>(lane, hole, RECORD_SLOT);
  store<u32>(lane, load<u32>(from, SHARD_COUNT), RECORD_COUNT);
  store<u32>(lane, STEP_REMOVE, RECORD_STEP);
  beginWrite(from + SHARD_SEQUENCE);
  closeGap(index, hole);
  store<u32>(at, 0, ENTRY_META);
  endWrite(from + SHARD_SEQUENCE);
  unlink(shard, at);
  store<u32>(from, load<u32>(from, SHARD_COUNT) - 1, SHARD_COUNT);
  release(entry, at);
  return true;
}

/**
 * Closes the gap `hole` in an index: moves a later entry into it, unless that would put the entry before its home slot,
 * then closes the gap that this entry leaves, and so on (Knuth, 6.4, algorithm R). Records each new gap in RECORD_SLOT.
 * If the worker dies, a new call that starts from the recorded gap ends in the same state.
 */
function closeGap(index: usize, hole: u32): void {
  const slots = load<u32>(H_INDEX_SLOTS);
  let next = hole;
  for (let left = slots; left !== 0; left--) {
    if (++next === slots) next = 0;
    const slot = index + next * INDEX_SIZE;
    if (load<u32>(slot, INDEX_ENTRY) === 0) {
      store<u64>(index + hole * INDEX_SIZE, 0);
      return;
    }
    const wanted = homeSlot(load<u32>(slot, INDEX_TAG));
    if (hole <= next ? hole < wanted && wanted <= next : hole < wanted || wanted <= next) continue;
    store<u64>(index + hole * INDEX_SIZE, load<u64>(slot));
    store<u32>(lane, next, RECORD_SLOT);
    hole = next;
  }
  reportDamage();
}
