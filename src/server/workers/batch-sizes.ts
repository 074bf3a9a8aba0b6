/** How many batches of which sizes the workers process. Each counts in a shared buffer of its own. */
import { Lane } from "../../engine/index.ts";
import type { Histogram } from "../stats.ts";

/** Powers of two up to the largest batch. */
const BOUNDS = Array.from({ length: Math.log2(Lane.BATCH) + 1 }, (_, i) => 2 ** i);
/** Number of the counter of packets, behind those of batches. All counters wrap around at 2^32. */
const PACKETS = BOUNDS.length;

/** Creates the buffer of one worker. */
export function createBatchCounters(): SharedArrayBuffer {
  return new SharedArrayBuffer((PACKETS + 1) * 4);
}

/** The worker's side. */
export class BatchCounter {
  readonly #counters: Uint32Array;

  constructor(buffer: SharedArrayBuffer) {
    this.#counters = new Uint32Array(buffer);
  }

  /** Counts a batch of 1 to 64 packets. */
  add(packets: number): void {
    // The number of bits of `packets - 1` is that of the first bound that is not smaller.
    this.#counters[32 - Math.clz32(packets - 1)]! += 1;
    this.#counters[PACKETS]! += packets;
  }
}

/** The control thread's side: sums of all workers, those that have ended included. */
export class BatchSizes {
  readonly #sums = new Float64Array(PACKETS + 1);
  /** Each worker's counters at the last reading. */
  readonly #seen = new Map<SharedArrayBuffer, Uint32Array>();

  /** Adds what a worker has counted since the last call, which must not be an hour ago. */
  read(buffer: SharedArrayBuffer): void {
    const counters = new Uint32Array(buffer);
    const seen = this.#seen.get(buffer) ?? new Uint32Array(PACKETS + 1);
    this.#seen.set(buffer, seen);
    for (let i = 0; i <= PACKETS; i++) {
      const now = Atomics.load(counters, i);
      this.#sums[i]! += (now - seen[i]!) >>> 0;
      seen[i] = now;
    }
  }

  /** Forgets the counters of a worker that has ended, but not what it has counted. */
  close(buffer: SharedArrayBuffer): void {
    this.read(buffer);
    this.#seen.delete(buffer);
  }

  histogram(): Histogram {
    // No batch is larger than the last bound.
    return { bounds: BOUNDS, counts: [...this.#sums.subarray(0, PACKETS), 0], sum: this.#sums[PACKETS]! };
  }
}
