/** Twin of assembly/registry.ts: an open-addressing index over entries, with a queue in order of announcement a shard. */
import {
  BATCH,
  ENTRY_ADDRESS,
  ENTRY_ID,
  ENTRY_META,
  ENTRY_PREVIOUS,
  ENTRY_TAG,
  ENTRY_TIME,
  H_INDEX_AT,
  H_INDEX_SLOTS,
  H_LAST_SWEEP,
  H_POOL_LOCK,
  H_RETENTION,
  H_SHARD_MASK,
  INDEX_ENTRY,
  INDEX_SIZE,
  INDEX_TAG,
  MAX_CLOCK_SKEW,
  META_LENGTH,
  RECORD_COUNT,
  RECORD_ENTRY,
  RECORD_OLD_FIELDS,
  RECORD_SLOT,
  RECORD_STEP,
  RECORD_TIME,
  SHARD_COUNT,
  SHARD_HEAD,
  SHARD_LISTED,
  SHARD_LOCK,
  SHARD_SAVED,
  SHARD_SEQUENCE,
  SHARD_TAIL,
  STEP_CLAMP,
  STEP_NONE,
  STEP_REFRESH,
  STEP_REMOVE,
  TIME_STEP,
} from "../../assembly/layout.ts";
import { allocate, entryAt, link, moveCursorsBack, release, shardAt, unlink } from "./entries.ts";
import { beginRead, beginWrite, endWrite, lock, tryLock, unchanged, unlock } from "./lock.ts";
import type { EngineState } from "./state.ts";

export function shardOf(m: EngineState, word: number): number {
  return word & m.u32[H_SHARD_MASK >>> 2]!;
}

export function indexAt(m: EngineState, shard: number): number {
  return m.u32[H_INDEX_AT >>> 2]! + shard * m.u32[H_INDEX_SLOTS >>> 2]! * INDEX_SIZE;
}

/** Where in its shard's index a hash belongs: the hash as a fraction of 2^32, times the slots. */
function homeSlot(m: EngineState, word: number): number {
  return (((word >>> 0) * m.u32[H_INDEX_SLOTS >>> 2]!) / 0x100000000) >>> 0;
}

/** The entry of the NodeID in hand, of `length` bytes at `id`, or 0. Ends also on an index that is being written. */
function find(m: EngineState, index: number, id: number, length: number): number {
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
 * Looks up the NodeID in hand without a lock. Copies the address of its node to `address` and returns its port, or 0 if
 * there is none that was announced less than the retention before `now`.
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

/** Whether an announcement of `time` holds at `now`. It holds for whole milliseconds. */
export function isLive(m: EngineState, time: number, now: number): boolean {
  return now - Math.floor(time) < m.f64[H_RETENTION >>> 3]!;
}

/** Locks the shard of the NodeID in hand and lets go of a few entries whose time is over. Returns its number. */
export function lockShard(m: EngineState, now: number): number {
  const shard = shardOf(m, m.spread);
  lock(m, shardAt(m, shard) + SHARD_LOCK);
  evictExpired(m, shard, now, 2);
  return shard;
}

/**
 * Locks a shard and the pool, so that nothing that is done with the shard has to wait; false if one of them is held for long.
 * The control thread waits for nobody: it is the one that frees what a dead worker holds.
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

/** The entry of the NodeID in hand in its open shard, or 0; one whose time is over is let go. */
export function findLive(m: EngineState, shard: number, id: number, length: number, now: number): number {
  const entry = find(m, indexAt(m, shard), id, length);
  if (entry === 0 || isLive(m, m.f64[(entryAt(m, entry) + ENTRY_TIME) >>> 3]!, now)) return entry;
  remove(m, shard, entry);
  return 0;
}

/**
 * When the clock was set back, what was announced in times to come counts as announced now: else it would stay until then, and
 * whatever is announced now would have to be put before it. A journal is told the new times.
 */
function clampFutureTimes(m: EngineState, shard: number, now: number): void {
  const tail = m.u32[(shardAt(m, shard) + SHARD_TAIL) >>> 2]!;
  if (tail === 0 || m.f64[(entryAt(m, tail) + ENTRY_TIME) >>> 3]! <= now + MAX_CLOCK_SKEW) return;
  m.f64[(m.lane + RECORD_TIME) >>> 3] = now;
  m.u32[(m.lane + RECORD_STEP) >>> 2] = STEP_CLAMP;
  for (let entry = tail; entry !== 0; ) {
    const at = entryAt(m, entry);
    if (m.f64[(at + ENTRY_TIME) >>> 3]! <= now) break;
    m.f64[(at + ENTRY_TIME) >>> 3] = now;
    entry = m.u32[(at + ENTRY_PREVIOUS) >>> 2]!;
  }
  m.u32[(shardAt(m, shard) + SHARD_SAVED) >>> 2] = 0;
  m.u32[(shardAt(m, shard) + SHARD_LISTED) >>> 2] = 0;
  m.u32[(m.lane + RECORD_STEP) >>> 2] = STEP_NONE;
}

/**
 * The time of an announcement that an open shard takes at `now`, of the node of `entry` or of a new one (0): not before any
 * other in the shard, nor at the same time as the last one of the same node. So the later one is known from the earlier
 * whatever becomes of them, though workers look at their clocks before they get to the shard, and clocks tell no fractions.
 */
export function announcementTime(m: EngineState, shard: number, entry: number, now: number): number {
  const tail = m.u32[(shardAt(m, shard) + SHARD_TAIL) >>> 2]!;
  if (tail === 0) return now;
  const latest = m.f64[(entryAt(m, tail) + ENTRY_TIME) >>> 3]!;
  if (latest < now) return now;
  return entry !== 0 && m.f64[(entryAt(m, entry) + ENTRY_TIME) >>> 3] === latest ? latest + TIME_STEP : latest;
}

/** Gives `entry` of an open shard a new port, address and time. */
export function refresh(
  m: EngineState,
  shard: number,
  entry: number,
  meta: number,
  address: number,
  time: number,
): void {
  const at = entryAt(m, entry);
  const sequence = shardAt(m, shard) + SHARD_SEQUENCE;
  recordOldFields(m, entry, at);
  beginWrite(m, sequence);
  writeFields(m, at, meta, address, time);
  endWrite(m, sequence);
  if (entry === m.u32[(shardAt(m, shard) + SHARD_TAIL) >>> 2]) {
    moveCursorsBack(m, shard, entry, m.u32[(at + ENTRY_PREVIOUS) >>> 2]!);
  } else {
    unlink(m, shard, at);
    link(m, shard, entry, at, time);
  }
  m.u32[(m.lane + RECORD_STEP) >>> 2] = STEP_NONE;
}

/** Writes down an entry as it is, down to its NodeID, before it is refreshed. */
function recordOldFields(m: EngineState, entry: number, at: number): void {
  m.u32[(m.lane + RECORD_ENTRY) >>> 2] = entry;
  for (let i = 0; i < ENTRY_ID; i += 4) m.i32[(m.lane + RECORD_OLD_FIELDS + i) >>> 2] = m.i32[(at + i) >>> 2]!;
  m.u32[(m.lane + RECORD_STEP) >>> 2] = STEP_REFRESH;
}

/** Takes the NodeID in hand, which `findLive` did not find, into its open shard. False if there is no entry left. */
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
  while (m.u32[(index + place * INDEX_SIZE + INDEX_ENTRY) >>> 2] !== 0) {
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

/** Lets go of at most `most` entries of an open shard whose time is over; returns how many. */
export function evictExpired(m: EngineState, shard: number, now: number, most: number): number {
  clampFutureTimes(m, shard, now);
  for (let done = 0; done < most; done++) {
    const head = m.u32[(shardAt(m, shard) + SHARD_HEAD) >>> 2]!;
    if (head === 0 || isLive(m, m.f64[(entryAt(m, head) + ENTRY_TIME) >>> 3]!, now)) return done;
    if (!remove(m, shard, head)) return done;
  }
  return most;
}

/**
 * Lets go of entries whose time is over, in all shards that are not locked for long, at most a batch of each. Returns how
 * many. Two sweeps within a millisecond are one, unless the first left some over.
 */
export function sweep(m: EngineState, now: number): number {
  if (m.f64[H_LAST_SWEEP >>> 3] === now) return 0;
  let gone = 0;
  let all = true;
  const last = m.u32[H_SHARD_MASK >>> 2]!;
  for (let shard = 0; shard <= last; shard++) {
    if (!tryLockShardAndPool(m, shard)) {
      all = false;
      continue;
    }
    const some = evictExpired(m, shard, now, BATCH);
    unlockShardAndPool(m, shard);
    gone += some;
    if (some === BATCH) all = false;
  }
  if (all) m.f64[H_LAST_SWEEP >>> 3] = now;
  return gone;
}

/**
 * Takes an entry of an open shard out of index and queue, and frees it. False, and nothing is done, if the index does not have
 * it: then the memory is damaged, and what the entry is nobody knows.
 */
function remove(m: EngineState, shard: number, entry: number): boolean {
  const from = shardAt(m, shard);
  const at = entryAt(m, entry);
  const slots = m.u32[H_INDEX_SLOTS >>> 2]!;
  const index = indexAt(m, shard);
  let hole = homeSlot(m, m.i32[(at + ENTRY_TAG) >>> 2]!);
  for (let left = slots; m.u32[(index + hole * INDEX_SIZE + INDEX_ENTRY) >>> 2] !== entry; ) {
    if (--left === 0) return false;
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
 * Closes a gap in an index: what stands behind it moves up unless that would put it before its home (Knuth, 6.4, algorithm
 * R). Begun again from the hole that is recorded, it comes to the same end.
 */
export function closeGap(m: EngineState, index: number, hole: number): void {
  const slots = m.u32[H_INDEX_SLOTS >>> 2]!;
  let next = hole;
  for (;;) {
    if (++next === slots) next = 0;
    const slot = index + next * INDEX_SIZE;
    if (m.u32[(slot + INDEX_ENTRY) >>> 2] === 0) break;
    const wanted = homeSlot(m, m.i32[(slot + INDEX_TAG) >>> 2]!);
    if (hole <= next ? hole < wanted && wanted <= next : hole < wanted || wanted <= next) continue;
    m.i32[(index + hole * INDEX_SIZE + INDEX_TAG) >>> 2] = m.i32[(slot + INDEX_TAG) >>> 2]!;
    m.u32[(index + hole * INDEX_SIZE + INDEX_ENTRY) >>> 2] = m.u32[(slot + INDEX_ENTRY) >>> 2]!;
    m.u32[(m.lane + RECORD_SLOT) >>> 2] = next;
    hole = next;
  }
  m.i32[(index + hole * INDEX_SIZE + INDEX_TAG) >>> 2] = 0;
  m.u32[(index + hole * INDEX_SIZE + INDEX_ENTRY) >>> 2] = 0;
}
