/**
 * Twin of assembly/registry.ts: an open-addressing index over entries, and a queue per shard in order of announcement.
 *
 * "The current NodeID" is the one that was hashed last. Its bytes must be padded with zeros to whole words.
 */
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
} from "../../assembly/layout.ts";
import { isSameAddress } from "./address.ts";
import { reportDamage } from "./damage.ts";
import { allocate, entryAt, isFull, link, moveCursorsBack, nextField, release, shardAt, unlink } from "./entries.ts";
import { beginRead, beginWrite, endWrite, lock, tryLock, unchanged, unlock } from "./lock.ts";
import type { EngineState } from "./state.ts";

/** The shard of a hash, given its word `spread`. */
export function shardOf(m: EngineState, word: number): number {
  return word & m.u32[H_SHARD_MASK >>> 2]!;
}

/** Address of a shard's index. */
export function indexAt(m: EngineState, shard: number): number {
  return m.u32[H_INDEX_AT >>> 2]! + shard * m.u32[H_INDEX_SLOTS >>> 2]! * INDEX_SIZE;
}

/** The index slot at which the search for a hash starts: the hash as a fraction of 2^32, times the number of slots. */
function homeSlot(m: EngineState, word: number): number {
  return (((word >>> 0) * m.u32[H_INDEX_SLOTS >>> 2]!) / 0x100000000) >>> 0;
}

/**
 * Finds the entry of the current NodeID, which has `length` bytes at `id`; 0 if there is none. Terminates even if the
 * index is being changed meanwhile.
 */
export function find(m: EngineState, index: number, id: number, length: number): number {
  const slots = m.u32[H_INDEX_SLOTS >>> 2]!;
  let place = homeSlot(m, m.tag);
  for (let left = slots; left !== 0; left--) {
    const slot = index + place * INDEX_SIZE;
    const entry = m.u32[(slot + INDEX_ENTRY) >>> 2]!;
    if (entry === 0) return 0;
    if (m.i32[(slot + INDEX_TAG) >>> 2] === m.tag && matchesId(m, entryAt(m, entry), id, length)) return entry;
    if (++place === slots) place = 0;
  }
  return 0;
}

/** Whether the entry at `entry` has this NodeID. */
function matchesId(m: EngineState, entry: number, id: number, length: number): boolean {
  const i32 = m.i32;
  if ((i32[(entry + ENTRY_META) >>> 2]! & META_LENGTH) !== length) return false;
  let one = id >>> 2;
  const last = one + ((length + 3) >>> 2);
  let other = (entry + ENTRY_ID) >>> 2;
  for (; one < last; one++, other++) {
    if (i32[one] !== i32[other]) return false;
  }
  return true;
}

/**
 * Looks up the current NodeID without locking. Copies its node's address to `address` and returns the port, or 0 if it
 * is unknown or expired at `now`.
 */
export function lookUp(m: EngineState, id: number, length: number, now: number, address: number): number {
  const shard = shardOf(m, m.spread);
  const sequence = shardAt(m, shard) + SHARD_SEQUENCE;
  const index = indexAt(m, shard);
  let seen = 0;
  let port = 0;
  do {
    seen = beginRead(m, sequence);
    port = 0;
    const entry = find(m, index, id, length);
    if (entry !== 0) {
      const from = entryAt(m, entry);
      if (isLive(m, m.f64[(from + ENTRY_TIME) >>> 3]!, now)) {
        port = m.u32[(from + ENTRY_META) >>> 2]! >>> 16;
        copyAddress(m, address, from + ENTRY_ADDRESS);
      }
    }
  } while (!unchanged(m, sequence, seen));
  return port;
}

/** Whether an announcement made at `time` is still valid at `now`. Fractions of a millisecond in `time` do not count. */
export function isLive(m: EngineState, time: number, now: number): boolean {
  return now - Math.floor(time) < m.f64[H_RETENTION >>> 3]!;
}

/** Locks the shard of the current NodeID and evicts up to two expired entries. Returns the shard's number. */
export function lockShard(m: EngineState, now: number): number {
  const shard = shardOf(m, m.spread);
  lock(m, shardAt(m, shard) + SHARD_LOCK);
  evictExpired(m, shard, now, EVICT_STEPS);
  return shard;
}

/**
 * Locks a shard and the pool, so that no change in the shard has to wait. Returns false if another thread holds one of
 * them for long. The control thread must not wait for a lock, because it is the one that frees the locks of dead
 * workers.
 */
export function tryLockShardAndPool(m: EngineState, shard: number): boolean {
  if (!tryLock(m, shardAt(m, shard) + SHARD_LOCK)) return false;
  if (tryLock(m, H_POOL_LOCK)) return true;
  unlock(m, shardAt(m, shard) + SHARD_LOCK);
  return false;
}

export function unlockShardAndPool(m: EngineState, shard: number): void {
  unlock(m, H_POOL_LOCK);
  unlock(m, shardAt(m, shard) + SHARD_LOCK);
}

export function unlockShard(m: EngineState, shard: number): void {
  unlock(m, shardAt(m, shard) + SHARD_LOCK);
}

/**
 * Finds the current NodeID's entry in its shard, which must be locked; 0 if there is none. Evicts the entry if it has
 * expired.
 */
export function findLive(m: EngineState, shard: number, id: number, length: number, now: number): number {
  const entry = find(m, indexAt(m, shard), id, length);
  if (entry === 0 || isLive(m, m.f64[(entryAt(m, entry) + ENTRY_TIME) >>> 3]!, now)) return entry;
  remove(m, shard, entry);
  return 0;
}

/**
 * The time to store for an announcement that was received at `now` for `entry`, or for a new node if `entry` is 0. The
 * shard must be locked. The time is not earlier than any other in the shard, and later than that of the node's last
 * announcement. `now` alone does not ensure that: a worker reads the clock before it locks the shard, and the clock has
 * no fractions of a millisecond.
 */
export function announcementTime(m: EngineState, shard: number, entry: number, now: number): number {
  const tail = m.u32[(shardAt(m, shard) + SHARD_TAIL) >>> 2]!;
  if (tail === 0) return now;
  const latest = m.f64[(entryAt(m, tail) + ENTRY_TIME) >>> 3]!;
  if (latest < now) return now;
  return entry !== 0 && m.f64[(entryAt(m, entry) + ENTRY_TIME) >>> 3] === latest ? latest + TIME_STEP : latest;
}

/** Whether an announcement repeats the one that `entry` holds: the same address and port. */
export function isRepeated(m: EngineState, entry: number, meta: number, address: number): boolean {
  const at = entryAt(m, entry);
  if ((m.u32[(at + ENTRY_META) >>> 2]! ^ meta) >>> 16 !== 0) return false;
  return isSameAddress(m, at + ENTRY_ADDRESS, address);
}

/**
 * Gives `entry` a new port, address and time, which may be earlier than the old one. A confirmed entry stays confirmed; the
 * other flags are those of `meta`. The shard must be locked.
 */
export function refresh(
  m: EngineState,
  shard: number,
  entry: number,
  meta: number,
  address: number,
  time: number,
): void {
  const at = entryAt(m, entry);
  meta |= m.u32[(at + ENTRY_META) >>> 2]! & META_CONFIRMED;
  const later = time >= m.f64[(at + ENTRY_TIME) >>> 3]!;
  const sequence = shardAt(m, shard) + SHARD_SEQUENCE;
  recordOldFields(m, entry, at);
  beginWrite(m, sequence);
  writeFields(m, at, meta, address, time);
  endWrite(m, sequence);
  if (later && entry === m.u32[(shardAt(m, shard) + SHARD_TAIL) >>> 2]) {
    moveCursorsBack(m, shard, entry, m.u32[(at + ENTRY_PREVIOUS) >>> 2]!);
  } else {
    unlink(m, shard, at);
    link(m, shard, entry, at, time);
  }
  m.u32[(m.lane + RECORD_STEP) >>> 2] = STEP_NONE;
  findUnconfirmed(m, shard, SEARCH_STEPS);
}

/** Marks an entry of a locked shard as announced at least twice. */
export function confirm(m: EngineState, entry: number): void {
  m.u32[(entryAt(m, entry) + ENTRY_META) >>> 2]! |= META_CONFIRMED;
}

/** Records the entry's fields, all but the NodeID, before a refresh changes them. */
function recordOldFields(m: EngineState, entry: number, at: number): void {
  m.u32[(m.lane + RECORD_ENTRY) >>> 2] = entry;
  for (let i = 0; i < ENTRY_ID; i += 4) m.i32[(m.lane + RECORD_OLD_FIELDS + i) >>> 2] = m.i32[(at + i) >>> 2]!;
  m.u32[(m.lane + RECORD_STEP) >>> 2] = STEP_REFRESH;
}

/**
 * Makes room for a new entry in a locked shard: if the registry is full, the oldest entry of the shard gives way that is
 * not confirmed and was announced before `before`. Returns false if there is none.
 */
export function makeRoom(m: EngineState, shard: number, before: number): boolean {
  if (!isFull(m)) return true;
  const entry = findUnconfirmed(m, shard, FULL_SEARCH_STEPS);
  if (entry === 0 || m.f64[(entryAt(m, entry) + ENTRY_TIME) >>> 3]! >= before || !remove(m, shard, entry)) return false;
  m.f64[(m.lane + LANE_COUNTERS + COUNTER_DISPLACED * 8) >>> 3]! += 1;
  return true;
}

/**
 * Returns the oldest entry of a locked shard that is not confirmed, or 0. Goes on where the last search ended, and passes
 * at most `steps` confirmed entries: then it returns 0 too.
 */
function findUnconfirmed(m: EngineState, shard: number, steps: number): number {
  const cursor = (shardAt(m, shard) + SHARD_CONFIRMED) >>> 2;
  let last = m.u32[cursor]!;
  let entry = m.u32[nextField(m, shard, last) >>> 2]!;
  for (; entry !== 0 && (m.u32[(entryAt(m, entry) + ENTRY_META) >>> 2]! & META_CONFIRMED) !== 0; steps--) {
    if (steps === 0) {
      entry = 0;
      break;
    }
    last = entry;
    entry = m.u32[(entryAt(m, entry) + ENTRY_NEXT) >>> 2]!;
  }
  m.u32[cursor] = last;
  return entry;
}

/** Inserts the current NodeID, which `findLive` did not find. The shard must be locked. False if no entry is free. */
export function insert(
  m: EngineState,
  shard: number,
  id: number,
  length: number,
  meta: number,
  address: number,
  time: number,
): boolean {
  const from = shardAt(m, shard);
  const slots = m.u32[H_INDEX_SLOTS >>> 2]!;
  const index = indexAt(m, shard);
  let place = homeSlot(m, m.tag);
  for (let left = slots; m.u32[(index + place * INDEX_SIZE + INDEX_ENTRY) >>> 2] !== 0; ) {
    if (--left === 0) return reportDamage(m);
    if (++place === slots) place = 0;
  }
  const slot = index + place * INDEX_SIZE;
  m.u32[(m.lane + RECORD_SLOT) >>> 2] = slot;
  m.u32[(m.lane + RECORD_COUNT) >>> 2] = m.u32[(from + SHARD_COUNT) >>> 2]!;
  const entry = allocate(m);
  if (entry === 0) return false;
  const at = entryAt(m, entry);
  beginWrite(m, from + SHARD_SEQUENCE);
  m.i32[(at + ENTRY_TAG) >>> 2] = m.tag;
  for (let i = 0; i < length; i += 4) m.i32[(at + ENTRY_ID + i) >>> 2] = m.i32[(id + i) >>> 2]!;
  writeFields(m, at, meta, address, time);
  m.i32[(slot + INDEX_TAG) >>> 2] = m.tag;
  m.u32[(slot + INDEX_ENTRY) >>> 2] = entry;
  endWrite(m, from + SHARD_SEQUENCE);
  m.u32[(from + SHARD_COUNT) >>> 2]!++;
  link(m, shard, entry, at, time);
  m.u32[(m.lane + RECORD_STEP) >>> 2] = STEP_NONE;
  findUnconfirmed(m, shard, SEARCH_STEPS);
  return true;
}

function writeFields(m: EngineState, at: number, meta: number, address: number, time: number): void {
  m.f64[(at + ENTRY_TIME) >>> 3] = time;
  m.u32[(at + ENTRY_META) >>> 2] = meta;
  copyAddress(m, at + ENTRY_ADDRESS, address);
}

function copyAddress(m: EngineState, to: number, from: number): void {
  const i32 = m.i32;
  const one = to >>> 2;
  const other = from >>> 2;
  i32[one] = i32[other]!;
  i32[one + 1] = i32[other + 1]!;
  i32[one + 2] = i32[other + 2]!;
  i32[one + 3] = i32[other + 3]!;
}

/** Evicts up to `most` expired entries from a locked shard. Returns how many. */
export function evictExpired(m: EngineState, shard: number, now: number, most: number): number {
  for (let done = 0; done < most; done++) {
    const head = m.u32[(shardAt(m, shard) + SHARD_HEAD) >>> 2]!;
    if (head === 0 || isLive(m, m.f64[(entryAt(m, head) + ENTRY_TIME) >>> 3]!, now)) return done;
    if (!remove(m, shard, head)) return done;
  }
  return most;
}

/**
 * Evicts expired entries, up to BATCH per shard. Skips a shard that another thread holds locked for long. Returns how
 * many. A second sweep in the same millisecond does nothing, unless the first left some behind.
 */
export function sweep(m: EngineState, now: number): number {
  if (m.f64[H_LAST_SWEEP >>> 3] === now) return 0;
  let total = 0;
  let complete = true;
  const last = m.u32[H_SHARD_MASK >>> 2]!;
  for (let shard = 0; shard <= last; shard++) {
    if (!tryLockShardAndPool(m, shard)) {
      complete = false;
      continue;
    }
    const evicted = evictExpired(m, shard, now, BATCH);
    unlockShardAndPool(m, shard);
    total += evicted;
    if (evicted === BATCH) complete = false;
  }
  if (complete) m.f64[H_LAST_SWEEP >>> 3] = now;
  return total;
}

/**
 * Removes an entry from the index and the queue of its locked shard, and frees it. Returns false, without a change, if
 * the entry is not in the index: then the memory is damaged, and the entry cannot be trusted.
 */
function remove(m: EngineState, shard: number, entry: number): boolean {
  const from = shardAt(m, shard);
  const at = entryAt(m, entry);
  const slots = m.u32[H_INDEX_SLOTS >>> 2]!;
  const index = indexAt(m, shard);
  let hole = homeSlot(m, m.i32[(at + ENTRY_TAG) >>> 2]!);
  for (let left = slots; m.u32[(index + hole * INDEX_SIZE + INDEX_ENTRY) >>> 2] !== entry; ) {
    if (--left === 0) return reportDamage(m);
    if (++hole === slots) hole = 0;
  }
  m.u32[(m.lane + RECORD_ENTRY) >>> 2] = entry;
  m.u32[(m.lane + RECORD_SLOT) >>> 2] = hole;
  m.u32[(m.lane + RECORD_COUNT) >>> 2] = m.u32[(from + SHARD_COUNT) >>> 2]!;
  m.u32[(m.lane + RECORD_STEP) >>> 2] = STEP_REMOVE;
  beginWrite(m, from + SHARD_SEQUENCE);
  closeGap(m, index, hole);
  m.u32[(at + ENTRY_META) >>> 2] = 0;
  endWrite(m, from + SHARD_SEQUENCE);
  unlink(m, shard, at);
  m.u32[(from + SHARD_COUNT) >>> 2]!--;
  release(m, entry, at);
  return true;
}

/**
 * Closes the gap `hole` in an index: moves a later entry into it, unless that would put the entry before its home slot,
 * then closes the gap that this entry leaves, and so on (Knuth, 6.4, algorithm R). Records each new gap in RECORD_SLOT.
 * If the worker dies, a new call that starts from the recorded gap ends in the same state.
 */
export function closeGap(m: EngineState, index: number, hole: number): void {
  const slots = m.u32[H_INDEX_SLOTS >>> 2]!;
  let next = hole;
  for (let left = slots; left !== 0; left--) {
    if (++next === slots) next = 0;
    const slot = index + next * INDEX_SIZE;
    if (m.u32[(slot + INDEX_ENTRY) >>> 2] === 0) {
      m.i32[(index + hole * INDEX_SIZE + INDEX_TAG) >>> 2] = 0;
      m.u32[(index + hole * INDEX_SIZE + INDEX_ENTRY) >>> 2] = 0;
      return;
    }
    const wanted = homeSlot(m, m.i32[(slot + INDEX_TAG) >>> 2]!);
    if (hole <= next ? hole < wanted && wanted <= next : hole < wanted || wanted <= next) continue;
    m.i32[(index + hole * INDEX_SIZE + INDEX_TAG) >>> 2] = m.i32[(slot + INDEX_TAG) >>> 2]!;
    m.u32[(index + hole * INDEX_SIZE + INDEX_ENTRY) >>> 2] = m.u32[(slot + INDEX_ENTRY) >>> 2]!;
    m.u32[(m.lane + RECORD_SLOT) >>> 2] = next;
    hole = next;
  }
  reportDamage(m);
}
