import { paddingOf } from "./bytes.ts";
import { checkBytes, checkUint32 } from "./check.ts";
import { Cursor } from "./cursor.ts";
import { XdrError, type XdrErrorCode } from "./error.ts";

export const NONE = new Uint8Array(0);
const WIDE = new DataView(new ArrayBuffer(8));

/** What a reader stands on: the bytes, how far they have been read, and every bounds check there is. */
export class Input extends Cursor {
  bytes: Uint8Array = NONE;
  end = 0;
  // Asked for at the first view: a small array has no buffer in V8 before somebody asks.
  #buffer: ArrayBufferLike | undefined;

  /** Starts on other bytes, or on none, and then holds on to none. */
  reset(bytes: Uint8Array, maxDepth: number): void {
    checkBytes("bytes", bytes);
    this.limit(maxDepth);
    this.bytes = bytes;
    this.at = 0;
    this.end = bytes.length;
    this.#buffer = undefined;
  }

  /** The position, from which `size` bytes are certain to be there. */
  need(size: number): number {
    if (size > this.end - this.at) this.#truncated(this.at, size);
    return this.at;
  }

  /** As {@link need}, moving past them. */
  take(size: number): number {
    const at = this.need(size);
    this.at = at + size;
    return at;
  }

  // From bytes, since a DataView of the input would cost more than the reads that it speeds up in most packets.
  int32(at: number): number {
    const { bytes } = this;
    return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  }

  uint32(at: number): number {
    const value = this.int32(at);
    // Not `>>> 0`: JavaScriptCore takes its result for an int32 and leaves compiled code each time that it is not.
    return value < 0 ? value + 0x1_0000_0000 : value;
  }

  float32(at: number): number {
    WIDE.setInt32(0, this.int32(at));
    return WIDE.getFloat32(0);
  }

  /** The 8 bytes from `at` in a view that is good until the next call. */
  wide(at: number): DataView {
    WIDE.setInt32(0, this.int32(at));
    WIDE.setInt32(4, this.int32(at + 4));
    return WIDE;
  }

  view(at: number, length: number): Uint8Array {
    this.#buffer ??= this.bytes.buffer;
    return new Uint8Array(this.#buffer, this.bytes.byteOffset + at, length);
  }

  /**
   * The length ahead, held against both bounds: a unit of it takes at least `unit` bytes. The position stays before
   * it, since whoever asks may still find fault with what follows.
   */
  length(maximum: number, unit: number): number {
    checkUint32("maximum", maximum);
    const length = this.uint32(this.need(4));
    if (length > maximum) this.over(length, maximum);
    // What is left is divided, not the length multiplied: the length is a stranger's.
    if (unit > 0 && length > (this.end - this.at - 4) / unit) {
      this.fail("length-over-input", this.at, `length ${length} is more than is left`);
    }
    return length;
  }

  over(length: number, maximum: number): never {
    this.fail("length-over-maximum", this.at, `length ${length} is over the maximum of ${maximum}`);
  }

  /** Moves past the `length` bytes from `at`, which are certain to be there, and their padding, which is not. */
  pass(at: number, length: number): void {
    const end = at + length;
    const padding = paddingOf(length);
    if (padding > this.end - end) this.#truncated(end, padding);
    for (let i = end; i < end + padding; i += 1) {
      if (this.bytes[i] !== 0) this.fail("nonzero-padding", i, `padding is zero, not ${this.bytes[i]}`);
    }
    this.at = end + padding;
  }

  finish(): void {
    const left = this.end - this.at;
    if (left !== 0) this.fail("trailing-bytes", this.at, `${left} bytes left over`);
  }

  fail(code: XdrErrorCode, offset: number, detail: string): never {
    throw new XdrError(code, offset, detail, this.path());
  }

  protected tooDeep(detail: string): never {
    this.fail("too-deep", this.at, detail);
  }

  #truncated(at: number, size: number): never {
    this.fail("truncated", at, `expected ${size} bytes, but ${this.end - at} are left`);
  }
}
