/**
 * The exchange area of an engine's memory, as the thread in control sees it: where entries for a journal come and go.
 */
import {
  CURSOR_CONFIRM,
  CURSOR_CONFIRM_ALL,
  CURSOR_RESET,
  CURSOR_RESTART_WALK,
  CURSOR_REWIND,
  ENTRY_NEXT,
  ENTRY_TIME,
  EXCHANGE_ENTRIES,
  H_ENTRIES_AT,
  H_EXCHANGE_AT,
  H_MAX_ID,
  H_MERGE_AHEAD,
  H_MERGE_FULL,
  H_MERGED,
  H_RETENTION,
  H_SHARD_MASK,
  H_SHARDS_AT,
  H_STRIDE,
  LIST_BATCH,
  LIST_BUSY,
  LIST_MORE,
  SHARD_HEAD,
  SHARD_SIZE,
  SHARD_WALKED,
} from "../../assembly/layout.ts";
import type { PacketEngine } from "./packet-engine.ts";

/** What is said of the entries of a shard that were listed. */
export type CursorMove = "confirm" | "rewind" | "reset" | "confirm-all" | "restart-walk";

const COUNTERS = [H_MERGED, H_MERGE_FULL, H_MERGE_AHEAD] as const;

const CURSOR_MOVES = {
  confirm: CURSOR_CONFIRM,
  rewind: CURSOR_REWIND,
  reset: CURSOR_RESET,
  "confirm-all": CURSOR_CONFIRM_ALL,
  "restart-walk": CURSOR_RESTART_WALK,
} as const;

export class Exchange {
  /** Entries that the area has room for. */
  static readonly CAPACITY = EXCHANGE_ENTRIES;
  /** Entries that a listing looks at, at most. */
  static readonly LIST_BATCH = LIST_BATCH;
  /** The engine's memory. An entry in it is laid out as in assembly/layout.ts. */
  readonly words: Int32Array;
  readonly shards: number;
  readonly maxIdLength: number;
  readonly retentionMs: number;
  /** Whether the last listing did not come to the end of its shard, or could not even begin: it is locked for long. */
  more = false;
  busy = false;
  /** Entries merged so far: those that were news, those without room, and those of a time to come. */
  merged = 0;
  full = 0;
  ahead = 0;
  readonly #engine: PacketEngine;
  readonly #u32: Uint32Array;
  readonly #f64: Float64Array;
  readonly #at: number;
  readonly #stride: number;

  /** @param engine one of this thread. */
  constructor(memory: WebAssembly.Memory, engine: PacketEngine) {
    this.#engine = engine;
    this.words = new Int32Array(memory.buffer);
    this.#u32 = new Uint32Array(memory.buffer);
    this.#f64 = new Float64Array(memory.buffer);
    this.shards = this.#u32[H_SHARD_MASK >>> 2]! + 1;
    this.maxIdLength = this.#u32[H_MAX_ID >>> 2]!;
    this.retentionMs = this.#f64[H_RETENTION >>> 3]!;
    this.#at = this.#u32[H_EXCHANGE_AT >>> 2]! >>> 2;
    this.#stride = this.#u32[H_STRIDE >>> 2]! >>> 2;
  }

  /** Where in `words` the entry of a place begins. */
  at(place: number): number {
    return this.#at + place * this.#stride;
  }

  /** Lists what was announced here since the last listing; how many. */
  listNew(shard: number): number {
    return this.#list(this.#engine.collect(shard, false, 0));
  }

  /** Lists what was announced before `until`, wherever, and not walked yet; how many. */
  walk(shard: number, until: number): number {
    return this.#list(this.#engine.collect(shard, true, until));
  }

  #list(result: number): number {
    this.busy = (result & LIST_BUSY) !== 0;
    this.more = (result & LIST_MORE) !== 0;
    return result & 0xffff;
  }

  /** False while the shard is locked for long: then nothing was done. */
  moveCursor(shard: number, move: CursorMove): boolean {
    return this.#engine.moveCursor(shard, CURSOR_MOVES[move]);
  }

  /**
   * About when the entry was announced that a walk of `shard` comes to in so many steps; infinity if there are fewer.
   * Read without a lock from a queue that may change meanwhile: a guess.
   */
  timeAhead(shard: number, steps: number): number {
    const at = this.#u32[H_SHARDS_AT >>> 2]! + shard * SHARD_SIZE;
    const walked = this.#u32[(at + SHARD_WALKED) >>> 2]!;
    let entry =
      walked === 0 ? this.#u32[(at + SHARD_HEAD) >>> 2]! : this.#u32[(this.#entryAt(walked) + ENTRY_NEXT) >>> 2]!;
    for (let left = steps; left > 0 && entry !== 0; left--)
      entry = this.#u32[(this.#entryAt(entry) + ENTRY_NEXT) >>> 2]!;
    return entry === 0 ? Number.POSITIVE_INFINITY : this.#f64[(this.#entryAt(entry) + ENTRY_TIME) >>> 3]!;
  }

  #entryAt(entry: number): number {
    return this.#u32[H_ENTRIES_AT >>> 2]! + entry * this.#stride * 4;
  }

  /** Merges the first `count` places; returns `count`, or the place that has to wait: its shard is locked for long. */
  merge(count: number, nowMs: number): number {
    const before = COUNTERS.map((counter) => this.#u32[counter >>> 2]!);
    const done = this.#engine.merge(0, count, nowMs);
    // The engine counts modulo 2^32.
    const [merged, full, ahead] = COUNTERS.map((counter, i) => (this.#u32[counter >>> 2]! - before[i]!) >>> 0);
    this.merged += merged!;
    this.full += full!;
    this.ahead += ahead!;
    return done;
  }
}
