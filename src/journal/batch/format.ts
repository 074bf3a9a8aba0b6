/**
 * The format of batches: many entries in one piece, as journals store them.
 *
 * A batch is 32-bit words, little-endian. The header:
 *
 * | words | |
 * |---|---|
 * | 1 | `"WHJ"` and the version, 2 |
 * | 1 | CRC-32 of everything after this word |
 * | 1 | number of entries, up to 16,384 |
 * | 2 | origin: 8 bytes that identify the server that wrote it |
 *
 * Then the entries in order of time:
 *
 * | words | |
 * |---|---|
 * | 2 | time: f64, ms since 1970 |
 * | 1 | port << 16, BATCH_IPV4 if the address is IPv4, META_CONFIRMED, and the length of the NodeID in bytes |
 * | 1 or 4 | the IPv4 address, or the IPv6 address without BATCH_IPV4 |
 * | … | the NodeID, padded with zeros |
 *
 * Version 1 is read, too. It lacks META_CONFIRMED, and all its entries count as confirmed.
 *
 * An entry with a NodeID of 52 bytes and an IPv4 address takes 68 bytes.
 *
 * Batches are written from the packet engine's exchange area and read into it (assembly/layout.ts), word by word,
 * without an object per entry.
 */
import { ENTRY_ADDRESS, ENTRY_ID, ENTRY_META, ENTRY_TIME, MAX_ID_LENGTH } from "../../../assembly/layout.ts";

/** The bytes "WHJ", then the version. */
export const MAGIC = 0x4a4857;
export const VERSION = 2;
export const HEADER_WORDS = 5;
/** Flag in an entry's third word: the address is IPv4, one word. */
export const BATCH_IPV4 = 0x8000;
/**
 * The bits of that word that are the length of the NodeID. They include META_AUTHENTICATED, so an entry with this flag is
 * refused for its length: no entry of a batch can make a node authenticated.
 */
export const BATCH_LENGTH = 0x3fff;
export const MIN_ENTRY_WORDS = 5;
export const MAX_ENTRY_WORDS = 7 + (MAX_ID_LENGTH >>> 2);
/** A batch is full with this many entries, or words: half a megabyte with usual NodeIDs, one with the longest. */
export const FULL_ENTRIES = 8192;
export const FULL_WORDS = 1 << 18;
/** The most entries in a batch: a listing of the registry may exceed FULL_ENTRIES before the batch is sealed. */
export const MAX_ENTRIES = 2 * FULL_ENTRIES;

/** Offsets in an entry of the exchange area, in words. */
export const TIME = ENTRY_TIME >>> 2;
export const META = ENTRY_META >>> 2;
export const ADDRESS = ENTRY_ADDRESS >>> 2;
export const ID = ENTRY_ID >>> 2;

/** One double and its two words: doubles in a batch are not aligned, so they are read and written as words. */
export const f64 = new Float64Array(1);
export const f64Words = new Int32Array(f64.buffer);

/** Bytes that are not a batch, or a damaged one. */
export class BatchError extends Error {
  override readonly name = "BatchError";
}

export function checksum(bytes: Uint8Array): number {
  return Bun.hash.crc32(bytes.subarray(8)) | 0;
}

/** The time of the entry that begins at word `at`. */
export function timeAt(words: Int32Array, at: number): number {
  f64Words[0] = words[at]!;
  f64Words[1] = words[at + 1]!;
  return f64[0]!;
}
