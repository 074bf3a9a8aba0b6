/**
 * The load generator as a program: prints one line of JSON, see LoadResult. Linux.
 * `bench:server` runs one or several of these, each pinned to processors of its own.
 */
import { nameOf, oneOf, optionsOf, seconds, text, toggle, UsageError, wholeNumber } from "../../options.ts";
import { DEFAULT_LOAD, load, WORKLOADS, type Workload } from "./load.ts";

const d = DEFAULT_LOAD;
const program = {
  command: "bun bench/server/load/main.ts",
  about: `Sends packets to a server on this host as fast as it answers, from many addresses of 127.0.0.0/8, and prints
the counts as one line of JSON. The load consists of queries and announcements of 52-character NodeIDs. Linux only.`,
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
    sources: wholeNumber({ min: 1, max: 60_000, default: d.sources, help: "source addresses, from 127.1.0.1 up" }),
    "first-source": wholeNumber({ min: 0, max: 60_000, default: d.firstSource, help: "source addresses to skip" }),
    seed: wholeNumber({ min: 0, max: 2 ** 31 - 1, default: d.seed, help: "seed of the random choice of nodes" }),
  },
} as const;

const options = optionsOf(program, ({ port, "first-source": firstSource, ...values }) => {
  if (port === undefined) throw new UsageError("--port is required");
  if (values.what !== "hit" && values.window < 2 * values.sources) {
    throw new UsageError(
      "--window must be at least twice --sources: one packet of each batch is a query for a known node",
    );
  }
  return { ...values, port, firstSource, tailMs: d.tailMs };
});
try {
  console.log(JSON.stringify(await load(options)));
} catch (error) {
  console.error(`${nameOf(program)}: ${(error as Error).message}`);
  process.exit(1);
}
