/** Twin of assembly/entries.ts: entries, the pool of free entries, and the queue of each shard. */
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
} from "../../assembly/layout.ts";
import { reportDamage } from "./damage.ts";
import { holdsLock, lock, unlock } from "./lock.ts";
import type { EngineState } from "./state.ts";

/** Address of a shard. */
export function shardAt(m: EngineState, shard: number): number {
  return m.u32[H_SHARDS_AT >>> 2]! + shard * SHARD_SIZE;
}

/** Address of an entry. */
export function entryAt(m: EngineState, entry: number): number {
  return m.u32[H_ENTRIES_AT >>> 2]! + entry * m.u32[H_STRIDE >>> 2]!;
}

/** Whether the entry at `at` is of a device that announced itself with its certificate. */
export function isAuthenticated(m: EngineState, at: number): boolean {
  return (m.u32[(at + ENTRY_META) >>> 2]! & META_AUTHENTICATED) !== 0;
}

/** Whether every entry is in use. */
export function isFull(m: EngineState): boolean {
  return Atomics.load(m.u32, H_POOL_USED >>> 2) >= m.u32[H_CAPACITY >>> 2]!;
}

/** Locks the pool unless this instance has already locked it. Returns whether it did. */
export function lockPool(m: EngineState): boolean {
  if (holdsLock(m, H_POOL_LOCK)) return false;
  lock(m, H_POOL_LOCK);
  return true;
}

export function unlockPool(m: EngineState, taken: boolean): void {
  if (taken) unlock(m, H_POOL_LOCK);
}

/** Records the pool's state before `step` changes it. */
function recordPool(m: EngineState, step: number): void {
  m.u32[(m.lane + RECORD_FREE) >>> 2] = m.u32[H_POOL_FREE >>> 2]!;
  m.u32[(m.lane + RECORD_TOP) >>> 2] = m.u32[H_POOL_TOP >>> 2]!;
  m.u32[(m.lane + RECORD_USED) >>> 2] = m.u32[H_POOL_USED >>> 2]!;
  m.u32[(m.lane + RECORD_STEP) >>> 2] = step;
}

/**
 * Takes a free entry from the pool for the insertion that this lane is recording. Returns its number, or 0 if there is
 * none.
 */
export function allocate(m: EngineState): number {
  const taken = lockPool(m);
  let entry = m.u32[H_POOL_FREE >>> 2]!;
  if (entry === 0 && m.u32[H_POOL_TOP >>> 2]! >= m.u32[H_CAPACITY >>> 2]!) {
    unlockPool(m, taken);
    return 0;
  }
  recordPool(m, STEP_ALLOCATE);
  if (entry !== 0) {
    m.u32[H_POOL_FREE >>> 2] = m.u32[(entryAt(m, entry) + ENTRY_NEXT) >>> 2]!;
  } else {
    entry = m.u32[H_POOL_TOP >>> 2]! + 1;
    m.u32[H_POOL_TOP >>> 2] = entry;
  }
  Atomics.store(m.u32, H_POOL_USED >>> 2, m.u32[H_POOL_USED >>> 2]! + 1);
  m.u32[(m.lane + RECORD_ENTRY) >>> 2] = entry;
  m.u32[(m.lane + RECORD_STEP) >>> 2] = STEP_INSERT;
  unlockPool(m, taken);
  return entry;
}

/** Returns an entry that is no longer queued to the pool. This ends the removal that this lane is recording. */
export function release(m: EngineState, entry: number, at: number): void {
  const taken = lockPool(m);
  recordPool(m, STEP_RELEASE);
  m.u32[(at + ENTRY_NEXT) >>> 2] = m.u32[H_POOL_FREE >>> 2]!;
  m.u32[H_POOL_FREE >>> 2] = entry;
  Atomics.store(m.u32, H_POOL_USED >>> 2, m.u32[H_POOL_USED >>> 2]! - 1);
  m.u32[(m.lane + RECORD_STEP) >>> 2] = STEP_NONE;
  unlockPool(m, taken);
}

/** Inserts an entry into the shard's queue, sorted by time, after all entries of the same time. */
export function link(m: EngineState, shard: number, entry: number, at: number, time: number): void {
  let previous = m.u32[(shardAt(m, shard) + SHARD_TAIL) >>> 2]!;
  if (previous !== 0 && timeOf(m, previous) > time) {
    previous = findPredecessor(m, shard, time);
    m.u32[(shardAt(m, shard) + SHARD_INSERT_HINT) >>> 2] = entry;
    // The search for an entry that is not confirmed must not have passed one.
    const passed = m.u32[(shardAt(m, shard) + SHARD_CONFIRMED) >>> 2]!;
    const confirmed = (m.u32[(at + ENTRY_META) >>> 2]! & META_CONFIRMED) !== 0;
    if (!confirmed && passed !== 0 && timeOf(m, passed) > time) {
      m.u32[(shardAt(m, shard) + SHARD_CONFIRMED) >>> 2] = previous;
    }
  }
  const nextAt = nextField(m, shard, previous);
  const next = m.u32[nextAt >>> 2]!;
  m.u32[(m.lane + RECORD_PREVIOUS) >>> 2] = previous;
  m.u32[(m.lane + RECORD_NEXT) >>> 2] = next;
  m.u32[(m.lane + RECORD_STEP) >>> 2]! |= STEP_LINKING;
  m.u32[(at + ENTRY_PREVIOUS) >>> 2] = previous;
  m.u32[(at + ENTRY_NEXT) >>> 2] = next;
  m.u32[nextAt >>> 2] = entry;
  m.u32[previousField(m, shard, next) >>> 2] = entry;
}

function timeOf(m: EngineState, entry: number): number {
  return m.f64[(entryAt(m, entry) + ENTRY_TIME) >>> 3]!;
}

/**
 * Finds the entry after which an entry of `time` belongs, where `time` is earlier than the tail's. Searches from the
 * tail and from the insert hint at the same time: a journal delivers entries in order of time, so the next place is
 * close to the last one.
 */
function findPredecessor(m: EngineState, shard: number, time: number): number {
  const head = m.u32[(shardAt(m, shard) + SHARD_HEAD) >>> 2]!;
  if (timeOf(m, head) > time) return 0;
  let back = m.u32[(shardAt(m, shard) + SHARD_TAIL) >>> 2]!;
  let near = m.u32[(shardAt(m, shard) + SHARD_INSERT_HINT) >>> 2]!;
  if (near === 0) near = head;
  const forward = timeOf(m, near) <= time;
  const step = forward ? ENTRY_NEXT : ENTRY_PREVIOUS;
  let left = m.u32[H_CAPACITY >>> 2]!;
  do {
    const next = m.u32[(entryAt(m, near) + step) >>> 2]!;
    const earlier = timeOf(m, next) <= time;
    if (earlier !== forward) return forward ? near : next;
    near = next;
    back = m.u32[(entryAt(m, back) + ENTRY_PREVIOUS) >>> 2]!;
    if (--left === 0) {
      reportDamage(m);
      break;
    }
  } while (timeOf(m, back) > time);
  return back;
}

/** Moves all cursors that are at `entry` back to `previous`. Called before `entry` is moved, changed or removed. */
export function moveCursorsBack(m: EngineState, shard: number, entry: number, previous: number): void {
  const end = (shardAt(m, shard) + SHARD_SIZE) >>> 2;
  for (let cursor = (shardAt(m, shard) + SHARD_CURSORS) >>> 2; cursor < end; cursor++) {
    if (m.u32[cursor] === entry) m.u32[cursor] = previous;
  }
}

/** Removes the entry at `at` from the queue. The shard must be locked. */
export function unlink(m: EngineState, shard: number, at: number): void {
  const previous = m.u32[(at + ENTRY_PREVIOUS) >>> 2]!;
  const next = m.u32[(at + ENTRY_NEXT) >>> 2]!;
  moveCursorsBack(m, shard, m.u32[nextField(m, shard, previous) >>> 2]!, previous);
  m.u32[nextField(m, shard, previous) >>> 2] = next;
  m.u32[previousField(m, shard, next) >>> 2] = previous;
}

/** Address of the field that holds the successor of `entry`, or of the queue's head if `entry` is 0. */
export function nextField(m: EngineState, shard: number, entry: number): number {
  return entry === 0 ? shardAt(m, shard) + SHARD_HEAD : entryAt(m, entry) + ENTRY_NEXT;
}

/** Address of the field that holds the predecessor of `entry`, or of the queue's tail if `entry` is 0. */
export function previousField(m: EngineState, shard: number, entry: number): number {
  return entry === 0 ? shardAt(m, shard) + SHARD_TAIL : entryAt(m, entry) + ENTRY_PREVIOUS;
}
