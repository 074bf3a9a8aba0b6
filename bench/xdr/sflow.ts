/** Counters of interfaces as sFlow has them: 19 numbers, three of them of 64 bits. */
import type { Contest } from "../contest.ts";
import { contestantsOf, contestsOf } from "./parsed/contests.ts";
import { sflowSchema } from "./parsed/schemas.ts";

const SAMPLES = 64;
/** The size of `if_counters`: 16 words and 3 of twice the size. */
const SIZE = 88;

/** Counters of all magnitudes. */
function counters(n: number): Uint8Array {
  const bytes = new Uint8Array(SIZE);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < SIZE; at += 4) view.setUint32(at, Math.imul(n + at, 0x9e3779b1) >>> ((n + at) % 32));
  return bytes;
}

export async function sflowContests(): Promise<Contest[]> {
  const { if_counters } = await import("compiled-xdr:counters.x");
  const samples = Array.from({ length: SAMPLES }, (_, n) => counters(n));
  return contestsOf("sFlow counters", contestantsOf(sflowSchema(), "if_counters", if_counters, samples), samples);
}
