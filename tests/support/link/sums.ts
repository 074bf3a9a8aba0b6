/** Checksums of IPv4 and UDP: ones' complement sums of big-endian half-words (RFC 1071). */

/** Sum of the half-words of `bytes` from `from` to `to`, not folded. The missing half of an odd last byte is zero. */
export function sumOf(bytes: Uint8Array, from: number, to: number): number {
  let sum = 0;
  let at = from;
  for (; at < to - 1; at += 2) sum += (bytes[at]! << 8) | bytes[at + 1]!;
  if (at < to) sum += bytes[at]! << 8;
  return sum;
}

/** Folds a sum to 16 bits. */
export function folded(sum: number): number {
  let rest = sum;
  while (rest > 0xffff) rest = (rest & 0xffff) + Math.floor(rest / 0x10000);
  return rest;
}

/** Sum of the pseudo-header: both addresses, the protocol, and the length of the UDP datagram. */
export function pseudoHeaderSum(source: Uint8Array, destination: Uint8Array, protocol: number, length: number): number {
  return sumOf(source, 0, source.length) + sumOf(destination, 0, destination.length) + protocol + length;
}
