/**
 * The packets of a worker that exceeded a limit, on their way to the control thread: all of them while they are few, else a
 * uniform sample and their number.
 *
 * The shared buffer has two halves, each with a lock. The control thread locks one after the other and empties it. So the
 * worker always finds a half that it can write to, without waiting. A worker that is terminated in the middle of a write
 * leaves one half locked: that half is never read, and the next worker gets a buffer of its own.
 */
import { type Lane, LIMITER_TABLES } from "../../engine/index.ts";

/** Records per half. A key with 1 % of the packets that exceed a limit then has 5 of a full sample on average. */
export const RECORDS = 512;
const HALVES = [0, 1] as const;
/** Attempts of the control thread to lock a half. A worker holds it for microseconds, unless its thread does not run. */
const TRIES = 1000;

/* A half, in words: the lock, the number of packets, then the records. */
const LOCK = 0;
const TOTAL = 1;
const FIRST_RECORD = 2;
const FREE = 0;
const LOCKED = 1;

/* A record, in words: the number of the limit, length of the NodeID or 0, address, NodeID with padding. */
const LIMIT = 0;
const ID_LENGTH = 1;
const ADDRESS = 2;
const ADDRESS_WORDS = 4;
const ID = ADDRESS + ADDRESS_WORDS;

/** A packet that exceeded a limit. The views are valid until the next packet is read. */
export interface LimitedPacket {
  /** Number of the limit. */
  readonly limit: number;
  /** 16 bytes of source address; IPv4 as ::ffff:a.b.c.d. */
  readonly address: Uint8Array;
  /** Empty, unless the limit is one of NodeIDs. */
  readonly nodeId: Uint8Array;
}

function recordWords(maxIdLength: number): number {
  return ID + Math.ceil(maxIdLength / 4);
}

function halfWords(maxIdLength: number): number {
  return FIRST_RECORD + RECORDS * recordWords(maxIdLength);
}

/** Creates the buffer of one worker. */
export function createSampleBuffer(maxIdLength: number): SharedArrayBuffer {
  return new SharedArrayBuffer(HALVES.length * halfWords(maxIdLength) * 4);
}

/** The worker's side. */
export class SampleWriter {
  readonly #lane: Lane;
  readonly #engineWords: Int32Array;
  readonly #words: Int32Array;
  readonly #halfWords: number;
  readonly #recordWords: number;
  /** What `lane.limited` was after the last batch. */
  #seen: number;

  constructor(lane: Lane, maxIdLength: number, buffer: SharedArrayBuffer) {
    this.#lane = lane;
    this.#engineWords = new Int32Array(lane.bytes.buffer);
    this.#words = new Int32Array(buffer);
    this.#halfWords = halfWords(maxIdLength);
    this.#recordWords = recordWords(maxIdLength);
    this.#seen = lane.limited;
  }

  /** Must be called after each batch. Allocates nothing, and does nothing if no packet exceeded a limit. */
  add(count: number): void {
    const { limited } = this.#lane;
    if (limited === this.#seen) return;
    this.#seen = limited;
    const half = this.#lock();
    for (let slot = 0; slot < count; slot++) {
      const limit = this.#lane.limit(slot);
      if (limit !== 0) this.#addPacket(half, slot, limit - 1);
    }
    Atomics.store(this.#words, half + LOCK, FREE);
  }

  /** Locks the half that the control thread does not read. */
  #lock(): number {
    for (let half = 0; ; half = this.#halfWords - half) {
      if (Atomics.compareExchange(this.#words, half + LOCK, FREE, LOCKED) === FREE) return half;
    }
  }

  /** Takes a packet into the sample, or not (Vitter, "Random sampling with a reservoir", algorithm R). */
  #addPacket(half: number, slot: number, limit: number): void {
    const words = this.#words;
    const total = words[half + TOTAL]! >>> 0;
    words[half + TOTAL] = total + 1;
    const place = total < RECORDS ? total : Math.floor(Math.random() * (total + 1));
    if (place >= RECORDS) return;
    const at = half + FIRST_RECORD + place * this.#recordWords;
    const idLength = LIMITER_TABLES[limit]?.limit === "node" ? this.#lane.queryIdLength(slot) : 0;
    words[at + LIMIT] = limit;
    words[at + ID_LENGTH] = idLength;
    const address = this.#lane.addressAt(slot) >>> 2;
    for (let i = 0; i < ADDRESS_WORDS; i++) words[at + ADDRESS + i] = this.#engineWords[address + i]!;
    const id = this.#lane.queryIdAt(slot) >>> 2;
    for (let i = 0; i << 2 < idLength; i++) words[at + ID + i] = this.#engineWords[id + i]!;
  }
}

/** The control thread's side. */
export class SampleReader {
  readonly #words: Int32Array;
  readonly #halfWords: number;
  readonly #recordWords: number;
  /** A copy of the records of a half, so that it is locked for a short time only. */
  readonly #copy: Int32Array<ArrayBuffer>;
  readonly #bytes: Uint8Array;

  constructor(maxIdLength: number, buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer);
    this.#halfWords = halfWords(maxIdLength);
    this.#recordWords = recordWords(maxIdLength);
    this.#copy = new Int32Array(RECORDS * this.#recordWords);
    this.#bytes = new Uint8Array(this.#copy.buffer);
  }

  /**
   * Takes the packets since the last call. While the worker writes to a half, that half is left for the next call.
   *
   * @param each - called with each packet of the sample, and the number of packets that it stands for: 1 if all are there
   */
  read(each: (packet: LimitedPacket, weight: number) => void): void {
    for (const half of HALVES) {
      const total = this.#take(half * this.#halfWords);
      const count = Math.min(total, RECORDS);
      for (let i = 0; i < count; i++) each(this.#packet(i * this.#recordWords), total / count);
    }
  }

  /** Copies the records of a half and empties it. Returns how many packets there were. */
  #take(half: number): number {
    const words = this.#words;
    for (let tries = 0; Atomics.compareExchange(words, half + LOCK, FREE, LOCKED) !== FREE; tries++) {
      if (tries === TRIES) return 0;
    }
    const total = words[half + TOTAL]! >>> 0;
    const from = half + FIRST_RECORD;
    this.#copy.set(words.subarray(from, from + Math.min(total, RECORDS) * this.#recordWords));
    words[half + TOTAL] = 0;
    Atomics.store(words, half + LOCK, FREE);
    return total;
  }

  #packet(at: number): LimitedPacket {
    const id = (at + ID) * 4;
    return {
      limit: this.#copy[at + LIMIT]!,
      address: this.#bytes.subarray((at + ADDRESS) * 4, id),
      nodeId: this.#bytes.subarray(id, id + this.#copy[at + ID_LENGTH]!),
    };
  }
}
