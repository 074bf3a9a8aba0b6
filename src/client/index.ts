export {
  type Announced,
  Discoverer,
  type DiscovererEvents,
  type DiscovererStats,
  LAN_PORT,
  type LookupResult,
} from "./discoverer.ts";
export { DiscoveryError } from "./error.ts";
export { parseServer, SERVER_PORT, type ServerAddress } from "./server-address.ts";
export type { ServerCounters } from "./server-link.ts";
export type { DiscovererOptions, LanEvent, LanNode, LookupOptions, NodeAddress, Timings } from "./types.ts";
