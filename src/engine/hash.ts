/** Twin of assembly/hash.ts: NH (RFC 4418 §5.2.1), mixed by two keyed rounds. */
import { H_KEY, H_KEY_ID, H_KEY_SOURCE } from "../../assembly/layout.ts";
import type { EngineState } from "./state.ts";

/** Sets a NodeID's padding to zero. Padding must not affect the hash, and the reply must contain zeros. */
export function clearPadding(m: EngineState, id: number, length: number): void {
  if ((length & 3) === 0) return;
  m.i32[(id + length) >>> 2]! &= (1 << ((length & 3) << 3)) - 1;
}

/**
 * Hashes the `length` bytes at `at`, which must be padded with zeros to whole words. Sets `tag` and `spread`.
 *
 * The 64-bit sum is kept as four 16-bit parts in 32-bit integers, which have room for the carries of all 126 products
 * of the longest NodeID. With numbers above 32 bits a JavaScript engine has to guess whether they are integers or
 * doubles, and a wrong guess is slow.
 */
export function hashId(m: EngineState, at: number, length: number): void {
  const i32 = m.i32;
  let key = H_KEY_ID >>> 2;
  let from = at >>> 2;
  let s0 = length & 0xffff;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let words = (length + 3) >>> 2; words > 0; words -= 2, from += 2, key += 2) {
    const first = (i32[from]! + i32[key]!) | 0;
    const second = ((words > 1 ? i32[from + 1]! : 0) + i32[key + 1]!) | 0;
    const ll = Math.imul(first & 0xffff, second & 0xffff);
    const lh = Math.imul(first & 0xffff, second >>> 16);
    const hl = Math.imul(first >>> 16, second & 0xffff);
    const hh = Math.imul(first >>> 16, second >>> 16);
    s0 = (s0 + (ll & 0xffff)) | 0;
    s1 = (s1 + (ll >>> 16) + (lh & 0xffff) + (hl & 0xffff)) | 0;
    s2 = (s2 + (lh >>> 16) + (hl >>> 16) + (hh & 0xffff)) | 0;
    s3 = (s3 + (hh >>> 16)) | 0;
  }
  finishSum(m, s0, s1, s2, s3);
}

/** Hashes a source network, given as two words and a family: 0 for IPv4, 1 for IPv6. Sets `tag` and `spread`. */
export function hashSource(m: EngineState, first: number, second: number, family: number): void {
  const key = (H_KEY_SOURCE + (family << 3)) >>> 2;
  const one = (first + m.i32[key]!) | 0;
  const other = (second + m.i32[key + 1]!) | 0;
  const ll = Math.imul(one & 0xffff, other & 0xffff);
  const lh = Math.imul(one & 0xffff, other >>> 16);
  const hl = Math.imul(one >>> 16, other & 0xffff);
  const hh = Math.imul(one >>> 16, other >>> 16);
  const s1 = (ll >>> 16) + (lh & 0xffff) + (hl & 0xffff);
  finishSum(m, ll & 0xffff, s1, (lh >>> 16) + (hl >>> 16) + (hh & 0xffff), hh >>> 16);
}

/** Finishes a sum given as four 16-bit parts plus their carries, lowest part first. */
function finishSum(m: EngineState, s0: number, s1: number, s2: number, s3: number): void {
  const c1 = (s1 + (s0 >>> 16)) | 0;
  const c2 = (s2 + (c1 >>> 16)) | 0;
  const c3 = (s3 + (c2 >>> 16)) | 0;
  finish(m, (c1 << 16) | (s0 & 0xffff), (c3 << 16) | (c2 & 0xffff));
}

/** Mixes the 64 bits so that each affects both words: two rounds of a keyed Feistel network. */
function finish(m: EngineState, low: number, high: number): void {
  m.spread = high ^ mix((low + m.i32[H_KEY >>> 2]!) | 0);
  m.tag = low ^ mix((m.spread + m.i32[(H_KEY + 4) >>> 2]!) | 0);
}

/**
 * A bijection on words in which every input bit affects every output bit (Wellons, "Prospecting for hash functions").
 */
function mix(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0xd35a2d97);
  return mixed ^ (mixed >>> 15);
}
