/**
 * Locks and sequence counters in shared memory, for workers that share one registry.
 *
 * A lock word holds 0, or the number of the lane that holds it and one: who died with a lock in hand can be seen. A
 * sequence counter is odd while its holder writes; a reader takes no lock, and reads again when the counter was odd or
 * has moved.
 */

/** The lane of this instance. */
let holder: u32 = 1;

export function setHolder(lane: u32): void {
  holder = lane + 1;
}

export function lock(word: usize): void {
  while (atomic.cmpxchg<u32>(word, 0, holder) !== 0) {}
}

/** How often a lock is asked for that need not be had: some tens of microseconds, far longer than it is held. */
const TRIES = 10_000;

/** Takes a lock unless it is held for long: by somebody who died, perhaps. */
export function tryLock(word: usize): bool {
  for (let left = TRIES; left !== 0; left--) {
    if (atomic.cmpxchg<u32>(word, 0, holder) === 0) return true;
  }
  return false;
}

export function unlock(word: usize): void {
  atomic.store<u32>(word, 0);
}

/** Before and after a change that readers without a lock must not see halfway. The holder of the lock only. */
export function beginWrite(sequence: usize): void {
  atomic.store<u32>(sequence, load<u32>(sequence) + 1);
  atomic.fence();
}

export function endWrite(sequence: usize): void {
  atomic.store<u32>(sequence, load<u32>(sequence) + 1);
}

/** Waits until nobody writes; what it returns is for `unchanged`. */
export function beginRead(sequence: usize): u32 {
  let seen = atomic.load<u32>(sequence);
  while ((seen & 1) !== 0) seen = atomic.load<u32>(sequence);
  return seen;
}

/** Whether all that was read since `beginRead` belongs together. */
export function unchanged(sequence: usize, seen: u32): bool {
  atomic.fence();
  return atomic.load<u32>(sequence) === seen;
}
