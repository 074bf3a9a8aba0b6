export { Discoverer, type DiscovererStats } from "./discoverer.ts";
export { DiscoveryError } from "./error.ts";
export type { Announced, Confirmed, DiscovererEvents } from "./events.ts";
export { LAN_PORT } from "./options.ts";
export { parseServer, SERVER_PORT, type ServerAddress } from "./servers/address.ts";
export type {
  DiscovererOptions,
  LanEvent,
  LanNode,
  LookupOptions,
  LookupResult,
  NodeAddress,
  ServerCounters,
  Timings,
  WatchOptions,
} from "./types.ts";
