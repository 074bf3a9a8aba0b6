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

/** Locks, unless the lock is held for long; its holder may have died. */
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

/** Unlocks. Does nothing if this lane was declared dead in the meantime and its lock was freed. */
export function unlock(m: EngineState, word: number): void {
  Atomics.compareExchange(m.i32, word >>> 2, m.holder, 0);
}

/**
 * Length of a pause, in ms. Unlocking does not wake the waiting threads, because that would cost a system call per
 * unlock.
 */
const PAUSE_MS = 1;

/**
 * Pauses this thread so that the holder can run, unless `word` no longer has the value `seen`; with 0 there is nothing
 * to wait for. Counts as a heartbeat: a worker that waits is alive.
 */
function pause(m: EngineState, word: number, seen: number): void {
  m.i32[(m.lane + LANE_HEARTBEAT) >>> 2]!++;
  if (seen !== 0) Atomics.wait(m.i32, word >>> 2, seen, PAUSE_MS);
}

/**
 * Starts a change that readers without a lock must not see half done. Only the holder of the lock may call it. On
 * processors where the change could overtake the increment (ARM before 8.1, where an addition is a load and a store), a
 * load of the counter in between prevents it: it waits for the increment, and the change waits for it.
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
 * Whether everything read since `beginRead` is consistent. Where reads may overtake each other, this is also a write,
 * which earlier reads do not overtake. (JavaScript has no fences.)
 */
export function unchanged(m: EngineState, sequence: number, seen: number): boolean {
  const word = sequence >>> 2;
  return (m.u32[H_WEAK_ORDERING >>> 2] === 0 ? Atomics.load(m.i32, word) : Atomics.add(m.i32, word, 0)) === seen;
}
