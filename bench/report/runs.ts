/** The JSON of runs that a report is made from. */
import { readFileSync } from "node:fs";
import type { Row as PacketRow } from "../contest.ts";
import { type Machine, machine } from "../server/machine.ts";
import type { Row } from "../server/rows.ts";
import type { Step } from "../server/sweep.ts";
import type { XdpFigures } from "../server/xdp.ts";

/** The benches that a report has figures of, and how they are started. Each has a JSON of this name. */
const COMMANDS = { bench: "bun bench", server: "bun run bench:server" } as const;
export type Bench = keyof typeof COMMANDS;

/** Where figures come from: without it, they say nothing. */
export interface Origin {
  /** The command that measured them. */
  readonly command: string;
  /** The day, in UTC: 2026-01-31. */
  readonly date: string;
  readonly host: Machine;
}

/** A run of `bun bench`. */
export interface PacketRun extends Origin {
  readonly rows: readonly PacketRow[];
}

/** A run of `bun run bench:server`. */
export interface ServerRun extends Origin {
  /** Of each group: transport, workers, and the processors that server and load had. */
  readonly places: readonly string[];
  readonly engine: string;
  readonly limits: boolean;
  readonly rounds: number;
  readonly seconds: number;
  readonly rows: readonly Omit<Row, "samples">[];
  /** Empty if there was no sweep. */
  readonly sweep: readonly Step[];
  /** Undefined if the transport xdp could not be measured. */
  readonly xdp?: XdpFigures | undefined;
}

/** What plots and tables need of the JSON of each bench: fields, and lists with the fields of their items. */
const FORMS: Readonly<
  Record<Bench, { fields: readonly string[]; lists: Readonly<Record<string, readonly string[]>> }>
> = {
  bench: {
    fields: ["date", "host"],
    lists: { rows: ["suite", "what", "who", "ns", "spread"] },
  },
  server: {
    fields: ["date", "host", "engine", "limits", "rounds", "seconds"],
    lists: {
      places: [],
      rows: [
        ...["who", "transport", "workers", "nodes", "what", "cpu", "ratio", "perSecond", "resident"],
        ...["unanswered", "wrong", "spread"],
      ],
      sweep: ["transport", "workers", "nodes", "offered", "answered", "lost", "medianMs", "p99Ms", "spread"],
    },
  },
};

/** What a run lacks, in words; undefined if it has everything. */
function missingIn(run: Readonly<Record<string, unknown>>, bench: Bench): string | undefined {
  const { fields, lists } = FORMS[bench];
  const field = fields.find((name) => run[name] === undefined);
  if (field !== undefined) return `"${field}"`;
  for (const [list, names] of Object.entries(lists)) {
    const items = run[list];
    if (!Array.isArray(items)) return `"${list}"`;
    const name = names.find((name) => items.some((item) => item?.[name] === undefined));
    if (name !== undefined) return `"${name}" in "${list}"`;
  }
  return undefined;
}

/** @param command - the command without its flags: `bun run bench:server` */
export function originOf(command: string): Origin {
  const words = process.argv.slice(2).map((word) => (/^[\w./:,=-]+$/.test(word) ? word : `'${word}'`));
  return { command: [command, ...words].join(" "), date: new Date().toISOString().slice(0, 10), host: machine() };
}

/**
 * Reads a run that `--report` or `--json` wrote.
 *
 * @throws {Error} if it is not a run of that bench, or has not the form that a report needs
 */
export function readRun<Run extends Origin>(file: string, bench: Bench): Run {
  const command = COMMANDS[bench];
  let run: Record<string, unknown> | null;
  try {
    run = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(`cannot read ${file}: ${(error as Error).message}`);
  }
  if (typeof run?.command !== "string" || !run.command.startsWith(command)) {
    throw new Error(`${file} is not the JSON of \`${command} --json\` or \`${command} --report\``);
  }
  const missing = missingIn(run, bench);
  if (missing !== undefined) throw new Error(`${file} has no ${missing}, so it is of another version: measure again`);
  return run as unknown as Run;
}

const DIGITS = 5;

/** A run as text for a file: no samples, as many digits as figures deserve, and a line per row. */
export function textOfRun(run: Origin): string {
  const short = JSON.stringify(run, (key, value) => {
    if (key === "samples") return undefined;
    return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(DIGITS)) : value;
  });
  const fields = Object.entries(JSON.parse(short)).map(([name, value]) => {
    const isList = Array.isArray(value) && typeof value[0] === "object";
    const text = isList
      ? `[\n${value.map((item) => `    ${JSON.stringify(item)}`).join(",\n")}\n  ]`
      : JSON.stringify(value);
    return `  ${JSON.stringify(name)}: ${text}`;
  });
  return `{\n${fields.join(",\n")}\n}\n`;
}
