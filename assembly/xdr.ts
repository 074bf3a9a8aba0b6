/** XDR (RFC 4506) on raw memory: words are big-endian, and opaque bytes are padded with zeros to a whole word. */

export function readWord(at: usize): u32 {
  return bswap<u32>(load<u32>(at));
}

export function writeWord(at: usize, value: u32): void {
  store<u32>(at, bswap<u32>(value));
}

/**
 * Size of `length` bytes with their padding. Overflows above 0xfffffffc, so compare `length` with the remaining bytes
 * first.
 */
export function padded(length: u32): u32 {
  return (length + 3) & 0xfffffffc;
}
