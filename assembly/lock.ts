/**
 * Locks and sequence counters in shared memory, for workers that share one registry.
 *
 * A lock word holds 0, or the number of the lane that holds it and one: the control thread sees who died with a lock in
 * hand, has its change undone or done to its end (src/engine/repair.ts), and frees it. A sequence counter is odd while its
 * holder writes; a reader takes no lock, and reads again when the counter was odd or has moved.
 */
import { H_LANES_AT, H_WEAK_ORDERING, LANE_HEARTBEAT, LANE_SIZE } from "./layout";

/** The lane of this instance, and one. */
let holder: u32 = 1;
/** Where that lane lies: its record tells of the change under way. */
export let lane: usize = 0;

export function attachLane(number: u32): void {
  holder = number + 1;
  lane = load<u32>(H_LANES_AT) + number * LANE_SIZE;
}

/** Waits for the lock as long as it takes. */
export function lock(word: usize): void {
  while (!tryLock(word)) pause(word, atomic.load<u32>(word));
}

/** How often a word is looked at in a row: some tens of microseconds, far longer than a lock is held. */
const TRIES = 10_000;

/** Takes a lock unless it is held for long: by somebody who died, perhaps. */
export function tryLock(word: usize): bool {
  if (atomic.cmpxchg<u32>(word, 0, holder) === 0) return true;
  for (let left = TRIES; left !== 0; left--) {
    if (atomic.load<u32>(word) === 0 && atomic.cmpxchg<u32>(word, 0, holder) === 0) return true;
  }
  return false;
}

/** Whether this instance holds the lock. */
export function holdsLock(word: usize): bool {
  return load<u32>(word) === holder;
}

/** Does nothing to a lock that was freed in the meantime, its holder being taken for dead. */
export function unlock(word: usize): void {
  atomic.cmpxchg<u32>(word, holder, 0);
}

/** How long a worker rests, in ns. Nobody wakes it: that would cost each unlock a system call. */
const REST: i64 = 1_000_000;

/**
 * Leaves the processor to the one that is waited for, who may be kept from it, unless `word` is no longer what it was `seen`
 * as; 0 is nothing to wait for. Who waits is alive, and says so.
 */
function pause(word: usize, seen: u32): void {
  store<u32>(lane, load<u32>(lane, LANE_HEARTBEAT) + 1, LANE_HEARTBEAT);
  if (seen !== 0) atomic.wait<u32>(word, seen, REST);
}

/**
 * Before and after a change that readers without a lock must not see halfway. The holder of the lock only. Where the
 * change could overtake the count (ARM before 8.1, where adding is a load and a store), a load of the count stands between
 * the two: it waits for the one, and the other for it.
 */
export function beginWrite(sequence: usize): void {
  atomic.add<u32>(sequence, 1);
  if (load<u32>(H_WEAK_ORDERING) !== 0) atomic.load<u32>(sequence);
}

export function endWrite(sequence: usize): void {
  atomic.add<u32>(sequence, 1);
}

/** Waits until nobody writes; what it returns is for `unchanged`. */
export function beginRead(sequence: usize): u32 {
  let left = TRIES;
  let seen = atomic.load<u32>(sequence);
  while ((seen & 1) !== 0) {
    if (--left === 0) {
      pause(sequence, seen);
      left = TRIES;
    }
    seen = atomic.load<u32>(sequence);
  }
  return seen;
}

/**
 * Whether all that was read since `beginRead` belongs together. Where reads may overtake each other, this one is a write as
 * well, which the reads before it do not overtake. (Of fences Binaryen's optimizer leaves none.)
 */
export function unchanged(sequence: usize, seen: u32): bool {
  return (load<u32>(H_WEAK_ORDERING) === 0 ? atomic.load<u32>(sequence) : atomic.add<u32>(sequence, 0)) === seen;
}
