/** Redis goes down under load and comes back empty: how long until all servers know all nodes? */
import { DiscoveryServer } from "../../src/server/index.ts";
import { type RedisProcess, spawnAnnouncer } from "./processes.ts";

const NODES = 100_000;
const TIMEOUT_MS = 60_000;

export interface OutageFigures {
  /** Length of the outage. */
  readonly seconds: number;
  /** Seconds from the end of the outage until all servers know all nodes. */
  readonly allKnow: number;
  /** Seconds from the end of the outage until a server that joins afterwards knows all nodes. */
  readonly joinerKnows: number;
}

/**
 * Stops Redis for `seconds` while three servers receive `rate` announcements per second, and starts it again without
 * its data.
 */
export async function outage(
  start: () => Promise<RedisProcess>,
  rate: number,
  seconds: number,
): Promise<OutageFigures> {
  let redis = await start();
  const options = { host: "127.0.0.1", port: 0, capacity: NODES, sourceRate: 0, newRate: 0, journal: redis.url };
  const servers = await Promise.all([1, 2, 3].map(() => DiscoveryServer.start(options)));
  const ports = servers.map(({ port }) => port);
  const announcer = spawnAnnouncer(rate, seconds + 4, NODES, ports, "ignore");
  try {
    await Bun.sleep(2000);
    await redis[Symbol.asyncDispose]();
    await Bun.sleep(seconds * 1000);
    redis = await start();
    const returnedAt = performance.now();
    const secondsSinceReturn = () => (performance.now() - returnedAt) / 1000;
    // Each node is announced to one server only, so the sum is the number of different nodes.
    const announced = () => servers.reduce((sum, server) => sum + server.stats().verdicts.stored, 0);
    const isAll = (nodes: number) => nodes >= Math.min(NODES, announced());
    const secondsUntil = async (condition: () => Promise<boolean>) => {
      while (!(await condition())) {
        if (secondsSinceReturn() * 1000 > TIMEOUT_MS)
          throw new Error(`the servers did not know all nodes after ${TIMEOUT_MS / 1000} s`);
        await Bun.sleep(20);
      }
      return secondsSinceReturn();
    };
    const allKnow = await secondsUntil(async () => servers.every((server) => isAll(server.stats().nodes)));
    const joinerKnows = await secondsUntil(async () => {
      await using joiner = await DiscoveryServer.start(options);
      return isAll(joiner.stats().nodes);
    });
    return { seconds, allKnow, joinerKnows };
  } finally {
    announcer.kill();
    for (const server of servers) await server.stop();
    await redis[Symbol.asyncDispose]();
  }
}
