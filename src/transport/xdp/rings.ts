/**
 * The worker's side of the rings that it shares with the kernel. One side adds entries and moves `producer`, the other takes them
 * and moves `consumer`. Both counters wrap around at 2^32.
 */
import type { RingLayout } from "./region.ts";

abstract class Ring {
  /** The entries as words. */
  readonly words: Int32Array;
  protected readonly producer: Int32Array;
  protected readonly consumer: Int32Array;
  protected readonly size: number;
  /** The worker's own counter, which the kernel sees after `commit`. */
  protected next = 0;
  readonly #entryWords: number;

  constructor(region: ArrayBuffer, layout: RingLayout, entries: number, entrySize: number) {
    this.words = new Int32Array(region, layout.entries, (entries * entrySize) >>> 2);
    this.producer = new Int32Array(region, layout.producer, 1);
    this.consumer = new Int32Array(region, layout.consumer, 1);
    this.size = entries;
    this.#entryWords = entrySize >>> 2;
  }

  /** @returns the place in `words` of the next entry */
  protected advance(): number {
    const at = (this.next & (this.size - 1)) * this.#entryWords;
    this.next = (this.next + 1) | 0;
    return at;
  }
}

/** A ring whose entries the kernel adds and the worker takes. */
export class TakingRing extends Ring {
  constructor(...args: ConstructorParameters<typeof Ring>) {
    super(...args);
    this.next = Atomics.load(this.consumer, 0);
  }

  /** Number of entries that can be taken. */
  get available(): number {
    const available = (Atomics.load(this.producer, 0) - this.next) | 0;
    // Empty memory is in the place of rings that were taken away from this worker.
    return available >= 0 && available <= this.size ? available : 0;
  }

  /** Takes the next entry. @returns its place in `words`, valid until {@link commit} */
  take(): number {
    return this.advance();
  }

  /** Gives the places of taken entries back. */
  commit(): void {
    Atomics.store(this.consumer, 0, this.next);
  }
}

/** A ring whose entries the worker adds and the kernel takes. It is never full: it has a place for each frame. */
export class AddingRing extends Ring {
  constructor(...args: ConstructorParameters<typeof Ring>) {
    super(...args);
    this.next = Atomics.load(this.producer, 0);
  }

  /** Adds an entry. @returns its place in `words`: to be filled before {@link commit} */
  add(): number {
    return this.advance();
  }

  /** Shows the added entries to the kernel. */
  commit(): void {
    Atomics.store(this.producer, 0, this.next);
  }

  /** Whether the kernel has not taken all entries yet. */
  get pending(): boolean {
    return Atomics.load(this.consumer, 0) !== this.next;
  }
}
