/** The suites that run in every runtime: Bun, Node, browsers. */
import type { Contest, Row } from "./contest.ts";
import { compare, type Pace } from "./measure.ts";
import { CODEC_CONTESTS } from "./packet/codec.ts";
import { XDR_CONTESTS } from "./xdr/xdr.ts";

export const PORTABLE = ["codec", "xdr"] as const;
export type Portable = (typeof PORTABLE)[number];

/** Contests in groups. A group is made when the one before it has been measured. */
const CONTESTS: Readonly<Record<Portable, readonly ((pace: Pace) => Contest[] | Promise<Contest[]>)[]>> = {
  codec: CODEC_CONTESTS,
  xdr: XDR_CONTESTS,
};

/**
 * @param report called after each contest, with its rows and the part of the work that is done, 0 to 1
 * @throws {Error} if the contestants' results do not agree
 */
export async function runPortable(
  suites: readonly Portable[],
  pace: Pace,
  report: (rows: readonly Row[], done: number) => void,
): Promise<Row[]> {
  const groups = suites.flatMap((suite) => CONTESTS[suite]);
  const rows: Row[] = [];
  for (const [i, group] of groups.entries()) {
    const contests = await group(pace);
    for (const [j, contest] of contests.entries()) {
      const found = await compare(contest, pace);
      rows.push(...found);
      report(found, (i + (j + 1) / contests.length) / groups.length);
    }
  }
  return rows;
}
