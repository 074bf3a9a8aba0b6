/** One part of a batch that is being written: its nodes, or its devices. */
import { MAX_ENTRIES } from "./format.ts";

/**
 * To sort the entries, each gets one number: the ms since the oldest entry, times MAX_ENTRIES, plus the entry's index. A
 * time further from the oldest than this counts as this, so that the number fits in the 53 bits of a double.
 */
const MAX_SORT_SPAN = 2 ** 39;

export class Section {
  /** The entries in the order in which they were added. */
  words = new Int32Array(1 << 12);
  /** Where the next entry begins. */
  end = 0;
  count = 0;
  #starts = new Uint32Array(64);
  #times = new Float64Array(64);

  /** Begins an entry at `end`, with room for `most` words. The caller writes it and sets `end` to where it ends. */
  begin(time: number, most: number): void {
    while (this.end + most > this.words.length) this.words = doubled(this.words, Int32Array);
    if (this.count === this.#starts.length) {
      this.#starts = doubled(this.#starts, Uint32Array);
      this.#times = doubled(this.#times, Float64Array);
    }
    this.#starts[this.count] = this.end;
    this.#times[this.count++] = time;
  }

  /** The latest time; minus infinity if there is no entry. */
  get newest(): number {
    let newest = Number.NEGATIVE_INFINITY;
    for (let entry = 0; entry < this.count; entry++) newest = Math.max(newest, this.#times[entry]!);
    return newest;
  }

  /** Writes the entries to word `at` of `to`, in order of time. Returns where they end. */
  copy(to: Int32Array, at: number): number {
    let end = at;
    for (const key of this.#sortKeys()) {
      const entry = key % MAX_ENTRIES;
      const start = this.#starts[entry]!;
      const stop = entry + 1 < this.count ? this.#starts[entry + 1]! : this.end;
      for (let word = start; word < stop; word++) to[end++] = this.words[word]!;
    }
    return end;
  }

  clear(): void {
    this.end = 0;
    this.count = 0;
  }

  /** One number per entry, sorted by time; its remainder by MAX_ENTRIES is the entry's index. */
  #sortKeys(): Float64Array {
    const keys = new Float64Array(this.count);
    let oldest = Number.POSITIVE_INFINITY;
    for (let entry = 0; entry < keys.length; entry++) oldest = Math.min(oldest, this.#times[entry]!);
    for (let entry = 0; entry < keys.length; entry++) {
      const since = Math.min(Math.floor(this.#times[entry]! - oldest), MAX_SORT_SPAN - 1);
      keys[entry] = since * MAX_ENTRIES + entry;
    }
    return keys.sort();
  }
}

function doubled<T extends Int32Array | Uint32Array | Float64Array>(from: T, type: new (length: number) => T): T {
  const to = new type(from.length * 2);
  to.set(from);
  return to;
}
