/** A count of the last minute, which forgets what is older. Times are in ms of one clock, which never steps. */

/** How long it remembers, in seconds. */
export const SECONDS = 60;
/** Seconds over which a rate is measured: the current one and those before it. */
const RATE_SECONDS = 10;

export class MinuteCount {
  /** When it began. */
  readonly since: number;
  /** When something was added last. */
  last: number;
  /** A count for each second. */
  readonly #counts = new Float64Array(SECONDS);

  constructor(now: number) {
    this.since = now;
    this.last = now;
  }

  add(packets: number, now: number): void {
    this.#forget(now);
    this.#counts[second(now) % SECONDS]! += packets;
    this.last = now;
  }

  /** Packets of the last minute. */
  total(now: number): number {
    return this.#sum(SECONDS, now);
  }

  /** Packets per second over the last ten seconds. The current second counts as far as it has passed. */
  rate(now: number): number {
    return this.#sum(RATE_SECONDS, now) / (RATE_SECONDS - 1 + (now / 1000 - second(now)));
  }

  #sum(seconds: number, now: number): number {
    const last = second(this.last);
    let sum = 0;
    for (let at = Math.max(second(this.since), second(now) - seconds + 1, last - SECONDS + 1); at <= last; at++) {
      sum += this.#counts[at % SECONDS]!;
    }
    return sum;
  }

  /** Clears the counts of the seconds that have passed since the last addition. */
  #forget(now: number): void {
    const current = second(now);
    for (let at = Math.max(second(this.last), current - SECONDS) + 1; at <= current; at++) {
      this.#counts[at % SECONDS] = 0;
    }
  }
}

function second(ms: number): number {
  return Math.floor(ms / 1000);
}
