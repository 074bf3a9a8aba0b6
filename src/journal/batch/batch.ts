import { ENTRY_ADDRESS, ENTRY_ID, IPV4_MAPPED, MAX_ID_LENGTH, META_CONFIRMED } from "../../../assembly/layout.ts";
import type { JournalEntry } from "../entry.ts";
import {
  ADDRESS,
  BATCH_IPV4,
  BATCH_LENGTH,
  BatchError,
  checksum,
  f64,
  f64Words,
  HEADER_WORDS,
  ID,
  MAGIC,
  MAX_ENTRIES,
  META,
  MIN_ENTRY_WORDS,
  TIME,
  timeAt,
  VERSION,
} from "./format.ts";

/** A batch from a journal, checked: every entry lies within it and is a valid announcement. */
export class Batch {
  readonly count: number;
  /** The server that wrote it: 8 bytes in hex. */
  readonly origin: string;
  readonly #words: Int32Array;
  readonly #starts: Uint32Array;
  /** META_CONFIRMED if all entries count as confirmed, because the batch's version does not say which are. */
  readonly #allConfirmed: number;

  private constructor(words: Int32Array, starts: Uint32Array) {
    this.#words = words;
    this.#starts = starts;
    this.#allConfirmed = words[0]! >>> 24 === 1 ? META_CONFIRMED : 0;
    this.count = starts.length;
    this.origin = new Uint8Array(words.buffer, words.byteOffset + 12, 8).toHex();
  }

  /**
   * @param bytes - from a journal, not trusted
   * @throws {BatchError} if they are not exactly one intact batch
   */
  static parse(bytes: Uint8Array): Batch {
    if (bytes.length < HEADER_WORDS * 4 || bytes.length % 4 !== 0) {
      throw new BatchError(`a batch cannot have ${bytes.length} bytes`);
    }
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
    const words = new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length >>> 2);
    if ((words[0]! & 0xffffff) !== MAGIC) throw new BatchError("it does not begin with WHJ");
    const version = words[0]! >>> 24;
    if (version < 1 || version > VERSION) {
      throw new BatchError(`its version is ${version}, this program reads 1 to ${VERSION}`);
    }
    if (words[1] !== checksum(aligned)) throw new BatchError("its checksum is wrong");
    const count = words[2]! >>> 0;
    if (count > (words.length - HEADER_WORDS) / MIN_ENTRY_WORDS) throw new BatchError("it is shorter than its entries");
    if (count > MAX_ENTRIES) throw new BatchError(`it has ${count} entries, more than ${MAX_ENTRIES}`);
    const starts = new Uint32Array(count);
    let at = HEADER_WORDS;
    let [before, inOrder] = [Number.NEGATIVE_INFINITY, true];
    for (let entry = 0; entry < count; entry++) {
      starts[entry] = at;
      at = endOf(words, at, version);
      const time = timeAt(words, starts[entry]!);
      inOrder &&= time > before - 1;
      before = time;
    }
    if (at !== words.length) throw new BatchError("it is longer than its entries");
    // Merging entries out of order would walk a whole queue of the registry for each.
    if (!inOrder) starts.sort((one, other) => timeAt(words, one) - timeAt(words, other));
    return new Batch(words, starts);
  }

  /** Bytes of the NodeID of entry `index`. */
  idLength(index: number): number {
    return this.#words[this.#starts[index]! + 2]! & BATCH_LENGTH;
  }

  /** The NodeID of entry `index`, as a view of the batch. */
  nodeId(index: number): Uint8Array {
    const start = this.#starts[index]!;
    const at = start + ((this.#words[start + 2]! & BATCH_IPV4) === 0 ? 7 : 4);
    return new Uint8Array(this.#words.buffer, this.#words.byteOffset + at * 4, this.idLength(index));
  }

  time(index: number): number {
    return timeAt(this.#words, this.#starts[index]!);
  }

  /** The entries from `first` up to, but not including, `end`. */
  part(first: number, end = this.count): Batch {
    return new Batch(this.#words, this.#starts.subarray(first, end));
  }

  /**
   * Writes an entry into the exchange area, where its NodeID must fit.
   *
   * @param words - the engine's memory
   * @param to - where the entry begins there, in words
   * @param shift - added to its time
   */
  copy(index: number, words: Int32Array, to: number, shift: number): void {
    const from = this.#words;
    let at = this.#starts[index]!;
    f64[0] = this.time(index) + shift;
    words[to + TIME] = f64Words[0]!;
    words[to + TIME + 1] = f64Words[1]!;
    const meta = from[at + 2]!;
    words[to + META] = (meta & ~BATCH_IPV4) | this.#allConfirmed;
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
    const end = at + (((meta & BATCH_LENGTH) + 3) >>> 2);
    for (let word = to + ID; at < end; word++) words[word] = from[at++]!;
  }

  /** Entry `index` as an object. Slow: the server uses `copy`. */
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
      confirmed: (words[META]! & META_CONFIRMED) !== 0,
    };
  }
}

/** Returns where the entry at word `at` ends. @throws {BatchError} if it is invalid or does not end within `words` */
function endOf(words: Int32Array, at: number, version: number): number {
  if (words.length - at < MIN_ENTRY_WORDS) throw new BatchError("it is shorter than its entries");
  const meta = words[at + 2]!;
  // In version 1, the bit of META_CONFIRMED was part of the length.
  const length = meta & (version === 1 ? BATCH_IPV4 - 1 : BATCH_LENGTH);
  const end = at + ((meta & BATCH_IPV4) === 0 ? 7 : 4) + ((length + 3) >>> 2);
  if (length === 0 || length > MAX_ID_LENGTH) throw new BatchError(`it has a NodeID of ${length} bytes`);
  if (meta >>> 16 === 0) throw new BatchError("it has a node without a port");
  if (!Number.isFinite(timeAt(words, at))) throw new BatchError("it has a node without a time");
  if (end > words.length) throw new BatchError("it is shorter than its entries");
  return end;
}
