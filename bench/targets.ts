/** Targets for speed: what a bench must show, checked against its rows. */
import type { Row } from "./contest.ts";
import { codecTargets } from "./packet/targets.ts";

export interface Target {
  readonly text: string;
  readonly figure: number;
  /** The bound, and on which side of it the figure must be. */
  readonly bound: number;
  readonly side: "at least" | "at most";
}

/** The targets for which these rows have figures. */
export function targets(rows: readonly Row[]): Target[] {
  return codecTargets(rows.filter(({ suite }) => suite === "codec"));
}

export function isReached({ figure, bound, side }: Target): boolean {
  return side === "at least" ? figure >= bound : figure <= bound;
}

export function targetLine(target: Target): string {
  const { text, figure, bound, side } = target;
  return `${isReached(target) ? "reached    " : "not reached"}  ${text}: ${figure.toFixed(2)} (${side} ${bound})`;
}
