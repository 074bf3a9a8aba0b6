import { paddingOf, plainView } from "./bytes.ts";
import { checkBytes, checkUint32 } from "./check.ts";
import { XdrError } from "./error.ts";

/** What a reader stands on: the bytes, how far they have been read, and every bounds check there is. */
export class Input {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly #maxDepth: number;
  at = 0;
  #depth = 0;

  constructor(bytes: Uint8Array, maxDepth: number) {
    checkBytes("bytes", bytes);
    checkUint32("maxDepth", maxDepth);
    this.bytes = plainView(bytes);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#maxDepth = maxDepth;
  }

  get remaining(): number {
    return this.bytes.length - this.at;
  }

  /** The position, from which `size` bytes are certain to be there. */
  need(size: number): number {
    if (size > this.remaining) throw this.#truncated(this.at, size);
    return this.at;
  }

  /** As {@link need}, moving past them. */
  take(size: number): number {
    const at = this.need(size);
    this.at = at + size;
    return at;
  }

  /**
   * The length ahead, held against both bounds: a unit of it takes at least `unit` bytes. The position stays before
   * it, since whoever asks may still find fault with what follows.
   */
  length(maximum: number, unit: number): number {
    checkUint32("maximum", maximum);
    const length = this.view.getUint32(this.need(4));
    if (length > maximum) {
      throw new XdrError("length-over-maximum", this.at, `length ${length} is over the maximum of ${maximum}`);
    }
    // What is left is divided, not the length multiplied: the length is a stranger's.
    if (unit > 0 && length > (this.remaining - 4) / unit) {
      throw new XdrError("length-over-input", this.at, `length ${length} is more than what is left can hold`);
    }
    return length;
  }

  /** The `length` bytes from `at`, which are certain to be there, moving past them and their padding, which is not. */
  padded(at: number, length: number): Uint8Array {
    const end = at + length;
    const padding = paddingOf(length);
    if (padding > this.bytes.length - end) throw this.#truncated(end, padding);
    for (let i = end; i < end + padding; i += 1) {
      if (this.bytes[i] !== 0) throw new XdrError("nonzero-padding", i, `padding is zero, not ${this.bytes[i]}`);
    }
    this.at = end + padding;
    return this.bytes.subarray(at, end);
  }

  /** Goes down a level. Gives the position, to go back to on failure. */
  enter(): number {
    if (this.#depth >= this.#maxDepth) {
      throw new XdrError("too-deep", this.at, `nested deeper than the maxDepth of ${this.#maxDepth}`);
    }
    this.#depth += 1;
    return this.at;
  }

  leave(): void {
    this.#depth -= 1;
  }

  #truncated(at: number, size: number): XdrError {
    return new XdrError("truncated", at, `expected ${size} bytes, but ${this.bytes.length - at} are left`);
  }
}
