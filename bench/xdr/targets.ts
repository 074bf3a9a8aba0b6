import type { Row } from "../contest.ts";
import type { Target } from "../target.ts";
import { BEFORE } from "./other-types.ts";
import { GOOD, THREE_BYTES } from "./refusals.ts";

/** How many times as fast as js-xdr this project's types must be. */
const BESIDE_JS_XDR = [
  { what: "decode, Stellar envelope", bound: 5 },
  { what: "encode, Stellar envelope", bound: 6 },
  { what: "decode, sFlow counters", bound: 4 },
  { what: "encode, sFlow counters", bound: 4 },
] as const;
/** How many times as long types may take that were made after 60 others. */
const AFTER_OTHERS = 1.1;
/** How many times as long refusing 3 bytes may take as a good packet. */
const REFUSAL = 2;

/** @param rows - those of the suite xdr */
export function xdrTargets(rows: readonly Row[]): Target[] {
  const found: Target[] = [];
  const nsOf = (what: string, who: string) =>
    rows.find((row) => row.what === what && row.who === who)?.ns ?? Number.NaN;
  const check = (text: string, side: Target["side"], bound: number, figure: number) => {
    if (!Number.isNaN(figure)) found.push({ text, side, bound, figure });
  };
  const ratio = (what: string, over: string, under: string) => nsOf(what, over) / nsOf(what, under);
  for (const { what, bound } of BESIDE_JS_XDR) {
    for (const who of ["schema", "compiled"]) {
      check(`${what}: js-xdr / ${who}`, "at least", bound, ratio(what, "js-xdr", who));
    }
  }
  const whats = [...new Set(rows.map(({ what }) => what))];
  for (const what of whats) {
    check(`${what}: schema / ${BEFORE}`, "at most", AFTER_OTHERS, ratio(what, "schema", BEFORE));
  }
  check(`${THREE_BYTES}: schema / ${GOOD}`, "at most", REFUSAL, ratio(THREE_BYTES, "schema", GOOD));
  const compared = whats.filter((what) => !Number.isNaN(ratio(what, "js-xdr", "schema")));
  const behind = compared.filter((what) => ratio(what, "js-xdr", "schema") < 1);
  const names = behind.length === 0 ? "" : ` (${behind.join("; ")})`;
  if (compared.length > 0) check(`rows in which js-xdr is ahead${names}`, "at most", 0, behind.length);
  return found;
}
