/** The rows of the bench as a table, and its targets. */
import { aligned } from "../aligned.ts";
import type { Attack, Share } from "./attacks.ts";
import type { Figures } from "./run.ts";

export interface Row extends Figures {
  readonly attack: Attack;
}

export interface Target {
  readonly text: string;
  readonly figure: number;
  readonly atLeast: number;
  readonly reached: boolean;
}

const WHAT: Readonly<Record<Share, string>> = {
  queries: "honest queries answered",
  lookups: "honest lookups answered",
  joined: "new nodes found",
  kept: "registered nodes found",
};

/** From here on, packets are lost because the server or the machine is too slow, not because of a limit. */
const OVERLOAD = { lost: 0.01, cpu: 0.95 } as const;

export function overloaded({ lost, cpu }: Figures): boolean {
  return lost >= OVERLOAD.lost || cpu >= OVERLOAD.cpu;
}

export function targets(rows: readonly Row[]): Target[] {
  return rows.flatMap((row) => {
    const { attack, shares } = row;
    return Object.entries(attack.targets).map(([name, atLeast]) => {
      const figure = shares[name as Share];
      const rate = attack.flood ? `, ${rateText(attack.flood.rate)}${attack.flood.rate === 0 ? "" : "/s"}` : "";
      const load = overloaded(row) ? " *" : "";
      const text = `${attack.group}, ${attack.name}${rate}${load}: ${WHAT[name as Share]}`;
      return { text, figure, atLeast, reached: figure >= atLeast };
    });
  });
}

export function targetLine({ text, figure, atLeast, reached }: Target): string {
  return `${reached ? "reached" : "MISSED "}  ${text}: ${percent(figure)} (at least ${percent(atLeast)})`;
}

/** The columns after the name. A cell is empty where there is nothing to say. */
const COLUMNS: Readonly<Record<string, (row: Row) => string>> = {
  "asked/s": ({ attack }) => (attack.flood ? rateText(attack.flood.rate) : ""),
  "sent/s": ({ attack, sent }) => (attack.flood ? count(sent) : ""),
  lost: ({ lost }) => percent(lost),
  CPU: ({ cpu }) => percent(cpu, 0),
  queries: ({ shares }) => percent(shares.queries),
  lookups: ({ shares }) => percent(shares.lookups),
  "median ms": ({ medianMs }) => milliseconds(medianMs),
  "p99 ms": ({ p99Ms }) => milliseconds(p99Ms),
  joined: ({ shares }) => percent(shares.joined),
  kept: ({ shares }) => percent(shares.kept),
  "answers/s": ({ attack, answers }) => (attack.flood ? count(answers) : ""),
  registered: ({ attack, registered }) => (attack.flood?.payload.what === "new" ? count(registered) : ""),
  redirected: ({ attack, redirected }) => (attack.group === "redirect" ? count(redirected) : ""),
  "MB before": ({ memoryBefore }) => megabytes(memoryBefore),
  after: ({ memoryAfter }) => megabytes(memoryAfter),
};

export const LEGEND = `asked/s, sent/s: packets of the attack. lost: packets that the server's kernel dropped. CPU: of the server.
queries, lookups: honest ones that were answered. A lookup sends up to eight queries in 4.1 s; neighbors send one.
median, p99: of an honest lookup. joined: new honest nodes found. kept: registered nodes found at their own address afterwards.
answers/s, registered, redirected: what the attacker got, namely replies, new NodeIDs, and nodes of others that the server now
says are at the attacker's address. MB: resident memory of the server.
*: the server was at its limit, or did not get its processor: what honest clients miss there is load, not limits.`;

/** A table per group: first the head, then a line per row. Columns that are empty in the whole group are left out. */
function tables(rows: readonly Row[]): string[][][] {
  return [...new Set(rows.map(({ attack }) => attack.group))].map((group) => {
    const own = rows.filter(({ attack }) => attack.group === group);
    const columns = Object.entries(COLUMNS).filter(([, cell]) => own.some((row) => cell(row) !== ""));
    const name = (row: Row) => `${row.attack.name}${overloaded(row) ? " *" : ""}`;
    return [
      [group, ...columns.map(([head]) => head)],
      ...own.map((row) => [name(row), ...columns.map(([, cell]) => cell(row))]),
    ];
  });
}

export function textTables(rows: readonly Row[]): string {
  return tables(rows)
    .map((lines) => aligned(lines, (column) => column === 0))
    .join("\n\n");
}

export function markdownTables(rows: readonly Row[]): string {
  const text = (line: readonly string[]) => `| ${line.join(" | ")} |`;
  return tables(rows)
    .map(([head, ...lines]) => [head!, head!.map((_, i) => (i === 0 ? "---" : "--:")), ...lines].map(text).join("\n"))
    .join("\n\n");
}

/** 0 is a rate without a limit. */
function rateText(rate: number): string {
  return rate === 0 ? "max" : count(rate);
}

function count(n: number): string {
  return Math.round(n).toLocaleString("en-US");
}

function percent(value: number, digits = 1): string {
  return Number.isNaN(value) ? "" : `${(value * 100).toFixed(digits)} %`;
}

function milliseconds(ms: number): string {
  return Number.isNaN(ms) ? "" : ms.toFixed(ms < 10 ? 1 : 0);
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)}`;
}
