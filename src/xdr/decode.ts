import { type Read, XdrReader } from "./reader.ts";
import type { DecodeOptions } from "./runtime/entry.ts";

/**
 * Decodes one value with an {@link XdrReader}. The value must take up all of `bytes`, unless `allowTrailing` is set.
 *
 * @param bytes - the input
 * @param read - reads the value from the reader
 * @param options - the maximum nesting depth, and whether bytes may follow the value
 * @returns the value that `read` returns
 * @throws {@link XdrError} `trailing-bytes` if bytes follow the value, or what `read` throws
 * @throws {TypeError} if `bytes` is not a Uint8Array
 * @throws {RangeError} if `maxDepth` is out of range
 * @example
 * ```ts
 * const readPoint = (r: XdrReader) => ({ x: r.int(), y: r.int() });
 * decode(Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 2), readPoint); // => { x: 1, y: 2 }
 * ```
 */
export function decode<T>(bytes: Uint8Array, read: Read<T>, options: DecodeOptions = {}): T {
  const reader = new XdrReader(bytes, options);
  const value = read(reader);
  if (options.allowTrailing !== true) reader.end();
  return value;
}
