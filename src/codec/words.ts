/** Twin of assembly/xdr.ts: XDR words (RFC 4506 §4.2, big-endian) at any offset of a byte array, aligned or not. */

export function readWord(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

export function writeWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Size of `length` bytes with their padding. */
export function padded(length: number): number {
  return length + (-length & 3);
}
