/**
 * Keyed hash for everything that strangers can choose: NodeIDs and source addresses.
 *
 * NH (the universal hash of UMAC, RFC 4418 §5.2.1: a sum of products of 32-bit words after adding the key) reduces a
 * NodeID to 64 bits. Two keyed rounds mix these into two words. Two NodeIDs collide with a probability of 2^-32, even
 * if an attacker chooses them, and no reply reveals where a NodeID is stored. NH needs one multiplication per 8 bytes.
 * HalfSipHash would need 14 operations per 4 bytes, most of which wait for the one before.
 */
import { H_KEY, H_KEY_ID, H_KEY_SOURCE } from "./layout";

/** First word of the last hash: identifies the key in a table, and sets its place in a shard's index. */
export let tag: u32 = 0;
/** Second word of the last hash: chooses the shard. */
export let spread: u32 = 0;

/** Sets a NodeID's padding to zero. Padding must not affect the hash, and the reply must contain zeros. */
export function clearPadding(id: usize, length: u32): void {
  if ((length & 3) === 0) return;
  const last = id + (length & 0xfffffffc);
  store<u32>(last, load<u32>(last) & (((<u32>1) << ((length & 3) << 3)) - 1));
}

/** Hashes the `length` bytes at `at`, which must be padded with zeros to whole words. Sets `tag` and `spread`. */
export function hashId(at: usize, length: u32): void {
  const words = (length + 3) >>> 2;
  let key: usize = H_KEY_ID;
  let sum: u64 = length;
  const last = at + ((words & 0xfffffffe) << 2);
  for (; at < last; at += 8, key += 8) {
    // u32 variables make these sums wrap at 32 bits. Inside a u64 expression they would not.
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

/** Hashes a source network, given as two words and a family: 0 for IPv4, 1 for IPv6. Sets `tag` and `spread`. */
export function hashSource(first: u32, second: u32, family: u32): void {
  const key: usize = H_KEY_SOURCE + (family << 3);
  const one: u32 = first + load<u32>(key);
  const other: u32 = second + load<u32>(key, 4);
  const product = <u64>one * <u64>other;
  finish(<u32>product, <u32>(product >> 32));
}

/** Mixes the 64 bits so that each affects both words: two rounds of a keyed Feistel network. */
function finish(low: u32, high: u32): void {
  spread = high ^ mix(low + load<u32>(H_KEY));
  tag = low ^ mix(spread + load<u32>(H_KEY, 4));
}

/**
 * A bijection on words in which every input bit affects every output bit (Wellons, "Prospecting for hash functions").
 */
function mix(word: u32): u32 {
  word = (word ^ (word >>> 16)) * 0x21f0aaad;
  word = (word ^ (word >>> 15)) * 0xd35a2d97;
  return word ^ (word >>> 15);
}
