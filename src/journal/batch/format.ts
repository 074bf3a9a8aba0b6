/**
 * The format of batches: many announcements in one piece, as journals store them.
 *
 * A batch is 32-bit words, little-endian. The header:
 *
 * | words | |
 * |---|---|
 * | 1 | `"WHJ"` and the version, 3 |
 * | 1 | CRC-32 of everything after this word |
 * | 1 | number of nodes |
 * | 2 | origin: 8 bytes that identify the server that wrote it |
 * | 1 | number of devices; nodes and devices together are up to 16,384 |
 *
 * Then the nodes in order of time:
 *
 * | words | |
 * |---|---|
 * | 2 | time: f64, ms since 1970 |
 * | 1 | port << 16, BATCH_IPV4 if the address is IPv4, META_CONFIRMED, and the length of the NodeID in bytes |
 * | 1 or 4 | the IPv4 address, or the IPv6 address without BATCH_IPV4 |
 * | … | the NodeID, padded with zeros |
 *
 * Then the devices of Syncthing, in order of the time of their latest address:
 *
 * | words | |
 * |---|---|
 * | 1 | DEVICE_CONFIRMED, and the number of addresses, 1 to 32 |
 * | 8 | the device ID |
 * | … | the addresses |
 *
 * An address of a device:
 *
 * | words | |
 * |---|---|
 * | 2 | time: f64, ms since 1970 |
 * | 1 | its length in bytes |
 * | … | printable ASCII, padded with zeros |
 *
 * Versions 1 and 2 are read, too. They have no devices, and no word for their number. Version 1 also lacks META_CONFIRMED,
 * and all its nodes count as confirmed.
 *
 * A node with a NodeID of 52 bytes and an IPv4 address takes 68 bytes. A device with 3 addresses of 25 bytes takes 156.
 *
 * Nodes are written from the packet engine's exchange area and read into it (assembly/layout.ts), word by word, without an
 * object per node.
 */
import { ENTRY_ADDRESS, ENTRY_ID, ENTRY_META, ENTRY_TIME, MAX_ID_LENGTH } from "../../../assembly/layout.ts";
import { MAX_DEVICE_ADDRESSES, MAX_DEVICE_BYTES } from "../device.ts";

/** The bytes "WHJ", then the version. */
export const MAGIC = 0x4a4857;
export const VERSION = 3;
export const HEADER_WORDS = 6;
/** The same in versions 1 and 2. */
export const OLD_HEADER_WORDS = 5;
/** Flag in a node's third word: the address is IPv4, one word. */
export const BATCH_IPV4 = 0x8000;
/**
 * Bits of a node's third word for the length of the NodeID. In the engine's memory, fewer bits are for the length, and the
 * others are flags. As part of a length they are too long for a NodeID, so a batch cannot set those flags.
 */
export const BATCH_LENGTH = 0x3fff;
export const MIN_NODE_WORDS = 5;
export const MAX_NODE_WORDS = 7 + (MAX_ID_LENGTH >>> 2);

/** Flag in a device's first word. */
export const DEVICE_CONFIRMED = 0x8000;
/** Words of a device before its addresses, and of an address before its text. */
export const DEVICE_WORDS = 9;
export const ADDRESS_WORDS = 3;
export const MIN_DEVICE_WORDS = DEVICE_WORDS + ADDRESS_WORDS + 1;
/** With padding after each address. */
export const MAX_DEVICE_WORDS = DEVICE_WORDS + MAX_DEVICE_ADDRESSES * (ADDRESS_WORDS + 1) + (MAX_DEVICE_BYTES >>> 2);

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

/** The time that begins at word `at`: of a node, or of an address of a device. */
export function timeAt(words: Int32Array, at: number): number {
  f64Words[0] = words[at]!;
  f64Words[1] = words[at + 1]!;
  return f64[0]!;
}
