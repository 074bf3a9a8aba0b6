/** Bytes by hand: hexadecimal, addresses, NodeIDs. */
import { hashId } from "../../../assembly/hash";
import { DIRT, SCRATCH } from "./memory";

/** Writes hexadecimal digits, spaces between them at will, to `at`; returns how many bytes they were. */
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

/** The `size` bytes at `at` in hexadecimal, words apart: "20121025 56080000". */
export function hexOf(at: usize, size: u32): string {
  let hex = "";
  for (let i: u32 = 0; i < size; i++) {
    const byte = load<u8>(at + i);
    if (i !== 0 && (i & 3) === 0) hex += " ";
    hex += "0123456789abcdef".charAt(byte >> 4) + "0123456789abcdef".charAt(byte & 15);
  }
  return hex;
}

/** Makes the room from SCRATCH on all ones again, and writes to it. */
export function putFresh(hex: string): u32 {
  memory.fill(SCRATCH, DIRT, 2048);
  return put(SCRATCH, hex);
}

/** Turns bit number `bit` of what lies at `at`, counted from the first byte's highest. */
export function flip(at: usize, bit: u32): void {
  store<u8>(at + (bit >>> 3), load<u8>(at + (bit >>> 3)) ^ (<u8>0x80 >> <u8>(bit & 7)));
}

/** ::ffff:a.b.c.d at `at`. */
export function ipv4(at: usize, a: u32, b: u32, c: u32, d: u32): usize {
  store<u64>(at, 0);
  store<u32>(at, 0xffff0000, 8);
  store<u32>(at, a | (b << 8) | (c << 16) | (d << 24), 12);
  return at;
}

/** 2001:db8:`site`:`net`::`host` at `at`. */
export function ipv6(at: usize, site: u16, net: u16, host: u16): usize {
  store<u64>(at, 0, 8);
  store<u32>(at, 0xb80d0120);
  store<u16>(at, bswap<u16>(site), 4);
  store<u16>(at, bswap<u16>(net), 6);
  store<u16>(at, bswap<u16>(host), 14);
  return at;
}

/** Where `take` writes the NodeID in hand. */
export const ID: usize = SCRATCH + 0x8000;

/** Writes NodeID number `n`, four bytes, and takes it in hand. */
export function take(n: u32): void {
  store<u32>(ID, n);
  hashId(ID, 4);
}

/** Takes a NodeID of `length` bytes in hand; `n` says which. */
export function useLongId(n: u32, length: u32): void {
  memory.fill(ID, 0, 1024);
  let state = n * 0x9e3779b1 + length;
  for (let i: u32 = 0; i < length; i++) {
    state = state * 1664525 + 1013904223;
    store<u8>(ID + i, <u8>(state >>> 24));
  }
  hashId(ID, length);
}
