/**
 * A server whose worker is brought to fail: `bun broken.ts HOW`. Prints the error that `closed` rejects with, and how late the
 * main thread's timer was after that, as JSON; ends by itself when nothing is left of the server.
 */
import { H_INDEX_AT, H_SHARDS_AT, SHARD_LOCK } from "../../assembly/layout.ts";
import { DiscoveryServer } from "../../src/server/index.ts";
import { Client, until } from "./client.ts";
import { ascii, query } from "./packets.ts";

/** The memory that the server makes: caught on its way to the worker. */
let memory: WebAssembly.Memory | undefined;
const Memory = WebAssembly.Memory;
WebAssembly.Memory = class extends Memory {
  constructor(descriptor: WebAssembly.MemoryDescriptor) {
    super(descriptor);
    memory = this;
  }
} as typeof WebAssembly.Memory;

const how = process.argv[2];
const engine = how === "throws" ? "ts" : "wasm";
const server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 10, engine });
const failed = server.closed.then(
  () => undefined,
  (error: Error) => error.message,
);
const client = await Client.open(server.port);
client.send(query(ascii("A")));
await until(() => server.stats().received === 1, "a packet");

// Tables that lie outside the memory: wasm traps at the index, and Atomics throw at a shard's lock.
const u32 = new Uint32Array(memory!.buffer);
if (how === "dies with a lock") u32[(u32[H_SHARDS_AT >>> 2]! + SHARD_LOCK) >>> 2] = 1;
u32[(how === "throws" ? H_SHARDS_AT : H_INDEX_AT) >>> 2] = 2 ** 32 - 4096;
client.send(query(ascii("A")));
const message = await failed;

const asked = performance.now();
await Bun.sleep(600);
const late = performance.now() - asked - 600;
client.close();
console.log(JSON.stringify({ message, late, received: server.stats().received }));
