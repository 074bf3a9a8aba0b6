/** Shared by the reader and the writer of the table of devices: finds a device, and reads its addresses. */

import type { DeviceAddress } from "../../journal/device.ts";
import { DEVICE_ID_BYTES } from "../device-id.ts";
import {
  ADDRESS_LENGTH,
  ADDRESS_TEXT,
  ADDRESS_TIME,
  BLOCK,
  BLOCK_NEXT,
  blocksAt,
  DEVICE_HASH,
  DEVICE_ID,
  DEVICE_LENGTH,
  FIRST_DATA,
  FURTHER_DATA,
  MAX_DATA,
  T_BLOCKS,
  T_HEADER,
  T_SEED,
  T_SLOTS,
} from "./layout.ts";

export class DeviceView {
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  readonly slots: number;
  readonly blocks: number;
  readonly #seed: number;
  readonly #blocksAt: number;
  /** The addresses of one device, without gaps. */
  readonly #data = Buffer.alloc(MAX_DATA);

  constructor(memory: SharedArrayBuffer) {
    this.u8 = new Uint8Array(memory);
    this.u32 = new Uint32Array(memory);
    this.slots = this.u32[T_SLOTS >>> 2]!;
    this.blocks = this.u32[T_BLOCKS >>> 2]!;
    this.#seed = this.u32[T_SEED >>> 2]!;
    this.#blocksAt = blocksAt(this.slots);
  }

  hash(id: Uint8Array): number {
    return Bun.hash.xxHash32(id, this.#seed);
  }

  /** Address of a block. */
  at(block: number): number {
    return this.#blocksAt + block * BLOCK;
  }

  /** Index in `u32` of a slot of the index. */
  slot(slot: number): number {
    return (T_HEADER >>> 2) + slot;
  }

  /** The slot at which the search for a hash starts. */
  home(hash: number): number {
    return Math.floor((hash * this.slots) / 2 ** 32);
  }

  /** The slot of a device, or -1. Terminates even if the table is being changed meanwhile. */
  find(id: Uint8Array, hash: number): number {
    let slot = this.home(hash);
    for (let left = this.slots; left > 0; left--) {
      const block = this.u32[this.slot(slot)]!;
      if (block === 0) return -1;
      if (this.#matches(block, id, hash)) return slot;
      if (++slot === this.slots) slot = 0;
    }
    return -1;
  }

  /** The slot of a device that is in the table. */
  slotOf(block: number): number {
    let slot = this.home(this.u32[(this.at(block) + DEVICE_HASH) >>> 2]!);
    while (this.u32[this.slot(slot)] !== block) if (++slot === this.slots) slot = 0;
    return slot;
  }

  /**
   * Empties a slot: moves a later entry into it, unless that would put the entry before its home slot, then empties the slot
   * of this entry in the same way, and so on (Knuth, 6.4, algorithm R).
   */
  clearSlot(hole: number): void {
    for (let next = hole; ; ) {
      if (++next === this.slots) next = 0;
      const block = this.u32[this.slot(next)]!;
      if (block === 0) break;
      const home = this.home(this.u32[(this.at(block) + DEVICE_HASH) >>> 2]!);
      if (hole <= next ? hole < home && home <= next : hole < home || home <= next) continue;
      this.u32[this.slot(hole)] = block;
      hole = next;
    }
    this.u32[this.slot(hole)] = 0;
  }

  #matches(block: number, id: Uint8Array, hash: number): boolean {
    if (block >= this.blocks) return false;
    const at = this.at(block);
    if (this.u32[(at + DEVICE_HASH) >>> 2] !== hash) return false;
    for (let i = 0; i < DEVICE_ID_BYTES; i++) if (this.u8[at + DEVICE_ID + i] !== id[i]) return false;
    return true;
  }

  /**
   * Copies the addresses of the device that begins with `block`. Returns their length; less than the device has, if the table
   * is being changed meanwhile.
   */
  copyData(block: number): number {
    const length = Math.min(this.u32[(this.at(block) + DEVICE_LENGTH) >>> 2]!, MAX_DATA);
    let copied = 0;
    for (let from = FIRST_DATA; copied < length && block !== 0 && block < this.blocks; from = FURTHER_DATA) {
      const at = this.at(block);
      const part = Math.min(length - copied, BLOCK - from);
      this.#data.set(this.u8.subarray(at + from, at + from + part), copied);
      copied += part;
      block = this.u32[(at + BLOCK_NEXT) >>> 2]!;
    }
    return copied;
  }

  /** The addresses of the last {@link copyData} that are newer than `since`. */
  addresses(length: number, since: number): DeviceAddress[] {
    const found: DeviceAddress[] = [];
    const data = this.#data;
    for (let at = 0; at < length; ) {
      const announcedAt = data.readDoubleLE(at + ADDRESS_TIME);
      const end = at + ADDRESS_TEXT + data.readUInt16LE(at + ADDRESS_LENGTH);
      if (announcedAt > since) found.push({ address: data.toString("latin1", at + ADDRESS_TEXT, end), announcedAt });
      at = end;
    }
    return found;
  }
}
