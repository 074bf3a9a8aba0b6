export {
  type Announced,
  Discoverer,
  type DiscovererEvents,
  type DiscovererStats,
  LAN_PORT,
} from "./discoverer.ts";
export { DiscoveryError } from "./error.ts";
export { parseServer, SERVER_PORT, type ServerAddress } from "./servers/address.ts";
export type { ServerCounters } from "./servers/link.ts";
export type { LookupResult } from "./servers/lookup-many.ts";
export type { DiscovererOptions, LanEvent, LanNode, LookupOptions, NodeAddress, Timings } from "./types.ts";
