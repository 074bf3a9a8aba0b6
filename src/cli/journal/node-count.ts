/** Estimates how many different NodeIDs there are, in the same memory for any number of them. */

/** Two for each node of the largest registry: then the estimate is off by less than a tenth of a percent. */
const BITS = 2 ** 27;

/**
 * Linear counting (Whang et al., 1990): each NodeID sets the bit that its hash chooses. From the share of bits that are
 * still 0 follows how many NodeIDs there were.
 */
export class NodeCount {
  readonly #bits = new Uint8Array(BITS / 8);
  /** Random, so that nobody can choose NodeIDs with the same bit. */
  readonly #seed = crypto.getRandomValues(new BigUint64Array(1))[0]!;
  #set = 0;

  add(nodeId: Uint8Array): void {
    const bit = Number(Bun.hash.wyhash(nodeId, this.#seed) & BigInt(BITS - 1));
    const mask = 1 << (bit & 7);
    if ((this.#bits[bit >>> 3]! & mask) !== 0) return;
    this.#bits[bit >>> 3]! |= mask;
    this.#set++;
  }

  get estimate(): number {
    return Math.round(-BITS * Math.log1p(-this.#set / BITS));
  }
}
