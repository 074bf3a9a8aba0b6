/** Twin of assembly/lock.ts: locks and sequence counters in shared memory. Words are addressed in bytes. */
import { H_LANES_AT, H_WEAK_ORDERING, LANE_HEARTBEAT, LANE_SIZE } from "../../assembly/layout.ts";
import type { EngineState } from "./state.ts";

export function attachLane(m: EngineState, number: number): void {
  m.holder = number + 1;
  m.lane = m.u32[H_LANES_AT >>> 2]! + number * LANE_SIZE;
}

/** Waits for the lock as long as it takes. */
export function lock(m: EngineState, word: number): void {
  while (!tryLock(m, word)) pause(m, word, Atomics.load(m.i32, word >>> 2));
}

/** How often a word is looked at in a row: some tens of microseconds, far longer than a lock is held. */
const TRIES = 10_000;

/** Takes a lock unless it is held for long: by somebody who died, perhaps. */
export function tryLock(m: EngineState, word: number): boolean {
  if (Atomics.compareExchange(m.i32, word >>> 2, 0, m.holder) === 0) return true;
  for (let left = TRIES; left !== 0; left--) {
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

/** Does nothing to a lock that was freed in the meantime, its holder being taken for dead. */
export function unlock(m: EngineState, word: number): void {
  Atomics.compareExchange(m.i32, word >>> 2, m.holder, 0);
}

/** How long a worker rests, in ms. Nobody wakes it: that would cost each unlock a system call. */
const REST = 1;

/**
 * Leaves the processor to the one that is waited for, who may be kept from it, unless `word` is no longer what it was `seen`
 * as; 0 is nothing to wait for. Who waits is alive, and says so.
 */
function pause(m: EngineState, word: number, seen: number): void {
  m.i32[(m.lane + LANE_HEARTBEAT) >>> 2]!++;
  if (seen !== 0) Atomics.wait(m.i32, word >>> 2, seen, REST);
}

/**
 * Before and after a change that readers without a lock must not see halfway. The holder of the lock only. Where the
 * change could overtake the count (ARM before 8.1, where adding is a load and a store), a load of the count stands between
 * the two: it waits for the one, and the other for it.
 */
export function beginWrite(m: EngineState, sequence: number): void {
  Atomics.add(m.i32, sequence >>> 2, 1);
  if (m.u32[H_WEAK_ORDERING >>> 2] !== 0) Atomics.load(m.i32, sequence >>> 2);
}

export function endWrite(m: EngineState, sequence: number): void {
  Atomics.add(m.i32, sequence >>> 2, 1);
}

/** Waits until nobody writes; what it returns is for `unchanged`. */
export function beginRead(m: EngineState, sequence: number): number {
  let left = TRIES;
  let seen = Atomics.load(m.i32, sequence >>> 2);
  while ((seen & 1) !== 0) {
    if (--left === 0) {
      pause(m, sequence, seen);
      left = TRIES;
    }
    seen = Atomics.load(m.i32, sequence >>> 2);
  }
  return seen;
}

/**
 * Whether all that was read since `beginRead` belongs together. Where reads may overtake each other, this one is a write as
 * well, which the reads before it do not overtake. (JavaScript has no fences.)
 */
export function unchanged(m: EngineState, sequence: number, seen: number): boolean {
  const word = sequence >>> 2;
  return (m.u32[H_WEAK_ORDERING >>> 2] === 0 ? Atomics.load(m.i32, word) : Atomics.add(m.i32, word, 0)) === seen;
}
