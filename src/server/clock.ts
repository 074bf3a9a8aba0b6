/**
 * The time that the packet engine gets: milliseconds that never step back or ahead, whatever happens to the system's
 * clock. It starts as the system's time, so it also is, roughly, ms since 1970. It stands still while the machine sleeps.
 */
import { monotonicMs } from "../transport/libc.ts";

export class Clock {
  /** This clock minus the system's monotonic clock, in ms: clocks of other threads with the same number agree with it. */
  readonly epoch: number;
  /** This clock minus `performance.now()`, which starts at 0 in every thread. */
  readonly #offset: number;

  /** @param epoch - that of another thread's clock; left out for a new clock */
  constructor(epoch?: number) {
    const monotonic = monotonicMs();
    this.epoch = epoch ?? Date.now() - monotonic;
    this.#offset = this.epoch + monotonic - performance.now();
  }

  /** The time in whole milliseconds. */
  now(): number {
    return Math.floor(this.#offset + performance.now());
  }
}
