/** The types of a SyncthingDiscoverer's options and results. */
import type { DiscoveryError } from "../../client/error.ts";

/** Where a device is. */
export interface DeviceAddresses {
  /** With check characters and dashes: 63 characters. */
  readonly deviceId: string;
  /** URLs such as `tcp://192.0.2.7:22000`, `quic://[fe80::1%25eth0]:22000` or `relay://…`, as Syncthing dials them. */
  readonly addresses: readonly string[];
  /** Where they come from: `lan`, or host and port of the server. */
  readonly via: string;
  /** When the device last announced itself, in milliseconds since 1970. */
  readonly seenAt: number;
}

/** A device of the LAN. */
export interface LanDevice extends DeviceAddresses {
  /** Always `lan`: the device announced itself there. */
  readonly via: "lan";
}

/** A change on the LAN. */
export interface DeviceEvent extends LanDevice {
  /** The device is new, has other addresses than before, or was silent for 90 s. The addresses of one that is gone are its last ones. */
  readonly type: "device" | "moved" | "gone";
}

/** An announcement that was sent. */
export interface DeviceAnnounced {
  /** `lan`, or host and port of the server. */
  readonly where: string;
  /** The destination: address and port, or the server's URL. */
  readonly address: string;
}

/** The events of {@link SyncthingDiscoverer.on}: their names, and what their listeners are called with. */
export interface SyncthingEvents {
  /** A new device announced itself on the LAN, or one that was gone. */
  device: DeviceEvent;
  /** The addresses of a device of the LAN have changed. */
  moved: DeviceEvent;
  /** A device of the LAN was silent for 90 s. */
  gone: DeviceEvent;
  /** An announcement was sent on the LAN, or a server has taken it. */
  announced: DeviceAnnounced;
  /** Something failed. It will be retried. */
  error: DiscoveryError;
}

/** The intervals of a discoverer, in milliseconds. The defaults are Syncthing's, but for `interfaces`. */
export interface SyncthingTimings {
  /** Between two announcements on the LAN: 30 s. */
  readonly lanInterval: number;
  /** How long a device of the LAN is kept after its last announcement: 90 s. */
  readonly lanRetention: number;
  /** How often to look for new network interfaces: 2 s. */
  readonly interfaces: number;
  /** The wait after a failed announcement to a server that does not say when to try again: 1 min. */
  readonly retry: number;
  /** How long the addresses that a server has given are cached: 5 min. */
  readonly found: number;
}

/**
 * The options of {@link SyncthingDiscoverer.start}. All have defaults: without any, it finds the devices of the LAN.
 *
 * @example
 * ```ts
 * const options: SyncthingOptions = {
 *   servers: ["https://discovery.example/?nolookup", "https://192.0.2.7:8443/?insecure&noannounce"],
 *   lan: false,
 * };
 * options.servers?.length; // => 2
 * ```
 */
export interface SyncthingOptions {
  /** The own certificate in PEM, whose hash is the own device ID. Without it, the discoverer only looks and listens. */
  readonly certificate?: string;
  /** The certificate's key in PEM. */
  readonly key?: string;
  /**
   * Where the own device can be reached, to announce: URLs such as `tcp://:22000`, where an empty host is the own address as others
   * see it. Needs a certificate. Default: none, and nothing is announced.
   */
  readonly addresses?: readonly string[];
  /** Discovery servers: `https://HOST:PORT/?id=DEVICE-ID`, with the options that Syncthing has for them. */
  readonly servers?: readonly string[];
  /** Whether to listen and to announce on the LAN. Default true. */
  readonly lan?: boolean;
  /** UDP port of the LAN, 21027 by default. */
  readonly lanPort?: number;
  /** Names of the network interfaces to use on the LAN. Default: all but those of container bridges. */
  readonly interfaces?: readonly string[];
  /** Closes the discoverer when it is aborted. */
  readonly signal?: AbortSignal;
  /** Intervals other than Syncthing's: for tests, or for a network that needs them. */
  readonly timings?: Partial<SyncthingTimings>;
}

/** The options of a lookup. */
export interface DeviceLookupOptions {
  /** Milliseconds, 5,000 by default. */
  readonly timeout?: number;
  /** Cancels the lookup, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Asks again instead of using an earlier result, for instance when no address could be dialled. Default false. */
  readonly fresh?: boolean;
}

/** Counters of one server. */
export interface SyncthingServerCounters {
  /** Requests for a device. */
  lookups: number;
  /** How many of them were answered with addresses. */
  found: number;
  /** Announcements that the server has taken. */
  announcements: number;
  /** Requests of both kinds that failed. */
  failures: number;
}

/** The counters of a discoverer since its start. */
export interface SyncthingStats {
  /** Datagrams on the LAN's port. `received` counts all: `announcements` of other devices, and all others as `ignored`. */
  readonly lan: { readonly received: number; readonly announcements: number; readonly ignored: number };
  /** By host and port of the server. */
  readonly servers: Readonly<Record<string, Readonly<SyncthingServerCounters>>>;
  /** How many `error` events there were, whether anything listened to them or not. */
  readonly errors: number;
  /** The last of them. */
  readonly lastError: DiscoveryError | undefined;
}
