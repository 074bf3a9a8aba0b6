/** The result of a bench run, as text for a terminal and as JSON. */
import { BASE, type Row, SUITES } from "./contest.ts";
import { ratios, textOf, times } from "./table.ts";
import { targetLine } from "./target.ts";
import { targets } from "./targets.ts";

export interface Outcome {
  /** "Node 20.20.2". */
  readonly runtime: string;
  readonly processors: number;
  /** A smoke test: everything ran, but too briefly to measure. The rows' times mean nothing and are not printed. */
  readonly quick: boolean;
  readonly rows: readonly Row[];
}

/** A table of times and a table of ratios per suite, and which targets were reached; of a quick run, what ran. */
export function textOfOutcome({ runtime, processors, quick, rows }: Outcome): string {
  const reached = quick ? [] : targets(rows).map(targetLine);
  const blocks = quick ? [summaryOf(rows)] : [...times(rows), ...ratios(rows)].map(textOf);
  if (reached.length > 0) blocks.push(reached.join("\n"));
  const note = quick ? "; smoke test, nothing was measured" : "";
  return `\n${runtime}, ${processors} processors${note}\n\n${blocks.join("\n\n")}`;
}

/** A line per suite. A contestant that fails or disagrees ends the bench with an error before this is printed. */
function summaryOf(rows: readonly Row[]): string {
  const lines = SUITES.map((suite) => {
    const ran = rows.filter((row) => row.suite === suite);
    const distinct = (key: "what" | "who") => [...new Set(ran.map((row) => row[key]))];
    return `${suite}: ok, ${distinct("what").length} tasks by ${distinct("who").join(", ")}: ${BASE[suite].agreement}`;
  });
  return lines.filter((_, i) => rows.some(({ suite }) => suite === SUITES[i])).join("\n");
}

export function jsonOf({ rows, ...run }: Outcome): string {
  if (run.quick) return JSON.stringify({ ...run, rows: rows.map(({ suite, what, who }) => ({ suite, what, who })) });
  const unit = Object.fromEntries(Object.entries(BASE).map(([suite, { unit }]) => [suite, `nanoseconds per ${unit}`]));
  return JSON.stringify({ ...run, unit, rows, targets: targets(rows) });
}

/** Progress: one row, as soon as it is measured. */
export function lineOf({ suite, what, who, ns }: Row, quick: boolean): string {
  const result = quick ? "ok" : `${ns.toFixed(1).padStart(9)} ns`;
  return `${result}  ${suite}, ${who}: ${what}`;
}
