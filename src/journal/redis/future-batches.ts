/**
 * Batches from the future, which a stream has after Redis's clock was set back, or until this server notices that it was set
 * ahead. They are put off: the servers that wrote them append them again with other times, and trim them. If nobody does so,
 * they are merged in the end, and count as made now.
 *
 * A batch is from the future if it has such times, or if Redis appended it in the future. In the second case this server's idea of
 * Redis's clock is wrong, and would make all times of the batch too late, also those that do not look wrong.
 */
import { MAX_CLOCK_SKEW } from "../../../assembly/layout.ts";
import type { Batch } from "../batch/index.ts";
import type { RegistryClock } from "../journal.ts";
import type { RedisConnection } from "./connection.ts";
import { isBefore, numberOf, type RedisStream, timeOf } from "./stream.ts";

/** Many times what it takes until a server notices that the clock was set, and has appended everything again. */
const WAIT_MS = 30_000;

interface Future {
  readonly id: string;
  readonly batch: Batch;
  /** The latest of the batch's times and, if that is known, the time when Redis appended it; by Redis's clock. */
  readonly latest: number;
  readonly since: number;
}

export class FutureBatches {
  readonly #stream: RedisStream;
  readonly #clock: RegistryClock;
  #batches: Future[] = [];

  constructor(stream: RedisStream, clock: RegistryClock) {
    this.#stream = stream;
    this.#clock = clock;
  }

  /** Batches that are not merged yet. */
  get count(): number {
    return this.#batches.length;
  }

  /** Puts a batch off if it is from the future. Returns whether it is. */
  putOff(id: string, batch: Batch): boolean {
    // After Redis's clock was set back, new ids keep the time of the last one before, and their numbers go on. So an id has the time of
    // Redis's clock for certain only if its number is 0. Of entries within one ms, this checks the first.
    const latest = numberOf(id) === 0 ? Math.max(timeOf(id), batch.newest) : batch.newest;
    if (!this.#isFuture(latest)) return false;
    this.#batches.push({ id, batch, latest, since: performance.now() });
    return true;
  }

  /** Merges the batches that need not wait any longer. */
  async mergeDue(connection: RedisConnection, merge: (batch: Batch) => Promise<void>): Promise<void> {
    if (this.#batches.length === 0) return;
    // A server that trims entries has appended their content again before, so these batches are not needed any more.
    const trimmed = (await this.#stream.trimmed(connection)) ?? "0-0";
    this.#batches = this.#batches.filter(({ id }) => isBefore(trimmed, id));
    const end = performance.now() - WAIT_MS;
    for (const one of this.#batches.filter(({ latest, since }) => since < end || !this.#isFuture(latest))) {
      await merge(one.batch);
      // Not earlier: the stream must not be trimmed while a batch of it is not merged yet.
      this.#batches = this.#batches.filter((other) => other !== one);
    }
  }

  #isFuture(time: number): boolean {
    return time - this.#stream.shift > this.#clock.now() + MAX_CLOCK_SKEW;
  }
}
