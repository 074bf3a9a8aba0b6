/**
 * Finds the peers of a program: on a LAN without any server, and elsewhere through discovery servers. For Bun, Node and Electron.
 * Start with {@link Discoverer}.
 *
 * @module whereabouts/client
 */
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
