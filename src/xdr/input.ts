import { paddingOf } from "./bytes.ts";
import { checkBytes, checkUint32 } from "./check.ts";
import { Cursor } from "./cursor.ts";
import { XdrError, type XdrErrorCode } from "./error.ts";

export const NO_BYTES = new Uint8Array(0);
/** Scratch space for numbers that are read through a DataView. */
const SCRATCH = new DataView(new ArrayBuffer(8));

/** The input of a reader or a type: the bytes, the position, and all bounds checks. */
export class Input extends Cursor {
  bytes: Uint8Array = NO_BYTES;
  end = 0;
  // Read only when the first view is made: V8 allocates the buffer of a small array on first access.
  #buffer: ArrayBufferLike | undefined;

  /** Starts reading other bytes. Resetting to {@link NO_BYTES} releases the old ones to the garbage collector. */
  reset(bytes: Uint8Array, maxDepth: number): void {
    checkBytes("bytes", bytes);
    this.limit(maxDepth);
    this.bytes = bytes;
    this.at = 0;
    this.end = bytes.length;
    this.#buffer = undefined;
  }

  /** Checks that `size` bytes are left, and returns the position. */
  need(size: number): number {
    if (size > this.end - this.at) this.#truncated(this.at, size);
    return this.at;
  }

  /** Like {@link need}, but also moves past these bytes. */
  take(size: number): number {
    const at = this.need(size);
    this.at = at + size;
    return at;
  }

  // Built from single bytes: for most packets, creating a DataView costs more than it saves.
  int32(at: number): number {
    const { bytes } = this;
    return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  }

  uint32(at: number): number {
    const value = this.int32(at);
    // Not `>>> 0`: JavaScriptCore assumes its result is an int32, and leaves compiled code each time it is not.
    return value < 0 ? value + 0x1_0000_0000 : value;
  }

  float32(at: number): number {
    SCRATCH.setInt32(0, this.int32(at));
    return SCRATCH.getFloat32(0);
  }

  /** The 8 bytes from `at` in a DataView, which the next call overwrites. */
  view64(at: number): DataView {
    SCRATCH.setInt32(0, this.int32(at));
    SCRATCH.setInt32(4, this.int32(at + 4));
    return SCRATCH;
  }

  view(at: number, length: number): Uint8Array {
    this.#buffer ??= this.bytes.buffer;
    return new Uint8Array(this.#buffer, this.bytes.byteOffset + at, length);
  }

  /**
   * Reads the length or count at the position, and checks it against `maximum` and against the bytes left, of which
   * each unit takes at least `unit`. Does not move past it, because the caller may still reject what follows.
   */
  length(maximum: number, unit: number): number {
    checkUint32("maximum", maximum);
    const length = this.uint32(this.need(4));
    if (length > maximum) this.tooLong(length, maximum);
    // Divide the bytes left instead of multiplying the length, which is untrusted.
    if (unit > 0 && length > (this.end - this.at - 4) / unit) {
      this.fail("length-over-input", this.at, `length ${length} exceeds the bytes left`);
    }
    return length;
  }

  tooLong(length: number, maximum: number): never {
    this.fail("length-over-maximum", this.at, `length ${length} is over the maximum of ${maximum}`);
  }

  /** Moves past the `length` bytes from `at`, whose presence the caller has checked, and past their padding. */
  takePadded(at: number, length: number): void {
    const end = at + length;
    const padding = paddingOf(length);
    if (padding > this.end - end) this.#truncated(end, padding);
    for (let i = end; i < end + padding; i += 1) {
      if (this.bytes[i] !== 0) this.fail("nonzero-padding", i, `padding must be zero, not ${this.bytes[i]}`);
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
