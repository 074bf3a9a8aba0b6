/** A transport's view of its lane: slots that take datagrams and give replies. */
import {
  BATCH,
  COUNTER_DRY_SOURCE,
  COUNTER_SOCKET_ERRORS,
  COUNTER_UNSENT,
  H_DRY_RUN,
  H_LANES_AT,
  LANE_COUNTERS,
  LANE_SIZE,
  LANE_SLOTS,
  MAX_PACKET,
  QUERY_ID,
  SLOT_LENGTH,
  SLOT_LIMIT,
  SLOT_PACKET,
  SLOT_REPLY,
  SLOT_REPLY_LENGTH,
  SLOT_SIZE,
  SLOT_SOURCE,
  SLOT_VERDICT,
  SOURCE_ADDRESS,
  SOURCE_PORT,
  VERDICT_LIMITED_SOURCE,
} from "../../assembly/layout.ts";
import { readWord } from "../codec/words.ts";
import type { EngineMemory } from "./memory.ts";

/** AF_INET6 on Linux. The engine reads only address and port, but sendmmsg needs the family too. */
const FAMILY = 10;

export class Lane {
  /** Most datagrams in a batch. */
  static readonly BATCH = BATCH;
  readonly number: number;
  readonly batch = BATCH;
  /** Address of slot 0. */
  readonly at: number;
  readonly #counters: number;
  /** Index of the first of the three counters of packets that exceeded a limit: by source, by NodeID, of new nodes. */
  readonly #limited: number;
  readonly #u8: Uint8Array;
  readonly #u16: Uint16Array;
  readonly #u32: Uint32Array;
  readonly #f64: Float64Array;
  /** Views of replies, by slot and length in words. Made on first use: replies have only a few different lengths. */
  readonly #replies: Uint8Array[][] = [];

  constructor(memory: EngineMemory, lane: number) {
    this.number = lane;
    this.#u8 = new Uint8Array(memory.buffer);
    this.#u16 = new Uint16Array(memory.buffer);
    this.#u32 = new Uint32Array(memory.buffer);
    this.#f64 = new Float64Array(memory.buffer);
    const at = this.#u32[H_LANES_AT >>> 2]! + lane * LANE_SIZE;
    this.at = at + LANE_SLOTS;
    this.#counters = at + LANE_COUNTERS;
    const counter = this.#u32[H_DRY_RUN >>> 2] === 0 ? VERDICT_LIMITED_SOURCE : COUNTER_DRY_SOURCE;
    this.#limited = (this.#counters + counter * 8) >>> 3;
    for (let slot = 0; slot < BATCH; slot++) {
      this.#u16[(this.at + slot * SLOT_SIZE + SLOT_SOURCE) >>> 1] = FAMILY;
      this.#replies.push([]);
    }
  }

  /**
   * Copies a datagram into a slot. Of a datagram longer than any valid packet only the length is stored: that is enough
   * to reject it.
   * @param slot 0 to 63.
   */
  fill(slot: number, datagram: Uint8Array): void {
    const at = this.at + slot * SLOT_SIZE;
    this.#u32[(at + SLOT_LENGTH) >>> 2] = datagram.length;
    if (datagram.length <= MAX_PACKET) this.#u8.set(datagram, at + SLOT_PACKET);
  }

  /** Address in the memory of the 16 bytes of a slot's source address. */
  addressAt(slot: number): number {
    return this.at + slot * SLOT_SIZE + SLOT_SOURCE + SOURCE_ADDRESS;
  }

  setPort(slot: number, port: number): void {
    this.#u16[(this.at + slot * SLOT_SIZE + SLOT_SOURCE + SOURCE_PORT) >>> 1] = (port >>> 8) | ((port & 0xff) << 8);
  }

  /** The memory, for writing a source address at `addressAt`. */
  get bytes(): Uint8Array {
    return this.#u8;
  }

  /** The verdict for a slot: an index of `VERDICTS`. */
  verdict(slot: number): number {
    return this.#u32[(this.at + slot * SLOT_SIZE + SLOT_VERDICT) >>> 2]!;
  }

  /** How often a datagram of this lane exceeded a limit. In a dry run, one datagram may exceed two. */
  get limited(): number {
    return this.#f64[this.#limited]! + this.#f64[this.#limited + 1]! + this.#f64[this.#limited + 2]!;
  }

  /** 0, or 1 + the number of the limit that the datagram in a slot exceeded, even if a dry run let it pass. */
  limit(slot: number): number {
    return this.#u32[(this.at + slot * SLOT_SIZE + SLOT_LIMIT) >>> 2]!;
  }

  /** Address in the memory of the NodeID of a valid query, padded with zeros to whole words. The reply is there, too. */
  queryIdAt(slot: number): number {
    return this.at + slot * SLOT_SIZE + SLOT_PACKET + QUERY_ID;
  }

  /** Length of the NodeID of a valid query, in bytes. */
  queryIdLength(slot: number): number {
    return readWord(this.#u8, this.queryIdAt(slot) - 4);
  }

  /** The reply in a slot, or undefined if there is none. The view is valid until the slot is filled again. */
  reply(slot: number): Uint8Array | undefined {
    const at = this.at + slot * SLOT_SIZE;
    const length = this.#u32[(at + SLOT_REPLY_LENGTH) >>> 2]!;
    if (length === 0) return undefined;
    const views = this.#replies[slot]!;
    let view = views[length >>> 2];
    if (view === undefined) {
      view = new Uint8Array(this.#u8.buffer, at + SLOT_REPLY, length);
      views[length >>> 2] = view;
    }
    return view;
  }

  /** Counts replies that the kernel refused to send. */
  countUnsent(replies: number): void {
    this.#f64[(this.#counters + COUNTER_UNSENT * 8) >>> 3]! += replies;
  }

  /** Counts an error of the socket. A client that closes its port before its reply arrives causes one. */
  countSocketError(): void {
    this.#f64[(this.#counters + COUNTER_SOCKET_ERRORS * 8) >>> 3]! += 1;
  }
}
