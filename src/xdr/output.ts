import { paddingOf, plainView } from "./bytes.ts";
import { checkBytes, checkUint32 } from "./check.ts";

/** Holds a typical packet; a longer value doubles it as often as it takes. */
const INITIAL_SIZE = 256;

/** What a writer stands on: the bytes, how far they have been written, and every question of room. */
export class Output {
  bytes: Uint8Array;
  view: DataView;
  at = 0;
  #start = 0;
  readonly #grows: boolean;
  readonly #maxDepth: number;
  #depth = 0;

  /** Without a target, the output owns its bytes and grows. */
  constructor(maxDepth: number, target?: Uint8Array) {
    checkUint32("maxDepth", maxDepth);
    if (target !== undefined) checkBytes("target", target);
    this.bytes = target === undefined ? new Uint8Array(INITIAL_SIZE) : plainView(target);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    this.#grows = target === undefined;
    this.#maxDepth = maxDepth;
  }

  get length(): number {
    return this.at - this.#start;
  }

  written(): Uint8Array {
    return this.bytes.subarray(this.#start, this.at);
  }

  /** Starts over, at `offset` or where it started before. */
  reset(offset = this.#start): void {
    checkUint32("offset", offset);
    const last = this.#grows ? 0 : this.bytes.length;
    if (offset > last) throw new RangeError(`offset: ${offset} is past the end of the target, ${last}`);
    this.#start = offset;
    this.at = offset;
  }

  /** The position, from which there is room for `size` bytes, moving past them. */
  take(size: number): number {
    const at = this.at;
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
    this.bytes.fill(0, this.at - paddingOf(length), this.at);
  }

  /** Goes down a level. Gives the position, for {@link undo}. */
  enter(): number {
    if (this.#depth >= this.#maxDepth) {
      throw new RangeError(`nested deeper than the maxDepth of ${this.#maxDepth}: is there a cycle in the value?`);
    }
    this.#depth += 1;
    return this.at;
  }

  leave(): void {
    this.#depth -= 1;
  }

  /** Takes back what was written from `at` on, and zeroes it: half a value in a target might be sent by mistake. */
  undo<E>(at: number, error: E): E {
    this.bytes.fill(0, at, this.at);
    this.at = at;
    return error;
  }

  #grow(size: number): void {
    if (!this.#grows) {
      throw new RangeError(`target: ${size} more bytes do not fit in the ${this.bytes.length - this.at} left`);
    }
    let capacity = this.bytes.length * 2;
    while (capacity - this.at < size) capacity *= 2;
    const grown = new Uint8Array(capacity);
    grown.set(this.written());
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}
