/**
 * A server under load whose workers come to harm, one after the other, in every way: `bun worker-failures.ts TRANSPORT ENGINE`. Its main
 * thread watches its own timers, beside a process that only does that. In the end a worker is harmed and the server told to stop
 * at once; another starts
 * with its journal. Prints one line of JSON.
 */
import { configure } from "@logtape/logtape";
import type { EngineBackend } from "../../src/engine/index.ts";
import { DiscoveryServer, type ServerOptions, type TransportName } from "../../src/server/index.ts";
import { Client, until } from "../support/client.ts";
import { Folder } from "../support/folder.ts";
import { checkInvariants } from "../support/invariants.ts";
import { nodeOf } from "../support/nodes.ts";
import { announcement, query } from "../support/packets.ts";
import { Threads } from "../support/threads.ts";
import type { Harm } from "./faulty-worker.ts";

const NODES = 2000;
const TICK = 10;
const [transport, engine] = process.argv.slice(2) as [TransportName, EngineBackend];

type How = Pick<Harm, "place" | "end">;

/** Each way to come to harm, told to a worker; undefined ends its thread from outside, at a moment that chance decides. */
const HARMS: readonly (How | undefined)[] = [
  undefined,
  { place: "nowhere", end: "sleeps" },
  { place: "a refresh", end: "sleeps" },
  { place: "an insertion", end: "throws" },
  { place: "the pool", end: "sleeps" },
  { place: "a refresh", end: "turns" },
  { place: "the pool", end: "turns" },
];

const threads = new Threads("tests/server/faulty-worker.ts");

/** Not 0: those that turn are to wake. */
const wake = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
/** Threads that were harmed and have ended. */
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

/** Announces, or asks for, every node, again where nothing came of it. Returns those that were in vain. */
async function all(ask: boolean): Promise<number[]> {
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

/** What the log says of a worker that came to harm, of its worst only: the rest may be chance. */
function traces(how: How | undefined): string[] {
  if (how === undefined) return ["its thread ended"];
  return [
    how.end === "throws" ? "struck" : "it gave no sign of life",
    ...(how.place === "nowhere" ? [] : ["the lock that it held was freed"]),
    ...(how.end === "turns" ? ["its thread could not be ended"] : []),
  ];
}

/** Threads that were harmed, or ended: on a busy machine a worker may be replaced that nobody harmed. */
const gone = new Set<Worker>();

/** Harms the worker that has been there longest. */
function harm(how: How | undefined): void {
  const thread = threads.list.find((it) => !gone.has(it))!;
  gone.add(thread);
  thread.addEventListener("close", () => ended++);
  if (how === undefined) thread.terminate();
  else thread.postMessage({ type: "harm", wake, ...how } satisfies Harm);
}

await all(false);
const before = await all(true);

let last = performance.now();
let latest = 0;
setInterval(() => {
  latest = Math.max(latest, performance.now() - last - TICK);
  last = performance.now();
}, TICK);
const script = (path: string) => new URL(path, import.meta.url).pathname;
const ticker = Bun.spawn([process.execPath, script("../support/timer-lateness.ts")], { stdout: "pipe" });
const asker = Bun.spawn([process.execPath, script("./query-load.ts"), `${server.port}`, `${NODES}`], {
  stdout: "pipe",
});
process.on("exit", () => {
  for (const child of [ticker, asker]) child.kill();
});
await Bun.sleep(500);
/** How long it took until a worker that was harmed was replaced, in ms. */
const replacedMs: number[] = [];
for (const [i, how] of HARMS.entries()) {
  const from = performance.now();
  const said = log.length;
  for (const thread of threads.list) thread.addEventListener("close", () => gone.add(thread));
  harm(how);
  const told = (line: string) => traces(how).every((trace) => line.includes(trace));
  await until(() => log.slice(said).some(told), `harm ${i} to be mended: ${traces(how)}`, 10_000);
  replacedMs.push(Math.round(performance.now() - from));
  await Bun.sleep(300);
  // Who was replaced and wakes does no harm, and ends.
  Atomics.store(new Int32Array(wake.buffer), 0, 1);
  await until(() => ended === i + 1, "the thread to end");
  Atomics.store(new Int32Array(wake.buffer), 0, 0);
}
asker.kill();
const load = JSON.parse(await asker.stdout.text());
const lost = await all(true);
const { workers } = server.stats();

harm({ place: "the pool", end: "turns" });
// An idle thread looks for messages ten times a second.
await Bun.sleep(200);
const asked = performance.now();
await server.stop();
const stopMs = performance.now() - asked;
ticker.kill();
const machine = Number(await ticker.stdout.text());
// Its port is free, though a thread goes on that nobody can end.
const again = await Bun.udpSocket({ hostname: "127.0.0.1", port: server.port });
again.close();
client.close();

let flaw = "";
try {
  checkInvariants(new Uint8Array(threads.memory.buffer));
} catch (error) {
  flaw = (error as Error).message;
}
const stats = server.stats();
const next = await DiscoveryServer.start(options);
const { restored } = next.stats().journal;
await next.stop();
console.log(
  JSON.stringify({
    before,
    lost,
    load,
    latest,
    machine,
    replacedMs,
    stopMs,
    workers,
    stats,
    restored,
    flaw,
    log,
    harms: HARMS.length,
  }),
);
folder[Symbol.dispose]();
process.exit(0);
