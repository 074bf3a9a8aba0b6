import { paddingOf, plainView } from "./bytes.ts";
import { checkBytes, checkUint32 } from "./check.ts";
import { Cursor } from "./cursor.ts";

/** Holds a typical packet; a longer value doubles it as often as it takes. */
const INITIAL_SIZE = 256;

/** How long the pieces are that are copied by views; the rest is faster byte by byte. */
const PIECE = 128;

/** What a writer stands on: the bytes, how far they have been written, and every question of room. */
export class Output extends Cursor {
  bytes: Uint8Array;
  view: DataView;
  #start = 0;
  #pieces: Uint8Array[] = [];
  readonly #grows: boolean;

  /** Without a target, the output owns its bytes and grows. */
  constructor(maxDepth: number, target?: Uint8Array) {
    super();
    this.limit(maxDepth);
    this.#grows = target === undefined;
    const bytes = target === undefined ? new Uint8Array(INITIAL_SIZE) : target;
    checkBytes("target", bytes);
    this.bytes = plainView(bytes);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get length(): number {
    return this.at - this.#start;
  }

  written(): Uint8Array {
    return this.bytes.subarray(this.#start, this.at);
  }

  /** Copies what has been written. Only for an output without a target. */
  copyTo(target: Uint8Array, offset: number): void {
    const left = target.length - offset;
    if (this.at > left) doesNotFit(this.at, left);
    let done = 0;
    // The views are kept: one that is made for each copy would be garbage for each copy.
    for (let i = 0; done + PIECE <= this.at; i += 1, done += PIECE) {
      this.#pieces[i] ??= this.bytes.subarray(done, done + PIECE);
      target.set(this.#pieces[i]!, offset + done);
    }
    for (; done < this.at; done += 1) target[offset + done] = this.bytes[done]!;
  }

  /** Starts over, at `offset` or where it started before. */
  reset(offset = this.#start): void {
    checkUint32("offset", offset);
    const last = this.#grows ? 0 : this.bytes.length;
    if (offset > last) throw new RangeError(`offset: ${offset} is past the end, ${last}`);
    this.#start = offset;
    this.at = offset;
  }

  /** The position, from which there is room for `size` bytes, moving past them. */
  take(size: number): number {
    const { at } = this;
    if (size > this.bytes.length - at) this.#grow(size);
    this.at = at + size;
    return at;
  }

  /** As {@link take}, for `prefix` bytes, `length` bytes and their padding. */
  takePadded(prefix: number, length: number): number {
    return this.take(prefix + length + paddingOf(length));
  }

  /** Writes the padding of the `length` bytes taken last: those of a target, or of an earlier value, are not zero. */
  pad(length: number): void {
    for (let i = this.at - paddingOf(length); i < this.at; i += 1) this.bytes[i] = 0;
  }

  /** The error, if it is one of those that writing throws, with the path in its message. */
  located(error: unknown): unknown {
    const path = this.path();
    const Known = [TypeError, RangeError].find((known) => (error as object)?.constructor === known);
    return path && Known ? new Known(`${path}: ${(error as Error).message}`, { cause: error }) : error;
  }

  /** Takes back what was written from `at` on, and zeroes it: half a value in a target might be sent by mistake. */
  protected override rewind(at: number): void {
    this.bytes.fill(0, at, this.at);
    this.at = at;
  }

  protected tooDeep(detail: string): never {
    throw new RangeError(`${detail}: is it a cycle?`);
  }

  #grow(size: number): void {
    if (!this.#grows) doesNotFit(size, this.bytes.length - this.at);
    let capacity = this.bytes.length * 2;
    while (capacity - this.at < size) capacity *= 2;
    const grown = new Uint8Array(capacity);
    grown.set(this.written());
    this.bytes = grown;
    this.#pieces = [];
    this.view = new DataView(grown.buffer);
  }
}

function doesNotFit(size: number, left: number): never {
  throw new RangeError(`target: ${size} more bytes do not fit in the ${left} left`);
}
