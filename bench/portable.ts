/** The suites that run in every runtime: Bun, Node, browsers. */
import type { Contest, Row } from "./contest.ts";
import { compare, type Pace } from "./measure.ts";
import { codecContests } from "./packet/codec.ts";
import { xdrContests } from "./xdr/xdr.ts";

export const PORTABLE = ["codec", "xdr"] as const;
export type Portable = (typeof PORTABLE)[number];

const CONTESTS: Readonly<Record<Portable, () => Contest[]>> = { codec: codecContests, xdr: xdrContests };

/**
 * @param report called after each contest, with its rows, the number of contests done and the number of all contests
 * @throws {Error} if the contestants' results do not agree
 */
export async function runPortable(
  suites: readonly Portable[],
  pace: Pace,
  report: (rows: readonly Row[], done: number, all: number) => void,
): Promise<Row[]> {
  const contests = suites.flatMap((suite) => CONTESTS[suite]());
  const rows: Row[] = [];
  for (const [i, contest] of contests.entries()) {
    const found = await compare(contest, pace);
    rows.push(...found);
    report(found, i + 1, contests.length);
  }
  return rows;
}
