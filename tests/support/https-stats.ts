/** Statistics of a server that serves no HTTPS. */
import { readCounters } from "../../src/server/https/counters.ts";
import type { HttpsStats } from "../../src/server/index.ts";

export function noHttpsStats(): HttpsStats {
  const { requests, connections } = readCounters([]);
  const { open, ...events } = connections;
  const none = { devices: 0, addresses: 0, displaced: 0, threads: 0, replaced: 0 };
  return { ...none, capacity: 100_000, connections: open, requests, ...events };
}
