/** Twin of assembly/hash.ts: NH (RFC 4418 §5.2.1), mixed by two rounds under key. */
import { H_KEY, H_KEY_ID, H_KEY_SOURCE } from "../../assembly/layout.ts";
import type { EngineState } from "./state.ts";

/** Products that are added up before their sum could leave the 53 bits of a double: a product has 48. */
const PRODUCTS = 16;

/** What pads a NodeID is ignored: as zeros it neither changes the hash nor goes out in a reply. */
export function clearPadding(m: EngineState, id: number, length: number): void {
  if ((length & 3) === 0) return;
  m.i32[(id + length) >>> 2]! &= (1 << ((length & 3) << 3)) - 1;
}

/**
 * Hashes the `length` bytes at `at`, which zeros fill up to whole words. Leaves `tag` and `spread`.
 *
 * A product of 64 bits is kept as two of 48: one factor times the low and times the high half of the other.
 */
export function hashId(m: EngineState, at: number, length: number): void {
  const u32 = m.u32;
  const words = (length + 3) >>> 2;
  let key = H_KEY_ID >>> 2;
  let from = at >>> 2;
  const last = from + (words & ~1);
  let low = length;
  let high = 0;
  while (from < last) {
    const stop = Math.min(last, from + 2 * PRODUCTS);
    for (; from < stop; from += 2, key += 2) {
      const first = (u32[from]! + u32[key]!) >>> 0;
      const second = (u32[from + 1]! + u32[key + 1]!) >>> 0;
      low += first * (second & 0xffff);
      high += first * (second >>> 16);
    }
    const carry = Math.floor(low / 0x10000);
    low -= carry * 0x10000;
    high += carry;
    high -= Math.floor(high / 0x1000000000000) * 0x1000000000000;
  }
  if ((words & 1) !== 0) {
    const first = (u32[from]! + u32[key]!) >>> 0;
    const second = u32[key + 1]!;
    low += first * (second & 0xffff);
    high += first * (second >>> 16);
  }
  finishSum(m, low, high);
}

/** Hashes the network of a source: two words, and 0 for IPv4 or 1 for IPv6. Leaves `tag` and `spread`. */
export function hashSource(m: EngineState, first: number, second: number, family: number): void {
  const key = (H_KEY_SOURCE + (family << 3)) >>> 2;
  const one = (first + m.u32[key]!) >>> 0;
  const other = (second + m.u32[key + 1]!) >>> 0;
  finishSum(m, one * (other & 0xffff), one * (other >>> 16));
}

/** Finishes low + 2^16 * high, taken modulo 2^64. */
function finishSum(m: EngineState, low: number, high: number): void {
  const carry = Math.floor(low / 0x10000);
  const top = high + carry;
  finish(m, ((top & 0xffff) << 16) | (low - carry * 0x10000), Math.floor(top / 0x10000) | 0);
}

/** Mixes the 64 bits so that each counts in both words: two rounds of a Feistel network under key. */
function finish(m: EngineState, low: number, high: number): void {
  m.spread = high ^ mix(low + m.i32[H_KEY >>> 2]!);
  m.tag = low ^ mix(m.spread + m.i32[(H_KEY + 4) >>> 2]!);
}

/** A bijection of words in which every bit of the input moves every bit of the output (Wellons, "Prospecting for hash functions"). */
function mix(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0xd35a2d97);
  return mixed ^ (mixed >>> 15);
}
