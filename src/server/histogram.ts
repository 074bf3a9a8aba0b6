/** Counts how often values fall into each of some ranges. */
import type { Histogram } from "./stats.ts";

export class HistogramCounter {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  /** @param bounds - upper bounds of the ranges, ascending */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  add(value: number): void {
    const range = this.#bounds.findIndex((bound) => value <= bound);
    this.#counts[range < 0 ? this.#bounds.length : range]!++;
    this.#sum += value;
  }

  get current(): Histogram {
    return { bounds: this.#bounds, counts: [...this.#counts], sum: this.#sum };
  }
}
