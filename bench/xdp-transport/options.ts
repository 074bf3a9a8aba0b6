/** The flags of `bun run bench:xdp`. */

import { MAX_COALESCE } from "../../src/server/index.ts";
import {
  optionsOf,
  parseFlags,
  seconds,
  someOf,
  toggle,
  UsageError,
  type ValuesOf,
  wholeNumber,
  wholeNumbers,
} from "../options.ts";
import { DEFAULT_LOAD, WORKLOADS, type Workload } from "../server/load/load.ts";

const COMPARED = ["mmsg", "xdp"] as const;
export type Compared = (typeof COMPARED)[number];

/** How the load is sent: with so many packets in flight, or so many packets a second. The other one is 0. */
export interface Shape {
  readonly window: number;
  readonly pace: number;
}

export interface XdpBenchOptions {
  readonly transports: readonly Compared[];
  readonly nodes: readonly number[];
  readonly whats: readonly Workload[];
  readonly shapes: readonly Shape[];
  /** Values of the servers' option `coalesce`, in microseconds; undefined leaves it out. */
  readonly coalesce: readonly (number | undefined)[];
  readonly rounds: number;
  /** Length of each measurement. */
  readonly seconds: number;
  readonly json: boolean;
}

/** Each batch has a query for a known node, so that it gets a reply, and something else. */
const MIN_WINDOW = 2 * DEFAULT_LOAD.sources;

export const PROGRAM = {
  command: "bun run bench:xdp",
  about: `Processor time of a server with the transport xdp per packet, beside one with mmsg and the floor: an echo on the
system calls of mmsg that sends each packet back unread. All are in a network namespace of their own, each on a cable
(veth pair) to the namespace that the load is in. The load has one processor, and what is measured another. So it needs
Linux, two processors, root, and the commands ip, unshare, nsenter and taskset; else it does nothing, with exit code 0.
Takes a quarter of an hour, and wants a machine with no other work.

A <list> is one or several values, separated by commas. Other flags take precedence over --quick.`,
  flags: {
    transport: someOf({ names: COMPARED, value: "<list>", default: COMPARED, help: "mmsg, xdp (default: both)" }),
    // The upper limit is about what the 4 GiB of an engine's memory can hold.
    nodes: wholeNumbers({
      min: 1,
      max: 30_000_000,
      default: undefined,
      help: "nodes in the registry (default: 10000,1000000)",
    }),
    what: someOf({
      names: Object.keys(WORKLOADS) as Workload[],
      value: "<list>",
      default: ["hit", "miss", "announce"] as const,
      help: `load (default: hit,miss,announce)
hit: queries for known nodes
miss: queries for unknown nodes
announce: announcements of known nodes
mixed: hit, miss and announce, 6 : 2 : 2`,
    }),
    window: wholeNumbers({
      min: 0,
      max: 4096,
      default: undefined,
      help: `packets in flight, as fast as they are answered; 0: none (default:
64,128,256,512)`,
    }),
    pace: wholeNumbers({
      min: 0,
      max: 10_000_000,
      default: undefined,
      help: "packets per second, whatever is answered; 0: none (default: 20000,60000)",
    }),
    coalesce: wholeNumbers({
      min: 0,
      max: MAX_COALESCE,
      default: undefined,
      help: `microseconds that a server naps after a batch, its option --coalesce; a
server for each of them (default: that of the server)`,
    }),
    rounds: wholeNumber({ min: 1, max: 10_000, default: undefined, help: "rounds; figures are medians (default: 5)" }),
    seconds: seconds({ default: undefined, help: "length of each measurement (default: 1)" }),
    quick: toggle("one round of 0.3 s with 10000 nodes, window 512 and pace 60000: rough figures"),
    json: toggle("print one line of JSON"),
  },
} as const;

const NORMAL = {
  nodes: [10_000, 1_000_000],
  window: [64, 128, 256, 512],
  pace: [20_000, 60_000],
  rounds: 5,
  seconds: 1,
};
const QUICK = { nodes: [10_000], window: [512], pace: [60_000], rounds: 1, seconds: 0.3 };

function finish(values: ValuesOf<typeof PROGRAM.flags>): XdpBenchOptions {
  const preset = values.quick ? QUICK : NORMAL;
  const windows = (values.window ?? preset.window).filter((window) => window > 0);
  const paces = (values.pace ?? preset.pace).filter((pace) => pace > 0);
  if (windows.length + paces.length === 0) throw new UsageError("--window and --pace must not both be 0");
  if (windows.some((window) => window < MIN_WINDOW)) throw new UsageError(`--window must be at least ${MIN_WINDOW}`);
  return {
    transports: values.transport,
    nodes: values.nodes ?? preset.nodes,
    whats: values.what,
    shapes: [...windows.map((window) => ({ window, pace: 0 })), ...paces.map((pace) => ({ window: 0, pace }))],
    coalesce: values.coalesce ?? [undefined],
    rounds: values.rounds ?? preset.rounds,
    seconds: values.seconds ?? preset.seconds,
    json: values.json,
  };
}

/** Reads the command line. Ends the process for `--help` and for a wrong command line. */
export function xdpBenchOptions(): XdpBenchOptions {
  return optionsOf(PROGRAM, finish);
}

/** @throws {UsageError} */
export function parse(args: readonly string[]): XdpBenchOptions | undefined {
  const values = parseFlags(PROGRAM, args);
  return values && finish(values);
}
