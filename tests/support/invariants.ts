/** Invariants of an engine's memory while no change is in progress. */
import {
  ENTRY_META,
  ENTRY_NEXT,
  ENTRY_PREVIOUS,
  ENTRY_TAG,
  ENTRY_TIME,
  H_CAPACITY,
  H_ENTRIES_AT,
  H_INDEX_AT,
  H_INDEX_SLOTS,
  H_LANES,
  H_LANES_AT,
  H_MAX_ID,
  H_POOL_FREE,
  H_POOL_LOCK,
  H_POOL_TOP,
  H_POOL_USED,
  H_SHARD_MASK,
  H_SHARDS_AT,
  H_STRIDE,
  INDEX_ENTRY,
  INDEX_SIZE,
  INDEX_TAG,
  LANE_SEQUENCE,
  LANE_SIZE,
  META_CONFIRMED,
  META_LENGTH,
  RECORD_STEP,
  SHARD_CONFIRMED,
  SHARD_COUNT,
  SHARD_CURSORS,
  SHARD_HEAD,
  SHARD_LISTED,
  SHARD_LOCK,
  SHARD_SAVED,
  SHARD_SEQUENCE,
  SHARD_SIZE,
  SHARD_TAIL,
  STEP_NONE,
} from "../../assembly/layout.ts";
import type { EngineMemory } from "../../src/engine/index.ts";

class Checker {
  readonly #u32: Uint32Array;
  readonly #f64: Float64Array;
  /** Entries found so far in a queue or in the free list. */
  readonly #seen = new Set<number>();

  constructor(memory: Uint8Array) {
    this.#u32 = new Uint32Array(memory.buffer);
    this.#f64 = new Float64Array(memory.buffer);
  }

  word(at: number): number {
    return this.#u32[at >>> 2]!;
  }

  entry(entry: number, field: number): number {
    return this.word(this.word(H_ENTRIES_AT) + entry * this.word(H_STRIDE) + field);
  }

  time(entry: number): number {
    return this.#f64[(this.word(H_ENTRIES_AT) + entry * this.word(H_STRIDE) + ENTRY_TIME) >>> 3]!;
  }

  check(valid: boolean, violation: string): void {
    if (!valid) throw new Error(`invariant: ${violation}`);
  }

  markSeen(entry: number): void {
    this.check(entry >= 1 && entry <= this.word(H_POOL_TOP), `entry ${entry} was never allocated`);
    this.check(!this.#seen.has(entry), `entry ${entry} is in two places`);
    this.#seen.add(entry);
  }

  /** Checks the queue of a shard: links in both directions, order of time, cursors. Returns its entries. */
  queue(shard: number): Set<number> {
    const at = this.word(H_SHARDS_AT) + shard * SHARD_SIZE;
    this.check(this.word(at + SHARD_LOCK) === 0, `shard ${shard} is locked`);
    this.check(this.word(at + SHARD_SEQUENCE) % 2 === 0, `shard ${shard} is being written`);
    const queue = new Set<number>();
    let previous = 0;
    for (let entry = this.word(at + SHARD_HEAD); entry !== 0; entry = this.entry(entry, ENTRY_NEXT)) {
      this.markSeen(entry);
      this.check(this.entry(entry, ENTRY_PREVIOUS) === previous, `entry ${entry} has a wrong predecessor`);
      const length = this.entry(entry, ENTRY_META) & META_LENGTH;
      this.check(length !== 0, `entry ${entry} is queued but marked as free`);
      this.check(length <= this.word(H_MAX_ID), `entry ${entry} has a NodeID of ${length} bytes`);
      this.check(previous === 0 || this.time(previous) <= this.time(entry), `entry ${entry} is older than ${previous}`);
      queue.add(entry);
      previous = entry;
    }
    this.check(this.word(at + SHARD_TAIL) === previous, `shard ${shard} has a wrong tail`);
    this.check(this.word(at + SHARD_COUNT) === queue.size, `shard ${shard} has a wrong count`);
    for (let cursor = SHARD_CURSORS; cursor < SHARD_SIZE; cursor += 4) {
      const entry = this.word(at + cursor);
      this.check(entry === 0 || queue.has(entry), `shard ${shard} has a cursor outside its queue`);
    }
    const confirmed = this.word(at + SHARD_CONFIRMED);
    for (const entry of confirmed === 0 ? [] : queue) {
      const flag = this.entry(entry, ENTRY_META) & META_CONFIRMED;
      this.check(flag !== 0, `entry ${entry} is not confirmed, but the search for one that is not has passed it`);
      if (entry === confirmed) break;
    }
    // A Set iterates in insertion order.
    const order = [0, ...queue];
    const [saved, listed] = [SHARD_SAVED, SHARD_LISTED].map((cursor) => order.indexOf(this.word(at + cursor)));
    this.check(saved! <= listed!, `shard ${shard} has saved entries that were not listed`);
    return queue;
  }

  /** Checks the index of a shard: each queued entry once, reachable from its home slot without a gap. */
  index(shard: number, queue: Set<number>): void {
    const slots = this.word(H_INDEX_SLOTS);
    const at = this.word(H_INDEX_AT) + shard * slots * INDEX_SIZE;
    let filled = 0;
    for (let slot = 0; slot < slots; slot++) {
      const entry = this.word(at + slot * INDEX_SIZE + INDEX_ENTRY);
      if (entry === 0) continue;
      filled++;
      const tag = this.word(at + slot * INDEX_SIZE + INDEX_TAG);
      this.check(queue.has(entry), `entry ${entry} is indexed but not queued`);
      this.check(this.entry(entry, ENTRY_TAG) === tag, `entry ${entry} is indexed under a wrong hash`);
      for (let i = Math.floor((tag * slots) / 2 ** 32); i !== slot; i = (i + 1) % slots) {
        this.check(
          this.word(at + i * INDEX_SIZE + INDEX_ENTRY) !== 0,
          `entry ${entry} cannot be reached from its home slot`,
        );
      }
    }
    this.check(filled === queue.size, `shard ${shard} has entries that are not indexed`);
  }

  free(): number {
    let count = 0;
    for (let entry = this.word(H_POOL_FREE); entry !== 0; entry = this.entry(entry, ENTRY_NEXT)) {
      this.markSeen(entry);
      this.check(this.entry(entry, ENTRY_META) === 0, `entry ${entry} is free but not cleared`);
      count++;
    }
    return count;
  }
}

/** Throws at the first violation. @param memory a view of the whole memory. */
export function checkInvariants(memory: Uint8Array): void {
  const c = new Checker(memory);
  let used = 0;
  for (let shard = 0; shard <= c.word(H_SHARD_MASK); shard++) {
    const queue = c.queue(shard);
    c.index(shard, queue);
    used += queue.size;
  }
  c.check(c.word(H_POOL_LOCK) === 0, "the pool is locked");
  c.check(c.word(H_POOL_USED) === used, "the pool has a wrong count");
  c.check(used + c.free() === c.word(H_POOL_TOP), "entries are neither used nor free");
  c.check(c.word(H_POOL_TOP) <= c.word(H_CAPACITY), "more entries than the capacity");
  for (let lane = 0; lane < c.word(H_LANES); lane++) {
    const at = c.word(H_LANES_AT) + lane * LANE_SIZE;
    c.check(c.word(at + LANE_SEQUENCE) % 2 === 0, `lane ${lane} is processing a batch`);
    c.check(c.word(at + RECORD_STEP) === STEP_NONE, `lane ${lane} is changing the registry`);
  }
}

/** Whether {@link checkInvariants} finds nothing. */
export function isIntact(memory: EngineMemory): boolean {
  try {
    checkInvariants(new Uint8Array(memory.buffer));
    return true;
  } catch {
    return false;
  }
}
