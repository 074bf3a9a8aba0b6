/**
 * The worker's side of the rings that it shares with the kernel. One side adds entries and moves `producer`, the other takes them
 * and moves `consumer`. Both counters wrap around at 2^32.
 */
import type { RingLayout } from "./region.ts";

/** A ring whose entries the kernel adds and the worker takes. */
export class TakingRing {
  /** The entries as words. */
  readonly words: Int32Array;
  readonly #producer: Int32Array;
  readonly #consumer: Int32Array;
  readonly #mask: number;
  readonly #entryWords: number;
  #next: number;

  constructor(region: ArrayBuffer, layout: RingLayout, entries: number, entrySize: number) {
    this.words = new Int32Array(region, layout.entries, (entries * entrySize) >>> 2);
    this.#producer = new Int32Array(region, layout.producer, 1);
    this.#consumer = new Int32Array(region, layout.consumer, 1);
    this.#mask = entries - 1;
    this.#entryWords = entrySize >>> 2;
    this.#next = Atomics.load(this.#consumer, 0);
  }

  /** Number of entries that can be taken. */
  get available(): number {
    const available = (Atomics.load(this.#producer, 0) - this.#next) | 0;
    // Empty memory is in the place of rings that were taken away from this worker.
    return available >= 0 && available <= this.#mask + 1 ? available : 0;
  }

  /** Takes the next entry. @returns its place in `words`, valid until {@link commit} */
  take(): number {
    const at = (this.#next & this.#mask) * this.#entryWords;
    this.#next = (this.#next + 1) | 0;
    return at;
  }

  /** Gives the places of taken entries back. */
  commit(): void {
    Atomics.store(this.#consumer, 0, this.#next);
  }
}

/** A ring whose entries the worker adds and the kernel takes. It is never full: it has a place for each frame. */
export class AddingRing {
  readonly words: Int32Array;
  readonly #producer: Int32Array;
  readonly #consumer: Int32Array;
  readonly #mask: number;
  readonly #entryWords: number;
  #next: number;

  constructor(region: ArrayBuffer, layout: RingLayout, entries: number, entrySize: number) {
    this.words = new Int32Array(region, layout.entries, (entries * entrySize) >>> 2);
    this.#producer = new Int32Array(region, layout.producer, 1);
    this.#consumer = new Int32Array(region, layout.consumer, 1);
    this.#mask = entries - 1;
    this.#entryWords = entrySize >>> 2;
    this.#next = Atomics.load(this.#producer, 0);
  }

  /** Adds an entry. @returns its place in `words`: to be filled before {@link commit} */
  add(): number {
    const at = (this.#next & this.#mask) * this.#entryWords;
    this.#next = (this.#next + 1) | 0;
    return at;
  }

  /** Shows the added entries to the kernel. */
  commit(): void {
    Atomics.store(this.#producer, 0, this.#next);
  }

  /** Whether the kernel has not taken all entries yet. */
  get pending(): boolean {
    return Atomics.load(this.#consumer, 0) !== this.#next;
  }
}
