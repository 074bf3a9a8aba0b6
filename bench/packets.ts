/** Packets for all benches. NodeIDs have 52 characters, like those of the original clients; the sequence is fixed. */
import type { Announcement, Query } from "../src/codec/index.ts";

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
export const ID_LENGTH = 52;

/** The NodeID of node `n`, of 7 bytes or more. */
export function nodeId(n: number, length = ID_LENGTH): Uint8Array {
  const id = new Uint8Array(length);
  let x = (n + 1) >>> 0;
  for (let i = 7; i < length; i++) {
    x = (Math.imul(x ^ (x >>> 15), 0x2c1b3c6d) + n) >>> 0;
    id[i] = BASE32.charCodeAt(x >>> 27);
  }
  // The first seven characters are the number itself, so no two NodeIDs are equal.
  for (let i = 0, rest = n; i < 7; i++, rest = Math.floor(rest / 32)) id[i] = BASE32.charCodeAt(rest % 32);
  return id;
}

export function announcement(n: number, idLength?: number): Announcement {
  return { type: "announcement", nodeId: nodeId(n, idLength), port: 1024 + (n % 60_000), ip: new Uint8Array(0) };
}

export function query(n: number, idLength?: number): Query {
  return { type: "query", nodeId: nodeId(n, idLength) };
}

/** Pseudo-random numbers from 0 to `size` - 1, the same sequence for all contestants. */
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
