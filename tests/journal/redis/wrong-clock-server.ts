/**
 * A server whose clock is off by MS in all its threads: `bun wrong-clock-server.ts JOURNAL MS RETENTION`. RETENTION is
 * in seconds. Prints its port; stops when its standard input ends.
 */
const [journal, skew, retention] = process.argv.slice(2) as [string, string, string];

const real = Date.now;
Date.now = () => real() + Number(skew);
const Thread = globalThis.Worker;
globalThis.Worker = class extends Thread {
  constructor(script: string | URL) {
    super(new URL("./wrong-clock-worker.ts", import.meta.url).href, { env: { SKEW: skew, SCRIPT: `${script}` } });
  }
};

const { DiscoveryServer } = await import("../../../src/server/index.ts");
const server = await DiscoveryServer.start({
  host: "127.0.0.1",
  port: 0,
  capacity: 1000,
  retention: Number(retention),
  sourceRate: 0,
  nodeRate: 0,
  newRate: 0,
  journal,
});
console.log(server.port);
for await (const _ of Bun.stdin.stream());
await server.stop();
process.exit(0);
