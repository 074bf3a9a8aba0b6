/** Up to this many bytes, a loop is faster than `slice` in JavaScriptCore and in V8 (`bun bench --only codec`). */
const SHORT = 16;

/** Copies the `length` bytes at `at` into a buffer of their own. */
export function copyOf(bytes: Uint8Array, at: number, length: number): Uint8Array<ArrayBuffer> {
  if (length <= SHORT) {
    const copy = new Uint8Array(length);
    for (let i = 0; i < length; i++) copy[i] = bytes[at + i]!;
    return copy;
  }
  // A subclass may override `slice`, as Node's Buffer does, or change what `slice` and `subarray` create
  // (`Symbol.species`).
  if (bytes.constructor === Uint8Array) return bytes.slice(at, at + length);
  return new Uint8Array(new Uint8Array(bytes.buffer, bytes.byteOffset + at, length));
}
