/** Counts the look-ups of each device that found nothing. Programs that ask for a dead device again and again are told to come less often. */
import { DEVICE_ID_BYTES } from "../device-id.ts";

const SLOTS_LOG2 = 16;
const SLOTS = 1 << SLOTS_LOG2;
/** 16-bit words of a device ID. */
const ID_WORDS = DEVICE_ID_BYTES / 2;
/** Random numbers: for each of two hashes one per word of an ID, and one that is added. */
const KEY_WORDS = 2 * (ID_WORDS + 1);
/** Low half of a slot: how often the device was missed. High half: the tag, which tells devices of one slot apart. */
const COUNT_MASK = 0xffff;
const TAG_MASK = ~COUNT_MASK;

/** Bytes of a {@link MissTable}. */
export const MISS_TABLE_BYTES = 4 * (KEY_WORDS + SLOTS);

/** The memory of a new {@link MissTable}, with a random key. */
export function createMissMemory(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(MISS_TABLE_BYTES);
  // Random numbers are not written to shared memory directly.
  new Uint32Array(memory).set(crypto.getRandomValues(new Uint32Array(KEY_WORDS)));
  return memory;
}

/**
 * A table of a fixed size, which threads share. A device that comes to the slot of another one replaces it: that one's count starts
 * again, so its callers come somewhat more often. The place is a keyed hash, so nobody can aim at the slot of another device.
 */
export class MissTable {
  readonly #key: Uint32Array;
  readonly #slots: Int32Array;

  /** @param memory - of {@link createMissMemory} */
  constructor(memory: SharedArrayBuffer) {
    if (memory.byteLength !== MISS_TABLE_BYTES) {
      throw new RangeError(`the memory of a miss table must have ${MISS_TABLE_BYTES} bytes, not ${memory.byteLength}`);
    }
    this.#key = new Uint32Array(memory, 0, KEY_WORDS);
    this.#slots = new Int32Array(memory, 4 * KEY_WORDS, SLOTS);
  }

  /**
   * Counts a look-up that found nothing. Of two threads that count at the same time, one may be lost.
   *
   * @param id - 32 bytes
   * @returns how often the device was missed since its last announcement, at most 65535
   */
  count(id: Uint8Array): number {
    const slot = this.#hash(id, 0) >>> (32 - SLOTS_LOG2);
    const tag = this.#hash(id, ID_WORDS + 1) & TAG_MASK;
    const before = Atomics.load(this.#slots, slot);
    const count = (before & TAG_MASK) === tag ? Math.min((before & COUNT_MASK) + 1, COUNT_MASK) : 1;
    Atomics.store(this.#slots, slot, tag | count);
    return count;
  }

  /** Starts again at 0: the device was announced. @param id - 32 bytes */
  reset(id: Uint8Array): void {
    const slot = this.#hash(id, 0) >>> (32 - SLOTS_LOG2);
    const tag = this.#hash(id, ID_WORDS + 1) & TAG_MASK;
    const before = Atomics.load(this.#slots, slot);
    // A device that came here meanwhile keeps its count.
    if ((before & TAG_MASK) === tag) Atomics.compareExchange(this.#slots, slot, before, 0);
  }

  /**
   * Multiply-shift hashing of a vector (Dietzfelbinger, "Universal hashing and k-wise independent random variables via integer
   * arithmetic without primes"): of the result, the upper 16 bits may be used.
   */
  #hash(id: Uint8Array, key: number): number {
    const keys = this.#key;
    let sum = keys[key + ID_WORDS]!;
    for (let word = 0; word < ID_WORDS; word++) {
      sum = (sum + Math.imul(keys[key + word]!, (id[2 * word]! << 8) | id[2 * word + 1]!)) | 0;
    }
    return sum;
  }
}
