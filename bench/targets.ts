/** The targets of all suites, checked against the rows of a run. */
import type { Row } from "./contest.ts";
import { codecTargets } from "./packet/targets.ts";
import type { Target } from "./target.ts";
import { xdrTargets } from "./xdr/targets.ts";

/** The targets for which these rows have figures. */
export function targets(rows: readonly Row[]): Target[] {
  return [
    ...codecTargets(rows.filter(({ suite }) => suite === "codec")),
    ...xdrTargets(rows.filter(({ suite }) => suite === "xdr")),
  ];
}
