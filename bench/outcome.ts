/** What a bench found, and where; for a terminal and for programs. */
import { BASE, type Row } from "./contest.ts";
import { ratios, textOf, times } from "./table.ts";

export interface Outcome {
  /** "Node 20.20.2". */
  readonly runtime: string;
  readonly processors: number;
  /** Whether it only was to be seen that all of it works: then the figures say little. */
  readonly quick: boolean;
  readonly rows: readonly Row[];
}

/** All of it; the ratios are last. */
export function textOfOutcome({ runtime, processors, quick, rows }: Outcome): string {
  const note = quick ? "; a quick run, whose figures say little" : "";
  const tables = [...times(rows), ...ratios(rows)].map(textOf);
  return `\n${runtime}, ${processors} processors${note}\n\n${tables.join("\n\n")}`;
}

export function jsonOf({ rows, ...where }: Outcome): string {
  const unit = Object.fromEntries(Object.entries(BASE).map(([suite, { unit }]) => [suite, `nanoseconds a ${unit}`]));
  return JSON.stringify({ ...where, unit, rows });
}

/** A row as it comes. */
export function lineOf({ suite, what, who, ns }: Row): string {
  return `${ns.toFixed(1).padStart(9)} ns  ${suite}, ${who}: ${what}`;
}
