/** Twin of assembly/lock.ts: locks and sequence counters in shared memory. Words are addressed in bytes. */
import type { EngineState } from "./state.ts";

export function setHolder(m: EngineState, lane: number): void {
  m.holder = lane + 1;
}

export function lock(m: EngineState, word: number): void {
  while (Atomics.compareExchange(m.i32, word >>> 2, 0, m.holder) !== 0) {}
}

/** How often a lock is asked for that need not be had: some tens of microseconds, far longer than it is held. */
const TRIES = 10_000;

/** Takes a lock unless it is held for long: by somebody who died, perhaps. */
export function tryLock(m: EngineState, word: number): boolean {
  for (let left = TRIES; left !== 0; left--) {
    if (Atomics.compareExchange(m.i32, word >>> 2, 0, m.holder) === 0) return true;
  }
  return false;
}

export function unlock(m: EngineState, word: number): void {
  Atomics.store(m.i32, word >>> 2, 0);
}

/** Before and after a change that readers without a lock must not see halfway. The holder of the lock only. */
export function beginWrite(m: EngineState, sequence: number): void {
  Atomics.add(m.i32, sequence >>> 2, 1);
}

export function endWrite(m: EngineState, sequence: number): void {
  Atomics.add(m.i32, sequence >>> 2, 1);
}

/** Waits until nobody writes; what it returns is for `unchanged`. */
export function beginRead(m: EngineState, sequence: number): number {
  let seen = Atomics.load(m.i32, sequence >>> 2);
  while ((seen & 1) !== 0) seen = Atomics.load(m.i32, sequence >>> 2);
  return seen;
}

/**
 * Whether all that was read since `beginRead` belongs together. JavaScript has no fence: adding nothing is one (a read that
 * is also a write is not overtaken by the reads before it).
 */
export function unchanged(m: EngineState, sequence: number, seen: number): boolean {
  return Atomics.add(m.i32, sequence >>> 2, 0) === seen;
}
