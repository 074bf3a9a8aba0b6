import { MAX_CLOCK_SKEW } from "../../../assembly/layout.ts";
import type { Batch } from "../batch/index.ts";

/** The corrections of nodes, or those of devices. */
interface Correction {
  /** Added to times in the future; never less negative for an earlier batch than for a later one. */
  shift: number;
  /** No announcement that is still to be read was made after this time. */
  latest: number;
}

/**
 * Corrects announcements from the future, which a file contains after the clock was set back. Batches must come latest
 * first.
 *
 * Such an announcement was made before everything that was appended after it, so it is dated before that. If it were
 * dated now instead, it would replace later announcements of the same node, and would be valid for another retention
 * after each start.
 *
 * Nodes and devices are corrected independently: after a rewrite of the file, the oldest devices come after the latest
 * nodes.
 */
export class ClockRollback {
  readonly #nodes: Correction;
  readonly #devices: Correction;
  readonly #limit: number;

  constructor(now: number) {
    this.#nodes = { shift: 0, latest: now };
    this.#devices = { shift: 0, latest: now };
    this.#limit = now + MAX_CLOCK_SKEW;
  }

  /** Whether there were announcements from the future. */
  get needed(): boolean {
    return this.#nodes.shift !== 0 || this.#devices.shift !== 0;
  }

  /** Splits a batch into parts, each with the number to add to its times. `known` is to be added in any case. */
  *correct(batch: Batch, known: number): Generator<[Batch, number]> {
    yield* this.#correct(batch.nodesOnly(), known, this.#nodes, (past) => past.oldest);
    // A rewrite appends devices in any order, so the latest of a batch is the bound. An earlier announcement that is dated
    // too late replaces nothing: the addresses of a device add up.
    yield* this.#correct(batch.devicesOnly(), known, this.#devices, (past) => past.newest);
  }

  *#correct(
    batch: Batch,
    known: number,
    correction: Correction,
    bound: (past: Batch) => number,
  ): Generator<[Batch, number]> {
    const [past, future] = batch.split(this.#limit - known);
    if (future.total > 0) {
      correction.shift = Math.min(correction.shift, Math.floor(correction.latest - (future.newest + known)));
      yield [future, known + correction.shift];
    }
    if (past.total > 0) {
      correction.latest = Math.min(correction.latest, bound(past) + known - 1);
      yield [past, known];
    }
  }
}
