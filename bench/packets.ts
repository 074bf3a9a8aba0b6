/** What the benches are about: 52-character NodeIDs, as the original clients had, in the order of a fixed shuffle. */
import type { Announcement, Query } from "../src/codec/index.ts";

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
export const ID_LENGTH = 52;

/** The NodeID of node `n`. */
export function nodeId(n: number): Uint8Array {
  const id = new Uint8Array(ID_LENGTH);
  let x = (n + 1) >>> 0;
  for (let i = 7; i < ID_LENGTH; i++) {
    x = (Math.imul(x ^ (x >>> 15), 0x2c1b3c6d) + n) >>> 0;
    id[i] = BASE32.charCodeAt(x >>> 27);
  }
  // Whatever the mixing does, no two are the same.
  for (let i = 0, rest = n; i < 7; i++, rest = Math.floor(rest / 32)) id[i] = BASE32.charCodeAt(rest % 32);
  return id;
}

/** The `n` of the NodeID at `at`. */
export function nodeOf(bytes: Uint8Array, at: number): number {
  let n = 0;
  for (let i = 6; i >= 0; i--) n = n * 32 + BASE32.indexOf(String.fromCharCode(bytes[at + i]!));
  return n;
}

export function announcement(n: number): Announcement {
  return { type: "announcement", nodeId: nodeId(n), port: 1024 + (n % 60_000), ip: new Uint8Array(0) };
}

export function query(n: number): Query {
  return { type: "query", nodeId: nodeId(n) };
}

/** A walk over 0 to `size` - 1 that looks random, and is the same for all that are compared. */
export class Walk {
  #at = 12_345;
  readonly #size: number;

  constructor(size: number) {
    this.#size = size;
  }

  next(): number {
    this.#at = (Math.imul(this.#at, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#at / 2 ** 32) * this.#size);
  }
}
