/**
 * The time that the packet engine gets: milliseconds that never step back or ahead, whatever happens to the system's
 * clock. It starts as the system's time, so it also is, roughly, ms since 1970. It stands still while the machine sleeps.
 */
import { monotonicMs } from "../transport/libc.ts";

/** Reading all clocks takes a few microseconds. If it takes longer than this, in ms, the thread was interrupted. */
const UNINTERRUPTED_MS = 0.1;
const TRIES = 100;

export class Clock {
  /** This clock minus the system's monotonic clock, in ms: clocks of other threads with the same number agree with it. */
  readonly epoch: number;
  /** This clock minus `performance.now()`, which starts at 0 in every thread. */
  readonly #offset: number;

  /** @param epoch - that of another thread's clock; left out for a new clock */
  constructor(epoch?: number) {
    const { monotonic, system, thread } = readClocks();
    this.epoch = epoch ?? system - monotonic;
    this.#offset = this.epoch + monotonic - thread;
  }

  /** The time in whole milliseconds. */
  now(): number {
    return Math.floor(this.#offset + performance.now());
  }
}

/** Reads three clocks at the same time: again if this thread was interrupted meanwhile. */
function readClocks(): { monotonic: number; system: number; thread: number } {
  for (let left = TRIES; ; left--) {
    const monotonic = monotonicMs();
    const [system, thread] = [Date.now(), performance.now()];
    if (monotonicMs() - monotonic < UNINTERRUPTED_MS || left === 0) return { monotonic, system, thread };
  }
}
