/** The queue drops the entries before its head when they are more than this, and more than half of the array. */
const MAX_CONSUMED = 1024;

/** A queue whose entries can be cancelled while they are in it. */
export class Fifo<T extends { readonly cancelled: boolean }> {
  #list: T[] = [];
  #head = 0;

  push(entry: T): void {
    this.#list.push(entry);
  }

  /** The first entry that is not cancelled. */
  peek(): T | undefined {
    while (this.#list[this.#head]?.cancelled) this.#head++;
    if (this.#head > MAX_CONSUMED && this.#head * 2 > this.#list.length) {
      this.#list = this.#list.slice(this.#head);
      this.#head = 0;
    }
    return this.#list[this.#head];
  }

  /** Removes the entry that {@link peek} returned. */
  drop(): void {
    this.#head++;
  }
}
