/**
 * A server whose worker is brought to fail, however often it is replaced: `bun permanent-failure.ts HOW`. Prints the error that `closed`
 * rejects with, and how late the main thread's timer was meanwhile, as JSON; ends by itself when nothing is left of the server.
 */

import { H_INDEX_AT, H_SHARDS_AT, SHARD_LOCK } from "../../assembly/layout.ts";
import { DiscoveryServer } from "../../src/server/index.ts";
import { Client } from "../support/client.ts";
import { ascii, query } from "../support/packets.ts";
import { Threads } from "../support/threads.ts";
import { until } from "../support/time-limits.ts";

const how = process.argv[2];
using threads = new Threads();
const engine = how === "throws" ? "ts" : "wasm";
const server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, workers: 1, capacity: 10, engine });
let message: string | undefined;
server.closed.catch((error: Error) => {
  message = error.message;
});
const client = await Client.open(server.port);
client.send(query(ascii("A")));
await until(() => server.stats().received === 1, "a packet");

const TICK = 10;
let last = performance.now();
let late = 0;
const ticker = setInterval(() => {
  late = Math.max(late, performance.now() - last - TICK);
  last = performance.now();
}, TICK);
// Tables that lie outside the memory: wasm traps at the index, and Atomics throw at a shard's lock.
const u32 = new Uint32Array(threads.memory.buffer);
if (how === "dies with a lock") u32[(u32[H_SHARDS_AT >>> 2]! + SHARD_LOCK) >>> 2] = 1;
u32[(how === "throws" ? H_SHARDS_AT : H_INDEX_AT) >>> 2] = 2 ** 32 - 4096;
while (message === undefined) {
  client.send(query(ascii("A")));
  await Bun.sleep(5);
}
clearInterval(ticker);
await server.stop();
client.close();
console.log(JSON.stringify({ message, late, received: server.stats().received, threads: threads.list.length }));
