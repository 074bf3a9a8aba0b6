/**
 * `server.ts OPTIONS`: a discovery server, with its options as JSON. Prints its port, or why it cannot start. Then it answers commands
 * ({@link ServerCommand}); it stops when standard input ends. Its log goes to standard error from the level `warning` on.
 */
import { readdirSync, readFileSync } from "node:fs";
import { configure } from "@logtape/logtape";
import { DiscoveryServer, type XdpStatus } from "../../../src/server/index.ts";
import { ThreadStops } from "../../support/thread-stops.ts";
import { Threads } from "../../support/threads.ts";
import type { FailCommand } from "../faulty-worker.ts";
import { answerCommands } from "./program.ts";

export type ServerCommand =
  | { readonly do: "stats" }
  /**
   * Makes a worker fail: its thread throws; it sleeps or spins and cannot be ended at once; it is stopped as by a debugger, for `ms`.
   * Answered when its successor has its queue, with the fewest queues that were served meanwhile.
   */
  | { readonly do: "fail"; readonly how: FailCommand["how"] | "stop"; readonly worker: number; readonly ms?: number }
  /** Threads that spin or stand still go on. */
  | { readonly do: "go" }
  | { readonly do: "stop" };

export interface ServerAnswer {
  readonly xdp: XdpStatus | undefined;
  readonly workers: number;
  readonly replaced: number;
  readonly nodes: number;
  readonly received: number;
  /** Announcements in the journal. */
  readonly appended: number;
  /** Open files of the process, mappings of memory, those of AF_XDP sockets among them, and resident memory in KiB. */
  readonly files: number;
  readonly mappings: number;
  readonly rings: number;
  readonly memory: number;
}

await configure({
  sinks: { error: ({ message }) => console.error(message.join("")) },
  loggers: [
    { category: ["logtape", "meta"], lowestLevel: "fatal", sinks: ["error"] },
    { category: "whereabouts", lowestLevel: "warning", sinks: ["error"] },
  ],
});
/** A worker that goes on after a stop, and is not replaced within this time, is kept. */
const KEPT_MS = 1500;

const threads = new Threads("tests/server/faulty-worker.ts");
/** Threads that spin end when the first byte of this memory is not 0. */
const wake = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
let stops: ThreadStops | undefined;

const server = await DiscoveryServer.start(JSON.parse(process.argv[2]!)).catch((error: Error) => {
  console.log(JSON.stringify({ error: error.message }));
  process.exit(1);
});
server.closed.catch((error: Error) => console.error(`the server has ended: ${error.message}`));
/** The threads of the workers, by their slots. */
const workers = threads.list.slice();
let next = workers.length;
console.log(JSON.stringify({ port: server.port }));

function stats(): ServerAnswer {
  const { xdp, workers, replaced, nodes, received, journal } = server.stats();
  const status = readFileSync("/proc/self/status", "utf8");
  const maps = readFileSync("/proc/self/maps", "utf8").trim().split("\n");
  return {
    xdp,
    workers,
    replaced,
    nodes,
    received,
    appended: journal.appended,
    files: readdirSync("/proc/self/fd").length,
    mappings: maps.length,
    rings: maps.filter((line) => line.includes("socket:")).length,
    memory: Number(/RssAnon:\s+(\d+)/.exec(status)![1]),
  };
}

/** A worker's thread, as it is now: each that was made to fail has a successor. */
async function fail(how: FailCommand["how"] | "stop", worker: number, ms = 0): Promise<number> {
  const thread = workers[worker]!;
  const served = () => server.stats().xdp!.served;
  const before = served();
  Atomics.store(new Int32Array(wake.buffer), 0, 0);
  if (how === "stop") {
    stops ??= new ThreadStops();
    await stops.stop(threads.numbers.get(thread)!, ms);
  } else thread.postMessage({ type: "fail", step: "idle", how, wake } satisfies FailCommand);
  let fewest = before;
  const began = performance.now();
  // Its queue is taken from it before its successor starts.
  while (fewest === before || served() < before) {
    // A thread that was stopped with a lock of Bun's stops all others, too. Afterwards it goes on, and is not replaced.
    if (how === "stop" && fewest === before && performance.now() - began > ms + KEPT_MS) return fewest;
    fewest = Math.min(fewest, served());
    await Bun.sleep(1);
  }
  workers[worker] = threads.list[next++]!;
  return fewest;
}

await answerCommands<ServerCommand>(async (command) => {
  switch (command.do) {
    case "stats":
      return stats();
    case "fail":
      return await fail(command.how, command.worker, command.ms);
    case "go":
      Atomics.store(new Int32Array(wake.buffer), 0, 1);
      return await stops?.go();
    case "stop":
      return await server.stop();
  }
});
await server.stop();
process.exit(0);
