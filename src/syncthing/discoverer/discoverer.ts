/** The client for the devices of Syncthing: finds them on the LAN and through servers, and announces the own device to both. */
import { randomBytes } from "node:crypto";
import { requireRuntime } from "../../client/builtin.ts";
import { Reports } from "../../client/lan/reports.ts";
import { watchSettings } from "../../client/options.ts";
import { Session } from "../../client/session.ts";
import type { WatchOptions } from "../../client/types.ts";
import { deviceIdOfPem, formatDeviceId, parseDeviceId } from "../device-id.ts";
import { GlobalServer } from "../global/server.ts";
import { encodeAnnouncement } from "../local/codec.ts";
import { SyncthingLan } from "../local/lan.ts";
import { DeviceAnnouncer } from "./announcer.ts";
import { Lookups } from "./lookups.ts";
import { deviceLookupSettings, type SyncthingSettings, syncthingSettings } from "./options.ts";
import { ServerLookups } from "./server-lookups.ts";
import type {
  DeviceAddresses,
  DeviceEvent,
  DeviceLookupOptions,
  LanDevice,
  SyncthingEvents,
  SyncthingOptions,
  SyncthingServerCounters,
  SyncthingStats,
} from "./types.ts";

/**
 * Finds devices of Syncthing on the LAN and through servers of its global discovery, and announces the own device so that
 * Syncthing finds it. It tells addresses; it does not connect.
 *
 * @example
 * ```ts
 * // Port 1 of this host has no discovery server.
 * const servers = ["https://127.0.0.1:1/?insecure"];
 * await using discoverer = await SyncthingDiscoverer.start({ servers, lan: false });
 *
 * const deviceId = formatDeviceId(new Uint8Array(32));
 * await discoverer.lookup(deviceId); // throws DiscoveryError
 * discoverer.stats().servers["127.0.0.1:1"]?.failures; // => 1
 * ```
 */
export class SyncthingDiscoverer {
  /** The own device ID, with check characters and dashes: 63 characters. `undefined` without a certificate. */
  readonly deviceId: string | undefined;
  readonly #session = new Session<SyncthingEvents, DeviceEvent>(
    ["device", "moved", "gone", "announced", "error"],
    ({ deviceId }) => deviceId,
  );
  readonly #servers: readonly GlobalServer[];
  readonly #counters: Record<string, SyncthingServerCounters> = {};
  readonly #lookups: Lookups;
  readonly #announcers: readonly DeviceAnnouncer[];
  #lan: SyncthingLan | undefined;

  private constructor(
    { addresses, timings }: SyncthingSettings,
    ownId: Uint8Array | undefined,
    servers: readonly GlobalServer[],
  ) {
    this.deviceId = ownId && formatDeviceId(ownId);
    this.#servers = servers;
    for (const { name } of this.#servers) {
      this.#counters[name] = { lookups: 0, found: 0, announcements: 0, failures: 0 };
    }
    const reports = new Reports(this.#session.failed);
    const { found, retry } = timings;
    const asked = this.#servers.filter(({ looksUp }) => looksUp);
    this.#lookups = new Lookups(
      asked.map((server) => new ServerLookups({ server, found, counters: this.#counters[server.name]!, reports })),
    );
    const told = addresses.length > 0 ? this.#servers.filter(({ announces }) => announces) : [];
    this.#announcers = told.map((server) => {
      const counters = this.#counters[server.name]!;
      return new DeviceAnnouncer({
        server,
        addresses,
        retry,
        onAnnounced: () => {
          counters.announcements++;
          this.#session.emit("announced", { where: server.name, address: server.url });
        },
        onError: (error) => {
          counters.failures++;
          this.#session.failed(error);
        },
      });
    });
  }

  /**
   * Starts a discoverer. If it has a certificate and addresses, it announces them at once and then at regular intervals.
   *
   * @param options - see {@link SyncthingOptions}
   * @returns the discoverer. It keeps the program running until it is closed, by `close()` or `await using`, or unref'd
   * @throws {TypeError} for an unknown option or a value of a wrong type; {RangeError} for a wrong value; the signal's
   *   reason if it is aborted
   * @throws {DiscoveryError} if it cannot listen on the LAN: `code` is EADDRINUSE if another program uses the port for both IPv4
   *   and IPv6
   * @example
   * ```ts
   * await using discoverer = await SyncthingDiscoverer.start({ servers: ["https://127.0.0.1/"], lan: false });
   * discoverer.deviceId; // => undefined
   *
   * await SyncthingDiscoverer.start({ servers: ["discovery.example"] }); // throws RangeError
   * await SyncthingDiscoverer.start({ addresses: ["tcp://:22000"] }); // throws TypeError
   * ```
   */
  static async start(options: SyncthingOptions = {}): Promise<SyncthingDiscoverer> {
    requireRuntime();
    const settings = syncthingSettings(options);
    const { identity, servers, signal } = settings;
    signal?.throwIfAborted();
    const ownId = identity && deviceIdOfPem(identity.certificate);
    const discoverer = new SyncthingDiscoverer(
      settings,
      ownId,
      servers.map((url) => new GlobalServer(url, identity)),
    );
    try {
      if (settings.lan) await discoverer.#openLan(settings, ownId);
    } catch (error) {
      await discoverer.close();
      throw error;
    }
    discoverer.#session.started(signal, () => discoverer.close());
    for (const announcer of discoverer.#announcers) void announcer.announce();
    return discoverer;
  }

  /**
   * Looks up a device: among those of the LAN, then in the cache of earlier results, then on all servers at once. The first that
   * knows the device is believed.
   *
   * @param deviceId - with or without check characters, dashes and spaces
   * @param options - see {@link DeviceLookupOptions}
   * @returns its addresses, or `undefined` if nobody knows it
   * @throws {TypeError} or {RangeError} for wrong arguments; the signal's reason if it is aborted; {Error} if closed
   * @throws {DiscoveryError} if no server can be reached, and the LAN does not know the device: at once, or with the LAN at the
   *   timeout; if no server has answered in time
   * @example
   * ```ts
   * await using discoverer = await SyncthingDiscoverer.start({ servers: ["https://127.0.0.1:1/"], lan: false });
   *
   * const deviceId = formatDeviceId(new Uint8Array(32));
   * const error = await discoverer.lookup(deviceId).catch((error) => error);
   * error.code; // => "ECONNREFUSED"
   *
   * await discoverer.lookup("AAAAAAA-AAAAAAA"); // throws RangeError
   * ```
   */
  async lookup(deviceId: string, options?: DeviceLookupOptions): Promise<DeviceAddresses | undefined> {
    return await this.#lookups.one(parseDeviceId(deviceId), deviceLookupSettings(options));
  }

  /**
   * The devices of the LAN that were heard within 90 s.
   *
   * @returns a new list, in no particular order
   * @example
   * ```ts
   * await using discoverer = await SyncthingDiscoverer.start({ servers: ["https://127.0.0.1/"], lan: false });
   * discoverer.devices(); // => []
   * ```
   */
  devices(): LanDevice[] {
    return this.#lan?.devices() ?? [];
  }

  /**
   * Streams the current devices of the LAN and then each change. A slow reader gets only the latest event of each device.
   *
   * @param options - `signal` ends the stream. So does `close()`, and leaving the loop
   * @returns the events, without end
   * @throws {TypeError} for a wrong option
   * @example
   * ```ts
   * await using discoverer = await SyncthingDiscoverer.start({ servers: ["https://127.0.0.1/"], lan: false });
   *
   * const seen: string[] = [];
   * for await (const { type, deviceId, addresses } of discoverer.watch({ signal: AbortSignal.timeout(50) })) {
   *   seen.push(`${type} ${deviceId}: ${addresses.join(", ")}`);
   * }
   * seen; // => []
   * ```
   */
  watch(options: WatchOptions = {}): AsyncIterable<DeviceEvent> {
    const { signal } = watchSettings(options);
    return this.#session.watch(
      this.devices().map((device) => ({ ...device, type: "device" })),
      signal,
    );
  }

  /**
   * Adds a listener. If the listener throws, the error becomes an uncaught exception of the program.
   *
   * @param event - the name of one of {@link SyncthingEvents}
   * @param listener - is called with each event
   * @returns a function that removes the listener
   * @throws {TypeError} for an unknown event, or a listener that is not a function
   * @example
   * ```ts
   * await using discoverer = await SyncthingDiscoverer.start({ servers: ["https://127.0.0.1:1/"], lan: false });
   *
   * const errors: string[] = [];
   * const stop = discoverer.on("error", ({ where, code }) => errors.push(`${where}: ${code}`));
   * await discoverer.lookup(formatDeviceId(new Uint8Array(32))).catch(() => {});
   * stop();
   * errors; // => ["127.0.0.1:1: ECONNREFUSED"]
   * ```
   */
  on<K extends keyof SyncthingEvents>(event: K, listener: (event: SyncthingEvents[K]) => void): () => void {
    return this.#session.on(event, listener);
  }

  /**
   * Announces now, to the LAN and to every server. Resolves when it is sent on the LAN, and each server has taken it or the request
   * has failed, within 10 s. Never rejects: failures are `error` events. Does nothing without addresses to announce.
   *
   * @example
   * ```ts
   * await using discoverer = await SyncthingDiscoverer.start({ servers: ["https://127.0.0.1/"], lan: false });
   * await discoverer.announce();
   * discoverer.stats().servers["127.0.0.1:443"]?.announcements; // => 0
   * ```
   */
  async announce(): Promise<void> {
    await Promise.all([this.#lan?.announce(), ...this.#announcers.map((announcer) => announcer.announce())]);
  }

  /**
   * The counters so far.
   *
   * @returns a copy, which later packets and requests do not change
   * @example
   * ```ts
   * await using discoverer = await SyncthingDiscoverer.start({ servers: ["https://127.0.0.1/"], lan: false });
   * discoverer.stats().lan; // => { received: 0, announcements: 0, ignored: 0 }
   * ```
   */
  stats(): SyncthingStats {
    return {
      lan: { received: 0, announcements: 0, ignored: 0, ...this.#lan?.counters },
      servers: structuredClone(this.#counters),
      ...this.#session.failures,
    };
  }

  /**
   * Lets the program end while the discoverer is open and no request to a server is under way, as `unref()` of timers and
   * sockets does.
   *
   * @returns the discoverer
   * @example
   * ```ts
   * // This program ends after its last statement, although the discoverer is open.
   * const discoverer = await SyncthingDiscoverer.start({ servers: ["https://127.0.0.1/"], lan: false });
   * discoverer.unref() === discoverer; // => true
   * ```
   */
  unref(): this {
    this.#session.unref();
    return this;
  }

  /**
   * Undoes {@link unref}: keeps the program running until the discoverer is closed, which is the default.
   *
   * @returns the discoverer
   * @example
   * ```ts
   * await using discoverer = await SyncthingDiscoverer.start({ servers: ["https://127.0.0.1/"], lan: false });
   * discoverer.unref();
   * discoverer.ref() === discoverer; // => true
   * ```
   */
  ref(): this {
    this.#session.ref();
    return this;
  }

  /**
   * Closes all sockets and timers. Pending lookups are rejected. May be called twice.
   *
   * @example
   * ```ts
   * const discoverer = await SyncthingDiscoverer.start({ servers: ["https://127.0.0.1/"], lan: false });
   * await discoverer.close();
   *
   * await discoverer.lookup(formatDeviceId(new Uint8Array(32))); // throws Error
   * ```
   */
  async close(): Promise<void> {
    if (!this.#session.close()) return;
    for (const announcer of this.#announcers) announcer.close();
    this.#lookups.close();
    for (const server of this.#servers) server.close();
    this.#lan?.close();
  }

  /** Called at the end of an `await using` block: {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #openLan(settings: SyncthingSettings, ownId: Uint8Array | undefined): Promise<void> {
    const { addresses, lanPort, interfaces, signal, timings } = settings;
    const instance = BigInt.asUintN(63, randomBytes(8).readBigUInt64BE());
    const announces = ownId !== undefined && addresses.length > 0;
    this.#lan = await new SyncthingLan({
      port: lanPort,
      interfaces,
      announcement: announces ? encodeAnnouncement({ id: ownId, addresses, instance }) : undefined,
      ownId,
      timings,
      signal,
      onEvent: this.#session.changed,
      onHeard: (key) => this.#lookups.heardOnLan(key),
      onError: this.#session.failed,
      onAnnounced: (address) => this.#session.emit("announced", { where: "lan", address }),
      onNewTargets: () => {
        for (const announcer of this.#announcers) announcer.changed();
      },
    }).open();
    this.#lookups.useLan(this.#lan, announces);
  }
}
