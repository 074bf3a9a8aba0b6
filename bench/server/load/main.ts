/**
 * The load generator as a program: prints one line of JSON, see LoadResult. Linux.
 * `bench:server` runs one or several of these, each pinned to processors of its own. It starts them over IPC, all at once: each sends
 * a message when it is ready, and begins when it receives one.
 */
import { isIPv4 } from "node:net";
import { nameOf, oneOf, optionsOf, seconds, text, toggle, UsageError, wholeNumber } from "../../options.ts";
import { DEFAULT_LOAD, load, WORKLOADS, type Workload } from "./load.ts";

const d = DEFAULT_LOAD;
const program = {
  command: "bun bench/server/load/main.ts",
  about: `Sends packets to a server on this host as fast as it answers or at a pace, from many addresses, and prints the
counts as one line of JSON. The load consists of queries and announcements of 52-character NodeIDs. Linux only.`,
  flags: {
    host: text({ value: "<address>", default: d.host, help: "address of the server" }),
    port: wholeNumber({ min: 1, max: 65_535, default: undefined, help: "UDP port of the server (required)" }),
    // Unknown nodes are numbered from --nodes on, and numbers have 31 bits.
    nodes: wholeNumber({ min: 1, max: 2 ** 30, default: d.nodes, help: "nodes that the server knows" }),
    preload: toggle("announce all nodes first, and make sure that the server stores them"),
    seconds: seconds({ zero: true, default: d.seconds, help: "length of the load; 0 to preload only" }),
    what: oneOf({
      names: Object.keys(WORKLOADS) as Workload[],
      value: "<load>",
      default: d.what,
      help: `hit: queries for known nodes
miss: queries for unknown nodes
announce: announcements of known nodes
mixed: hit, miss and announce, 6 : 2 : 2`,
    }),
    window: wholeNumber({ min: 1, max: 1_000_000, default: d.window, help: "packets in flight" }),
    pace: wholeNumber({
      min: 0,
      max: 10_000_000,
      default: d.pace,
      help: "packets per second, whatever is answered; 0: as many as the window allows",
    }),
    "warm-up": wholeNumber({
      min: 0,
      max: 60_000,
      default: d.warmUpMs,
      help: "milliseconds for which the pace is kept up before, uncounted",
    }),
    sources: wholeNumber({ min: 1, max: 60_000, default: d.sources, help: "number of source addresses" }),
    source: text({ value: "<address>", default: d.source, help: "the first source address; the others follow it" }),
    "first-source": wholeNumber({ min: 0, max: 60_000, default: d.firstSource, help: "source addresses to skip" }),
    seed: wholeNumber({ min: 0, max: 2 ** 31 - 1, default: d.seed, help: "seed of the random choice of nodes" }),
  },
} as const;

const options = optionsOf(program, ({ port, "first-source": firstSource, "warm-up": warmUpMs, ...values }) => {
  if (port === undefined) throw new UsageError("--port is required");
  if (values.what !== "hit" && values.pace === 0 && values.window < 2 * values.sources) {
    throw new UsageError(
      "--window must be at least twice --sources: one packet of each batch is a query for a known node",
    );
  }
  if (!isIPv4(values.source)) throw new UsageError(`--source must be an IPv4 address, not ${values.source}`);
  return { ...values, port, firstSource, warmUpMs, tailMs: d.tailMs };
});

/** Waits until the program that started this one starts all of its load generators. */
async function begin(): Promise<void> {
  if (process.send === undefined) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  process.once("message", () => resolve());
  process.once("disconnect", () => process.exit(1));
  process.send("ready");
  await promise;
  process.removeAllListeners("disconnect");
  process.disconnect?.();
}

try {
  console.log(JSON.stringify(await load(options, begin)));
} catch (error) {
  console.error(`${nameOf(program)}: ${(error as Error).message}`);
  process.exit(1);
}
