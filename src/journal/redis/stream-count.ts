/** Counts the announcements in a stream, of nodes and of devices, by what was read of it. */
import { isBefore } from "./stream.ts";

export class StreamCount {
  /** Announcements in the entries that were read and are still in the stream. */
  total = 0;
  #entries: { readonly id: string; readonly count: number }[] = [];
  /** Index of the first entry that is still in the stream. */
  #start = 0;

  /** The first entry that is still in the stream. */
  get first(): string | undefined {
    return this.#entries[this.#start]?.id;
  }

  add(id: string, count: number): void {
    this.#entries.push({ id, count });
    this.total += count;
  }

  /** The stream was trimmed up to this entry. */
  drop(id: string): void {
    for (let entry = this.#entries[this.#start]; entry && !isBefore(id, entry.id); entry = this.#entries[this.#start]) {
      this.total -= entry.count;
      this.#start++;
    }
    if (this.#start * 2 < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#start);
    this.#start = 0;
  }

  clear(): void {
    this.#entries = [];
    this.#start = 0;
    this.total = 0;
  }
}
