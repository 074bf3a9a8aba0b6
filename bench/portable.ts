/** The benches that run in any runtime: Bun, Node, a browser. */

import type { Contest, Row } from "./contest.ts";
import { compare, type Pace } from "./measure.ts";
import { codecContests } from "./packet/codec.ts";
import { xdrContests } from "./xdr/xdr.ts";

export const PORTABLE = ["codec", "xdr"] as const;
export type Portable = (typeof PORTABLE)[number];

const CONTESTS: Readonly<Record<Portable, () => Contest[]>> = { codec: codecContests, xdr: xdrContests };

/**
 * @param report called with the rows of each contest as they come, and how many contests of how many are done
 * @throws {Error} if the contestants do not all do the same
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
