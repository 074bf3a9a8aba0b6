/** The discovery server: this thread controls, workers handle the packets. */
import { getLogger } from "@logtape/logtape";
import {
  createEngine,
  createEngineMemory,
  EngineControl,
  type EngineMemory,
  type PacketEngine,
} from "../engine/index.ts";
import { JournalError } from "../journal/index.ts";
import { preferHugePages } from "../transport/pages.ts";
import { ServerError } from "./error.ts";
import { Journaling } from "./journaling.ts";
import { engineOptions, type ResolvedServerOptions, type ServerOptions, sharesPort } from "./options.ts";
import { resolveOptions } from "./resolve.ts";
import type { ServerStats } from "./stats.ts";
import { Workers } from "./workers/pool.ts";

const logger = getLogger(["whereabouts", "server"]);

/** How often entries are swept whose time is over. Nothing waits for it: a look-up checks the time itself. */
const SWEEP_MS = 250;
/** What a sweep may take of the control thread. */
const SWEEP_BUDGET_MS = 5;

/**
 * A running server. It answers queries with the addresses that announcements came from, and keeps them for an hour.
 *
 * @example
 * ```ts
 * await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 10_000 });
 * server.port > 0; // => true
 * server.stats().nodes; // => 0
 * ```
 */
export class DiscoveryServer {
  /** What it was started with, defaults included. */
  readonly options: ResolvedServerOptions;
  /** The UDP port it listens on. */
  readonly port: number;
  /** The numeric IP it listens on, as in `127.0.0.1` for the host `localhost`, with its zone if it has one. */
  readonly address: string;
  /** Bytes granted for datagrams that wait, to the worker that was granted least; undefined where the system does not tell. */
  readonly receiveBuffer: number | undefined;
  /** Rejects with a {@link ServerError} when the server can go on no longer; resolves when it was stopped. */
  readonly closed: Promise<void>;
  readonly #control: EngineControl;
  readonly #engine: PacketEngine;
  readonly #workers: Workers;
  readonly #journaling: Journaling;
  readonly #started = performance.now();
  readonly #sweeper: Timer;
  #stopping: Promise<void> | undefined;

  private constructor(
    options: ResolvedServerOptions,
    control: EngineControl,
    engine: PacketEngine,
    journaling: Journaling,
    workers: Workers,
  ) {
    this.options = options;
    this.port = workers.port;
    this.address = workers.address;
    this.receiveBuffer = workers.receiveBuffer;
    this.#workers = workers;
    this.#control = control;
    this.#engine = engine;
    this.#journaling = journaling;
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
    this.closed = workers.closed.then(() => this.stop());
    // Who does not look at it is not to be ended by it.
    this.closed.catch(() => clearInterval(this.#sweeper));
  }

  /**
   * Starts a server.
   *
   * @param options - see {@link ServerOptions}; what is left out has its default
   * @returns the server, once it answers queries
   * @throws {TypeError} or {RangeError} for an option of the wrong kind, or out of its range
   * @throws {ServerError} if it cannot listen; `code` is EADDRINUSE where the port is in use. Or if the journal is in use, of
   * a newer version or unusable: `code` is `locked`, `newer`, `foreign` or `unusable`
   * @example
   * ```ts
   * // Port 0 takes a free one. Without a host it listens on every interface, IPv6 and IPv4.
   * await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0 });
   * server.options.host; // => "127.0.0.1"
   *
   * await DiscoveryServer.start({ port: 65536 }); // throws RangeError
   * await DiscoveryServer.start({ host: "127.0.0.1", port: server.port }); // throws ServerError
   * ```
   */
  static async start(options: Partial<ServerOptions> = {}): Promise<DiscoveryServer> {
    const all = resolveOptions(options);
    if (all.workers > 1 && !sharesPort(process.platform)) {
      logger.warning("{workers} workers gain nothing: on {platform} one of those that share a port gets all packets", {
        workers: all.workers,
        platform: process.platform,
      });
    }
    const memory = createEngineMemory(engineOptions(all));
    preferHugePages(new Uint8Array(memory.buffer));
    const control = new EngineControl(memory);
    const engine = createEngine([all.engine].flat()[0]!, memory, control.lane);
    const journaling = await restore(all, memory, engine);
    try {
      const workers = await Workers.start(memory, control, all);
      return new DiscoveryServer(all, control, engine, journaling, workers);
    } catch (error) {
      await journaling.stop();
      throw error;
    }
  }

  /**
   * What it did so far. `received` is the sum of `verdicts`, at all times.
   *
   * @returns the counters as they stand; they do not go on counting
   * @example
   * ```ts
   * await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 1000 });
   * const { received, verdicts, nodes, capacity } = server.stats();
   * [received, verdicts.answered, nodes, capacity]; // => [0, 0, 0, 1000]
   * ```
   */
  stats(): ServerStats {
    return {
      ...this.#control.counters(),
      nodes: this.#control.nodes,
      capacity: this.#control.capacity,
      workers: this.#workers.serving,
      replaced: this.#workers.replaced,
      uptime: (performance.now() - this.#started) / 1000,
      journal: this.#journaling.stats(),
    };
  }

  /**
   * Stops it: within a second its port is free again, and within another its journal has what was announced last, as far as it
   * takes it. May be called twice. Never throws.
   *
   * @example
   * ```ts
   * const server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0 });
   * await server.stop();
   * await server.closed; // => undefined
   * ```
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** What `await using` calls at the end: {@link stop}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(): Promise<void> {
    clearInterval(this.#sweeper);
    await this.#workers.stop();
    await this.#journaling.stop();
  }

  #sweep(): void {
    const now = Date.now();
    const until = performance.now() + SWEEP_BUDGET_MS;
    try {
      while (this.#engine.sweep(now) > 0 && performance.now() < until);
    } catch (error) {
      logger.error("The sweep of the registry failed: {error}", { error });
      this.#workers.repairControl();
    }
  }
}

/** What the journal has is known before the first packet comes. @throws {ServerError} if the journal cannot be had */
async function restore(
  options: ResolvedServerOptions,
  memory: EngineMemory,
  engine: PacketEngine,
): Promise<Journaling> {
  try {
    return await Journaling.open(options, memory, engine);
  } catch (error) {
    throw error instanceof JournalError ? new ServerError(error.message, error.code) : error;
  }
}
