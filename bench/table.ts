/** Builds tables from rows. */
import { BASE, type Row, SUITES } from "./contest.ts";

export interface Table {
  /** Meaning of the cells. */
  readonly title: string;
  /**
   * First the head: "" and the contestants. Then a line per task: its name and a cell per contestant, "" where there is
   * none.
   */
  readonly lines: readonly (readonly string[])[];
}

/** A line per task, a column per contestant. */
function tableOf(title: string, rows: readonly Row[], cell: (row: Row) => string): Table {
  const whos = [...new Set(rows.map(({ who }) => who))];
  const whats = [...new Set(rows.map(({ what }) => what))];
  const lines = whats.map((what) => {
    const cells = whos.map((who) => rows.find((row) => row.what === what && row.who === who));
    return [what, ...cells.map((row) => (row ? cell(row) : ""))];
  });
  return { title, lines: [["", ...whos], ...lines] };
}

/** A table of nanoseconds per suite. */
export function times(rows: readonly Row[]): Table[] {
  return SUITES.map((suite) => {
    const title = `${suite}: nanoseconds per ${BASE[suite].unit}`;
    return tableOf(title, of(rows, suite), ({ ns }) => ns.toFixed(1));
  }).filter(({ lines }) => lines.length > 1);
}

/** The time of `row`, divided by the time of its suite's base for the same task. */
export function ratioOf({ suite, what, ns }: Row, rows: readonly Row[]): number {
  const base = rows.find((row) => row.suite === suite && row.what === what && row.who === BASE[suite].who);
  return ns / (base?.ns ?? Number.NaN);
}

/** A table per suite: each contestant's time divided by the base's. Above 1 the base is faster. */
export function ratios(rows: readonly Row[]): Table[] {
  return SUITES.map((suite) => {
    const base = BASE[suite].who;
    const others = of(rows, suite).filter(({ who }) => who !== base);
    return tableOf(`${suite}: times as long as ${base} takes`, others, (row) => `${ratioOf(row, rows).toFixed(2)}x`);
  }).filter(({ lines }) => lines.length > 1);
}

/** A table as text for a terminal. */
export function textOf({ title, lines }: Table): string {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const pad = (text: string, column: number) =>
    column === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[column]!);
  return [title, ...lines.map((line) => line.map(pad).join("   ").trimEnd())].join("\n");
}

function of(rows: readonly Row[], suite: Row["suite"]): Row[] {
  return rows.filter((row) => row.suite === suite);
}
