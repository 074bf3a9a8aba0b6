/** Writes and reads bytes: hexadecimal, addresses, NodeIDs. */
import { hashId } from "../../../assembly/hash";
import { FILLER, SCRATCH } from "./memory";

/** Writes bytes given in hexadecimal to `at`. Spaces are ignored. Returns the number of bytes. */
export function put(at: usize, hex: string): u32 {
  let size: u32 = 0;
  let half: i32 = -1;
  for (let i = 0; i < hex.length; i++) {
    const code = hex.charCodeAt(i);
    if (code === 0x20) continue;
    const digit = code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x57;
    if (half < 0) {
      half = digit;
    } else {
      store<u8>(at + size++, <u8>((half << 4) | digit));
      half = -1;
    }
  }
  assert(half < 0, "half a byte");
  return size;
}

/** The `size` bytes at `at` in hexadecimal, in words: "20121025 56080000". */
export function hexOf(at: usize, size: u32): string {
  let hex = "";
  for (let i: u32 = 0; i < size; i++) {
    const byte = load<u8>(at + i);
    if (i !== 0 && (i & 3) === 0) hex += " ";
    hex += "0123456789abcdef".charAt(byte >> 4) + "0123456789abcdef".charAt(byte & 15);
  }
  return hex;
}

/** Fills the scratch area with 0xff again, then writes to its start. */
export function putFresh(hex: string): u32 {
  memory.fill(SCRATCH, FILLER, 2048);
  return put(SCRATCH, hex);
}

/** Flips bit number `bit` at `at`, counted from the most significant bit of the first byte. */
export function flip(at: usize, bit: u32): void {
  store<u8>(at + (bit >>> 3), load<u8>(at + (bit >>> 3)) ^ (<u8>0x80 >> <u8>(bit & 7)));
}

/** Writes ::ffff:a.b.c.d to `at`. */
export function ipv4(at: usize, a: u32, b: u32, c: u32, d: u32): usize {
  store<u64>(at, 0);
  store<u32>(at, 0xffff0000, 8);
  store<u32>(at, a | (b << 8) | (c << 16) | (d << 24), 12);
  return at;
}

/** Writes 2001:db8:`site`:`net`::`host` to `at`. */
export function ipv6(at: usize, site: u16, net: u16, host: u16): usize {
  store<u64>(at, 0, 8);
  store<u32>(at, 0xb80d0120);
  store<u16>(at, bswap<u16>(site), 4);
  store<u16>(at, bswap<u16>(net), 6);
  store<u16>(at, bswap<u16>(host), 14);
  return at;
}

/** Address of the current NodeID, which `useId` writes. */
export const ID: usize = SCRATCH + 0x8000;

/** Makes NodeID number `n`, of four bytes, the current one. */
export function useId(n: u32): void {
  store<u32>(ID, n);
  hashId(ID, 4);
}

/** Makes a pseudorandom NodeID of `length` bytes the current one. `n` is its seed. */
export function useLongId(n: u32, length: u32): void {
  memory.fill(ID, 0, 1024);
  let state = n * 0x9e3779b1 + length;
  for (let i: u32 = 0; i < length; i++) {
    state = state * 1664525 + 1013904223;
    store<u8>(ID + i, <u8>(state >>> 24));
  }
  hashId(ID, length);
}
