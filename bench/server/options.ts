/** What `bun run bench:server` can be told. */
import { parseArgs } from "node:util";
import type { EngineBackend } from "../../src/engine/index.ts";
import { MAX_WORKERS, TRANSPORTS, type TransportName } from "../../src/server/index.ts";
import { WORKLOADS, type Workload } from "./load/load.ts";

export interface BenchOptions {
  readonly transports: readonly TransportName[];
  readonly workers: readonly number[];
  readonly nodes: readonly number[];
  readonly whats: readonly Workload[];
  readonly engine: EngineBackend;
  readonly rounds: number;
  /** Of each measurement. */
  readonly seconds: number;
  /** Whether the limits run. Their rates are such that they do not bite. */
  readonly limits: boolean;
  readonly json: boolean;
}

/** Flags that make no sense; or, with exit code 0, what `--help` asks for. */
export class Usage extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

const WHATS = Object.keys(WORKLOADS) as Workload[];
const ENGINES = ["wasm", "ts"] as const;

const HELP = `Usage: bun run bench:server [flags]

The running server beside the floor of this kernel, an echo that turns packets round unread, under the same load and by turns:
microseconds of processor (user and system, all threads) for a reply, or for a packet where there is none; the ratio to the
floor; replies a second; resident memory; replies that were missing or wrong. Linux.

  --transport LIST   udp, mmsg (default: both)
  --workers LIST     threads that handle packets (default: 1)
  --nodes LIST       nodes in the registry (default: 10000,1000000)
  --what LIST        load, of hit: queries for known nodes; miss: for unknown ones; announce: announcements of known nodes;
                     mixed: 6 : 2 : 2 of them (default: all)
  --engine NAME      wasm, ts (default: wasm)
  --rounds N         rounds; the figures are medians (default: 5)
  --seconds N        length of each measurement (default: 1)
  --no-limits        the server's limits off; without it they run, and do not bite
  --all              the whole matrix: 1 and 2 workers; 10000, 1000000 and 10000000 nodes. Takes half an hour and 2 GB
  --quick            one round of 0.3 s, 10000 nodes
  --json             for machines
  --help

A LIST is one or several, with commas. What a flag says holds before --all and --quick.`;

interface Defaults {
  readonly workers: string;
  readonly nodes: string;
  readonly rounds: string;
  readonly seconds: string;
}

const NORMAL: Defaults = { workers: "1", nodes: "10000,1000000", rounds: "5", seconds: "1" };
const QUICK: Defaults = { ...NORMAL, nodes: "10000", rounds: "1", seconds: "0.3" };
const ALL: Defaults = { ...NORMAL, workers: "1,2", nodes: "10000,1000000,10000000" };

function flags(args: readonly string[]) {
  const text = { type: "string" } as const;
  const yes = { type: "boolean", default: false } as const;
  try {
    return parseArgs({
      args: [...args],
      allowNegative: true,
      options: {
        transport: { ...text, default: TRANSPORTS.join() },
        workers: text,
        nodes: text,
        what: { ...text, default: WHATS.join() },
        engine: { ...text, default: ENGINES[0] },
        rounds: text,
        seconds: text,
        limits: { type: "boolean", default: true },
        all: yes,
        quick: yes,
        json: yes,
        help: yes,
      },
    }).values;
  } catch (error) {
    throw usage((error as Error).message);
  }
}

/** @throws {Usage} for flags that make no sense, and for `--help`. */
export function parse(args: readonly string[]): BenchOptions {
  const values = flags(args);
  if (values.help) throw new Usage(HELP, 0);
  if (values.all && values.quick) throw usage("--all and --quick exclude each other");
  const defaults = values.all ? ALL : values.quick ? QUICK : NORMAL;
  const given = (name: keyof Defaults) => values[name] ?? defaults[name];
  const seconds = Number(given("seconds"));
  if (!(seconds > 0 && seconds <= 3600)) {
    throw usage(`--seconds must be more than 0, up to 3600, not ${given("seconds")}`);
  }
  return {
    transports: names("transport", values.transport, TRANSPORTS),
    workers: numbers("workers", given("workers"), 1, MAX_WORKERS),
    // What 4 GiB of an engine's memory can hold, in round figures.
    nodes: numbers("nodes", given("nodes"), 1, 30_000_000),
    whats: names("what", values.what, WHATS),
    engine: one("engine", names("engine", values.engine, ENGINES)),
    rounds: one("rounds", numbers("rounds", given("rounds"), 1, 10_000)),
    seconds,
    limits: values.limits,
    json: values.json,
  };
}

function usage(message: string): Usage {
  return new Usage(`bench:server: ${message}; --help tells what there is`, 2);
}

function one<T>(flag: string, values: readonly T[]): T {
  if (values.length !== 1) throw usage(`--${flag} takes one value, not ${values.length}`);
  return values[0]!;
}

function names<T extends string>(flag: string, list: string, known: readonly T[]): T[] {
  const wrong = list.split(",").find((name) => !known.includes(name as T));
  if (wrong !== undefined) throw usage(`--${flag} must be of ${known.join(", ")}, not ${wrong || "nothing"}`);
  return known.filter((name) => list.split(",").includes(name));
}

function numbers(flag: string, list: string, least: number, most: number): number[] {
  const values = list.split(",").map((text) => (/^\d+$/.test(text) ? Number(text) : Number.NaN));
  if (!values.every((value) => value >= least && value <= most)) {
    throw usage(`--${flag} must be whole numbers from ${least} to ${most}, not ${list || "nothing"}`);
  }
  return [...new Set(values)].sort((a, b) => a - b);
}
