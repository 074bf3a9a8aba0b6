/**
 * `bun descriptor-shortage.ts`: a worker hangs while the process has no free descriptor; later there are some again. Run it with a low
 * limit of open files. Prints one line of JSON ({@link Shortage}).
 */
import { closeSync, openSync } from "node:fs";
import { configure } from "@logtape/logtape";
import { DiscoveryServer } from "../../src/server/index.ts";
import { Client } from "../support/client.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { Threads } from "../support/threads.ts";
import { until } from "../support/time-limits.ts";
import type { FailCommand } from "./faulty-worker.ts";

export interface Shortage {
  readonly log: readonly string[];
  /** The error that the server ended with. */
  readonly message: string;
  readonly workers: number;
  /** Whether clients of all workers get an answer at the end. */
  readonly answered: boolean;
}

const log: string[] = [];
await configure({
  sinks: { log: (record) => log.push(record.message.join("")) },
  loggers: [
    { category: ["logtape", "meta"], lowestLevel: "fatal", sinks: ["log"] },
    { category: "whereabouts", lowestLevel: "warning", sinks: ["log"] },
  ],
});
const threads = new Threads("tests/server/faulty-worker.ts");
const server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, workers: 2, capacity: 1000 });
let message = "";
server.closed.catch((error: Error) => {
  message = error.message;
});
const clients = await Promise.all(Array.from({ length: 16 }, () => Client.open(server.port)));
const files: number[] = [];
try {
  for (;;) files.push(openSync("/dev/null", "r"));
} catch {}
const wake = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
threads.list[0]!.postMessage({ type: "fail", step: "idle", how: "spin", wake } satisfies FailCommand);
await until(
  () =>
    message !== "" || ["could not be replaced", "could not be taken away"].every((part) => log.join().includes(part)),
  `both lines, not ${log}`,
).catch((error: Error) => log.push(error.message));
for (const file of files) closeSync(file);
await until(() => message !== "" || server.stats().replaced === 1, "another worker").catch(() => {});
const answered = (await Promise.all(clients.map(isAnswered))).every(Boolean);
console.log(JSON.stringify({ log, message, workers: server.stats().workers, answered } satisfies Shortage));
process.exit(0);

/** Asks again and again, as clients do: the socket of the worker that hangs is taken away soon after there are descriptors again. */
async function isAnswered(client: Client): Promise<boolean> {
  for (let left = 20; left > 0; left--) {
    client.send(announcement(ascii("A"), 1));
    if ((await client.ask(query(ascii("A")), 500)) !== undefined) return true;
  }
  return false;
}
