/** The zero bytes (0 to 3) that bring `length` bytes to a multiple of four (RFC 4506 §3). Right for all of uint32. */
export function paddingOf(length: number): number {
  return -length & 3;
}

/** The same bytes as a plain Uint8Array: a subclass may redefine `slice` and `subarray`, as Node's Buffer does. */
export function plainView(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
