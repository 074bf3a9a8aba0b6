/** Entries: their addresses, the pool of free entries, and the queue of each shard in order of announcement. */
import { reportDamage } from "./damage";
import {
  ENTRY_META,
  ENTRY_NEXT,
  ENTRY_PREVIOUS,
  ENTRY_TIME,
  H_CAPACITY,
  H_ENTRIES_AT,
  H_POOL_FREE,
  H_POOL_LOCK,
  H_POOL_TOP,
  H_POOL_USED,
  H_SHARDS_AT,
  H_STRIDE,
  META_AUTHENTICATED,
  META_CONFIRMED,
  RECORD_ENTRY,
  RECORD_FREE,
  RECORD_NEXT,
  RECORD_PREVIOUS,
  RECORD_STEP,
  RECORD_TOP,
  RECORD_USED,
  SHARD_CONFIRMED,
  SHARD_CURSORS,
  SHARD_HEAD,
  SHARD_INSERT_HINT,
  SHARD_SIZE,
  SHARD_TAIL,
  STEP_ALLOCATE,
  STEP_INSERT,
  STEP_LINKING,
  STEP_NONE,
  STEP_RELEASE,
} from "./layout";
import { holdsLock, lane, lock, unlock } from "./lock";

/** Address of a shard. */
export function shardAt(shard: u32): usize {
  return load<u32>(H_SHARDS_AT) + shard * SHARD_SIZE;
}

/** Address of an entry. */
export function entryAt(entry: u32): usize {
  return load<u32>(H_ENTRIES_AT) + entry * load<u32>(H_STRIDE);
}

/** Whether the entry at `at` is of a device that announced itself with its certificate. */
export function isAuthenticated(at: usize): bool {
  return (load<u32>(at, ENTRY_META) & META_AUTHENTICATED) !== 0;
}

/** Whether every entry is in use. */
export function isFull(): bool {
  return atomic.load<u32>(H_POOL_USED) >= load<u32>(H_CAPACITY);
}

/** Locks the pool unless this instance has already locked it. Returns whether it did. */
export function lockPool(): bool {
  if (holdsLock(H_POOL_LOCK)) return false;
  lock(H_POOL_LOCK);
  return true;
}

export function unlockPool(taken: bool): void {
  if (taken) unlock(H_POOL_LOCK);
}

/** Records the pool's state before `step` changes it. */
function recordPool(step: u32): void {
  store<u32>(lane, load<u32>(H_POOL_FREE), RECORD_FREE);
  store<u32>(lane, load<u32>(H_POOL_TOP), RECORD_TOP);
  store<u32>(lane, load<u32>(H_POOL_USED), RECORD_USED);
  store<u32>(lane, step, RECORD_STEP);
}

/**
 * Takes a free entry from the pool for the insertion that this lane is recording. Returns its number, or 0 if there is
 * none.
 */
export function allocate(): u32 {
  const taken = lockPool();
  let entry = load<u32>(H_POOL_FREE);
  if (entry === 0 && load<u32>(H_POOL_TOP) >= load<u32>(H_CAPACITY)) {
    unlockPool(taken);
    return 0;
  }
  recordPool(STEP_ALLOCATE);
  if (entry !== 0) {
    store<u32>(H_POOL_FREE, load<u32>(entryAt(entry), ENTRY_NEXT));
  } else {
    entry = load<u32>(H_POOL_TOP) + 1;
    store<u32>(H_POOL_TOP, entry);
  }
  atomic.store<u32>(H_POOL_USED, load<u32>(H_POOL_USED) + 1);
  store<u32>(lane, entry, RECORD_ENTRY);
  store<u32>(lane, STEP_INSERT, RECORD_STEP);
  unlockPool(taken);
  return entry;
}

/** Returns an entry that is no longer queued to the pool. This ends the removal that this lane is recording. */
export function release(entry: u32, at: usize): void {
  const taken = lockPool();
  recordPool(STEP_RELEASE);
  store<u32>(at, load<u32>(H_POOL_FREE), ENTRY_NEXT);
  store<u32>(H_POOL_FREE, entry);
  atomic.store<u32>(H_POOL_USED, load<u32>(H_POOL_USED) - 1);
  store<u32>(lane, STEP_NONE, RECORD_STEP);
  unlockPool(taken);
}

/** Inserts an entry into the shard's queue, sorted by time, after all entries of the same time. */
export function link(shard: u32, entry: u32, at: usize, time: f64): void {
  let previous = load<u32>(shardAt(shard), SHARD_TAIL);
  if (previous !== 0 && timeOf(previous) > time) {
    previous = findPredecessor(shard, time);
    store<u32>(shardAt(shard), entry, SHARD_INSERT_HINT);
    // The search for an entry that is not confirmed must not have passed one.
    const passed = load<u32>(shardAt(shard), SHARD_CONFIRMED);
    const confirmed = (load<u32>(at, ENTRY_META) & META_CONFIRMED) !== 0;
    if (!confirmed && passed !== 0 && timeOf(passed) > time) store<u32>(shardAt(shard), previous, SHARD_CONFIRMED);
  }
  const nextAt = nextField(shard, previous);
  const next = load<u32>(nextAt);
  store<u32>(lane, previous, RECORD_PREVIOUS);
  store<u32>(lane, next, RECORD_NEXT);
  store<u32>(lane, load<u32>(lane, RECORD_STEP) | STEP_LINKING, RECORD_STEP);
  store<u32>(at, previous, ENTRY_PREVIOUS);
  store<u32>(at, next, ENTRY_NEXT);
  store<u32>(nextAt, entry);
  store<u32>(previousField(shard, next), entry);
}

function timeOf(entry: u32): f64 {
  return load<f64>(entryAt(entry), ENTRY_TIME);
}

/**
 * Finds the entry after which an entry of `time` belongs, where `time` is earlier than the tail's. Searches from the
 * tail and from the insert hint at the same time: a journal delivers entries in order of time, so the next place is
 * close to the last one.
 */
function findPredecessor(shard: u32, time: f64): u32 {
  const head = load<u32>(shardAt(shard), SHARD_HEAD);
  if (timeOf(head) > time) return 0;
  let back = load<u32>(shardAt(shard), SHARD_TAIL);
  let near = load<u32>(shardAt(shard), SHARD_INSERT_HINT);
  if (near === 0) near = head;
  const forward = timeOf(near) <= time;
  const step: usize = forward ? ENTRY_NEXT : ENTRY_PREVIOUS;
  let left = load<u32>(H_CAPACITY);
  do {
    const next = load<u32>(entryAt(near) + step);
    const earlier = timeOf(next) <= time;
    if (earlier !== forward) return forward ? near : next;
    near = next;
    back = load<u32>(entryAt(back), ENTRY_PREVIOUS);
    if (--left === 0) {
      reportDamage();
      break;
    }
  } while (timeOf(back) > time);
  return back;
}

/** Moves all cursors that are at `entry` back to `previous`. Called before `entry` is moved, changed or removed. */
export function moveCursorsBack(shard: u32, entry: u32, previous: u32): void {
  const end = shardAt(shard) + SHARD_SIZE;
  for (let cursor = shardAt(shard) + SHARD_CURSORS; cursor < end; cursor += 4) {
    if (load<u32>(cursor) === entry) store<u32>(cursor, previous);
  }
}

/** Removes the entry at `at` from the queue. The shard must be locked. */
export function unlink(shard: u32, at: usize): void {
  const previous = load<u32>(at, ENTRY_PREVIOUS);
  const next = load<u32>(at, ENTRY_NEXT);
  moveCursorsBack(shard, load<u32>(nextField(shard, previous)), previous);
  store<u32>(nextField(shard, previous), next);
  store<u32>(previousField(shard, next), previous);
}

/** Address of the field that holds the successor of `entry`, or of the queue's head if `entry` is 0. */
export function nextField(shard: u32, entry: u32): usize {
  return entry === 0 ? shardAt(shard) + SHARD_HEAD : entryAt(entry) + ENTRY_NEXT;
}

/** Address of the field that holds the predecessor of `entry`, or of the queue's tail if `entry` is 0. */
function previousField(shard: u32, entry: u32): usize {
  return entry === 0 ? shardAt(shard) + SHARD_TAIL : entryAt(entry) + ENTRY_PREVIOUS;
}
