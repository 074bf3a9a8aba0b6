/** Times of the server's clock as times of the system's clock, for people and other programs. */
import type { Clock } from "./clock.ts";

/** The system's clock was not set if it differs from the server's by no more than this since the last look, in ms. */
const SAME_MS = 10;

export class SystemTime {
  readonly #clock: Clock;
  /** The system's clock minus the server's, in ms. */
  #shift = Number.NaN;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * The time by the system's clock as it is set now, in ms since 1970. The server's clock does not step, the system's clock does.
   * Both are read a moment apart, so a small difference is none: the same time stays the same.
   */
  of(time: number): number {
    const shift = Date.now() - this.#clock.now();
    if (!(Math.abs(shift - this.#shift) <= SAME_MS)) this.#shift = shift;
    return time + this.#shift;
  }
}
