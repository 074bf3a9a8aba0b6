import type { DecodeOptions } from "./options.ts";
import { type Read, XdrReader } from "./reader.ts";

/**
 * Reads one value that takes up all of `bytes`.
 *
 * @param bytes - the input
 * @param read - reads the value
 * @param options - how deep the value may nest, and whether bytes may follow it
 * @returns what `read` gives
 * @throws {@link XdrError} what `read` throws, or `trailing-bytes`
 * @throws {TypeError} if `bytes` is not a Uint8Array
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
