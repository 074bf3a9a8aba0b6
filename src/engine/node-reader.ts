/** Reads what the registry knows of a node, while workers change it. */
import {
  ENTRY_ADDRESS,
  ENTRY_ID,
  ENTRY_META,
  ENTRY_TIME,
  H_MAX_ID,
  H_POOL_TOP,
  META_AUTHENTICATED,
  META_CONFIRMED,
  META_FROM_JOURNAL,
  META_LENGTH,
  QUERY_ID,
  SHARD_SEQUENCE,
  SLOT_PACKET,
} from "../../assembly/layout.ts";
import { entryAt, shardAt } from "./entries.ts";
import { hashId } from "./hash.ts";
import { Lane } from "./lane.ts";
import { unchanged } from "./lock.ts";
import type { EngineMemory } from "./memory.ts";
import { find, indexAt, isLive, shardOf } from "./registry.ts";
import { EngineState } from "./state.ts";

/** What an entry of the registry says. */
export interface NodeEntry {
  /** 16 bytes of IPv6 address; IPv4 as ::ffff:a.b.c.d. */
  readonly address: Uint8Array;
  readonly port: number;
  /** Time of the last announcement, in ms of the engine's clock. */
  readonly time: number;
  readonly confirmed: boolean;
  readonly fromJournal: boolean;
  /** Whether it is a device that announced itself over HTTPS with its certificate. */
  readonly authenticated: boolean;
}

/** How long to wait for a worker that changes the entry's shard: it takes microseconds, if its thread gets a processor. */
const PAUSES = 20;
const PAUSE_MS = 1;

export class NodeReader {
  readonly #state: EngineState;
  /** Room for a NodeID in the memory: in a slot of the lane. */
  readonly #id: number;

  /** @param lane - whose slots no transport uses: that of the control thread */
  constructor(memory: EngineMemory, lane: number) {
    this.#state = new EngineState(memory.buffer);
    this.#id = new Lane(memory, lane).at + SLOT_PACKET + QUERY_ID;
  }

  /**
   * Looks up a node without a lock. It waits only for a moment for a worker that does not finish a change: the control
   * thread is the one that replaces such a worker.
   *
   * @returns undefined if the node is unknown or has expired at `now`; "busy" if a worker has not finished a change
   */
  read(nodeId: Uint8Array, now: number): NodeEntry | "busy" | undefined {
    const m = this.#state;
    const { length } = nodeId;
    if (length === 0 || length > m.u32[H_MAX_ID >>> 2]!) return undefined;
    m.u8.fill(0, this.#id, this.#id + ((length + 3) & ~3));
    m.u8.set(nodeId, this.#id);
    hashId(m, this.#id, length);
    const sequence = shardAt(m, shardOf(m, m.spread)) + SHARD_SEQUENCE;
    for (let pauses = 0; pauses < PAUSES; ) {
      const seen = Atomics.load(m.i32, sequence >>> 2);
      if ((seen & 1) !== 0) {
        pauses++;
        Atomics.wait(m.i32, sequence >>> 2, seen, PAUSE_MS);
        continue;
      }
      const entry = this.#find(length, now);
      if (unchanged(m, sequence, seen)) return entry;
    }
    return "busy";
  }

  /** The NodeID of a random entry; undefined if that entry is free. It may have changed: see {@link read}. */
  sample(): Uint8Array | undefined {
    const m = this.#state;
    const at = entryAt(m, 1 + Math.floor(Math.random() * m.u32[H_POOL_TOP >>> 2]!));
    const length = m.u32[(at + ENTRY_META) >>> 2]! & META_LENGTH;
    return length === 0 || length > m.u32[H_MAX_ID >>> 2]!
      ? undefined
      : m.u8.slice(at + ENTRY_ID, at + ENTRY_ID + length);
  }

  #find(length: number, now: number): NodeEntry | undefined {
    const m = this.#state;
    const entry = find(m, indexAt(m, shardOf(m, m.spread)), this.#id, length);
    if (entry === 0) return undefined;
    const at = entryAt(m, entry);
    const time = m.f64[(at + ENTRY_TIME) >>> 3]!;
    if (!isLive(m, time, now)) return undefined;
    const meta = m.u32[(at + ENTRY_META) >>> 2]!;
    return {
      address: m.u8.slice(at + ENTRY_ADDRESS, at + ENTRY_ADDRESS + 16),
      port: meta >>> 16,
      time: Math.floor(time),
      confirmed: (meta & META_CONFIRMED) !== 0,
      fromJournal: (meta & META_FROM_JOURNAL) !== 0,
      authenticated: (meta & META_AUTHENTICATED) !== 0,
    };
  }
}
