import { MAX_CLOCK_SKEW } from "../../../assembly/layout.ts";
import type { Batch } from "../batch.ts";

/**
 * Places what was announced before the clock was set back, and now seems to come from the future, where it was: before all that
 * was appended behind it. As of now it would overrule that, and hold for another retention at each start.
 */
export class Past {
  /** What is added to times to come: no less to those of later batches. */
  shift = 0;
  /** When what is still to be read was announced at the latest. */
  #latest = Date.now();

  /** Parts of a batch, with what is to be added to their times. The batch that was appended last comes first. */
  *place(batch: Batch): Generator<[Batch, number]> {
    const limit = Date.now() + MAX_CLOCK_SKEW;
    let known = batch.count;
    while (known > 0 && batch.time(known - 1) > limit) known--;
    if (known < batch.count) {
      this.shift = Math.min(this.shift, Math.floor(this.#latest - batch.time(batch.count - 1)));
      yield [batch.part(known), this.shift];
    }
    if (known > 0) {
      this.#latest = Math.min(this.#latest, batch.time(0) - 1);
      yield [batch.part(0, known), 0];
    }
  }
}
