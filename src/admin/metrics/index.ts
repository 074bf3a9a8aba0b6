/** The metrics of a server and its process, in the text format of Prometheus. */
// The rest of prom-client, which is not needed here, takes 40 ms to load.
import Registry from "prom-client/lib/registry.js";
import type { DiscoveryServer } from "../../server/index.ts";
import { PROCESS_METRICS } from "./process.ts";
import { type Reading, SERVER_METRICS } from "./server.ts";

/** @param ready - the result of the last check for `/readyz` */
export function renderMetrics(server: DiscoveryServer, ready: boolean): Promise<string> {
  const reading: Reading = {
    stats: server.stats(),
    limited: server.limited(),
    problems: server.problems(),
    options: server.options,
    ready,
  };
  const cpu = process.cpuUsage();
  const registry = new Registry();
  for (const define of SERVER_METRICS) define(reading, registry);
  for (const define of PROCESS_METRICS) define({ cpu }, registry);
  return registry.metrics();
}
