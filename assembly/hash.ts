/**
 * The keyed hash that places everything a stranger can name: NodeIDs and sources.
 *
 * NH (the universal hash of UMAC, RFC 4418 §5.2.1: a sum of products of 32-bit words with the key added) folds a NodeID to 64
 * bits, and two rounds under key mix these into two words. Two NodeIDs meet with a chance of 2^-32, whoever chose them, and
 * nothing that leaves the server tells where one stands. NH costs one multiplication for 8 bytes; the rounds of a
 * HalfSipHash would cost 14 operations for 4, most of them waiting for the one before.
 */
import { H_KEY, H_KEY_ID, H_KEY_SOURCE } from "./layout";

/** The two words of the last hash. */
export let tag: u32 = 0;
export let spread: u32 = 0;

/** What pads a NodeID is ignored: as zeros it neither changes the hash nor goes out in a reply. */
export function clearPadding(id: usize, length: u32): void {
  if ((length & 3) === 0) return;
  const last = id + (length & 0xfffffffc);
  store<u32>(last, load<u32>(last) & (((<u32>1) << ((length & 3) << 3)) - 1));
}

/** Hashes the `length` bytes at `at`, which zeros fill up to whole words. Leaves `tag` and `spread`. */
export function hashId(at: usize, length: u32): void {
  const words = (length + 3) >>> 2;
  let key: usize = H_KEY_ID;
  let sum: u64 = length;
  const last = at + ((words & 0xfffffffe) << 2);
  for (; at < last; at += 8, key += 8) {
    // In words of their own: within an u64 these sums would not wrap at 32 bits.
    const first: u32 = load<u32>(at) + load<u32>(key);
    const second: u32 = load<u32>(at, 4) + load<u32>(key, 4);
    sum += <u64>first * <u64>second;
  }
  if ((words & 1) !== 0) {
    const first: u32 = load<u32>(at) + load<u32>(key);
    const second = load<u32>(key, 4);
    sum += <u64>first * <u64>second;
  }
  finish(<u32>sum, <u32>(sum >> 32));
}

/** Hashes the network of a source: two words, and 0 for IPv4 or 1 for IPv6. Leaves `tag` and `spread`. */
export function hashSource(first: u32, second: u32, family: u32): void {
  const key: usize = H_KEY_SOURCE + (family << 3);
  const one: u32 = first + load<u32>(key);
  const other: u32 = second + load<u32>(key, 4);
  const product = <u64>one * <u64>other;
  finish(<u32>product, <u32>(product >> 32));
}

/** Mixes the 64 bits so that each counts in both words: two rounds of a Feistel network under key. */
function finish(low: u32, high: u32): void {
  spread = high ^ mix(low + load<u32>(H_KEY));
  tag = low ^ mix(spread + load<u32>(H_KEY, 4));
}

/** A bijection of words in which every bit of the input moves every bit of the output (Wellons, "Prospecting for hash functions"). */
function mix(word: u32): u32 {
  word = (word ^ (word >>> 16)) * 0x21f0aaad;
  word = (word ^ (word >>> 15)) * 0xd35a2d97;
  return word ^ (word >>> 15);
}
