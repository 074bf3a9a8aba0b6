/** One server with a wasm and a TypeScript worker. Many sources announce and query the same few nodes at the same time. */
import { DiscoveryServer, type ServerStats, type TransportName } from "../../../src/server/index.ts";
import { checkInvariants } from "../../support/invariants.ts";
import { Threads } from "../../support/threads.ts";

export interface Collided {
  sent: number;
  /** Replies received. */
  answered: number;
  /** Replies whose port and IP came from different announcements. */
  mixed: number;
  stats: ServerStats;
}

/** @throws {Error} if the registry is damaged afterwards. */
export async function collideAt(transport: TransportName, seconds: number): Promise<Collided> {
  using threads = new Threads();
  const server = await DiscoveryServer.start({
    host: "127.0.0.1",
    port: 0,
    workers: 2,
    engine: ["wasm", "ts"],
    transport,
    // So small that nodes are stored, refused and evicted all the time.
    capacity: 8,
    retention: 0.05,
    sourceRate: 0,
    nodeRate: 0,
    newRate: 0,
  });
  const script = new URL("./client.ts", import.meta.url).pathname;
  const colliders = [1, 2].map((seed) =>
    Bun.spawn([process.execPath, script, `${server.port}`, `${seconds}`, `${seed}`], { stdout: "pipe" }),
  );
  const results = await Promise.all(colliders.map(async ({ stdout }) => JSON.parse(await stdout.text())));
  await server.stop();
  checkInvariants(new Uint8Array(threads.memory.buffer));
  const sum = (name: "sent" | "answered" | "mixed") => results.reduce((total, result) => total + result[name], 0);
  return { sent: sum("sent"), answered: sum("answered"), mixed: sum("mixed"), stats: server.stats() };
}
