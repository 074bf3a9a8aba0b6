import { paddingOf, plainView } from "./bytes.ts";
import { checkBytes, checkUint32 } from "./check.ts";
import { Cursor } from "./cursor.ts";

/** In bytes: enough for a typical packet. A longer value doubles the size until it fits. */
const INITIAL_SIZE = 256;

/**
 * The output is copied in chunks of this many bytes, through views. The rest is shorter, and faster to copy byte by
 * byte.
 */
const CHUNK_SIZE = 128;

/** The output of a writer or a type: the bytes, the position, and all checks of space. */
export class Output extends Cursor {
  bytes: Uint8Array;
  view: DataView;
  #start = 0;
  #chunks: Uint8Array[] = [];
  readonly #grows: boolean;

  /** Without a target, the output has bytes of its own, which grow as needed. */
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

  /** Copies the bytes written so far to `target`. Only for an output without a target of its own. */
  copyTo(target: Uint8Array, offset: number): void {
    const left = target.length - offset;
    if (this.at > left) doesNotFit(this.at, left);
    let done = 0;
    // The views are cached, so that copying allocates nothing.
    for (let i = 0; done + CHUNK_SIZE <= this.at; i += 1, done += CHUNK_SIZE) {
      this.#chunks[i] ??= this.bytes.subarray(done, done + CHUNK_SIZE);
      target.set(this.#chunks[i]!, offset + done);
    }
    for (; done < this.at; done += 1) target[offset + done] = this.bytes[done]!;
  }

  /** Starts over at `offset`. Default: where it started before. */
  reset(offset = this.#start): void {
    checkUint32("offset", offset);
    const last = this.#grows ? 0 : this.bytes.length;
    if (offset > last) throw new RangeError(`offset: ${offset} is past the end, ${last}`);
    this.#start = offset;
    this.at = offset;
  }

  /** Makes room for `size` bytes, moves past them, and returns the position before them. */
  take(size: number): number {
    const { at } = this;
    if (size > this.bytes.length - at) this.#grow(size);
    this.at = at + size;
    return at;
  }

  /** Like {@link take}, for `prefix` bytes, then `length` bytes and their padding. */
  takePadded(prefix: number, length: number): number {
    return this.take(prefix + length + paddingOf(length));
  }

  /** Zeroes the padding of the last `length` bytes: a target or an earlier value may have left other bytes there. */
  pad(length: number): void {
    for (let i = this.at - paddingOf(length); i < this.at; i += 1) this.bytes[i] = 0;
  }

  /**
   * A TypeError or RangeError with the path in front of its message. Subclasses and all other errors stay as they are.
   */
  withPath(error: unknown): unknown {
    const path = this.path();
    const Known = [TypeError, RangeError].find((known) => (error as object)?.constructor === known);
    return path && Known ? new Known(`${path}: ${(error as Error).message}`, { cause: error }) : error;
  }

  /** Zeroes the bytes written from `at` on, and moves back to it: half a value in a target might be sent by mistake. */
  protected override undo(at: number): void {
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
    this.#chunks = [];
    this.view = new DataView(grown.buffer);
  }
}

function doesNotFit(size: number, left: number): never {
  throw new RangeError(`target: ${size} more bytes do not fit in the ${left} left`);
}
