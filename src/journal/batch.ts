/**
 * Batches: what journals keep entries in, and what they take and give.
 *
 * Words of 32 bits, little-endian: `"WHJ"` and the version, 1; CRC-32 of all that follows; number of entries, up to 16,384; two
 * words that say which server wrote it. Then the entries, the one announced first first: time (f64, ms since 1970); port << 16 |
 * BATCH_IPV4 | length of the NodeID; the IPv4 address or, without BATCH_IPV4, four words of IPv6; the NodeID, padded with
 * zeros. A node with a NodeID of 52 bytes and an IPv4 address takes 68 bytes.
 *
 * Entries come from the packet engine's exchange area and go there (assembly/layout.ts), so nothing is made of each.
 */
import {
  ENTRY_ADDRESS,
  ENTRY_ID,
  ENTRY_META,
  ENTRY_TIME,
  IPV4_MAPPED,
  MAX_ID_LENGTH,
  META_LENGTH,
} from "../../assembly/layout.ts";
import type { JournalEntry } from "./entry.ts";

/** Bytes "WHJ" and the version. */
const MAGIC = 0x014a4857;
const HEADER_WORDS = 5;
/** In an entry's third word: the address is IPv4, one word. */
const BATCH_IPV4 = 0x8000;
const LEAST_WORDS = 5;
const MOST_WORDS = 7 + (MAX_ID_LENGTH >>> 2);
/** A batch is full with so many entries, or words: half a megabyte with the usual NodeIDs, one with the longest. */
const FULL_ENTRIES = 8192;
const FULL_WORDS = 1 << 18;
/** The most that one has: room for those of a listing beyond FULL_ENTRIES. They are told apart by numbers below this. */
const NUMBERS = 2 * FULL_ENTRIES;
/** A time to sort by, in ms since the first one of a batch, is kept below so much: with the number of its entry, 53 bits. */
const SORTED_SPAN = 2 ** 39;

const TIME = ENTRY_TIME >>> 2;
const META = ENTRY_META >>> 2;
const ADDRESS = ENTRY_ADDRESS >>> 2;
const ID = ENTRY_ID >>> 2;

/** A double as two words, to be read and written where it is not aligned. */
const f64 = new Float64Array(1);
const pair = new Int32Array(f64.buffer);

/** Bytes are no batch, or a damaged one. */
export class BatchError extends Error {
  override readonly name = "BatchError";
}

/** A batch on its way to a journal. */
export interface SealedBatch {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly count: number;
  /** The time of the latest entry. */
  readonly newest: number;
}

export class BatchWriter {
  readonly #origin: Int32Array;
  #words = new Int32Array(1 << 12);
  #end = 0;
  #count = 0;
  #starts = new Uint32Array(64);
  #times = new Float64Array(64);

  /** @param origin 8 bytes: which server writes. */
  constructor(origin: Uint8Array) {
    this.#origin = new Int32Array(origin.slice().buffer);
  }

  get count(): number {
    return this.#count;
  }

  /** Whether it is to be sealed before more is added. */
  get full(): boolean {
    return this.#count >= FULL_ENTRIES || this.#end >= FULL_WORDS;
  }

  /**
   * Adds an entry as the exchange area has it.
   * @param words the engine's memory.
   * @param at where in it the entry begins, in words.
   * @param shift is added to its time.
   */
  add(words: Int32Array, at: number, shift: number): void {
    if (this.#count === NUMBERS) throw new RangeError("a batch was not sealed when it was full");
    this.#grow();
    const to = this.#words;
    let end = this.#end;
    pair[0] = words[at + TIME]!;
    pair[1] = words[at + TIME + 1]!;
    f64[0]! += shift;
    this.#starts[this.#count] = end;
    this.#times[this.#count++] = f64[0]!;
    to[end] = pair[0]!;
    to[end + 1] = pair[1]!;
    const meta = words[at + META]!;
    const length = meta & META_LENGTH;
    const address = at + ADDRESS;
    const ipv4 = words[address] === 0 && words[address + 1] === 0 && words[address + 2]! >>> 0 === IPV4_MAPPED;
    to[end + 2] = (meta & 0xffff0000) | (ipv4 ? BATCH_IPV4 : 0) | length;
    end += 3;
    for (let word = ipv4 ? 3 : 0; word < 4; word++) to[end++] = words[address + word]!;
    const id = at + ID;
    const idEnd = id + ((length + 3) >>> 2);
    for (let word = id; word < idEnd; word++) to[end++] = words[word]!;
    this.#end = end;
  }

  addEntry({ nodeId, address, port, announcedAt }: JournalEntry): void {
    const words = new Int32Array(ID + ((nodeId.length + 3) >>> 2));
    const bytes = new Uint8Array(words.buffer);
    new DataView(words.buffer).setFloat64(ENTRY_TIME, announcedAt, true);
    words[META] = (port << 16) | nodeId.length;
    bytes.set(address, ENTRY_ADDRESS);
    bytes.set(nodeId, ENTRY_ID);
    this.add(words, 0, 0);
  }

  /** The entries added so far, in order of time. The writer is empty then. */
  seal(): SealedBatch {
    const words = new Int32Array(HEADER_WORDS + this.#end);
    words[0] = MAGIC;
    words[2] = this.#count;
    words.set(this.#origin, 3);
    let end = HEADER_WORDS;
    let newest = Number.NEGATIVE_INFINITY;
    for (const key of this.#order()) {
      const entry = key % NUMBERS;
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

  /** A number for each entry, in order of time; its remainder by NUMBERS says which one it is. */
  #order(): Float64Array {
    const keys = new Float64Array(this.#count);
    let oldest = Number.POSITIVE_INFINITY;
    for (let entry = 0; entry < keys.length; entry++) oldest = Math.min(oldest, this.#times[entry]!);
    for (let entry = 0; entry < keys.length; entry++) {
      const since = Math.min(Math.floor(this.#times[entry]! - oldest), SORTED_SPAN - 1);
      keys[entry] = since * NUMBERS + entry;
    }
    return keys.sort();
  }

  #grow(): void {
    if (this.#end + MOST_WORDS > this.#words.length) this.#words = enlarged(this.#words, Int32Array);
    if (this.#count === this.#starts.length) {
      this.#starts = enlarged(this.#starts, Uint32Array);
      this.#times = enlarged(this.#times, Float64Array);
    }
  }
}

function enlarged<T extends Int32Array | Uint32Array | Float64Array>(from: T, type: new (length: number) => T): T {
  const to = new type(from.length * 2);
  to.set(from);
  return to;
}

function checksum(bytes: Uint8Array): number {
  return Bun.hash.crc32(bytes.subarray(8)) | 0;
}

/** A batch that came from a journal, checked: each entry lies in it, and could be a node's. */
export class Batch {
  readonly count: number;
  /** Which server wrote it: 8 bytes in hex. */
  readonly origin: string;
  readonly #words: Int32Array;
  readonly #starts: Uint32Array;

  private constructor(words: Int32Array, starts: Uint32Array) {
    this.#words = words;
    this.#starts = starts;
    this.count = starts.length;
    this.origin = new Uint8Array(words.buffer, words.byteOffset + 12, 8).toHex();
  }

  /**
   * @param bytes whatever a journal holds.
   * @throws {BatchError} if they are not a whole batch.
   */
  static parse(bytes: Uint8Array): Batch {
    if (bytes.length < HEADER_WORDS * 4 || bytes.length % 4 !== 0)
      throw new BatchError(`${bytes.length} bytes are none`);
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
    const words = new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length >>> 2);
    if (words[0] !== MAGIC) {
      const version = words[0]! >>> 24;
      const ours = ((words[0]! ^ MAGIC) & 0xffffff) === 0;
      throw new BatchError(ours ? `version ${version} is not known here` : "it does not begin like one");
    }
    if (words[1] !== checksum(aligned)) throw new BatchError("its checksum is wrong");
    const count = words[2]! >>> 0;
    if (count > (words.length - HEADER_WORDS) / LEAST_WORDS) throw new BatchError("it is shorter than its entries");
    if (count > NUMBERS) throw new BatchError(`${count} entries are more than one has`);
    const starts = new Uint32Array(count);
    let at = HEADER_WORDS;
    let [before, inOrder] = [Number.NEGATIVE_INFINITY, true];
    for (let entry = 0; entry < count; entry++) {
      starts[entry] = at;
      at = endOf(words, at);
      const time = timeAt(words, starts[entry]!);
      inOrder &&= time > before - 1;
      before = time;
    }
    if (at !== words.length) throw new BatchError("it is longer than its entries");
    // Out of order, each would have to look for its place in a whole queue.
    if (!inOrder) starts.sort((one, other) => timeAt(words, one) - timeAt(words, other));
    return new Batch(words, starts);
  }

  /** Bytes of the NodeID of entry `index`. */
  idLength(index: number): number {
    return this.#words[this.#starts[index]! + 2]! & (BATCH_IPV4 - 1);
  }

  time(index: number): number {
    return timeAt(this.#words, this.#starts[index]!);
  }

  /** The entries from `first` to before `end`. */
  part(first: number, end = this.count): Batch {
    return new Batch(this.#words, this.#starts.subarray(first, end));
  }

  /**
   * Writes an entry as the exchange area has it. Its NodeID has to find room there.
   * @param words the engine's memory.
   * @param to where in it the entry goes, in words.
   * @param shift is added to its time.
   */
  copy(index: number, words: Int32Array, to: number, shift: number): void {
    const from = this.#words;
    let at = this.#starts[index]!;
    f64[0] = this.time(index) + shift;
    words[to + TIME] = pair[0]!;
    words[to + TIME + 1] = pair[1]!;
    const meta = from[at + 2]!;
    words[to + META] = meta & ~BATCH_IPV4;
    at += 3;
    const address = to + ADDRESS;
    if ((meta & BATCH_IPV4) !== 0) {
      words[address] = 0;
      words[address + 1] = 0;
      words[address + 2] = IPV4_MAPPED;
      words[address + 3] = from[at++]!;
    } else {
      for (let word = 0; word < 4; word++) words[address + word] = from[at++]!;
    }
    const end = at + (((meta & (BATCH_IPV4 - 1)) + 3) >>> 2);
    for (let word = to + ID; at < end; word++) words[word] = from[at++]!;
  }

  /** Entry `index` as an object, for who has time. */
  entry(index: number): JournalEntry {
    const length = this.idLength(index);
    const words = new Int32Array(ID + ((length + 3) >>> 2));
    this.copy(index, words, 0, 0);
    const bytes = new Uint8Array(words.buffer);
    return {
      nodeId: bytes.slice(ENTRY_ID, ENTRY_ID + length),
      address: bytes.slice(ENTRY_ADDRESS, ENTRY_ADDRESS + 16),
      port: words[META]! >>> 16,
      announcedAt: this.time(index),
    };
  }
}

/** The time of the entry at `at`. */
function timeAt(words: Int32Array, at: number): number {
  pair[0] = words[at]!;
  pair[1] = words[at + 1]!;
  return f64[0]!;
}

/** Where the entry at `at` ends. @throws {BatchError} if it is none, or does not end within `words` */
function endOf(words: Int32Array, at: number): number {
  if (words.length - at < LEAST_WORDS) throw new BatchError("it is shorter than its entries");
  const meta = words[at + 2]!;
  const length = meta & (BATCH_IPV4 - 1);
  const end = at + ((meta & BATCH_IPV4) === 0 ? 7 : 4) + ((length + 3) >>> 2);
  if (length === 0 || length > MAX_ID_LENGTH) throw new BatchError(`a NodeID of ${length} bytes is in it`);
  if (meta >>> 16 === 0) throw new BatchError("a node without a port is in it");
  if (!Number.isFinite(timeAt(words, at))) throw new BatchError("a node without a time is in it");
  if (end > words.length) throw new BatchError("it is shorter than its entries");
  return end;
}
