/**
 * The control thread's view of the exchange area: the part of an engine's memory through which entries go to a journal
 * and come from it, and come from HTTPS.
 */
import {
  CURSOR_CONFIRM,
  CURSOR_CONFIRM_ALL,
  CURSOR_RESET,
  CURSOR_RESTART_WALK,
  CURSOR_REWIND,
  ENTRY_ADDRESS,
  ENTRY_ID,
  ENTRY_META,
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
  META_AUTHENTICATED,
  META_CONFIRMED,
  META_FROM_JOURNAL,
  SHARD_HEAD,
  SHARD_SIZE,
  SHARD_WALKED,
} from "../../assembly/layout.ts";
import type { EngineMemory } from "./memory.ts";
import type { PacketEngine } from "./packet-engine.ts";

/** How to move the cursors of a shard: the CURSOR commands of assembly/layout.ts. */
export type CursorMove = "confirm" | "rewind" | "reset" | "confirm-all" | "restart-walk";

/** An authenticated announcement of a node. */
export interface AuthenticatedNode {
  readonly nodeId: Uint8Array;
  /** 16 bytes; IPv4 as ::ffff:a.b.c.d. */
  readonly address: Uint8Array;
  readonly port: number;
  /** Its time, in ms of the engine's clock. */
  readonly time: number;
  readonly fromJournal: boolean;
}

const COUNTERS = [H_MERGED, H_MERGE_FULL, H_MERGE_AHEAD] as const;

const CURSOR_MOVES = {
  confirm: CURSOR_CONFIRM,
  rewind: CURSOR_REWIND,
  reset: CURSOR_RESET,
  "confirm-all": CURSOR_CONFIRM_ALL,
  "restart-walk": CURSOR_RESTART_WALK,
} as const;

export class Exchange {
  /** Number of entries that fit into the area. */
  static readonly CAPACITY = EXCHANGE_ENTRIES;
  /** Most entries that one call of `listNew` or `walk` reads. */
  static readonly LIST_BATCH = LIST_BATCH;
  /** The engine's memory. assembly/layout.ts describes the layout of an entry. */
  readonly words: Int32Array;
  readonly shards: number;
  readonly maxIdLength: number;
  readonly retentionMs: number;
  /** Whether the shard of the last `listNew` or `walk` has further entries. */
  more = false;
  /** Whether the last `listNew` or `walk` did nothing because the shard stayed locked. */
  busy = false;
  /** Entries merged so far that were new or later than the known announcement. */
  merged = 0;
  /** Entries dropped so far because the registry was full. */
  full = 0;
  /** Entries merged so far with the current time because their own time was too far in the future. */
  ahead = 0;
  readonly #engine: PacketEngine;
  readonly #u8: Uint8Array;
  readonly #u32: Uint32Array;
  readonly #f64: Float64Array;
  readonly #at: number;
  readonly #stride: number;

  /** @param engine an engine that only this thread uses. */
  constructor(memory: EngineMemory, engine: PacketEngine) {
    this.#engine = engine;
    this.words = new Int32Array(memory.buffer);
    this.#u8 = new Uint8Array(memory.buffer);
    this.#u32 = new Uint32Array(memory.buffer);
    this.#f64 = new Float64Array(memory.buffer);
    this.shards = this.#u32[H_SHARD_MASK >>> 2]! + 1;
    this.maxIdLength = this.#u32[H_MAX_ID >>> 2]!;
    this.retentionMs = this.#f64[H_RETENTION >>> 3]!;
    this.#at = this.#u32[H_EXCHANGE_AT >>> 2]! >>> 2;
    this.#stride = this.#u32[H_STRIDE >>> 2]! >>> 2;
  }

  /** Index in `words` at which the entry at position `place` of the area starts. */
  at(place: number): number {
    return this.#at + place * this.#stride;
  }

  /**
   * Writes an entry at the first position: that of a node whose announcement is authenticated. It replaces any other one of the
   * node, and a full registry keeps it.
   */
  writeAuthenticated({ nodeId, address, port, time, fromJournal }: AuthenticatedNode): void {
    const at = this.at(0) << 2;
    const flags = META_CONFIRMED | META_AUTHENTICATED | (fromJournal ? META_FROM_JOURNAL : 0);
    this.#f64[(at + ENTRY_TIME) >>> 3] = time;
    this.#u32[(at + ENTRY_META) >>> 2] = (port << 16) | flags | nodeId.length;
    this.#u8.set(address, at + ENTRY_ADDRESS);
    this.#u8.set(nodeId, at + ENTRY_ID);
  }

  /** Lists entries announced to this server since the last call, but no authenticated ones. Returns how many. */
  listNew(shard: number): number {
    return this.#list(this.#engine.collect(shard, false, 0));
  }

  /**
   * Lists all entries announced before `until` that the current walk has not reached yet, but no authenticated ones.
   * Returns how many.
   */
  walk(shard: number, until: number): number {
    return this.#list(this.#engine.collect(shard, true, until));
  }

  #list(result: number): number {
    this.busy = (result & LIST_BUSY) !== 0;
    this.more = (result & LIST_MORE) !== 0;
    return result & 0xffff;
  }

  /** Moves the cursors of a shard. False, without a change, if the shard stays locked. */
  moveCursor(shard: number, move: CursorMove): boolean {
    return this.#engine.moveCursor(shard, CURSOR_MOVES[move]);
  }

  /**
   * Estimates the announcement time of the entry that a walk of `shard` reaches after `steps` more entries; infinity if
   * there are fewer. It reads the queue without a lock while others may change it, so the result is only approximate.
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

  /**
   * Merges the first `count` entries of the area. Returns `count`, or the position of the first entry that could not be
   * merged yet because its shard stays locked.
   */
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
