/** Statistics of a server that serves no HTTPS. */
import { createRequestCounters, readCounters } from "../../src/server/https/counters.ts";
import type { HttpsStats } from "../../src/server/index.ts";

export function noHttpsStats(): HttpsStats {
  const { requests, events } = readCounters([createRequestCounters()]);
  const none = { devices: 0, addresses: 0, displaced: 0, threads: 0, replaced: 0, connections: 0 };
  return { ...none, capacity: 100_000, requests, ...events };
}
