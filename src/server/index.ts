export type { EngineCounters, Limit, Network, Verdict } from "../engine/index.ts";
export type { JournalStats } from "./journaling.ts";
export { DEFAULT_PORT, defaultServerOptions, type ServerOptions } from "./options.ts";
export { DiscoveryServer, ServerError, type ServerStats } from "./server.ts";
