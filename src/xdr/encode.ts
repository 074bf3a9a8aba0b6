import { checkBytes } from "./check.ts";
import type { XdrOptions } from "./runtime/entry.ts";
import { XdrWriter } from "./writer.ts";

/**
 * Encodes a value with an {@link XdrWriter}.
 *
 * @param write - writes the value to the writer
 * @param options - the maximum nesting depth
 * @returns a new array of exactly the bytes that were written
 * @throws {TypeError} if a value has the wrong type, or what `write` throws
 * @throws {RangeError} if a value is out of range, longer than its maximum or nested too deep
 * @example
 * ```ts
 * encode((w) => w.string("lisp", 255)); // => Uint8Array.of(0, 0, 0, 4, 0x6c, 0x69, 0x73, 0x70)
 * ```
 */
export function encode(write: (writer: XdrWriter) => void, options: XdrOptions = {}): Uint8Array<ArrayBuffer> {
  const writer = new XdrWriter(options);
  write(writer);
  return writer.finish();
}

/**
 * Encodes a value into `target`, with a new {@link XdrWriter}. To encode many values without allocation, keep one
 * writer and call its `reset()` instead.
 *
 * If it throws, the bytes written so far are set to zero, so that half a value is not sent by mistake.
 *
 * @param write - writes the value to the writer
 * @param target - the array to write into. Bytes before and after the value do not change
 * @param offset - where to start, in bytes from the start of `target`
 * @param options - the maximum nesting depth
 * @returns how many bytes were written
 * @throws {TypeError} if a value has the wrong type, or `target` is not a Uint8Array, or what `write` throws
 * @throws {RangeError} if a value is out of range, longer than its maximum, nested too deep or does not fit in `target`
 * @example
 * ```ts
 * encodeInto((w) => w.uint(1), new Uint8Array(1024), 8); // => 4
 * ```
 */
export function encodeInto(
  write: (writer: XdrWriter) => void,
  target: Uint8Array,
  offset = 0,
  options: XdrOptions = {},
): number {
  // An XdrWriter accepts a missing target. Here it would be a mistake, and the result would be lost.
  checkBytes("target", target);
  const writer = new XdrWriter({ ...options, target, offset });
  try {
    write(writer);
    return writer.length;
  } catch (error) {
    writer.bytes().fill(0);
    throw error;
  }
}
