/** The discovery server. This thread controls it; packet workers in other threads handle the packets. */
import { getLogger } from "@logtape/logtape";
import {
  createEngine,
  createEngineMemory,
  EngineControl,
  type EngineMemory,
  type PacketEngine,
  readTables,
} from "../engine/index.ts";
import { JournalError } from "../journal/index.ts";
import { EVERY_ADDRESS } from "../transport/host.ts";
import { preferHugePages } from "../transport/pages.ts";
import { Clock } from "./clock.ts";
import { ServerError } from "./error.ts";
import { Health } from "./health/health.ts";
import { probeSource } from "./health/probe.ts";
import type { Devices } from "./https/devices.ts";
import { GlobalDiscovery, type HttpsAddress } from "./https/global-discovery.ts";
import type { Limited, NodeInfo, Problem, Readiness } from "./inspect.ts";
import { Journaling } from "./journaling.ts";
import { parseNetwork } from "./network.ts";
import { NodeInfos } from "./node-info.ts";
import { engineOptions, type ResolvedServerOptions, type ServerOptions, sharesPort } from "./options.ts";
import { resolveOptions } from "./resolve.ts";
import type { ServerStats } from "./stats.ts";
import { WorkerPool } from "./workers/pool.ts";
import { WorkerReports } from "./workers/reports.ts";

const logger = getLogger(["whereabouts", "server"]);

/** How often expired entries are evicted. Queries check the time themselves, so a delay here changes no answer. */
const SWEEP_MS = 250;
/** How long one sweep may block the control thread. */
const SWEEP_BUDGET_MS = 5;

/**
 * A running server. It stores the address that each announcement came from, for an hour by default, and answers queries
 * with it.
 *
 * @example
 * ```ts
 * await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 10_000 });
 * server.port > 0; // => true
 * server.address; // => "127.0.0.1"
 * server.stats().nodes; // => 0
 * ```
 */
export class DiscoveryServer {
  /** The options that it was started with, defaults included. */
  readonly options: ResolvedServerOptions;
  /** The UDP port it listens on. */
  readonly port: number;
  /** The numeric IP of its first host, such as `127.0.0.1` for the host `localhost`, with its zone if it has one. */
  readonly address: string;
  /** The numeric IPs of all hosts, each once. */
  readonly addresses: readonly string[];
  /**
   * The receive buffer that the system granted, in bytes. If workers were granted different sizes, the smallest. `undefined`
   * if the system does not report it.
   */
  readonly receiveBuffer: number | undefined;
  /** Rejects with a {@link ServerError} after a fatal failure: the owner must stop the server. Resolves after a stop. */
  readonly closed: Promise<void>;
  readonly #memory: EngineMemory;
  readonly #control: EngineControl;
  readonly #engine: PacketEngine;
  readonly #clock: Clock;
  readonly #nodes: NodeInfos;
  readonly #workers: WorkerPool;
  readonly #reports: WorkerReports;
  readonly #journaling: Journaling;
  readonly #startedAt = performance.now();
  readonly #sweepTimer: Timer;
  readonly #health: Health;
  readonly #global: GlobalDiscovery;
  #stopping: Promise<void> | undefined;

  private constructor(
    options: ResolvedServerOptions,
    memory: EngineMemory,
    control: EngineControl,
    engine: PacketEngine,
    clock: Clock,
    journaling: Journaling,
    workers: WorkerPool,
    reports: WorkerReports,
    health: Health,
    global: GlobalDiscovery,
  ) {
    this.options = options;
    this.#global = global;
    this.#health = health;
    this.port = workers.port;
    this.address = workers.addresses[0]!;
    this.addresses = workers.addresses;
    this.receiveBuffer = workers.receiveBuffer;
    this.#workers = workers;
    this.#reports = reports;
    this.#memory = memory;
    this.#nodes = new NodeInfos(memory, control.lane, clock, options.retention);
    this.#control = control;
    this.#engine = engine;
    this.#clock = clock;
    this.#journaling = journaling;
    this.#sweepTimer = setInterval(() => this.#sweep(), SWEEP_MS);
    this.closed = Promise.race([workers.closed, journaling.damage]).then(() => this.stop());
    // This also keeps an unhandled rejection from crashing the program.
    this.closed.catch(() => clearInterval(this.#sweepTimer));
  }

  /**
   * Starts a server.
   *
   * @param options - see {@link ServerOptions}; an option that is left out or `undefined` has its default
   * @returns the server, once it answers queries
   * @throws {TypeError} for an unknown option. Also for an option's value of the wrong kind: that is an {@link OptionError}
   * @throws {RangeError} for an option's value that is out of range: an {@link OptionError}. Also if the registry would need
   *   more than 4 GiB
   * @throws {ServerError} if it cannot listen; `code` is EADDRINUSE if the port is in use. Or if the journal cannot be used:
   *   `code` is `locked` (in use), `newer` (of a newer version), `foreign` or `unusable`. Or if, without `fallback`, the transport
   *   `xdp` cannot serve all of its interface: `code` is `xdp`
   * @example
   * ```ts
   * // Port 0 takes a free one. Without a host it listens on every interface, IPv6 and IPv4.
   * await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, allow: ["192.0.2.0/24"] });
   * server.options.host; // => "127.0.0.1"
   *
   * await DiscoveryServer.start({ port: 65536 }); // throws RangeError
   * await DiscoveryServer.start({ host: "127.0.0.1", port: server.port }); // throws ServerError
   * ```
   */
  static async start(options: Partial<ServerOptions> = {}): Promise<DiscoveryServer> {
    const all = resolveOptions(options);
    if (all.workers > 1 && !sharesPort(process.platform)) {
      logger.warning(
        "{workers} workers are not faster than one: {platform} gives all packets to one of the sockets that share a port",
        { workers: all.workers, platform: process.platform },
      );
    }
    const source = probeSource();
    // The server's own probes must be answered, however busy others are.
    const allow = [...all.allow, parseNetwork(source)];
    const memory = createEngineMemory(engineOptions({ ...all, allow }));
    preferHugePages(new Uint8Array(memory.buffer));
    const control = new EngineControl(memory);
    const engine = createEngine([all.engine].flat()[0]!, memory, control.lane);
    const clock = new Clock();
    const global = new GlobalDiscovery(all, memory, engine, clock);
    const journaling = await openJournal(all, memory, engine, clock, global.devices);
    try {
      const hosts = options.host === undefined ? [EVERY_ADDRESS] : [all.host].flat();
      const reports = new WorkerReports(all);
      const workers = await WorkerPool.start(memory, control, clock, all, hosts, reports);
      await checkQueues(workers, all);
      if (options.host === undefined && all.sockets.length === 0 && workers.addresses[0] === "0.0.0.0") {
        logger.warning("this host has no IPv6, so only IPv4 is served: listens on 0.0.0.0 instead of ::");
      }
      const parts = { options: all, source, memory, control, clock, journaling, workers, reports, global };
      const health = await Health.start(parts);
      try {
        await global.start();
      } catch (error) {
        health.readiness.stop();
        await workers.stop();
        throw error;
      }
      return new DiscoveryServer(all, memory, control, engine, clock, journaling, workers, reports, health, global);
    } catch (error) {
      await journaling.stop();
      throw error;
    }
  }

  /**
   * Where it serves Syncthing's global discovery over HTTPS.
   *
   * @returns its URL and the device ID of its certificate; undefined with the option `https` off
   */
  get https(): HttpsAddress | undefined {
    return this.#global.https;
  }

  /**
   * Where it serves Syncthing's global discovery over HTTP, behind a proxy.
   *
   * @returns its URL; undefined with the option `http` off
   */
  get http(): HttpsAddress | undefined {
    return this.#global.http;
  }

  /**
   * Statistics since the start. `received` is always the sum of `verdicts`.
   *
   * @returns the current values; the object does not change afterwards
   * @example
   * ```ts
   * await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 1000 });
   * const { received, verdicts, nodes, capacity } = server.stats();
   * [received, verdicts.answered, nodes, capacity]; // => [0, 0, 0, 1000]
   * ```
   */
  stats(): ServerStats {
    this.#reports.read();
    const reading = this.#control.readCounters();
    return {
      ...reading.sum,
      nodes: this.#control.nodes,
      capacity: this.#control.capacity,
      workers: this.#workers.listening,
      perWorker: this.#workers.stats(reading),
      replaced: this.#workers.replaced,
      uptime: (performance.now() - this.#startedAt) / 1000,
      batches: this.#reports.batches.histogram(),
      kernelDrops: this.#health.kernelDrops,
      xdp: this.#workers.xdp,
      receiveQueue: this.#health.queues.waiting,
      limiter: readTables(this.#memory, this.#clock.now()),
      journal: this.#journaling.stats(),
      https: this.#global.stats(),
    };
  }

  /**
   * What the registry knows of a node.
   *
   * @param nodeId - 1 to 1008 bytes; a NodeID of another length is unknown
   * @returns undefined if the node is unknown or has expired
   * @throws {TypeError} if `nodeId` is not a Uint8Array
   * @throws {ServerError} with `code` busy if a worker was stopped by the system in the middle of a change: it goes on, or
   *   is replaced, within seconds
   * @example
   * ```ts
   * await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 1000 });
   * server.node(new TextEncoder().encode("unknown")); // => undefined
   * ```
   */
  node(nodeId: Uint8Array): NodeInfo | undefined {
    return this.#nodes.get(nodeId);
  }

  /**
   * Sources, networks and NodeIDs that a limit stops now.
   *
   * @returns at most 100, those with the most packets first
   * @example
   * ```ts
   * await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 1000 });
   * server.limited(); // => []
   * ```
   */
  limited(): readonly Limited[] {
    const now = performance.now();
    this.#reports.read(now);
    return this.#reports.limited.list(now);
  }

  /**
   * The problems that the server has now. It checks once a second, and logs when a problem begins and ends.
   *
   * @returns errors first; empty if nothing is wrong
   * @example
   * ```ts
   * await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 1000, receiveBuffer: 10_000 });
   * server.problems(); // => []
   * ```
   */
  problems(): readonly Problem[] {
    return this.#health.problems;
  }

  /**
   * Whether the server serves: its sockets are bound, the journal was read, every worker has a heartbeat, and an
   * announcement and a query of its own were answered through the real socket. That takes up to a second, and the result is
   * used for another second. docs/reliability.md says more. Never rejects.
   *
   * @returns the result of each check; `ready` if all of them passed
   * @example
   * ```ts
   * await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0, capacity: 1000 });
   * (await server.readiness()).ready; // => true
   * ```
   */
  readiness(): Promise<Readiness> {
    return this.#health.readiness.check();
  }

  /**
   * Stops the server. It first frees the port, within a second. Then it appends the last announcements to the journal, which
   * takes less than another second: if the journal is slower, they are lost. May be called twice. Never throws.
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

  /** Calls {@link stop}, at the end of the scope of `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(): Promise<void> {
    clearInterval(this.#sweepTimer);
    this.#health.readiness.stop();
    await Promise.all([this.#workers.stop(), this.#global.stop()]);
    await this.#journaling.stop({ save: !this.#workers.damaged });
  }

  #sweep(): void {
    this.#reports.read();
    const now = this.#clock.now();
    const until = performance.now() + SWEEP_BUDGET_MS;
    try {
      while (this.#engine.sweep(now) > 0 && performance.now() < until);
    } catch (error) {
      logger.error("evicting expired entries failed: {error}", { error });
      this.#workers.repairControl();
    }
    this.#global.devices.tick();
    this.#health.tick();
  }
}

/** @throws {ServerError} if not all queues of the transport xdp are served, and the options forbid that */
async function checkQueues(workers: WorkerPool, { fallback }: ResolvedServerOptions): Promise<void> {
  await workers.queuesSettled();
  const xdp = workers.xdp;
  if (fallback || xdp === undefined) return;
  const {
    queues,
    served,
    problem = served < queues ? "a worker does not answer: start the server again" : undefined,
  } = xdp;
  if (problem === undefined) return;
  await workers.stop();
  throw new ServerError(`cannot use the interface ${xdp.interface}: ${problem}`, "xdp");
}

/** Restores the registry from the journal, before the first packet is handled. @throws {ServerError} if the journal fails */
async function openJournal(
  options: ResolvedServerOptions,
  memory: EngineMemory,
  engine: PacketEngine,
  clock: Clock,
  devices: Devices,
): Promise<Journaling> {
  try {
    return await Journaling.open(options, memory, engine, devices, clock);
  } catch (error) {
    throw error instanceof JournalError ? new ServerError(error.message, error.code) : error;
  }
}
