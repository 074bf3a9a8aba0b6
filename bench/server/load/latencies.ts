/** How long replies took. Nothing is allocated after the start, so that no garbage collection delays the load. */

/** Queries per client that can be outstanding. A client's oldest ones are forgotten then. */
const OUTSTANDING = 4096;
/** Latencies are counted in steps of this size. */
const STEP_MS = 0.005;
const STEPS = 40_000;

/** A client's replies come in the order of its queries. A query whose reply was lost is skipped. */
export class Latencies {
  /** A ring per client: nodes asked for, and when. */
  readonly #nodes: Int32Array;
  readonly #times: Float64Array;
  /** By client: queries sent, and queries that were answered or skipped. */
  readonly #sent: Int32Array;
  readonly #done: Int32Array;
  /** By step: number of replies. The last step has all that took longer. */
  readonly #counts = new Int32Array(STEPS);
  #total = 0;

  constructor(clients: number) {
    this.#nodes = new Int32Array(clients * OUTSTANDING);
    this.#times = new Float64Array(clients * OUTSTANDING);
    this.#sent = new Int32Array(clients);
    this.#done = new Int32Array(clients);
  }

  /** A query for node `n` is sent at the time `now`, in ms. */
  sent(client: number, n: number, now: number): void {
    const at = client * OUTSTANDING + (this.#sent[client]! % OUTSTANDING);
    this.#nodes[at] = n;
    this.#times[at] = now;
    this.#sent[client]!++;
    if (this.#sent[client]! - this.#done[client]! > OUTSTANDING) this.#done[client]!++;
  }

  /** @param n - the node in the reply; -1 if it is an echo of the query */
  received(client: number, n: number, now: number): void {
    const sent = this.#sent[client]!;
    for (let next = this.#done[client]!; next < sent; next++) {
      const at = client * OUTSTANDING + (next % OUTSTANDING);
      if (n >= 0 && this.#nodes[at] !== n) continue;
      this.#done[client] = next + 1;
      const step = Math.floor((now - this.#times[at]!) / STEP_MS);
      this.#counts[Math.min(step, STEPS - 1)]!++;
      this.#total++;
      return;
    }
  }

  /** The time within which the share `q` of the replies came, in ms; 0 without replies. */
  quantileMs(q: number): number {
    let left = this.#total * q;
    for (let step = 0; step < STEPS && this.#total > 0; step++) {
      left -= this.#counts[step]!;
      if (left <= 0) return Math.round((step + 1) * STEP_MS * 1e6) / 1e6;
    }
    return 0;
  }
}
