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
  SHARD_BOOKMARKS,
  SHARD_FINGER,
  SHARD_HEAD,
  SHARD_SIZE,
  SHARD_TAIL,
} from "../../assembly/layout.ts";
import { lock, unlock } from "./lock.ts";
import type { EngineState } from "./state.ts";

export function shardAt(m: EngineState, shard: number): number {
  return m.u32[H_SHARDS_AT >>> 2]! + shard * SHARD_SIZE;
}

export function entryAt(m: EngineState, entry: number): number {
  return m.u32[H_ENTRIES_AT >>> 2]! + entry * m.u32[H_STRIDE >>> 2]!;
}

/** Whether every entry is in use. */
export function exhausted(m: EngineState): boolean {
  return Atomics.load(m.u32, H_POOL_USED >>> 2) >= m.u32[H_CAPACITY >>> 2]!;
}

/** An entry that was free, or 0. */
export function allocate(m: EngineState): number {
  lock(m, H_POOL_LOCK);
  let entry = m.u32[H_POOL_FREE >>> 2]!;
  if (entry !== 0) {
    m.u32[H_POOL_FREE >>> 2] = m.u32[(entryAt(m, entry) + ENTRY_NEXT) >>> 2]!;
  } else if (m.u32[H_POOL_TOP >>> 2]! < m.u32[H_CAPACITY >>> 2]!) {
    entry = m.u32[H_POOL_TOP >>> 2]! + 1;
    m.u32[H_POOL_TOP >>> 2] = entry;
  }
  if (entry !== 0) Atomics.add(m.u32, H_POOL_USED >>> 2, 1);
  unlock(m, H_POOL_LOCK);
  return entry;
}

/** Gives an entry that is in no queue back to the pool. */
export function release(m: EngineState, entry: number, at: number): void {
  lock(m, H_POOL_LOCK);
  m.u32[(at + ENTRY_NEXT) >>> 2] = m.u32[H_POOL_FREE >>> 2]!;
  m.u32[H_POOL_FREE >>> 2] = entry;
  Atomics.sub(m.u32, H_POOL_USED >>> 2, 1);
  unlock(m, H_POOL_LOCK);
}

/** Puts an entry into the queue, in order of time, behind those of its own time. */
export function link(m: EngineState, shard: number, entry: number, at: number, time: number): void {
  let previous = m.u32[(shardAt(m, shard) + SHARD_TAIL) >>> 2]!;
  if (previous !== 0 && timeOf(m, previous) > time) {
    previous = placeOf(m, shard, time);
    m.u32[(shardAt(m, shard) + SHARD_FINGER) >>> 2] = entry;
  }
  const next = nextField(m, shard, previous);
  const after = m.u32[next >>> 2]!;
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
function placeOf(m: EngineState, shard: number, time: number): number {
  const head = m.u32[(shardAt(m, shard) + SHARD_HEAD) >>> 2]!;
  if (timeOf(m, head) > time) return 0;
  let back = m.u32[(shardAt(m, shard) + SHARD_TAIL) >>> 2]!;
  let near = m.u32[(shardAt(m, shard) + SHARD_FINGER) >>> 2]!;
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
export function turnBack(m: EngineState, shard: number, entry: number, previous: number): void {
  const end = (shardAt(m, shard) + SHARD_SIZE) >>> 2;
  for (let bookmark = (shardAt(m, shard) + SHARD_BOOKMARKS) >>> 2; bookmark < end; bookmark++) {
    if (m.u32[bookmark] === entry) m.u32[bookmark] = previous;
  }
}

/** Takes the entry at `at` out of the queue of its open shard. */
export function unlink(m: EngineState, shard: number, at: number): void {
  const previous = m.u32[(at + ENTRY_PREVIOUS) >>> 2]!;
  const next = m.u32[(at + ENTRY_NEXT) >>> 2]!;
  turnBack(m, shard, m.u32[nextField(m, shard, previous) >>> 2]!, previous);
  m.u32[nextField(m, shard, previous) >>> 2] = next;
  m.u32[previousField(m, shard, next) >>> 2] = previous;
}

/** Where the successor of `entry` is kept, or of 0: the head. */
function nextField(m: EngineState, shard: number, entry: number): number {
  return entry === 0 ? shardAt(m, shard) + SHARD_HEAD : entryAt(m, entry) + ENTRY_NEXT;
}

/** Where the predecessor of `entry` is kept, or of 0: the tail. */
function previousField(m: EngineState, shard: number, entry: number): number {
  return entry === 0 ? shardAt(m, shard) + SHARD_TAIL : entryAt(m, entry) + ENTRY_PREVIOUS;
}
