import { checkBytes } from "./check.ts";
import type { XdrOptions } from "./options.ts";
import { XdrWriter } from "./writer.ts";

/**
 * Writes a value into bytes of its own.
 *
 * @param write - writes the value
 * @param options - how deep the value may nest
 * @returns the bytes, as many as were written
 * @throws {TypeError} if a value is of the wrong kind
 * @throws {RangeError} if a value is one that its type cannot state, or is over its maximum
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
 * Writes a value into `target`. To write many, keep an {@link XdrWriter} and reset it: that allocates nothing.
 *
 * @param write - writes the value
 * @param target - what to write into; bytes before and after the value stay as they are
 * @param offset - where to begin, in bytes from the start of `target`
 * @param options - how deep the value may nest
 * @returns how many bytes were written
 * @throws {TypeError} if a value is of the wrong kind, or `target` is not a Uint8Array
 * @throws {RangeError} if a value is one that its type cannot state, is over its maximum, or does not fit. What had
 *   been written by then is zeroed, lest half a value be sent
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
  // A writer does without a target; here, to leave it out is a mistake.
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
