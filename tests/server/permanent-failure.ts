/**
 * A server whose workers fail again and again, because its memory is damaged: `bun permanent-failure.ts HOW`. Prints one line of
 * JSON ({@link PermanentFailure}). Does not call process.exit, so it ends only if the server leaves nothing open.
 */

import { H_INDEX_AT, H_SHARDS_AT, SHARD_LOCK } from "../../assembly/layout.ts";
import { DiscoveryServer } from "../../src/server/index.ts";
import { Client } from "../support/client.ts";
import { ascii, query } from "../support/packets.ts";
import { Threads } from "../support/threads.ts";
import { until } from "../support/time-limits.ts";

/** The result that this program prints. */
export interface PermanentFailure {
  /** Of the error that `closed` rejects with. */
  readonly message: string;
  readonly received: number;
  /** The largest delay of a timer in ms, on the server's main thread and in a control process that does nothing else. */
  readonly timerDelay: number;
  readonly controlDelay: number;
  readonly threads: number;
}

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

const control = Bun.spawn([process.execPath, new URL("../support/timer-lateness.ts", import.meta.url).pathname], {
  stdout: "pipe",
});
const TICK = 10;
let last = performance.now();
let timerDelay = 0;
const ticker = setInterval(() => {
  timerDelay = Math.max(timerDelay, performance.now() - last - TICK);
  last = performance.now();
}, TICK);
// Move tables out of the memory: wasm traps when it reads the index, Atomics throw at the lock of a shard.
const u32 = new Uint32Array(threads.memory.buffer);
if (how === "dies with a lock") u32[(u32[H_SHARDS_AT >>> 2]! + SHARD_LOCK) >>> 2] = 1;
u32[(how === "throws" ? H_SHARDS_AT : H_INDEX_AT) >>> 2] = 2 ** 32 - 4096;
while (message === undefined) {
  client.send(query(ascii("A")));
  await Bun.sleep(5);
}
clearInterval(ticker);
control.kill();
const controlDelay = Number(await control.stdout.text());
await server.stop();
client.close();
const { received } = server.stats();
console.log(
  JSON.stringify({
    message,
    received,
    timerDelay,
    controlDelay,
    threads: threads.list.length,
  } satisfies PermanentFailure),
);
