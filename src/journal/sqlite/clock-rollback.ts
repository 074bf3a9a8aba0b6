import { MAX_CLOCK_SKEW } from "../../../assembly/layout.ts";
import type { Batch } from "../batch/index.ts";

/**
 * Corrects announcements from the future, which a file contains after the clock was set back. Batches must come latest
 * first.
 *
 * Such an announcement was made before everything that was appended after it, so it is dated before that. If it were
 * dated now instead, it would replace later announcements of the same node, and would be valid for another retention
 * after each start.
 */
export class ClockRollback {
  /** Added to times in the future; never less negative for an earlier batch than for a later one. */
  shift = 0;
  /** No announcement that is still to be read was made after this time. */
  #latest: number;
  readonly #limit: number;

  constructor(now: number) {
    this.#latest = now;
    this.#limit = now + MAX_CLOCK_SKEW;
  }

  /** Splits a batch into parts, each with the number to add to its times. `known` is to be added in any case. */
  *correct(batch: Batch, known: number): Generator<[Batch, number]> {
    const [past, future] = batch.split(this.#limit - known);
    if (future.total > 0) {
      this.shift = Math.min(this.shift, Math.floor(this.#latest - (future.newest + known)));
      yield [future, known + this.shift];
    }
    if (past.total > 0) {
      this.#latest = Math.min(this.#latest, past.oldest + known - 1);
      yield [past, known];
    }
  }
}
