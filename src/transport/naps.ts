/**
 * Naps of a packet thread: it sleeps for a moment, so that more packets wait when it looks again. A batch of few packets costs nearly as
 * much as one of many, above all if the thread falls asleep and wakes up for it.
 */
import type { Libc } from "./libc.ts";

const PR_SET_TIMERSLACK = 29;
/** How much later a sleep may end than it should. Linux has 50 us by default, as long as a short nap. */
const TIMER_SLACK_NS = 1000;

export class Naps {
  readonly #libc: Libc;
  readonly #us: number;
  readonly #fullBatch: number;

  /**
   * @param us - the length of a nap in microseconds; 0 for no naps
   * @param fullBatch - the most packets of a batch
   */
  constructor(libc: Libc, us: number, fullBatch: number) {
    this.#libc = libc;
    this.#us = us;
    this.#fullBatch = fullBatch;
    if (us > 0) libc.call.prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0);
  }

  /** Naps after a batch of `count` packets, if it was not a full one: after that, more packets wait already. */
  after(count: number): void {
    if (this.#us > 0 && count < this.#fullBatch) this.#libc.call.usleep(this.#us);
  }
}
