import type { Row } from "../contest.ts";
import type { Target } from "../target.ts";

/** How many times as fast columns in wasm must be as those in TypeScript, and as `decodeMany`. */
const COLUMNS_IN_WASM = 1.8;
const COLUMNS_FOR_MANY = 8;
/** How many times as long `auto` may take as the faster backend. */
const AUTO = 1.1;

/** @param rows - those of the suite codec */
export function codecTargets(rows: readonly Row[]): Target[] {
  const found: Target[] = [];
  const nsOf = (what: string, who: string) => rows.find((row) => row.what === what && row.who === who)?.ns;
  const check = (text: string, side: Target["side"], bound: number, over: number | undefined, under?: number) => {
    if (over !== undefined && under !== undefined) found.push({ text, side, bound, figure: over / under });
  };
  for (const type of ["announcement", "query"]) {
    for (const where of ["together", "in the room"]) {
      const what = `decode columns, 64 ${where}, ${type}`;
      check(`${what}: ts / wasm`, "at least", COLUMNS_IN_WASM, nsOf(what, "ts"), nsOf(what, "wasm"));
    }
    const many = nsOf(`decode, 64 together, ${type}`, "auto");
    const columns = nsOf(`decode columns, 64 together, ${type}`, "auto");
    check(`64 together, ${type}, auto: decodeMany / columns`, "at least", COLUMNS_FOR_MANY, many, columns);
  }
  for (const what of new Set(rows.map(({ what }) => what))) {
    const [wasm, ts] = [nsOf(what, "wasm"), nsOf(what, "ts")];
    const best = wasm === undefined || ts === undefined ? undefined : Math.min(wasm, ts);
    check(`${what}: auto / the faster backend`, "at most", AUTO, nsOf(what, "auto"), best);
  }
  return found;
}
