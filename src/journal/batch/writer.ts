import {
  ENTRY_ADDRESS,
  ENTRY_ID,
  ENTRY_TIME,
  IPV4_MAPPED,
  META_CONFIRMED,
  META_LENGTH,
} from "../../../assembly/layout.ts";
import type { JournalEntry } from "../entry.ts";
import {
  ADDRESS,
  BATCH_IPV4,
  checksum,
  FULL_ENTRIES,
  FULL_WORDS,
  f64,
  f64Words,
  HEADER_WORDS,
  ID,
  MAGIC,
  MAX_ENTRIES,
  MAX_ENTRY_WORDS,
  META,
  TIME,
  VERSION,
} from "./format.ts";

/**
 * To sort the entries, each gets one number: the ms since the oldest entry, times MAX_ENTRIES, plus the entry's index. A
 * time further from the oldest than this counts as this, so that the number fits in the 53 bits of a double.
 */
const MAX_SORT_SPAN = 2 ** 39;

/** A complete batch, ready to be stored. */
export interface SealedBatch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly count: number;
  /** The time of the latest entry. */
  readonly newest: number;
}

/** Collects entries and makes batches of them. */
export class BatchWriter {
  readonly #origin: Int32Array;
  #words = new Int32Array(1 << 12);
  #end = 0;
  #count = 0;
  #starts = new Uint32Array(64);
  #times = new Float64Array(64);

  /** @param origin - 8 bytes that identify the server that writes */
  constructor(origin: Uint8Array) {
    this.#origin = new Int32Array(origin.slice().buffer);
  }

  get count(): number {
    return this.#count;
  }

  /** Whether the batch must be sealed before more entries are added. */
  get full(): boolean {
    return this.#count >= FULL_ENTRIES || this.#end >= FULL_WORDS;
  }

  /**
   * Adds an entry from the engine's exchange area.
   *
   * @param words - the engine's memory
   * @param at - where the entry begins, in words
   * @param shift - added to its time
   */
  add(words: Int32Array, at: number, shift: number): void {
    if (this.#count === MAX_ENTRIES) throw new RangeError("a batch was not sealed when it was full");
    this.#grow();
    const to = this.#words;
    let end = this.#end;
    f64Words[0] = words[at + TIME]!;
    f64Words[1] = words[at + TIME + 1]!;
    f64[0]! += shift;
    this.#starts[this.#count] = end;
    this.#times[this.#count++] = f64[0]!;
    to[end] = f64Words[0]!;
    to[end + 1] = f64Words[1]!;
    const meta = words[at + META]!;
    const length = meta & META_LENGTH;
    const address = at + ADDRESS;
    const ipv4 = words[address] === 0 && words[address + 1] === 0 && words[address + 2]! >>> 0 === IPV4_MAPPED;
    to[end + 2] = (meta & (0xffff0000 | META_CONFIRMED)) | (ipv4 ? BATCH_IPV4 : 0) | length;
    end += 3;
    for (let word = ipv4 ? 3 : 0; word < 4; word++) to[end++] = words[address + word]!;
    const id = at + ID;
    const idEnd = id + ((length + 3) >>> 2);
    for (let word = id; word < idEnd; word++) to[end++] = words[word]!;
    this.#end = end;
  }

  addEntry({ nodeId, address, port, announcedAt, confirmed }: JournalEntry): void {
    const words = new Int32Array(ID + ((nodeId.length + 3) >>> 2));
    const bytes = new Uint8Array(words.buffer);
    new DataView(words.buffer).setFloat64(ENTRY_TIME, announcedAt, true);
    words[META] = (port << 16) | (confirmed ? META_CONFIRMED : 0) | nodeId.length;
    bytes.set(address, ENTRY_ADDRESS);
    bytes.set(nodeId, ENTRY_ID);
    this.add(words, 0, 0);
  }

  /** Makes a batch of the entries added so far, in order of time, and empties the writer. */
  seal(): SealedBatch {
    const words = new Int32Array(HEADER_WORDS + this.#end);
    words[0] = MAGIC | (VERSION << 24);
    words[2] = this.#count;
    words.set(this.#origin, 3);
    let end = HEADER_WORDS;
    let newest = Number.NEGATIVE_INFINITY;
    for (const key of this.#sortKeys()) {
      const entry = key % MAX_ENTRIES;
      const start = this.#starts[entry]!;
      const stop = entry + 1 < this.#count ? this.#starts[entry + 1]! : this.#end;
      for (let word = start; word < stop; word++) words[end++] = this.#words[word]!;
      newest = Math.max(newest, this.#times[entry]!);
    }
    const bytes = new Uint8Array(words.buffer);
    words[1] = checksum(bytes);
    const count = this.#count;
    this.clear();
    return { bytes, count, newest };
  }

  clear(): void {
    this.#end = 0;
    this.#count = 0;
  }

  /** One number per entry, sorted by time; its remainder by MAX_ENTRIES is the entry's index. */
  #sortKeys(): Float64Array {
    const keys = new Float64Array(this.#count);
    let oldest = Number.POSITIVE_INFINITY;
    for (let entry = 0; entry < keys.length; entry++) oldest = Math.min(oldest, this.#times[entry]!);
    for (let entry = 0; entry < keys.length; entry++) {
      const since = Math.min(Math.floor(this.#times[entry]! - oldest), MAX_SORT_SPAN - 1);
      keys[entry] = since * MAX_ENTRIES + entry;
    }
    return keys.sort();
  }

  #grow(): void {
    if (this.#end + MAX_ENTRY_WORDS > this.#words.length) this.#words = doubled(this.#words, Int32Array);
    if (this.#count === this.#starts.length) {
      this.#starts = doubled(this.#starts, Uint32Array);
      this.#times = doubled(this.#times, Float64Array);
    }
  }
}

function doubled<T extends Int32Array | Uint32Array | Float64Array>(from: T, type: new (length: number) => T): T {
  const to = new type(from.length * 2);
  to.set(from);
  return to;
}
