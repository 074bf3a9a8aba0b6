/** Up to so many bytes a loop is faster than `slice`, in all of JavaScriptCore and V8 (`bun bench --only codec`). */
const SHORT = 16;

/** The `length` bytes at `at`, in a buffer of their own. */
export function copyOf(bytes: Uint8Array, at: number, length: number): Uint8Array<ArrayBuffer> {
  if (length <= SHORT) {
    const copy = new Uint8Array(length);
    for (let i = 0; i < length; i++) copy[i] = bytes[at + i]!;
    return copy;
  }
  // A subclass may redefine `slice`, as Node's Buffer does, and by its `Symbol.species` what `slice` and `subarray` make.
  if (bytes.constructor === Uint8Array) return bytes.slice(at, at + length);
  return new Uint8Array(new Uint8Array(bytes.buffer, bytes.byteOffset + at, length));
}
