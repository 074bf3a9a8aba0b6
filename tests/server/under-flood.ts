/**
 * A server that another process floods: `bun under-flood.ts SECONDS garbage|load PACKETS`. Stops itself by SIGTERM in the middle of the
 * flood, when so many seconds have passed and it has received so many packets, and prints one line of JSON ({@link UnderFlood}). The main
 * thread measures how late its own timers are. A control process beside it measures the same and does nothing else, so that delays of the
 * machine can be told from delays of the server.
 */
import { DiscoveryServer, type ServerStats } from "../../src/server/index.ts";
import { Client } from "../support/client.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { LONG_LIMIT_MS, until } from "../support/time-limits.ts";

const LIMIT_MS = LONG_LIMIT_MS - 30_000;

/** The result that this program prints. */
export interface UnderFlood {
  /** The largest delay of a timer in ms, on the server's main thread and in the control process. */
  readonly timerDelay: number;
  readonly controlDelay: number;
  readonly stopMs: number;
  /** Whether an ordinary client got an answer during the flood. */
  readonly answered: boolean;
  readonly stats: ServerStats;
  /** Resident bytes of the server's process, once a second. */
  readonly rss: readonly number[];
  /** The same as packets came in, 20 times a second. */
  readonly memory: readonly { readonly received: number; readonly rss: number }[];
}

const [seconds, kind, packets] = process.argv.slice(2);
const server = await DiscoveryServer.start({
  host: "127.0.0.1",
  port: 0,
  capacity: 50_000,
  sourceRate: 0,
  nodeRate: 0,
  newRate: 0,
});

const TICK = 10;
let last = performance.now();
let timerDelay = 0;
setInterval(() => {
  timerDelay = Math.max(timerDelay, performance.now() - last - TICK);
  last = performance.now();
}, TICK);

const control = Bun.spawn([process.execPath, new URL("../support/timer-lateness.ts", import.meta.url).pathname], {
  stdout: "pipe",
});
const rss: number[] = [];
setInterval(() => rss.push(process.memoryUsage.rss()), 1000);
const memory: { received: number; rss: number }[] = [];
setInterval(() => memory.push({ received: server.stats().received, rss: process.memoryUsage.rss() }), 50);

process.on("SIGTERM", async () => {
  const stopping = performance.now();
  const stats = server.stats();
  await server.stop();
  const stopMs = performance.now() - stopping;
  for (const child of [flood, control]) child.kill();
  const controlDelay = Number(await control.stdout.text());
  console.log(JSON.stringify({ timerDelay, controlDelay, stopMs, answered, stats, rss, memory } satisfies UnderFlood));
  process.exit(0);
});

const script = new URL("../support/flood.ts", import.meta.url).pathname;
// It ends by itself if this program is killed, else when the server has stopped.
const flood = Bun.spawn([process.execPath, script, `${server.port}`, `${LIMIT_MS / 1000}`, kind!], {
  stdout: "ignore",
});
await Bun.sleep(Number(seconds) * 1000);
await until(() => server.stats().received >= Number(packets), "the packets", LIMIT_MS);

// An ordinary client during the flood: some of its packets are lost, but not all.
const client = await Client.open(server.port, "127.0.0.1", "127.8.0.1");
let answered = false;
for (let i = 0; i < 200 && !answered; i++) {
  client.send(announcement(ascii("HEALTHY"), 22000));
  answered = (await client.ask(query(ascii("HEALTHY")), 20)) !== undefined;
}
process.kill(process.pid, "SIGTERM");
await flood.exited;
