/**
 * A server whose main thread watches its own timers, beside a process that only does that, so that what the machine itself
 * holds up can be told from what the server does: `bun under-flood.ts SECONDS garbage|load PROCESSES`. Floods the server from
 * as many other processes, then asks for its own end by SIGTERM, and prints one line of JSON.
 */
import { DiscoveryServer } from "../../src/server/index.ts";
import { Client } from "../support/client.ts";
import { announcement, ascii, query } from "../support/packets.ts";

const [seconds, kind, processes] = process.argv.slice(2);
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
let latest = 0;
setInterval(() => {
  latest = Math.max(latest, performance.now() - last - TICK);
  last = performance.now();
}, TICK);

const control = Bun.spawn([process.execPath, new URL("../support/timer-lateness.ts", import.meta.url).pathname], {
  stdout: "pipe",
});
const rss: number[] = [];
setInterval(() => rss.push(process.memoryUsage.rss()), 1000);

process.on("SIGTERM", async () => {
  const asked = performance.now();
  const stats = server.stats();
  await server.stop();
  const stopMs = performance.now() - asked;
  for (const child of children) child.kill();
  control.kill();
  const machine = Number(await control.stdout.text());
  console.log(JSON.stringify({ latest, machine, stopMs, alive, stats, rss }));
  process.exit(0);
});

const flood = new URL("../support/flood.ts", import.meta.url).pathname;
// Longer than the watch, so that the end comes in the midst of the flood.
const children = Array.from({ length: Number(processes) }, () =>
  Bun.spawn([process.execPath, flood, `${server.port}`, `${Number(seconds) + 3}`, kind!], { stdout: "pipe" }),
);
await Bun.sleep(Number(seconds) * 1000);

// In the midst of it, a healthy client: some of what it asks is lost with the flood, not all.
const client = await Client.open(server.port, "127.0.0.1", "127.8.0.1");
let alive = false;
for (let i = 0; i < 200 && !alive; i++) {
  client.send(announcement(ascii("HEALTHY"), 22000));
  alive = (await client.ask(query(ascii("HEALTHY")), 20)) !== undefined;
}
process.kill(process.pid, "SIGTERM");
await Promise.all(children.map((child) => child.exited));
