/** Syncthing's global discovery as a part of the server: the devices, and the threads that answer requests. */
import { hostname } from "node:os";
import { getLogger } from "@logtape/logtape";
import type { EngineMemory, PacketEngine } from "../../engine/index.ts";
import { formatDeviceId } from "../../syncthing/device-id.ts";
import { createDeviceMemory } from "../../syncthing/devices/index.ts";
import { type HostAndPort, isEveryAddress, parseHostAndPort } from "../../syncthing/directory/host-and-port.ts";
import type { KeyPair } from "../../syncthing/directory/key-pair.ts";
import type { Clock } from "../clock.ts";
import { listenReason, ServerError } from "../error.ts";
import { directoryThreads, type ResolvedServerOptions, SPARE_LANES } from "../options.ts";
import type { HttpsStats } from "../stats.ts";
import { readCounters } from "./counters.ts";
import { Devices } from "./devices.ts";
import { DirectoryError } from "./thread.ts";
import { DirectoryThreads } from "./threads.ts";

const logger = getLogger(["whereabouts", "https"]);

const ANY_HEADER =
  "clients' certificates are read from the headers of nginx, Caddy and Traefik: if your proxy does not remove the other two, --proxy-header must name the one that it sets, or anyone can announce any device";

/** Where requests are answered. */
export interface HttpsAddress {
  /**
   * For Syncthing's settings, over HTTPS with the device ID. If it listens on every interface, with the name of this machine,
   * which others may know by another one.
   */
  readonly url: string;
  /** The address it listens on. */
  readonly host: string;
  /** The TCP port it listens on. */
  readonly port: number;
  /** The device ID of the server's certificate, by which clients recognize it; undefined over HTTP. */
  readonly deviceId: string | undefined;
}

export class GlobalDiscovery {
  /** Also without HTTPS: devices come from the journal, if another server shares it. */
  readonly devices: Devices;
  readonly #options: ResolvedServerOptions;
  readonly #engineMemory: EngineMemory;
  readonly #deviceMemory: SharedArrayBuffer;
  readonly #clock: Clock;
  #threads: DirectoryThreads | undefined;
  #deviceId: string | undefined;

  /** @param engine - an engine that only this thread uses */
  constructor(options: ResolvedServerOptions, memory: EngineMemory, engine: PacketEngine, clock: Clock) {
    this.#options = options;
    this.#engineMemory = memory;
    this.#clock = clock;
    this.#deviceMemory = createDeviceMemory(options.httpsCapacity);
    this.devices = new Devices(this.#deviceMemory, memory, engine, clock);
  }

  /** Starts to answer requests, if that is not off. @throws {ServerError} if it cannot listen, or not use its certificate */
  async start(): Promise<void> {
    const { workers, trustProxy, proxyHeader, httpsUnverified: unverified } = this.#options;
    const [https, http] = [parseHostAndPort(this.#options.https), parseHostAndPort(this.#options.http)];
    if (https === undefined && http === undefined) return;
    if (http !== undefined && proxyHeader === "auto") logger.warning(ANY_HEADER);
    const pair = https && (await this.#keyPair());
    this.#deviceId = pair && formatDeviceId(pair.deviceId);
    const count = directoryThreads(this.#options);
    try {
      if (!this.#options.sharePort) {
        if (https) await checkFree("https", https);
        if (http) await checkFree("http", http);
      }
      this.#threads = await DirectoryThreads.start({
        lanes: Array.from({ length: count }, (_, i) => workers + SPARE_LANES + i),
        engineMemory: this.#engineMemory,
        deviceMemory: this.#deviceMemory,
        devices: this.devices,
        clock: this.#clock,
        unverified,
        https: https && pair && { ...https, cert: pair.cert, key: pair.key },
        http: http && { ...http, trusted: trustProxy, certificateHeader: proxyHeader },
      });
    } catch (error) {
      const { option, code, message } = error as DirectoryError;
      if (!(error instanceof DirectoryError) || option === undefined) throw error;
      throw new ServerError(
        `cannot listen on ${option} ${this.#options[option]}: ${listenReason(code, message)}`,
        code,
      );
    }
  }

  /** Where requests over HTTPS are answered; undefined if nowhere. */
  get https(): HttpsAddress | undefined {
    return this.#address("https", this.#deviceId);
  }

  /** Where requests over HTTP are answered; undefined if nowhere. */
  get http(): HttpsAddress | undefined {
    return this.#address("http", undefined);
  }

  #address(scheme: "https" | "http", deviceId: string | undefined): HttpsAddress | undefined {
    const port = this.#threads?.ports[scheme];
    if (port === undefined) return undefined;
    const { host } = parseHostAndPort(this.#options[scheme])!;
    const name = isEveryAddress(host) ? hostname() : host;
    const at = `${scheme}://${name.includes(":") ? `[${name}]` : name}:${port}/`;
    return { url: deviceId === undefined ? at : `${at}?id=${deviceId}`, host, port, deviceId };
  }

  /** Number of threads that have failed and do not answer requests again yet. */
  get missing(): number {
    return this.#threads?.missing ?? 0;
  }

  stats(): HttpsStats {
    const { table } = this.devices;
    const { requests, connections } = this.#threads?.counters() ?? readCounters([]);
    const { open, ...events } = connections;
    return {
      devices: table.size,
      addresses: table.addresses,
      capacity: table.capacity,
      displaced: table.displaced,
      threads: this.#threads?.running ?? 0,
      replaced: this.#threads?.replaced ?? 0,
      connections: open,
      requests,
      ...events,
    };
  }

  async stop(): Promise<void> {
    await this.#threads?.stop();
  }

  async #keyPair(): Promise<KeyPair> {
    const { httpsCert, httpsKey } = this.#options;
    // Loaded on use: without HTTPS a server needs no cryptography.
    const { loadKeyPair } = await import("../../syncthing/directory/key-pair.ts");
    try {
      const pair = await loadKeyPair(httpsCert, httpsKey);
      if (pair.made) logger.info("made a certificate and a key: {httpsCert}, {httpsKey}", { httpsCert, httpsKey });
      for (const warning of pair.warnings) logger.warning("{warning}", { warning });
      return pair;
    } catch (error) {
      throw new ServerError((error as Error).message, "key-pair");
    }
  }
}

/**
 * Checks that no other server has the port: the threads listen on a port that all programs of this user may share.
 *
 * @throws {DirectoryError} if it cannot listen there
 */
async function checkFree(option: "https" | "http", { host, port }: HostAndPort): Promise<void> {
  // Loaded on use: only these servers need it.
  const { createServer } = await import("node:net");
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port, exclusive: true }, resolve);
    });
    await new Promise((resolve) => server.close(resolve));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new DirectoryError(message, code, option);
  }
}
