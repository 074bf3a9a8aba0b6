/** Twin of assembly/entries.ts: where entries lie, the pool of free ones, and the queue of each shard. */
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
} from "../../assembly/layout.ts";
import { holdsLock, lock, unlock } from "./lock.ts";
import type { EngineState } from "./state.ts";

export function shardAt(m: EngineState, shard: number): number {
  return m.u32[H_SHARDS_AT >>> 2]! + shard * SHARD_SIZE;
}

export function entryAt(m: EngineState, entry: number): number {
  return m.u32[H_ENTRIES_AT >>> 2]! + entry * m.u32[H_STRIDE >>> 2]!;
}

/** Whether every entry is in use. */
export function isFull(m: EngineState): boolean {
  return Atomics.load(m.u32, H_POOL_USED >>> 2) >= m.u32[H_CAPACITY >>> 2]!;
}

/** Takes the pool's lock, unless this instance has it; whether it took it. */
function lockPool(m: EngineState): boolean {
  if (holdsLock(m, H_POOL_LOCK)) return false;
  lock(m, H_POOL_LOCK);
  return true;
}

function unlockPool(m: EngineState, taken: boolean): void {
  if (taken) unlock(m, H_POOL_LOCK);
}

/** Writes down what the pool is, and which step changes it. */
function recordPool(m: EngineState, step: number): void {
  m.u32[(m.lane + RECORD_FREE) >>> 2] = m.u32[H_POOL_FREE >>> 2]!;
  m.u32[(m.lane + RECORD_TOP) >>> 2] = m.u32[H_POOL_TOP >>> 2]!;
  m.u32[(m.lane + RECORD_USED) >>> 2] = m.u32[H_POOL_USED >>> 2]!;
  m.u32[(m.lane + RECORD_STEP) >>> 2] = step;
}

/** An entry that was free, or 0. It is the insertion's that this lane records. */
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

/** Gives an entry that is in no queue back to the pool: the end of the removal that this lane records. */
export function release(m: EngineState, entry: number, at: number): void {
  const taken = lockPool(m);
  recordPool(m, STEP_RELEASE);
  m.u32[(at + ENTRY_NEXT) >>> 2] = m.u32[H_POOL_FREE >>> 2]!;
  m.u32[H_POOL_FREE >>> 2] = entry;
  Atomics.store(m.u32, H_POOL_USED >>> 2, m.u32[H_POOL_USED >>> 2]! - 1);
  m.u32[(m.lane + RECORD_STEP) >>> 2] = STEP_NONE;
  unlockPool(m, taken);
}

/** Puts an entry into the queue, in order of time, behind those of its own time. */
export function link(m: EngineState, shard: number, entry: number, at: number, time: number): void {
  let previous = m.u32[(shardAt(m, shard) + SHARD_TAIL) >>> 2]!;
  if (previous !== 0 && timeOf(m, previous) > time) {
    previous = findPredecessor(m, shard, time);
    m.u32[(shardAt(m, shard) + SHARD_INSERT_HINT) >>> 2] = entry;
  }
  const next = nextField(m, shard, previous);
  const after = m.u32[next >>> 2]!;
  m.u32[(m.lane + RECORD_PREVIOUS) >>> 2] = previous;
  m.u32[(m.lane + RECORD_NEXT) >>> 2] = after;
  m.u32[(m.lane + RECORD_STEP) >>> 2]! |= STEP_LINKING;
  m.u32[(at + ENTRY_PREVIOUS) >>> 2] = previous;
  m.u32[(at + ENTRY_NEXT) >>> 2] = after;
  m.u32[next >>> 2] = entry;
  m.u32[previousField(m, shard, after) >>> 2] = entry;
}

function timeOf(m: EngineState, entry: number): number {
  return m.f64[(entryAt(m, entry) + ENTRY_TIME) >>> 3]!;
}

/**
 * Behind which entry one of `time` belongs that is earlier than the tail. Looks from the tail and from the finger at once: what
 * a journal brings is in order of time, so that the next one's place is near the last one's.
 */
function findPredecessor(m: EngineState, shard: number, time: number): number {
  const head = m.u32[(shardAt(m, shard) + SHARD_HEAD) >>> 2]!;
  if (timeOf(m, head) > time) return 0;
  let back = m.u32[(shardAt(m, shard) + SHARD_TAIL) >>> 2]!;
  let near = m.u32[(shardAt(m, shard) + SHARD_INSERT_HINT) >>> 2]!;
  if (near === 0) near = head;
  const forward = timeOf(m, near) <= time;
  const step = forward ? ENTRY_NEXT : ENTRY_PREVIOUS;
  do {
    const next = m.u32[(entryAt(m, near) + step) >>> 2]!;
    const earlier = timeOf(m, next) <= time;
    if (earlier !== forward) return forward ? near : next;
    near = next;
    back = m.u32[(entryAt(m, back) + ENTRY_PREVIOUS) >>> 2]!;
  } while (timeOf(m, back) > time);
  return back;
}

/** The bookmarks at `entry`, which is about to leave its place or to change, go to the one before it. */
export function moveCursorsBack(m: EngineState, shard: number, entry: number, previous: number): void {
  const end = (shardAt(m, shard) + SHARD_SIZE) >>> 2;
  for (let bookmark = (shardAt(m, shard) + SHARD_CURSORS) >>> 2; bookmark < end; bookmark++) {
    if (m.u32[bookmark] === entry) m.u32[bookmark] = previous;
  }
}

/** Takes the entry at `at` out of the queue of its open shard. */
export function unlink(m: EngineState, shard: number, at: number): void {
  const previous = m.u32[(at + ENTRY_PREVIOUS) >>> 2]!;
  const next = m.u32[(at + ENTRY_NEXT) >>> 2]!;
  moveCursorsBack(m, shard, m.u32[nextField(m, shard, previous) >>> 2]!, previous);
  m.u32[nextField(m, shard, previous) >>> 2] = next;
  m.u32[previousField(m, shard, next) >>> 2] = previous;
}

/** Where the successor of `entry` is kept, or of 0: the head. */
export function nextField(m: EngineState, shard: number, entry: number): number {
  return entry === 0 ? shardAt(m, shard) + SHARD_HEAD : entryAt(m, entry) + ENTRY_NEXT;
}

/** Where the predecessor of `entry` is kept, or of 0: the tail. */
export function previousField(m: EngineState, shard: number, entry: number): number {
  return entry === 0 ? shardAt(m, shard) + SHARD_TAIL : entryAt(m, entry) + ENTRY_PREVIOUS;
}
