/** Prepares a server for measuring: its options, and a registry that is full. */
import type { ServerOptions, TransportName } from "../../src/server/index.ts";
import type { BenchOptions } from "./options.ts";
import { count } from "./rows.ts";
import type { Loaders, Server } from "./subject.ts";

/** Limits so high that the limiter runs, but drops no packet. */
const AMPLE = { rate: 1e9, burst: 1e9 };
/** Rate 0 turns a limit off. */
const OFF = { rate: 0, burst: 1 };

export function serverOptions(
  { host, engine, limits }: Pick<BenchOptions, "host" | "engine" | "limits">,
  transport: TransportName,
  workers: number,
  nodes: number,
): Partial<ServerOptions> {
  const { rate, burst } = limits ? AMPLE : OFF;
  return {
    transport,
    workers,
    host,
    engine,
    capacity: nodes,
    sourceRate: rate,
    sourceBurst: burst,
    nodeRate: rate,
    nodeBurst: burst,
    newRate: rate,
    newBurst: burst,
  };
}

/**
 * Announces all nodes, then warms the server up.
 *
 * @param seconds - how long the load lasts that warms it up
 * @returns the seconds that the announcements took
 * @throws {Error} if the server does not store all nodes
 */
export async function fill(loaders: Loaders, server: Server, nodes: number, seconds: number): Promise<number> {
  const { port } = server;
  const preload = { port, nodes, what: "mixed", seconds: 0, seed: 0, preload: true } as const;
  const { announceSeconds } = await loaders.run(preload);
  const { nodes: stored } = await server.stats();
  if (stored !== nodes) throw new Error(`the server stored ${count(stored)} of ${count(nodes)} announced nodes`);
  await loaders.run({ port, nodes, what: "mixed", seconds, seed: 0 });
  return announceSeconds;
}
