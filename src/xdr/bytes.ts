/** How many zero bytes (0 to 3) pad `length` bytes to a multiple of 4 (RFC 4506 §3). `length` may be any uint32. */
export function paddingOf(length: number): number {
  return -length & 3;
}

/** The same bytes as a plain Uint8Array. A subclass may override `slice` and `subarray`, as Node's Buffer does. */
export function plainView(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
