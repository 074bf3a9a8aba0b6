/** The rows of the bench as a table, and its target. */
import { aligned } from "../aligned.ts";
import { type Counts, KINDS, type Kind, type Result } from "./task.ts";

export interface Row {
  readonly name: string;
  /** Forged packets per second: sent, and arrived at the client. */
  readonly sent: number;
  readonly arrived: number;
  readonly result: Result;
  /** The most poisoned lookups; undefined: a row for comparison. */
  readonly target: number | undefined;
}

const DISCOVERERS: Readonly<Record<Kind, string>> = { new: "a new one each", old: "one for all" };

const COLUMNS: Readonly<Record<string, keyof Counts>> = {
  right: "right",
  slow: "slow",
  "not found": "notFound",
  "unknown: right": "unknown",
  poisoned: "poisoned",
};

export const LEGEND = `forged/s, arrived/s: packets that the attacker sent, and that arrived at the client. right, not found: lookups of nodes that
the server knows. slow: right, but after more than a second. unknown: right: lookups of nodes that the server does not know and
that were not found. poisoned: lookups of either kind that found the attacker's address.`;

export function textTable(rows: readonly Row[]): string {
  const count = (n: number) => Math.round(n).toLocaleString("en-US");
  const lines = [
    ["", "discoverer", "forged/s", "arrived/s", ...Object.keys(COLUMNS)],
    ...rows.flatMap(({ name, sent, arrived, result }) =>
      KINDS.map((kind, i) => [
        ...(i === 0 ? [name] : [""]),
        DISCOVERERS[kind],
        ...(i === 0 ? [count(sent), count(arrived)] : ["", ""]),
        ...Object.values(COLUMNS).map((key) => count(result[kind][key])),
      ]),
    ),
  ];
  return aligned(lines, (column) => column < 2);
}

function poisoned({ result }: Row): number {
  return KINDS.reduce((sum, kind) => sum + result[kind].poisoned, 0);
}

/** The targets that are missed, as text. */
export function missed(rows: readonly Row[]): string[] {
  return rows
    .filter((row) => row.target !== undefined && poisoned(row) > row.target)
    .map((row) => `MISSED   ${row.name}: ${poisoned(row)} lookups poisoned, target ${row.target}`);
}
