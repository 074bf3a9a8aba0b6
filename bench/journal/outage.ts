/** A Redis that is stopped under load and comes back empty. */
import { join } from "node:path";
import { DiscoveryServer } from "../../src/server/index.ts";
import type { RedisProcess } from "../server/process.ts";

const LOAD = join(import.meta.dir, "load.ts");
const NODES = 100_000;
const PATIENCE_MS = 60_000;

export interface OutageFigures {
  readonly seconds: number;
  /** Seconds from its return until all servers know all nodes, and until one that joins does. */
  readonly allKnow: number;
  readonly joinerKnows: number;
}

/** Stops a Redis for `seconds` while three servers are announced `rate` nodes a second, and starts it again without its data. */
export async function outage(
  start: () => Promise<RedisProcess>,
  rate: number,
  seconds: number,
): Promise<OutageFigures> {
  let redis = await start();
  const options = { host: "127.0.0.1", port: 0, capacity: NODES, sourceRate: 0, newRate: 0, journal: redis.url };
  const servers = await Promise.all([1, 2, 3].map(() => DiscoveryServer.start(options)));
  const args = [rate, seconds + 4, NODES, ...servers.map(({ port }) => port)].map(String);
  const load = Bun.spawn([process.execPath, LOAD, ...args], { stdout: "ignore", stderr: "inherit" });
  try {
    await Bun.sleep(2000);
    await redis[Symbol.asyncDispose]();
    await Bun.sleep(seconds * 1000);
    redis = await start();
    const back = performance.now();
    const since = () => (performance.now() - back) / 1000;
    // Each node is announced to one server only.
    const announced = () => servers.reduce((sum, server) => sum + server.stats().verdicts.stored, 0);
    const all = (nodes: number) => nodes >= Math.min(NODES, announced());
    const wait = async (know: () => Promise<boolean>) => {
      while (!(await know())) {
        if (since() * 1000 > PATIENCE_MS) throw new Error("it was waited in vain for servers to know all nodes");
        await Bun.sleep(20);
      }
      return since();
    };
    const allKnow = await wait(async () => servers.every((server) => all(server.stats().nodes)));
    const joinerKnows = await wait(async () => {
      await using joiner = await DiscoveryServer.start(options);
      return all(joiner.stats().nodes);
    });
    return { seconds, allKnow, joinerKnows };
  } finally {
    load.kill();
    for (const server of servers) await server.stop();
    await redis[Symbol.asyncDispose]();
  }
}
