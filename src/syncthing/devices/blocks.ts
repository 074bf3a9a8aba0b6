/** The blocks of the table of devices: which are free, and which belong to a device. */
import {
  BLOCK,
  BLOCK_NEXT,
  DEVICE_FLAGS,
  DEVICE_HASH,
  DEVICE_ID,
  DEVICE_LENGTH,
  FIRST_DATA,
  FURTHER_DATA,
} from "./layout.ts";
import type { DeviceView } from "./view.ts";

/** How many blocks a device with addresses of this length takes. */
function blocksFor(length: number): number {
  return 1 + Math.ceil(Math.max(0, length - (BLOCK - FIRST_DATA)) / (BLOCK - FURTHER_DATA));
}

export class BlockPool {
  readonly #view: DeviceView;
  /** First block of the list of blocks that were used and are free again; 0: none. */
  #freed = 0;
  /** Blocks from this one on were never used. */
  #unused = 1;
  /** Number of free blocks. */
  #free: number;

  constructor(view: DeviceView) {
    this.#view = view;
    this.#free = view.blocks - 1;
  }

  /** Whether `length` bytes of addresses fit, in the blocks of the device that begins with `block` or in a new one's if it is 0. */
  fits(block: number, length: number): boolean {
    const own = block === 0 ? 0 : blocksFor(this.#view.u32[(this.#view.at(block) + DEVICE_LENGTH) >>> 2]!);
    return blocksFor(length) <= own + this.#free;
  }

  /** Takes a first block for a new device, which has no addresses yet. */
  first(id: Uint8Array, hash: number): number {
    const block = this.#take();
    const at = this.#view.at(block);
    this.#view.u32[(at + DEVICE_LENGTH) >>> 2] = 0;
    this.#view.u32[(at + DEVICE_FLAGS) >>> 2] = 0;
    this.#view.u32[(at + DEVICE_HASH) >>> 2] = hash;
    this.#view.u8.set(id, at + DEVICE_ID);
    return block;
  }

  /** Stores the addresses of a device in its blocks, which get more or fewer as needed. */
  store(first: number, data: Uint8Array, length: number): void {
    const { u8, u32 } = this.#view;
    u32[(this.#view.at(first) + DEVICE_LENGTH) >>> 2] = length;
    let block = first;
    for (let stored = 0, from = FIRST_DATA; ; from = FURTHER_DATA) {
      const at = this.#view.at(block);
      const part = Math.min(length - stored, BLOCK - from);
      u8.set(data.subarray(stored, stored + part), at + from);
      stored += part;
      const next = u32[(at + BLOCK_NEXT) >>> 2]!;
      if (stored === length) {
        u32[(at + BLOCK_NEXT) >>> 2] = 0;
        this.release(next);
        return;
      }
      block = next === 0 ? this.#take() : next;
      u32[(at + BLOCK_NEXT) >>> 2] = block;
    }
  }

  /** Frees a block and those that follow it. */
  release(block: number): void {
    while (block !== 0) {
      const link = (this.#view.at(block) + BLOCK_NEXT) >>> 2;
      const next = this.#view.u32[link]!;
      this.#view.u32[link] = this.#freed;
      this.#freed = block;
      this.#free++;
      block = next;
    }
  }

  #take(): number {
    const block = this.#freed === 0 ? this.#unused++ : this.#freed;
    const link = (this.#view.at(block) + BLOCK_NEXT) >>> 2;
    if (block === this.#freed) this.#freed = this.#view.u32[link]!;
    this.#view.u32[link] = 0;
    this.#free--;
    return block;
  }
}
