/** What must hold in the memory of an engine whenever no change is under way. Throws at the first thing that does not. */
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
  RECORD_STEP,
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

class Checker {
  readonly #u32: Uint32Array;
  readonly #f64: Float64Array;
  /** Where each entry was found: in a queue, or in the free list. */
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

  must(holds: boolean, what: string): void {
    if (!holds) throw new Error(`invariant: ${what}`);
  }

  see(entry: number): void {
    this.must(entry >= 1 && entry <= this.word(H_POOL_TOP), `entry ${entry} was never handed out`);
    this.must(!this.#seen.has(entry), `entry ${entry} stands in two places`);
    this.#seen.add(entry);
  }

  /** The queue of a shard: linked both ways, in order of time. Returns its entries. */
  queue(shard: number): Set<number> {
    const at = this.word(H_SHARDS_AT) + shard * SHARD_SIZE;
    this.must(this.word(at + SHARD_LOCK) === 0, `shard ${shard} is locked`);
    this.must(this.word(at + SHARD_SEQUENCE) % 2 === 0, `shard ${shard} is being written`);
    const queue = new Set<number>();
    let previous = 0;
    for (let entry = this.word(at + SHARD_HEAD); entry !== 0; entry = this.entry(entry, ENTRY_NEXT)) {
      this.see(entry);
      this.must(this.entry(entry, ENTRY_PREVIOUS) === previous, `entry ${entry} does not know who is before it`);
      this.must(this.entry(entry, ENTRY_META) !== 0, `entry ${entry} is queued but free`);
      this.must(previous === 0 || this.time(previous) <= this.time(entry), `entry ${entry} is older than ${previous}`);
      queue.add(entry);
      previous = entry;
    }
    this.must(this.word(at + SHARD_TAIL) === previous, `shard ${shard} has another tail`);
    this.must(this.word(at + SHARD_COUNT) === queue.size, `shard ${shard} miscounts`);
    for (let bookmark = SHARD_CURSORS; bookmark < SHARD_SIZE; bookmark += 4) {
      const entry = this.word(at + bookmark);
      this.must(entry === 0 || queue.has(entry), `shard ${shard} has a bookmark that is not in its queue`);
    }
    // A set is in the order in which it was filled.
    const order = [0, ...queue];
    const [kept, listed] = [SHARD_SAVED, SHARD_LISTED].map((bookmark) => order.indexOf(this.word(at + bookmark)));
    this.must(kept! <= listed!, `shard ${shard} has entries kept that were not listed`);
    return queue;
  }

  /** The index of a shard: each queued entry once, reachable from its home without a gap. */
  index(shard: number, queue: Set<number>): void {
    const slots = this.word(H_INDEX_SLOTS);
    const at = this.word(H_INDEX_AT) + shard * slots * INDEX_SIZE;
    let filled = 0;
    for (let slot = 0; slot < slots; slot++) {
      const entry = this.word(at + slot * INDEX_SIZE + INDEX_ENTRY);
      if (entry === 0) continue;
      filled++;
      const tag = this.word(at + slot * INDEX_SIZE + INDEX_TAG);
      this.must(queue.has(entry), `entry ${entry} is indexed but not queued`);
      this.must(this.entry(entry, ENTRY_TAG) === tag, `entry ${entry} is indexed under another hash`);
      for (let i = Math.floor((tag * slots) / 2 ** 32); i !== slot; i = (i + 1) % slots) {
        this.must(this.word(at + i * INDEX_SIZE + INDEX_ENTRY) !== 0, `entry ${entry} cannot be reached`);
      }
    }
    this.must(filled === queue.size, `shard ${shard} has entries that are not indexed`);
  }

  free(): number {
    let count = 0;
    for (let entry = this.word(H_POOL_FREE); entry !== 0; entry = this.entry(entry, ENTRY_NEXT)) {
      this.see(entry);
      this.must(this.entry(entry, ENTRY_META) === 0, `entry ${entry} is free but described`);
      count++;
    }
    return count;
  }
}

/** @param memory a view of the whole memory. */
export function checkInvariants(memory: Uint8Array): void {
  const c = new Checker(memory);
  let used = 0;
  for (let shard = 0; shard <= c.word(H_SHARD_MASK); shard++) {
    const queue = c.queue(shard);
    c.index(shard, queue);
    used += queue.size;
  }
  c.must(c.word(H_POOL_LOCK) === 0, "the pool is locked");
  c.must(c.word(H_POOL_USED) === used, "the pool miscounts");
  c.must(used + c.free() === c.word(H_POOL_TOP), "entries got lost");
  c.must(c.word(H_POOL_TOP) <= c.word(H_CAPACITY), "more entries than there is room for");
  for (let lane = 0; lane < c.word(H_LANES); lane++) {
    const at = c.word(H_LANES_AT) + lane * LANE_SIZE;
    c.must(c.word(at + LANE_SEQUENCE) % 2 === 0, `lane ${lane} is in a batch`);
    c.must(c.word(at + RECORD_STEP) === STEP_NONE, `lane ${lane} is at a change`);
  }
}
