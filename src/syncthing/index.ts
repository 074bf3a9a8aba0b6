/**
 * Finds devices of today's Syncthing: on a LAN, and through global discovery servers. For Bun and Node. Start with
 * {@link SyncthingDiscoverer}.
 *
 * @module whereabouts/syncthing
 */
export { deviceIdOfPem, formatDeviceId, parseDeviceId } from "./device-id.ts";
export { SyncthingDiscoverer } from "./discoverer/discoverer.ts";
export { SYNCTHING_LAN_PORT } from "./discoverer/options.ts";
export type {
  DeviceAddresses,
  DeviceAnnounced,
  DeviceEvent,
  DeviceLookupOptions,
  LanDevice,
  SyncthingEvents,
  SyncthingOptions,
  SyncthingServerCounters,
  SyncthingStats,
  SyncthingTimings,
} from "./discoverer/types.ts";
