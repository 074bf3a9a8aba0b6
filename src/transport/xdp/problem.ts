/** Work that is tried again and again, and the error with which it failed the last time. */
import { passesSoon } from "./reasons.ts";

/** An error that may pass is no problem yet for this long. */
const PASSING_MS = 1000;
/** For this long it is looked at again soon: on a busy machine the kernel may take longer. */
const SOON_MS = 5000;

export class Problem {
  #error: unknown;
  /** Since when every attempt has failed. */
  #since = 0;

  /** Runs `work`, and keeps its error. @returns whether there was none; then an earlier one is over */
  attempt(work: () => void): boolean {
    const done = this.attemptPart(work);
    if (done) this.clear();
    return done;
  }

  /** {@link attempt} for work after which more is to be done: an earlier error is not over yet. */
  attemptPart(work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      if (this.#error === undefined) this.#since = performance.now();
      this.#error = error;
      return false;
    }
  }

  clear(): void {
    this.#error = undefined;
  }

  /** Whether the last attempt failed with an error that may pass within moments. Changes with time. */
  get isTransient(): boolean {
    return this.#mayPass(PASSING_MS);
  }

  /** Whether to try again soon. */
  get soon(): boolean {
    return this.#mayPass(SOON_MS);
  }

  #mayPass(ms: number): boolean {
    return passesSoon(this.#error) && performance.now() - this.#since < ms;
  }

  /** The error of the last attempt, unless it is transient. */
  get error(): unknown {
    return this.isTransient ? undefined : this.#error;
  }
}
