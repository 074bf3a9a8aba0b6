/**
 * `bun worker-failures.ts TRANSPORT ENGINE`: runs a server under load, and makes its workers fail one after the other, in each
 * way of {@link FAILURES}. Then one more worker hangs, and the server is stopped while it hangs. Then a second server starts with
 * the same journal. Prints one line of JSON ({@link WorkerFailures}).
 *
 * The main thread measures how late its own timers are. A control process does only that, at the same time: if its timers are
 * late too, the machine is slow, not the server.
 */

import { configure } from "@logtape/logtape";
import type { EngineBackend } from "../../src/engine/index.ts";
import { DiscoveryServer, type ServerOptions, type ServerStats, type TransportName } from "../../src/server/index.ts";
import { Client } from "../support/client.ts";
import { Folder } from "../support/folder.ts";
import { checkInvariants, isIntact } from "../support/invariants.ts";
import { nodeOf } from "../support/nodes.ts";
import { announcement, query } from "../support/packets.ts";
import { Threads } from "../support/threads.ts";
import { until } from "../support/time-limits.ts";
import type { FailCommand } from "./faulty-worker.ts";

const NODES = 2000;
const TICK = 10;
const [transport, engine] = process.argv.slice(2) as [TransportName, EngineBackend];

/** The result that this program prints. Times are in ms. */
export interface WorkerFailures {
  /** Nodes that got no answer: `before` the first failure, and `lost` after the last one. */
  readonly before: number[];
  readonly lost: number[];
  /** Result of query-load.ts; `longest` is the longest time that one of its clients waited for a reply. */
  readonly load: { readonly longest: number; readonly asked: number; readonly answered: number };
  /** The largest delay of a timer, on the server's main thread and in the control process. */
  readonly timerDelay: number;
  readonly controlDelay: number;
  /** For each failure, the time until its worker was replaced. */
  readonly replacedMs: number[];
  readonly stopMs: number;
  readonly workers: number;
  /** How often statistics were read meanwhile, and what was wrong with the counters per worker. */
  readonly readings: number;
  readonly miscounts: string[];
  readonly stats: ServerStats;
  /** Nodes that the second server read from the journal. */
  readonly restored: number;
  /** Error of the check of the registry; empty if it is intact. */
  readonly damage: string;
  readonly log: string[];
  readonly failures: number;
}

type Failure = Pick<FailCommand, "step" | "how">;

/**
 * `undefined`: the thread is terminated from outside, at a random moment. No thread spins with a lock: that ends the server
 * (tests/server/stalls/).
 */
const FAILURES: readonly (Failure | undefined)[] = [
  undefined,
  { step: "idle", how: "sleep" },
  { step: "refresh", how: "sleep" },
  { step: "insert", how: "throw" },
  { step: "allocate", how: "sleep" },
  { step: "allocate", how: "throw" },
  { step: "idle", how: "spin" },
];

const threads = new Threads("tests/server/faulty-worker.ts");

/** Threads that spin end when the first byte of this memory is not 0. */
const wake = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
/** Number of threads that were made to fail and have ended. */
let ended = 0;
const log: string[] = [];
await configure({
  sinks: { log: (record) => log.push(record.message.join("")) },
  loggers: [
    { category: ["logtape", "meta"], lowestLevel: "fatal", sinks: ["log"] },
    { category: "whereabouts", lowestLevel: "warning", sinks: ["log"] },
  ],
});

const folder = new Folder();
const options: Partial<ServerOptions> = {
  host: "127.0.0.1",
  port: 0,
  workers: 3,
  transport,
  engine,
  capacity: 20_000,
  sourceRate: 0,
  nodeRate: 0,
  newRate: 0,
  journal: `sqlite:${folder.at("registry.db")}`,
};
const server = await DiscoveryServer.start(options);
const client = await Client.open(server.port);

/**
 * Sends an announcement or a query for every node. Repeats queries that got no reply, up to 40 times. Returns the nodes
 * whose queries got no reply.
 */
async function sendAll(what: "announcements" | "queries"): Promise<number[]> {
  const ask = what === "queries";
  let left = Array.from({ length: NODES }, (_, n) => n);
  for (let round = 0; round < 40 && left.length > 0; round++) {
    for (const [i, n] of left.entries()) {
      const { id, port } = nodeOf(n);
      client.send(ask ? query(id) : announcement(id, port));
      if (i % 100 === 99) await Bun.sleep(5);
    }
    await Bun.sleep(100);
    const answered = new Set(client.replies.splice(0).map((reply) => ((reply[4]! << 8) | reply[5]!) - 1000));
    left = ask ? left.filter((n) => !answered.has(n)) : [];
  }
  return left;
}

/** Text that the log line of a failure must contain. It may contain more, which depends on chance. */
function expectedLog(failure: Failure | undefined): string[] {
  if (failure === undefined) return ["its thread ended"];
  return [
    failure.how === "throw" ? "failed on command" : "its heartbeat stopped",
    ...(failure.step === "idle" ? [] : ["the lock that it held was freed"]),
    ...(failure.how === "spin" ? ["its thread has not ended yet"] : []),
  ];
}

/**
 * Threads that failed or ended. On a busy machine the server may also replace a worker that this program did not make
 * fail.
 */
const gone = new Set<Worker>();

/** Makes the oldest worker fail. */
function failOldest(failure: Failure | undefined): void {
  const thread = threads.list.find((it) => !gone.has(it))!;
  gone.add(thread);
  thread.addEventListener("close", () => ended++);
  if (failure === undefined) thread.terminate();
  else thread.postMessage({ type: "fail", wake, ...failure } satisfies FailCommand);
}

await sendAll("announcements");
const before = await sendAll("queries");

let readings = 0;
const miscounts: string[] = [];
let counted = server.stats();

/** Checks that the counters per worker add up, and that none goes down. */
function checkCounters(): void {
  const now = server.stats();
  readings++;
  const sum = now.perWorker.reduce((total, { received }) => total + received, 0);
  if (sum !== now.received) miscounts.push(`${sum} of ${now.received} datagrams belong to a worker`);
  for (const [i, worker] of now.perWorker.entries()) {
    for (const name of ["received", "heartbeats", "replaced", "cpuSeconds"] as const) {
      const [from, to] = [counted.perWorker[i]![name] ?? 0, worker[name] ?? 0];
      if (to < from) miscounts.push(`${name} of worker ${i + 1} went from ${from} to ${to}`);
    }
  }
  counted = now;
}

let last = performance.now();
let timerDelay = 0;
setInterval(checkCounters, 10 * TICK);
setInterval(() => {
  timerDelay = Math.max(timerDelay, performance.now() - last - TICK);
  last = performance.now();
}, TICK);
const script = (path: string) => new URL(path, import.meta.url).pathname;
const control = Bun.spawn([process.execPath, script("../support/timer-lateness.ts")], { stdout: "pipe" });
const clients = Bun.spawn([process.execPath, script("./query-load.ts"), `${server.port}`, `${NODES}`], {
  stdout: "pipe",
});
process.on("exit", () => {
  for (const child of [control, clients]) child.kill();
});
await Bun.sleep(500);
const replacedMs: number[] = [];
for (const [i, failure] of FAILURES.entries()) {
  const from = performance.now();
  const logged = log.length;
  for (const thread of threads.list) thread.addEventListener("close", () => gone.add(thread));
  failOldest(failure);
  const wanted = expectedLog(failure);
  await until(
    () => log.slice(logged).some((line) => wanted.every((part) => line.includes(part))),
    `failure ${i} to be logged: ${wanted}`,
    30_000,
  );
  replacedMs.push(Math.round(performance.now() - from));
  await Bun.sleep(300);
  // Let a thread that spins go on, though it was replaced. It must end, and must not change the registry.
  Atomics.store(new Int32Array(wake.buffer), 0, 1);
  await until(() => ended === i + 1, "the thread to end");
  Atomics.store(new Int32Array(wake.buffer), 0, 0);
}
clients.kill();
const load = JSON.parse(await clients.stdout.text());
const lost = await sendAll("queries");
const { workers } = server.stats();

failOldest({ step: "allocate", how: "spin" });
// Wait until the worker hangs: an idle worker receives messages only ten times a second.
await Bun.sleep(200);
const stopping = performance.now();
await server.stop();
const stopMs = performance.now() - stopping;
control.kill();
const controlDelay = Number(await control.stdout.text());
// The port must be free, though one thread still spins.
const again = await Bun.udpSocket({ hostname: "127.0.0.1", port: server.port });
again.close();
client.close();

// Let the thread that spins with a lock end, so that its change is undone.
Atomics.store(new Int32Array(wake.buffer), 0, 1);
let damage = "";
try {
  await until(() => isIntact(threads.memory), "an intact registry").catch(() => {});
  checkInvariants(new Uint8Array(threads.memory.buffer));
} catch (error) {
  damage = (error as Error).message;
}
const stats = server.stats();
const next = await DiscoveryServer.start(options);
const { restored } = next.stats().journal;
await next.stop();
const result: WorkerFailures = {
  before,
  lost,
  load,
  timerDelay,
  controlDelay,
  replacedMs,
  stopMs,
  workers,
  readings,
  miscounts,
  stats,
  restored,
  damage,
  log,
  failures: FAILURES.length,
};
console.log(JSON.stringify(result));
folder[Symbol.dispose]();
process.exit(0);
