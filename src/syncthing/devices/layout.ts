/**
 * The memory of the table of devices. One thread writes it, and others read it without locks.
 *
 * A header, then the index, then blocks. A device takes a first block and as many further ones as its addresses need. The
 * index is open-addressing with linear probing: each slot has the number of a first block, or 0.
 *
 * All offsets are in bytes, and fields are u32 unless their comment says otherwise.
 */

import { MAX_DEVICE_ADDRESSES, MAX_DEVICE_BYTES } from "../../journal/device.ts";

/* ---- Header ---- */

/** Odd while the table is written. What was read is consistent if this was even before and has not changed since. */
export const T_SEQUENCE = 0;
/** The most devices that are stored. */
export const T_CAPACITY = 4;
/** Number of slots of the index. */
export const T_SLOTS = 8;
/** Number of blocks; block 0 is never used. */
export const T_BLOCKS = 12;
/** Random seed of the hash, so that nobody can choose IDs that meet in one part of the index. */
export const T_SEED = 16;
export const T_HEADER = 64;

/* ---- Block ---- */

export const BLOCK = 128;
/** The next block of the device, or of the free list; 0: none. */
export const BLOCK_NEXT = 0;
/** Where the addresses of a further block begin. */
export const FURTHER_DATA = 4;

/* The first block of a device. */

/** Length of its addresses in all its blocks. */
export const DEVICE_LENGTH = 4;
/** Number of its addresses << 16, FLAG_CONFIRMED, FLAG_OWN. */
export const DEVICE_FLAGS = 8;
/** Hash of its ID. */
export const DEVICE_HASH = 12;
/** 32 bytes. */
export const DEVICE_ID = 16;
export const FIRST_DATA = 48;

/** It was announced at least twice. */
export const FLAG_CONFIRMED = 1;
/** It was announced to this server last, not read from the journal. */
export const FLAG_OWN = 2;

/* ---- Addresses, one after the other, not aligned ---- */

/** f64, little-endian: time of its last announcement, in ms of the server's clock. */
export const ADDRESS_TIME = 0;
/** u16, little-endian: length of the text. */
export const ADDRESS_LENGTH = 8;
export const ADDRESS_TEXT = 10;

/** The most bytes that the addresses of a device take. */
export const MAX_DATA = MAX_DEVICE_BYTES + MAX_DEVICE_ADDRESSES * ADDRESS_TEXT;
/** The most blocks that a device takes. */
const MAX_DEVICE_BLOCKS = 1 + Math.ceil((MAX_DATA - (BLOCK - FIRST_DATA)) / (BLOCK - FURTHER_DATA));

/** Blocks per device, on average: 576 bytes of addresses, some 15 of them. */
const BLOCKS_EACH = 5;

/** Creates the memory. The operating system provides its pages when they are first used. */
export function createDeviceMemory(capacity: number): SharedArrayBuffer {
  const slots = capacity * 2 + 1;
  const blocks = capacity * BLOCKS_EACH + MAX_DEVICE_BLOCKS + 1;
  const memory = new SharedArrayBuffer(blocksAt(slots) + blocks * BLOCK);
  const u32 = new Uint32Array(memory);
  u32[T_CAPACITY >>> 2] = capacity;
  u32[T_SLOTS >>> 2] = slots;
  u32[T_BLOCKS >>> 2] = blocks;
  u32[T_SEED >>> 2] = crypto.getRandomValues(new Uint32Array(1))[0]!;
  return memory;
}

/** Address of block 0. */
export function blocksAt(slots: number): number {
  return Math.ceil((T_HEADER + slots * 4) / BLOCK) * BLOCK;
}
