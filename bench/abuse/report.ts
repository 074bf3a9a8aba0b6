/** The rows of the bench as a table, and its targets. */
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
  return rows.flatMap(({ attack, shares }) =>
    Object.entries(attack.targets).map(([name, atLeast]) => {
      const figure = shares[name as Share];
      const text = `${attack.group}, ${attack.name}: ${WHAT[name as Share]}`;
      return { text, figure, atLeast, reached: figure >= atLeast };
    }),
  );
}

export function targetLine({ text, figure, atLeast, reached }: Target): string {
  return `${reached ? "reached" : "MISSED "}  ${text}: ${percent(figure)} (at least ${percent(atLeast)})`;
}

const HEADS = [
  "",
  "asked/s",
  "sent/s",
  "lost",
  "CPU",
  "queries",
  "lookups",
  "median ms",
  "p99 ms",
  "MB",
  "answers/s",
  "registered",
  "redirected",
  "joined",
  "kept",
];

export const LEGEND = `asked/s, sent/s: packets of the attack, asked for and sent. lost: packets that the server's kernel dropped. CPU: of the server.
queries, lookups: honest ones that were answered; a lookup sends up to eight queries in 4.1 s. median, p99: of an honest lookup.
MB: resident memory of the server before and after. answers/s, registered, redirected: what the attacker got, namely replies,
new NodeIDs, and nodes of others that the server now says are at the attacker's address. joined: new honest nodes found.
kept: registered honest nodes found at their own address afterwards. *: the server was at its limit (load, not limits).`;

function cells(row: Row): string[] {
  const { attack, shares } = row;
  const flooded = attack.flood !== undefined;
  return [
    `${attack.name}${overloaded(row) ? " *" : ""}`,
    flooded ? (row.asked === 0 ? "max" : count(row.asked)) : "",
    flooded ? count(row.sent) : "",
    percent(row.lost),
    percent(row.cpu, 0),
    percent(shares.queries),
    percent(shares.lookups),
    milliseconds(row.medianMs),
    milliseconds(row.p99Ms),
    `${megabytes(row.memoryBefore)} ${megabytes(row.memoryAfter)}`,
    flooded ? count(row.answers) : "",
    row.registered > 0 ? count(row.registered) : "",
    attack.group === "redirect" ? count(row.redirected) : "",
    percent(shares.joined),
    percent(shares.kept),
  ];
}

/** A part per group, with aligned columns. */
export function textTable(rows: readonly Row[]): string {
  const lines = rows.map(cells);
  const widths = HEADS.map((head, column) => Math.max(head.length, ...lines.map((line) => line[column]!.length)));
  const pad = (line: readonly string[]) =>
    line
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join("  ")
      .trimEnd();
  return groups(rows)
    .map((group) => {
      const own = lines.filter((_, i) => rows[i]!.attack.group === group);
      return [pad([group, ...HEADS.slice(1)]), ...own.map(pad)].join("\n");
    })
    .join("\n\n");
}

/** The same as Markdown. */
export function markdownTable(rows: readonly Row[]): string {
  const line = (parts: readonly string[]) => `| ${parts.join(" | ")} |`;
  return groups(rows)
    .map((group) => {
      const own = rows.filter(({ attack }) => attack.group === group).map(cells);
      // Columns that are empty in the whole group are left out.
      const used = HEADS.flatMap((_, i) => (i === 0 || own.some((cell) => cell[i] !== "") ? [i] : []));
      const only = (parts: readonly string[]) => line(used.map((i) => parts[i]!));
      return [
        only([group, ...HEADS.slice(1)]),
        line(used.map((i) => (i === 0 ? "---" : "--:"))),
        ...own.map(only),
      ].join("\n");
    })
    .join("\n\n");
}

function groups(rows: readonly Row[]): string[] {
  return [...new Set(rows.map(({ attack }) => attack.group))];
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
