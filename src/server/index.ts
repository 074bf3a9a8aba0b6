/**
 * A discovery server in a program of its own. For Bun. Start with {@link DiscoveryServer}.
 *
 * @module whereabouts/server
 */
export {
  type EngineBackend,
  type EngineCounters,
  type Limit,
  type LimiterTable,
  type LimitKey,
  type LimitName,
  type Network,
  VERDICTS,
  type Verdict,
} from "../engine/index.ts";
export { REQUEST_RESULTS as HTTPS_RESULTS, type RequestResult as HttpsResult } from "../syncthing/directory/handler.ts";
export type { XdpMode, XdpStatus } from "../transport/xdp/status.ts";
export { ServerError } from "./error.ts";
export type { HttpsAddress } from "./https/global-discovery.ts";
export {
  type Limited,
  type NodeInfo,
  PROBLEM_CODES,
  type Problem,
  type Readiness,
  type ReadinessCheck,
} from "./inspect.ts";
export { formatNetwork, parseNetwork } from "./network.ts";
export {
  DEFAULT_PORT,
  defaultServerOptions,
  MAX_COALESCE,
  MAX_HTTPS_CAPACITY,
  MAX_RECEIVE_BUFFER,
  MAX_WORKERS,
  type ResolvedServerOptions,
  type ServerOptions,
  TRANSPORTS,
  type TransportName,
} from "./options.ts";
export type { OptionError } from "./resolve.ts";
export { DiscoveryServer } from "./server.ts";
export type { Histogram, HttpsStats, JournalStats, ServerStats, WorkerStats } from "./stats.ts";
