/**
 * `bun stall.ts ENGINE STEP MS`: a server under load, one of whose workers stands still for a while, as under a debugger or while its
 * memory is read from a disk. STEP is where: at a step of a change ({@link STEPS}), at any moment with a shard's lock held (`locked`),
 * or outside any change (`idle`). Prints one line of JSON ({@link Stall}).
 */
import { type EngineBackend, EngineControl, EngineRepair } from "../../../src/engine/index.ts";
import { DiscoveryServer, type ServerOptions } from "../../../src/server/index.ts";
import { Client } from "../../support/client.ts";
import { Folder } from "../../support/folder.ts";
import { checkInvariants, isIntact } from "../../support/invariants.ts";
import { nodeOf } from "../../support/nodes.ts";
import { announcement, ascii, query } from "../../support/packets.ts";
import { ThreadStops } from "../../support/thread-stops.ts";
import { Threads } from "../../support/threads.ts";
import { until } from "../../support/time-limits.ts";
import type { BusyCommand, STEPS, StallCommand } from "./stalling-worker.ts";

const NODES = 200;
/** Nodes that are announced before the others, and that the steps of a removal may take. */
const OLD_NODES = 400;

/** How long to try to stop a thread while it holds a lock, in ms. Mostly one of the first tries succeeds. */
const TRY_MS = 60_000;
/** After so many attempts the thread runs for a while. */
const TRIES = 16;

export type StallStep = keyof typeof STEPS | "locked" | "idle";

export interface Stall {
  readonly engine: EngineBackend;
  readonly step: StallStep;
  readonly ms: number;
  /** The server went on with the worker, replaced it, or ended. */
  readonly outcome: "kept" | "replaced" | "ended";
  /** The error with which the server ended. */
  readonly message: string;
  /** If it ended, how long that took. */
  readonly endedMs: number;
  /** Nodes that the server does not answer afterwards; if it ended, the one that was started after it. */
  readonly missing: number;
  /** What the check of the registry finds, if the server did not end. */
  readonly damage: string;
}

const [engine, step, time] = process.argv.slice(2) as [EngineBackend, StallStep, string];
const ms = Number(time);
/** Only some runs need it: to load Binaryen takes half a second of processor time. */
const module =
  engine === "ts" || step === "idle" || step === "locked"
    ? undefined
    : (await import("../../engine/stoppable-wasm.ts")).instrumented();
const folder = new Folder();
const threads = new Threads("tests/server/stalls/stalling-worker.ts");
const options: Partial<ServerOptions> = {
  host: "127.0.0.1",
  port: 0,
  workers: 2,
  engine,
  capacity: 5000,
  sourceRate: 0,
  nodeRate: 0,
  newRate: 0,
  journal: `sqlite:${folder.at("registry.db")}`,
};
const server = await DiscoveryServer.start(options);
let message = "";
server.closed.catch((error: Error) => {
  message = error.message;
});

/** Number of nodes that the server at `port` does not answer. */
async function missingAt(port: number): Promise<number> {
  await using client = await Client.open(port);
  const left = new Set(Array.from({ length: NODES }, (_, n) => n));
  for (let round = 0; round < 40 && left.size > 0; round++) {
    for (const n of left) client.send(query(nodeOf(n).id));
    await Bun.sleep(100);
    for (const reply of client.replies.splice(0)) left.delete(((reply[4]! << 8) | reply[5]!) - 1000);
  }
  return left.size;
}

const client = await Client.open(server.port);
for (let n = 0; n < OLD_NODES; n++) {
  client.send(announcement(ascii(`OLD-${n}`), 1));
  if (n % 50 === 0) await Bun.sleep(5);
}
await until(() => server.stats().nodes === OLD_NODES, "the old nodes");
for (let n = 0; n < NODES; n++) client.send(announcement(nodeOf(n).id, nodeOf(n).port));
await until(() => server.stats().journal.appended >= OLD_NODES + NODES, "the journal");

// From now on the nodes are refreshed all the time. The kernel chooses the worker of a socket by a hash: with 32 sockets, each of the
// two workers gets some but once in 2 ** 31 runs. Each round uses 8 of them.
const clients = await Promise.all(Array.from({ length: 32 }, () => Client.open(server.port)));
let next = 0;
let turn = 0;
const load = setInterval(() => {
  for (let socket = 0; socket < 8; socket++) {
    const one = clients[turn++ % clients.length]!;
    const { id, port } = nodeOf(next++ % NODES);
    one.send(announcement(id, port));
    one.send(query(nodeOf(next % NODES).id));
    one.replies.length = 0;
  }
}, 5);

const thread = threads.list[0]!;
let ended = false;
thread.addEventListener("close", () => {
  ended = true;
});
const stops = new ThreadStops();
// Its program needs a moment to start. Meanwhile a worker that waits at its step would be replaced.
await stops.go();
const number = threads.numbers.get(thread)!;
const words = new Int32Array(new SharedArrayBuffer(8));
if (step === "locked") {
  thread.postMessage({ type: "busy", words } satisfies BusyCommand);
  const repair = new EngineRepair(threads.memory, new EngineControl(threads.memory).lane);
  for (let tries = 1, end = performance.now() + TRY_MS; ; tries++) {
    const from = performance.now();
    await stops.stop(number, ms);
    // If the thread holds a lock of Bun's, this one may have stood still as well, and the stop is over.
    if (repair.holdsLock(0) && performance.now() - from < ms / 2) break;
    await stops.go();
    if (from > end) throw new Error("the thread was never stopped with a lock held");
    // Else it might never get a processor between two stops.
    if (tries % TRIES === 0) await Bun.sleep(2);
  }
  Atomics.store(words, 0, 1);
} else if (step === "idle") {
  await stops.stop(number, ms);
} else {
  thread.postMessage({ type: "stall", step, words, module } satisfies StallCommand);
  await until(() => Atomics.load(words, 0) === 1, `step ${step}`);
  await stops.stop(number, ms);
  Atomics.store(words, 1, 1);
  Atomics.notify(words, 1);
}

const began = performance.now();
const end = began + ms;
while (message === "" && performance.now() < end) await Bun.sleep(5);
let outcome: Stall["outcome"] = "ended";
let missing: number;
let endedMs = 0;
let damage = "";
clearInterval(load);
if (message !== "") {
  await server.stop();
  endedMs = Math.round(performance.now() - began);
  const again = await DiscoveryServer.start(options);
  missing = await missingAt(again.port);
  await again.stop();
  await stops.go();
} else {
  await stops.go();
  // A worker that has woken up needs a moment for its heartbeat, and a server for its last decision.
  await Bun.sleep(300);
  await until(() => message !== "" || server.stats().workers === 2, "both workers");
  const { replaced } = server.stats();
  outcome = message !== "" ? "ended" : replaced > 0 ? "replaced" : "kept";
  if (replaced > 0) await until(() => ended, "the thread to end");
  missing = await missingAt(server.port);
  await server.stop();
  await until(() => isIntact(threads.memory), "an intact registry", 10_000).catch(() => {});
  try {
    checkInvariants(new Uint8Array(threads.memory.buffer));
  } catch (error) {
    damage = (error as Error).message;
  }
}
stops[Symbol.dispose]();
folder[Symbol.dispose]();
console.log(JSON.stringify({ engine, step, ms, outcome, message, endedMs, missing, damage } satisfies Stall));
process.exit(0);
