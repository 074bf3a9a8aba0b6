/** Stellar's transaction envelopes: 25 of them, made by stellar-sdk, with every arm of every union. */
import type { Contest } from "../contest.ts";
import { contestantsOf, contestsOf } from "./parsed/contests.ts";
import { stellarSchema } from "./parsed/schemas.ts";
import base64 from "./stellar-envelopes.json";

/** In bytes. The two larger envelopes have 100 operations and a program in wasm. */
const ORDINARY = 2000;

/** Contestants warm up so many times as long as for a small schema. */
const PATIENCE = 5;

/** The name of the type. */
export const ENVELOPE = "stellar::TransactionEnvelope";

export function envelopes(): Uint8Array[] {
  return Object.values(base64).map((text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0)));
}

export async function stellarContests(): Promise<Contest[]> {
  const { TransactionEnvelope } = await import("compiled-xdr:transaction.x");
  const all = envelopes();
  const ordinary = all.filter(({ length }) => length <= ORDINARY);
  const contestants = contestantsOf(stellarSchema(), ENVELOPE, TransactionEnvelope, all);
  return [
    ...contestsOf("Stellar envelope", contestants, all, PATIENCE),
    ...contestsOf("Stellar envelope of up to 2 KB", contestants, ordinary, PATIENCE),
  ];
}
