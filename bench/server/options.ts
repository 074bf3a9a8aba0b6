/** The flags of `bun run bench:server`. */
import { availableParallelism } from "node:os";
import type { EngineBackend } from "../../src/engine/index.ts";
import { MAX_WORKERS, type TransportName } from "../../src/server/index.ts";
import { SOCKET_TRANSPORTS } from "../../tests/support/transports.ts";
import {
  oneOf,
  optionsOf,
  parseFlags,
  seconds,
  someOf,
  text,
  toggle,
  UsageError,
  type ValuesOf,
  wholeNumber,
  wholeNumbers,
} from "../options.ts";
import { REPORT_FLAGS, type ReportOptions, reportOptionsOf } from "../report/flags.ts";
import { WORKLOADS, type Workload } from "./load/load.ts";

export interface BenchOptions {
  readonly transports: readonly TransportName[];
  readonly workers: readonly number[];
  /** Address that the server listens on. The load goes to 127.0.0.1. */
  readonly host: string;
  readonly nodes: readonly number[];
  readonly whats: readonly Workload[];
  readonly engine: EngineBackend;
  readonly rounds: number;
  /** Length of each measurement. */
  readonly seconds: number;
  /** Whether the limiter runs. Its rates are so high that it stops no packet. */
  readonly limits: boolean;
  /** `nodes` for more workers than the first number of them: those rows show throughput, not how cost grows. */
  readonly nodesOfMore: readonly number[];
  /** Queries per second of the sweep; empty for no sweep. */
  readonly paces: readonly number[];
  readonly json: boolean;
  readonly report: ReportOptions | undefined;
}

const WHATS = Object.keys(WORKLOADS) as Workload[];
const ENGINES = ["wasm", "ts"] as const;
/** The paces of a sweep, in queries per second. The last ones are more than a processor of today answers. */
const PACES = [
  ...[10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 140, 160, 180, 200],
  ...[250, 300, 350, 400, 500, 600, 800, 1000],
].map((thousands) => thousands * 1000);

export const PROGRAM = {
  command: "bun run bench:server",
  about: `Processor time of the running server per packet, beside the floor: the cost of an echo that sends each packet back
unread, which is what the kernel takes for itself. Both run under the same load, in turns. Prints microseconds of
processor (user and system, all threads) per reply, or per packet where there is no reply; the ratio to the floor;
replies per second; resident memory; missing and wrong replies. Linux only.

A <list> is one or several values, separated by commas. Other flags take precedence over --all, --quick and --report.
With --report it measures what the plots need: 1, 2, 4 … workers, 10,000 to 10,000,000 nodes, the sweep, and the
transport xdp where bench:xdp can run. That takes 12 minutes and 2 GB on two processors; with --quick, two minutes.`,
  flags: {
    transport: someOf({
      names: SOCKET_TRANSPORTS,
      value: "<list>",
      default: SOCKET_TRANSPORTS,
      help: "udp, mmsg (default: both)",
    }),
    workers: wholeNumbers({
      min: 1,
      max: MAX_WORKERS,
      default: undefined,
      help: "threads that handle packets (default: 1)",
    }),
    host: text({
      value: "<address>",
      default: "127.0.0.1",
      help: `address that the server listens on; the load goes to 127.0.0.1. With :: it also
finds out which address was asked`,
    }),
    // The upper limit is about what the 4 GiB of an engine's memory can hold.
    nodes: wholeNumbers({
      min: 1,
      max: 30_000_000,
      default: undefined,
      help: "nodes in the registry (default: 10000,1000000)",
    }),
    what: someOf({
      names: WHATS,
      value: "<list>",
      default: WHATS,
      help: `load (default: all)
hit: queries for known nodes
miss: queries for unknown nodes
announce: announcements of known nodes
mixed: hit, miss and announce, 6 : 2 : 2`,
    }),
    engine: oneOf({ names: ENGINES, value: "<name>", default: "wasm", help: "packet engine: wasm, ts" }),
    rounds: wholeNumber({ min: 1, max: 10_000, default: undefined, help: "rounds; figures are medians (default: 5)" }),
    seconds: seconds({ default: undefined, help: "length of each measurement (default: 1)" }),
    "no-limits": toggle("turn the server's rate limits off (otherwise they run, but stop no packet)"),
    all: toggle("1 and 2 workers; 10000, 1000000 and 10000000 nodes: takes half an hour and 2 GB"),
    quick: toggle("one round of 0.3 s with 10000 nodes: rough figures"),
    sweep: toggle("then send queries at rising rates, whatever is answered, until many are lost"),
    pace: wholeNumbers({
      min: 1,
      max: 10_000_000,
      default: undefined,
      help: "rates of --sweep, in queries per second (default: 10000 to 1000000)",
    }),
    json: toggle("print one line of JSON"),
    ...REPORT_FLAGS,
  },
} as const;

const NORMAL = { workers: [1], nodes: [10_000, 1_000_000], rounds: 5, seconds: 1 };
const QUICK = { ...NORMAL, nodes: [10_000], rounds: 1, seconds: 0.3 };
const ALL = { ...NORMAL, workers: [1, 2], nodes: [10_000, 1_000_000, 10_000_000] };

/** What the plots of a report need. */
const REPORT = {
  ...NORMAL,
  workers: [1, 2, 4, 8, 16, 32].filter((workers) => workers === 1 || workers <= availableParallelism()),
  nodes: [10_000, 100_000, 1_000_000, 10_000_000],
  nodesOfMore: [10_000],
};
const QUICK_REPORT = { ...REPORT, nodes: [10_000, 100_000], rounds: 2, seconds: 0.3 };

function presetOf(all: boolean, quick: boolean, report: boolean): typeof NORMAL & { nodesOfMore?: readonly number[] } {
  if (all) return ALL;
  if (report) return quick ? QUICK_REPORT : REPORT;
  return quick ? QUICK : NORMAL;
}

function finish(values: ValuesOf<typeof PROGRAM.flags>): BenchOptions {
  if (values.all && values.quick) throw new UsageError("--all and --quick exclude each other");
  const report = reportOptionsOf(values);
  if (values.pace !== undefined && !values.sweep && report === undefined) {
    throw new UsageError("--pace needs --sweep or --report");
  }
  const preset = presetOf(values.all, values.quick, report !== undefined);
  const nodes = values.nodes ?? preset.nodes;
  return {
    transports: values.transport,
    workers: values.workers ?? preset.workers,
    host: values.host,
    nodes,
    nodesOfMore: values.nodes ?? preset.nodesOfMore ?? nodes,
    whats: values.what,
    engine: values.engine,
    rounds: values.rounds ?? preset.rounds,
    seconds: values.seconds ?? preset.seconds,
    limits: !values["no-limits"],
    paces: values.sweep || report !== undefined ? (values.pace ?? PACES) : [],
    json: values.json,
    report,
  };
}

/** Reads the command line. Ends the process for `--help` and for a wrong command line. */
export function benchOptions(): BenchOptions {
  return optionsOf(PROGRAM, finish);
}

/** @throws {UsageError} */
export function parse(args: readonly string[]): BenchOptions | undefined {
  const values = parseFlags(PROGRAM, args);
  return values && finish(values);
}
