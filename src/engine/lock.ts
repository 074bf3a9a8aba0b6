/**
 * Twin of assembly/lock.ts: locks and sequence counters in shared memory. Words are given by their addresses in bytes.
 */
import { H_LANES_AT, H_WEAK_ORDERING, LANE_HEARTBEAT, LANE_SIZE } from "../../assembly/layout.ts";
import type { EngineState } from "./state.ts";

/** Sets the lane that this instance works for. */
export function attachLane(m: EngineState, number: number): void {
  m.holder = number + 1;
  m.lane = m.u32[H_LANES_AT >>> 2]! + number * LANE_SIZE;
}

/** Locks, and waits as long as necessary. */
export function lock(m: EngineState, word: number): void {
  while (!tryLock(m, word)) pause(m, word, Atomics.load(m.i32, word >>> 2));
}

/**
 * Number of attempts before a lock counts as held for long: some tens of microseconds, far longer than a lock is
 * normally held.
 */
const SPINS = 10_000;

/** Locks, unless the lock is held for long; its holder may have ended. */
export function tryLock(m: EngineState, word: number): boolean {
  if (Atomics.compareExchange(m.i32, word >>> 2, 0, m.holder) === 0) return true;
  for (let left = SPINS; left !== 0; left--) {
    if (Atomics.load(m.i32, word >>> 2) === 0 && Atomics.compareExchange(m.i32, word >>> 2, 0, m.holder) === 0) {
      return true;
    }
  }
  return false;
}

/** Whether this instance holds the lock. */
export function holdsLock(m: EngineState, word: number): boolean {
  return m.i32[word >>> 2] === m.holder;
}

/** Unlocks. Only the holder may call it. */
export function unlock(m: EngineState, word: number): void {
  Atomics.store(m.i32, word >>> 2, 0);
}

/**
 * Length of a pause, in ms. Unlocking does not wake the waiting threads, because that would cost a system call per
 * unlock.
 */
const PAUSE_MS = 1;

/**
 * Pauses this thread so that the holder can run. Does not pause if `word` has changed since it was read as `seen`, or if
 * `seen` is 0, which means that the lock is free. Counts as a heartbeat: a worker that waits is alive.
 */
function pause(m: EngineState, word: number, seen: number): void {
  m.i32[(m.lane + LANE_HEARTBEAT) >>> 2]!++;
  if (seen !== 0) Atomics.wait(m.i32, word >>> 2, seen, PAUSE_MS);
}

/**
 * Starts a change that readers without a lock must not see half done. Only the holder of the lock may call it.
 *
 * On ARM before 8.1, an atomic addition is a load and a store, and the change could become visible before that store. So
 * on processors other than x86 the counter is loaded once more: this load waits for the addition, and the change waits
 * for this load.
 */
export function beginWrite(m: EngineState, sequence: number): void {
  Atomics.add(m.i32, sequence >>> 2, 1);
  if (m.u32[H_WEAK_ORDERING >>> 2] !== 0) Atomics.load(m.i32, sequence >>> 2);
}

/** Ends the change. */
export function endWrite(m: EngineState, sequence: number): void {
  Atomics.add(m.i32, sequence >>> 2, 1);
}

/** Waits until no change is in progress. Returns the counter for `unchanged`. */
export function beginRead(m: EngineState, sequence: number): number {
  let left = SPINS;
  let seen = Atomics.load(m.i32, sequence >>> 2);
  while ((seen & 1) !== 0) {
    if (--left === 0) {
      pause(m, sequence, seen);
      left = SPINS;
    }
    seen = Atomics.load(m.i32, sequence >>> 2);
  }
  return seen;
}

/**
 * Whether everything read since `beginRead` is consistent. If the processor may reorder reads, the counter is read by
 * adding 0 to it. That is also a write, and earlier reads complete before it. (JavaScript has no fences.)
 */
export function unchanged(m: EngineState, sequence: number, seen: number): boolean {
  const word = sequence >>> 2;
  return (m.u32[H_WEAK_ORDERING >>> 2] === 0 ? Atomics.load(m.i32, word) : Atomics.add(m.i32, word, 0)) === seen;
}
