/**
 * Locks and sequence counters in shared memory, for workers that share one registry.
 *
 * Each worker has a lane: its own area of the memory, with a number. A lock word is 0 while the lock is free. Otherwise
 * it is 1 plus the number of the lane whose worker holds the lock. So if a worker dies, the control thread can find the
 * locks that it holds, undo or finish its change (src/engine/repair.ts), and free them.
 *
 * A sequence counter is odd while the holder of the lock writes. Readers do not lock: they read again if the counter was
 * odd or has changed.
 */
import { H_LANES_AT, H_WEAK_ORDERING, LANE_HEARTBEAT, LANE_SIZE } from "./layout";

/** Value that this instance writes into locks: its lane plus 1. */
let holder: u32 = 1;
/** Address of that lane, which contains the record of the change in progress. */
export let lane: usize = 0;

/** Sets the lane that this instance works for. */
export function attachLane(number: u32): void {
  holder = number + 1;
  lane = load<u32>(H_LANES_AT) + number * LANE_SIZE;
}

/** Locks, and waits as long as necessary. */
export function lock(word: usize): void {
  while (!tryLock(word)) pause(word, atomic.load<u32>(word));
}

/**
 * Number of attempts before a lock counts as held for long: some tens of microseconds, far longer than a lock is
 * normally held.
 */
const SPINS = 10_000;

/** Locks, unless the lock is held for long; its holder may have ended. */
export function tryLock(word: usize): bool {
  if (atomic.cmpxchg<u32>(word, 0, holder) === 0) return true;
  for (let left = SPINS; left !== 0; left--) {
    if (atomic.load<u32>(word) === 0 && atomic.cmpxchg<u32>(word, 0, holder) === 0) return true;
  }
  return false;
}

/** Whether this instance holds the lock. */
export function holdsLock(word: usize): bool {
  return load<u32>(word) === holder;
}

/** Unlocks. Only the holder may call it. */
export function unlock(word: usize): void {
  atomic.store<u32>(word, 0);
}

/**
 * Length of a pause, in ns. Unlocking does not wake the waiting threads, because that would cost a system call per
 * unlock.
 */
const PAUSE_NS: i64 = 1_000_000;

/**
 * Pauses this thread so that the holder can run. Does not pause if `word` has changed since it was read as `seen`, or if
 * `seen` is 0, which means that the lock is free. Counts as a heartbeat: a worker that waits is alive.
 */
function pause(word: usize, seen: u32): void {
  store<u32>(lane, load<u32>(lane, LANE_HEARTBEAT) + 1, LANE_HEARTBEAT);
  if (seen !== 0) atomic.wait<u32>(word, seen, PAUSE_NS);
}

/**
 * Starts a change that readers without a lock must not see half done. Only the holder of the lock may call it.
 *
 * On ARM before 8.1, an atomic addition is a load and a store, and the change could become visible before that store. So
 * on processors other than x86 the counter is loaded once more: this load waits for the addition, and the change waits
 * for this load.
 */
export function beginWrite(sequence: usize): void {
  atomic.add<u32>(sequence, 1);
  if (load<u32>(H_WEAK_ORDERING) !== 0) atomic.load<u32>(sequence);
}

/** Ends the change. */
export function endWrite(sequence: usize): void {
  atomic.add<u32>(sequence, 1);
}

/** Waits until no change is in progress. Returns the counter for `unchanged`. */
export function beginRead(sequence: usize): u32 {
  let left = SPINS;
  let seen = atomic.load<u32>(sequence);
  while ((seen & 1) !== 0) {
    if (--left === 0) {
      pause(sequence, seen);
      left = SPINS;
    }
    seen = atomic.load<u32>(sequence);
  }
  return seen;
}

/**
 * Whether everything read since `beginRead` is consistent. If the processor may reorder reads, the counter is read by
 * adding 0 to it. That is also a write, and earlier reads complete before it. (Fences are not an option: Binaryen's
 * optimizer removes them.)
 */
export function unchanged(sequence: usize, seen: u32): bool {
  return (load<u32>(H_WEAK_ORDERING) === 0 ? atomic.load<u32>(sequence) : atomic.add<u32>(sequence, 0)) === seen;
}
