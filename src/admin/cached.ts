/** A value that is computed again after `ms`, however many requests ask for it. */
export class Cached<T> {
  readonly #make: () => T;
  readonly #ms: number;
  #value: T | undefined;
  #madeAt = Number.NEGATIVE_INFINITY;

  constructor(ms: number, make: () => T) {
    this.#ms = ms;
    this.#make = make;
  }

  get(): T {
    if (performance.now() - this.#madeAt >= this.#ms) {
      this.#value = this.#make();
      this.#madeAt = performance.now();
    }
    return this.#value as T;
  }
}
