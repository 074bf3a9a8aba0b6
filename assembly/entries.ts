/** Entries: where they lie, the pool of free ones, and the queue of each shard in order of announcement. */
import {
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
  RECORD_ENTRY,
  RECORD_FREE,
  RECORD_NEXT,
  RECORD_PREVIOUS,
  RECORD_STEP,
  RECORD_TOP,
  RECORD_USED,
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

export function shardAt(shard: u32): usize {
  return load<u32>(H_SHARDS_AT) + shard * SHARD_SIZE;
}

export function entryAt(entry: u32): usize {
  return load<u32>(H_ENTRIES_AT) + entry * load<u32>(H_STRIDE);
}

/** Whether every entry is in use. */
export function isFull(): bool {
  return atomic.load<u32>(H_POOL_USED) >= load<u32>(H_CAPACITY);
}

/** Takes the pool's lock, unless this instance has it; whether it took it. */
function lockPool(): bool {
  if (holdsLock(H_POOL_LOCK)) return false;
  lock(H_POOL_LOCK);
  return true;
}

function unlockPool(taken: bool): void {
  if (taken) unlock(H_POOL_LOCK);
}

/** Writes down what the pool is, and which step changes it. */
function recordPool(step: u32): void {
  store<u32>(lane, load<u32>(H_POOL_FREE), RECORD_FREE);
  store<u32>(lane, load<u32>(H_POOL_TOP), RECORD_TOP);
  store<u32>(lane, load<u32>(H_POOL_USED), RECORD_USED);
  store<u32>(lane, step, RECORD_STEP);
}

/** An entry that was free, or 0. It is the insertion's that this lane records. */
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

/** Gives an entry that is in no queue back to the pool: the end of the removal that this lane records. */
export function release(entry: u32, at: usize): void {
  const taken = lockPool();
  recordPool(STEP_RELEASE);
  store<u32>(at, load<u32>(H_POOL_FREE), ENTRY_NEXT);
  store<u32>(H_POOL_FREE, entry);
  atomic.store<u32>(H_POOL_USED, load<u32>(H_POOL_USED) - 1);
  store<u32>(lane, STEP_NONE, RECORD_STEP);
  unlockPool(taken);
}

/** Puts an entry into the queue, in order of time, behind those of its own time. */
export function link(shard: u32, entry: u32, at: usize, time: f64): void {
  let previous = load<u32>(shardAt(shard), SHARD_TAIL);
  if (previous !== 0 && timeOf(previous) > time) {
    previous = findPredecessor(shard, time);
    store<u32>(shardAt(shard), entry, SHARD_INSERT_HINT);
  }
  const next = nextField(shard, previous);
  const after = load<u32>(next);
  store<u32>(lane, previous, RECORD_PREVIOUS);
  store<u32>(lane, after, RECORD_NEXT);
  store<u32>(lane, load<u32>(lane, RECORD_STEP) | STEP_LINKING, RECORD_STEP);
  store<u32>(at, previous, ENTRY_PREVIOUS);
  store<u32>(at, after, ENTRY_NEXT);
  store<u32>(next, entry);
  store<u32>(previousField(shard, after), entry);
}

function timeOf(entry: u32): f64 {
  return load<f64>(entryAt(entry), ENTRY_TIME);
}

/**
 * Behind which entry one of `time` belongs that is earlier than the tail. Looks from the tail and from the finger at once: what
 * a journal brings is in order of time, so that the next one's place is near the last one's.
 */
function findPredecessor(shard: u32, time: f64): u32 {
  const head = load<u32>(shardAt(shard), SHARD_HEAD);
  if (timeOf(head) > time) return 0;
  let back = load<u32>(shardAt(shard), SHARD_TAIL);
  let near = load<u32>(shardAt(shard), SHARD_INSERT_HINT);
  if (near === 0) near = head;
  const forward = timeOf(near) <= time;
  const step: usize = forward ? ENTRY_NEXT : ENTRY_PREVIOUS;
  do {
    const next = load<u32>(entryAt(near) + step);
    const earlier = timeOf(next) <= time;
    if (earlier !== forward) return forward ? near : next;
    near = next;
    back = load<u32>(entryAt(back), ENTRY_PREVIOUS);
  } while (timeOf(back) > time);
  return back;
}

/** The bookmarks at `entry`, which is about to leave its place or to change, go to the one before it. */
export function moveCursorsBack(shard: u32, entry: u32, previous: u32): void {
  const end = shardAt(shard) + SHARD_SIZE;
  for (let bookmark = shardAt(shard) + SHARD_CURSORS; bookmark < end; bookmark += 4) {
    if (load<u32>(bookmark) === entry) store<u32>(bookmark, previous);
  }
}

/** Takes the entry at `at` out of the queue of its open shard. */
export function unlink(shard: u32, at: usize): void {
  const previous = load<u32>(at, ENTRY_PREVIOUS);
  const next = load<u32>(at, ENTRY_NEXT);
  moveCursorsBack(shard, load<u32>(nextField(shard, previous)), previous);
  store<u32>(nextField(shard, previous), next);
  store<u32>(previousField(shard, next), previous);
}

/** Where the successor of `entry` is kept, or of 0: the head. */
function nextField(shard: u32, entry: u32): usize {
  return entry === 0 ? shardAt(shard) + SHARD_HEAD : entryAt(entry) + ENTRY_NEXT;
}

/** Where the predecessor of `entry` is kept, or of 0: the tail. */
function previousField(shard: u32, entry: u32): usize {
  return entry === 0 ? shardAt(shard) + SHARD_TAIL : entryAt(entry) + ENTRY_PREVIOUS;
}
