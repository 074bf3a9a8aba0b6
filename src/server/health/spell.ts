/** Something that happens again and again, such as packets that a limit stops: when it begins, and when it is over. */

/** Looks, one a second, of which {@link Spell.recent} is the sum. */
export const RECENT = 10;
/** By default, it is over after so many looks without it. So what comes and goes every few seconds is one spell. */
const QUIET = 30;

export class Spell {
  readonly #threshold: number;
  readonly #end: number;
  #last = 0;
  #counts: number[] = [];
  #quiet = 0;
  /** Whether it lasts. */
  active = false;
  /** How often it happened, in the spell that lasts or in the last one. */
  total = 0;

  /**
   * @param threshold - how often it must happen in ten seconds to begin
   * @param quiet - after how many looks without it, it is over
   */
  constructor(threshold: number, quiet = QUIET) {
    this.#threshold = threshold;
    this.#end = quiet;
  }

  /** To be called once a second. @param counter - how often it has happened since the start of the server */
  look(counter: number): void {
    const count = counter - this.#last;
    this.#last = counter;
    this.#counts = [...this.#counts, count].slice(-RECENT);
    this.#quiet = count > 0 ? 0 : this.#quiet + 1;
    if (this.active) this.total += count;
    if (this.active && this.#quiet >= this.#end) this.active = false;
    else if (!this.active && this.recent >= this.#threshold) {
      this.active = true;
      this.total = this.recent;
    }
  }

  /** How often it happened in the last ten seconds. */
  get recent(): number {
    return this.#counts.reduce((a, b) => a + b, 0);
  }

  /** `3 a second`, of the last ten seconds. */
  get rate(): string {
    const rate = this.recent / RECENT;
    return rate > 0 && rate < 1 ? "less than 1 a second" : `${Math.round(rate)} a second`;
  }
}
