/**
 * Repairs the registry after a worker died in the middle of a change. The change record of its lane
 * (assembly/layout.ts) says how far the change came. It is undone or finished, and the locks are freed. Afterwards the
 * entry is as it was before or as it should be after the change, never in between, and nothing else has changed.
 *
 * The shard's cursors mark which announcements the journal has. A repair may move them back, but never forward: the
 * journal may receive an announcement twice, but misses none.
 *
 * The cost depends on the one change only, not on the size of the registry. Only the control thread may repair, and
 * only lanes whose thread has ended: a thread that was merely asleep and continues its change after the repair damages
 * the shard.
 */
import {
  COUNTER_RECEIVED,
  ENTRY_ID,
  ENTRY_META,
  ENTRY_NEXT,
  ENTRY_PREVIOUS,
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
  RECORD_TOP,
  RECORD_USED,
  SHARD_COUNT,
  SHARD_LOCK,
  SHARD_SEQUENCE,
  STEP_ALLOCATE,
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
import type { EngineMemory } from "./memory.ts";
import { closeGap, indexAt } from "./registry.ts";
import { EngineState } from "./state.ts";

/**
 * Repairs lanes for the control thread. Locks needed for a repair are taken in the name of the control thread's own
 * lane.
 */
export class EngineRepair {
  readonly #m: EngineState;

  constructor(memory: EngineMemory, lane: number) {
    this.#m = new EngineState(memory.buffer);
    attachLane(this.#m, lane);
  }

  /** Whether the worker of `lane` holds a lock. */
  holdsLock(lane: number): boolean {
    return Atomics.load(this.#m.i32, H_POOL_LOCK >>> 2) === lane + 1 || heldShard(this.#m, lane + 1) !== undefined;
  }

  /**
   * Repairs what the worker of `lane` left behind. Returns false if another worker keeps the pool locked: call it again
   * soon.
   */
  repair(lane: number): boolean {
    return repairLane(this.#m, lane);
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

/** The shard whose lock `holder` has. A lane never holds more than one. */
function heldShard(m: EngineState, holder: number): number | undefined {
  for (let shard = 0; shard <= m.u32[H_SHARD_MASK >>> 2]!; shard++) {
    if (Atomics.load(m.u32, (shardAt(m, shard) + SHARD_LOCK) >>> 2) === holder) return shard;
  }
  return undefined;
}

/** Frees a lock, if `holder` has it. */
function releaseLock(m: EngineState, word: number, holder: number): void {
  Atomics.compareExchange(m.u32, word >>> 2, holder, 0);
}

/** Repairs the pool: undoes an allocation, finishes a release. Then frees its lock. */
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

/** Undoes a refresh or an insertion; finishes a removal. The caller holds the pool's lock. */
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
  }
  m.u32[(at + RECORD_STEP) >>> 2] = STEP_NONE;
  endWrite(m, sequence);
}

/** Makes two entries neighbors in the queue. 0 means the end of the queue. */
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
  // The insert hint is set before the entry is linked, so it may point to this entry. The other cursors cannot.
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

/**
 * Ends the batch that the worker was processing. Counts as received only the datagrams that have a verdict, so that the
 * counters add up: those before the one that was being processed.
 */
function finishBatch(m: EngineState, at: number): void {
  let sum = 0;
  for (let verdict = 0; verdict < VERDICTS; verdict++) sum += m.f64[(at + LANE_COUNTERS) / 8 + verdict]!;
  m.f64[(at + LANE_COUNTERS) / 8 + COUNTER_RECEIVED] = sum;
  if ((m.u32[(at + LANE_SEQUENCE) >>> 2]! & 1) !== 0) endWrite(m, at + LANE_SEQUENCE);
}
