export {
  type Announced,
  Discoverer,
  type DiscovererEvents,
  type DiscovererStats,
  LAN_PORT,
} from "./discoverer.ts";
export { DiscoveryError } from "./error.ts";
export type { LookupResult } from "./lookup-many.ts";
export { parseServer, SERVER_PORT, type ServerAddress } from "./server-address.ts";
export type { ServerCounters } from "./server-link.ts";
export type { DiscovererOptions, LanEvent, LanNode, LookupOptions, NodeAddress, Timings } from "./types.ts";
