/**
 * Repairs what a lane left behind whose worker died in the midst of a change to the registry: by the lane's record
 * (assembly/layout.ts) the change is undone, or done to its end, and the locks are freed. What a datagram was about to
 * change is then as it was or as it was to be, never in between; everything else is untouched. A bookmark stays where
 * it was, or goes back: a journal may be handed an announcement twice, but misses none.
 *
 * The cost is that of the one change, however large the registry. For the control thread, and for lanes whose worker is
 * gone: a worker that only slept, and goes on with its change behind the repair, spoils the shard.
 */
import {
  COUNTER_RECEIVED,
  ENTRY_ID,
  ENTRY_META,
  ENTRY_NEXT,
  ENTRY_PREVIOUS,
  ENTRY_TIME,
  H_LANES_AT,
  H_POOL_FREE,
  H_POOL_LOCK,
  H_POOL_TOP,
  H_POOL_USED,
  H_SHARD_MASK,
  INDEX_ENTRY,
  INDEX_TAG,
  LANE_COUNTERS,
  LANE_SEQUENCE,
  LANE_SIZE,
  RECORD_COUNT,
  RECORD_ENTRY,
  RECORD_FREE,
  RECORD_NEXT,
  RECORD_OLD_FIELDS,
  RECORD_PREVIOUS,
  RECORD_SLOT,
  RECORD_STEP,
  RECORD_TIME,
  RECORD_TOP,
  RECORD_USED,
  SHARD_COUNT,
  SHARD_LISTED,
  SHARD_LOCK,
  SHARD_SAVED,
  SHARD_SEQUENCE,
  SHARD_TAIL,
  STEP_ALLOCATE,
  STEP_CLAMP,
  STEP_INSERT,
  STEP_LINKING,
  STEP_NONE,
  STEP_REFRESH,
  STEP_RELEASE,
  STEP_REMOVE,
  VERDICTS,
} from "../../assembly/layout.ts";
import { entryAt, moveCursorsBack, nextField, previousField, release, shardAt } from "./entries.ts";
import { attachLane, beginWrite, endWrite, tryLock, unlock } from "./lock.ts";
import { closeGap, indexAt } from "./registry.ts";
import { EngineState } from "./state.ts";

/** The control thread's hand for repairs: locks that it takes for them are signed by its own lane. */
export class EngineRepair {
  readonly #m: EngineState;

  constructor(memory: WebAssembly.Memory, lane: number) {
    this.#m = new EngineState(memory.buffer);
    attachLane(this.#m, lane);
  }

  /** Whether the worker of `lane` holds a lock. */
  holdsLock(lane: number): boolean {
    return Atomics.load(this.#m.i32, H_POOL_LOCK >>> 2) === lane + 1 || heldShard(this.#m, lane + 1) !== undefined;
  }

  /**
   * Repairs what the worker of `lane` left. False if another one holds the pool for long: to be asked for again, soon.
   */
  repair(lane: number): boolean {
    return repairLane(this.#m, lane);
  }

  /**
   * Has no sequence counter stay odd that nobody is to make even: a worker that slept in the midst of a change, and
   * goes on behind its repair, leaves one, and all who look there would wait for ever.
   */
  fixSequences(): void {
    fixSequences(this.#m);
  }
}

function repairLane(m: EngineState, lane: number): boolean {
  const at = m.u32[H_LANES_AT >>> 2]! + lane * LANE_SIZE;
  repairPool(m, at, lane + 1);
  const shard = heldShard(m, lane + 1);
  if (shard !== undefined) {
    if (m.u32[(at + RECORD_STEP) >>> 2] !== STEP_NONE) {
      if (!tryLock(m, H_POOL_LOCK)) return false;
      repairShard(m, at, shard);
      unlock(m, H_POOL_LOCK);
    }
    releaseLock(m, shardAt(m, shard) + SHARD_LOCK, lane + 1);
  }
  finishBatch(m, at);
  return true;
}

function fixSequences(m: EngineState): void {
  for (let shard = 0; shard <= m.u32[H_SHARD_MASK >>> 2]!; shard++) {
    const at = shardAt(m, shard);
    if ((Atomics.load(m.u32, (at + SHARD_SEQUENCE) >>> 2) & 1) === 0 || !tryLock(m, at + SHARD_LOCK)) continue;
    if ((Atomics.load(m.u32, (at + SHARD_SEQUENCE) >>> 2) & 1) !== 0) endWrite(m, at + SHARD_SEQUENCE);
    unlock(m, at + SHARD_LOCK);
  }
}

/** A lane holds one shard at most. */
function heldShard(m: EngineState, holder: number): number | undefined {
  for (let shard = 0; shard <= m.u32[H_SHARD_MASK >>> 2]!; shard++) {
    if (Atomics.load(m.u32, (shardAt(m, shard) + SHARD_LOCK) >>> 2) === holder) return shard;
  }
  return undefined;
}

function releaseLock(m: EngineState, word: number, holder: number): void {
  Atomics.compareExchange(m.u32, word >>> 2, holder, 0);
}

/** Frees the pool: an allocation is undone, a release done to its end. */
function repairPool(m: EngineState, at: number, holder: number): void {
  if (Atomics.load(m.u32, H_POOL_LOCK >>> 2) !== holder) return;
  const step = m.u32[(at + RECORD_STEP) >>> 2];
  if (step === STEP_ALLOCATE || step === STEP_RELEASE) {
    let head = m.u32[(at + RECORD_FREE) >>> 2]!;
    let used = m.u32[(at + RECORD_USED) >>> 2]!;
    if (step === STEP_RELEASE) {
      const entry = m.u32[(at + RECORD_ENTRY) >>> 2]!;
      m.u32[(entryAt(m, entry) + ENTRY_NEXT) >>> 2] = head;
      head = entry;
      used--;
    }
    m.u32[H_POOL_FREE >>> 2] = head;
    m.u32[H_POOL_TOP >>> 2] = m.u32[(at + RECORD_TOP) >>> 2]!;
    Atomics.store(m.u32, H_POOL_USED >>> 2, used);
    m.u32[(at + RECORD_STEP) >>> 2] = STEP_NONE;
  }
  releaseLock(m, H_POOL_LOCK, holder);
}

/** Undoes a refresh or an insertion; does a removal or a redating to its end. The pool is the control thread's. */
function repairShard(m: EngineState, at: number, shard: number): void {
  const sequence = shardAt(m, shard) + SHARD_SEQUENCE;
  const step = m.u32[(at + RECORD_STEP) >>> 2]!;
  const entry = m.u32[(at + RECORD_ENTRY) >>> 2]!;
  if ((m.u32[sequence >>> 2]! & 1) === 0) beginWrite(m, sequence);
  if ((step & STEP_LINKING) !== 0) {
    const previous = m.u32[(at + RECORD_PREVIOUS) >>> 2]!;
    const next = m.u32[(at + RECORD_NEXT) >>> 2]!;
    linkNeighbors(m, shard, previous, next);
  }
  switch (step & ~STEP_LINKING) {
    case STEP_REFRESH:
      restoreOldFields(m, at, shard, entry);
      break;
    case STEP_INSERT:
      undoInsert(m, at, shard, entry);
      break;
    case STEP_REMOVE:
      finishRemove(m, at, shard, entry);
      break;
    case STEP_CLAMP:
      finishClamp(m, shard, m.f64[(at + RECORD_TIME) >>> 3]!);
      break;
  }
  m.u32[(at + RECORD_STEP) >>> 2] = STEP_NONE;
  endWrite(m, sequence);
}

/** Has two neighbours in a queue, or an end of it, know each other. */
function linkNeighbors(m: EngineState, shard: number, previous: number, next: number): void {
  m.u32[nextField(m, shard, previous) >>> 2] = next;
  m.u32[previousField(m, shard, next) >>> 2] = previous;
}

function restoreOldFields(m: EngineState, at: number, shard: number, entry: number): void {
  const to = entryAt(m, entry);
  m.u8.copyWithin(to, at + RECORD_OLD_FIELDS, at + RECORD_OLD_FIELDS + ENTRY_ID);
  linkNeighbors(m, shard, m.u32[(to + ENTRY_PREVIOUS) >>> 2]!, entry);
  linkNeighbors(m, shard, entry, m.u32[(to + ENTRY_NEXT) >>> 2]!);
}

function undoInsert(m: EngineState, at: number, shard: number, entry: number): void {
  const slot = m.u32[(at + RECORD_SLOT) >>> 2]!;
  m.u32[(slot + INDEX_TAG) >>> 2] = 0;
  m.u32[(slot + INDEX_ENTRY) >>> 2] = 0;
  m.u32[(entryAt(m, entry) + ENTRY_META) >>> 2] = 0;
  m.u32[(shardAt(m, shard) + SHARD_COUNT) >>> 2] = m.u32[(at + RECORD_COUNT) >>> 2]!;
  // No bookmark but the finger, which is put there first.
  moveCursorsBack(m, shard, entry, 0);
  release(m, entry, entryAt(m, entry));
}

function finishRemove(m: EngineState, at: number, shard: number, entry: number): void {
  const from = entryAt(m, entry);
  const previous = m.u32[(from + ENTRY_PREVIOUS) >>> 2]!;
  closeGap(m, indexAt(m, shard), m.u32[(at + RECORD_SLOT) >>> 2]!);
  m.u32[(from + ENTRY_META) >>> 2] = 0;
  moveCursorsBack(m, shard, entry, previous);
  linkNeighbors(m, shard, previous, m.u32[(from + ENTRY_NEXT) >>> 2]!);
  m.u32[(shardAt(m, shard) + SHARD_COUNT) >>> 2] = m.u32[(at + RECORD_COUNT) >>> 2]! - 1;
  release(m, entry, from);
}

/** What was redated stands at the queue's end, at `now`, and before it what is to be. */
function finishClamp(m: EngineState, shard: number, now: number): void {
  let entry = m.u32[(shardAt(m, shard) + SHARD_TAIL) >>> 2]!;
  while (entry !== 0 && m.f64[(entryAt(m, entry) + ENTRY_TIME) >>> 3]! >= now) {
    m.f64[(entryAt(m, entry) + ENTRY_TIME) >>> 3] = now;
    entry = m.u32[(entryAt(m, entry) + ENTRY_PREVIOUS) >>> 2]!;
  }
  m.u32[(shardAt(m, shard) + SHARD_SAVED) >>> 2] = 0;
  m.u32[(shardAt(m, shard) + SHARD_LISTED) >>> 2] = 0;
}

/** The datagram that was being judged is not counted; those before it in the batch are, and add up. */
function finishBatch(m: EngineState, at: number): void {
  let sum = 0;
  for (let verdict = 0; verdict < VERDICTS; verdict++) sum += m.f64[(at + LANE_COUNTERS) / 8 + verdict]!;
  m.f64[(at + LANE_COUNTERS) / 8 + COUNTER_RECEIVED] = sum;
  if ((m.u32[(at + LANE_SEQUENCE) >>> 2]! & 1) !== 0) endWrite(m, at + LANE_SEQUENCE);
}
