/** The discovery server: this thread controls, workers handle the packets. */
import { getLogger } from "@logtape/logtape";
import {
  createEngine,
  createEngineMemory,
  EngineControl,
  type EngineCounters,
  type PacketEngine,
} from "../engine/index.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { checkServerOptions, defaultServerOptions, engineOptions, type ServerOptions } from "./options.ts";

const logger = getLogger(["whereabouts", "server"]);

/** How often entries are swept whose time is over. Nothing waits for it: a look-up checks the time itself. */
const SWEEP_MS = 250;
/** What a sweep may take of the control thread. */
const SWEEP_BUDGET_MS = 5;
/** How long a worker has to stop by itself. */
const STOP_MS = 500;

/**
 * The server could not start, or lost its worker.
 *
 * @example
 * ```ts
 * await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0 });
 * try {
 *   await DiscoveryServer.start({ host: "127.0.0.1", port: server.port });
 * } catch (error) {
 *   if (!(error instanceof ServerError)) throw error;
 *   error.code; // => "EADDRINUSE"
 * }
 * ```
 */
export class ServerError extends Error {
  override readonly name = "ServerError";
  /** The system's code, EADDRINUSE say, where it gave one. */
  readonly code: string | undefined;

  /**
   * @param message - why, for people
   * @param code - the system's code, where it gave one
   */
  constructor(message: string, code?: string) {
    super(message);
    this.code = code;
  }
}

/** What a server did so far, and how full it is. */
export interface ServerStats extends EngineCounters {
  /** Nodes in the registry. */
  readonly nodes: number;
  /** Nodes that it holds at most. */
  readonly capacity: number;
  /** Seconds since the start. */
  readonly uptime: number;
}

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
  readonly options: ServerOptions;
  /** The UDP port it listens on. */
  readonly port: number;
  /** Rejects with a {@link ServerError} when the server can go on no longer; resolves when it was stopped. */
  readonly closed: Promise<void>;
  readonly #control: EngineControl;
  readonly #engine: PacketEngine;
  readonly #worker: Worker;
  readonly #started = performance.now();
  readonly #sweeper: Timer;
  readonly #workerStopped: Promise<void>;
  #stopping: Promise<void> | undefined;

  private constructor(options: ServerOptions, memory: WebAssembly.Memory, worker: Worker, port: number) {
    this.options = options;
    this.port = port;
    this.#worker = worker;
    this.#control = new EngineControl(memory);
    this.#engine = createEngine(options.engine, memory, options.workers);
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
    const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
    const { promise: closed, resolve: close, reject } = Promise.withResolvers<void>();
    this.#workerStopped = stopped;
    this.closed = closed;
    // Who does not look at `closed` is not to be ended by it.
    closed.catch(() => {});
    const fail = (message: string) => {
      stop();
      if (this.#stopping) return;
      // What the worker held in the shared memory it may hold for ever: nothing here is to wait for it.
      clearInterval(this.#sweeper);
      worker.terminate();
      reject(new ServerError(`the packet worker failed: ${message}`));
    };
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === "stopped") stop();
      if (data.type === "failed") fail(data.message);
    };
    worker.onerror = ({ message }) => fail(lastLine(message));
    worker.addEventListener("close", () => {
      if (this.#stopping) close();
      fail("it ended");
    });
  }

  /**
   * Starts a server.
   *
   * @param options - see {@link ServerOptions}; what is left out has its default
   * @returns the server, once it answers queries
   * @throws {TypeError} or {RangeError} for an option of the wrong kind, or out of its range
   * @throws {ServerError} if it cannot listen; `code` is EADDRINUSE where the port is in use
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
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    const all: ServerOptions = { ...defaultServerOptions(), ...given };
    checkServerOptions(all);
    const memory = createEngineMemory(engineOptions(all));
    const worker = new Worker(new URL("./worker.ts", import.meta.url).href);
    try {
      const port = await listen(worker, memory, all);
      return new DiscoveryServer(all, memory, worker, port);
    } catch (error) {
      worker.terminate();
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
      uptime: (performance.now() - this.#started) / 1000,
    };
  }

  /**
   * Stops it: resolves when its port is free again, within a second. May be called twice.
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
    // By both ways: a worker under a flood sees the flag only, an idle one the message only.
    this.#control.stop();
    this.#worker.postMessage({ type: "stop" } satisfies ToWorker);
    await Promise.race([this.#workerStopped, Bun.sleep(STOP_MS)]);
    this.#worker.terminate();
  }

  #sweep(): void {
    const now = Date.now();
    const until = performance.now() + SWEEP_BUDGET_MS;
    try {
      while (this.#engine.sweep(now) > 0 && performance.now() < until);
    } catch (error) {
      logger.error("The sweep of the registry failed: {error}", { error });
    }
  }
}

/** Has the worker bind its socket; its port. */
function listen(worker: Worker, memory: WebAssembly.Memory, options: ServerOptions): Promise<number> {
  const { host, port, engine } = options;
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    if (data.type === "listening") resolve(data.port);
    if (data.type === "failed") {
      const where = `${host.includes(":") ? `[${host}]` : host}:${port}`;
      reject(new ServerError(`cannot listen on ${where}: ${reason(data.code, data.message)}`, data.code));
    }
  };
  worker.onerror = ({ message }) => reject(new ServerError(`the packet worker failed: ${lastLine(message)}`));
  worker.addEventListener("close", () => reject(new ServerError("the packet worker ended before it listened")));
  worker.postMessage({ type: "start", start: { memory, lane: 0, engine, host, port } } satisfies ToWorker);
  return promise;
}

/** Bun puts the source around an error into its message; what it is about comes last. */
function lastLine(message: string): string {
  return (
    message
      .trim()
      .split("\n")
      .findLast((line) => line.startsWith("error: "))
      ?.slice(7) ?? message.trim()
  );
}

/** What a person can do about it, for the errors that a person meets. */
function reason(code: string | undefined, message: string): string {
  switch (code) {
    case "EADDRINUSE":
      return "the port is in use";
    case "EACCES":
      return "not permitted (ports below 1024 need privileges)";
    case "EADDRNOTAVAIL":
      return "no interface of this host has that address";
    case "ENOENT":
      return "the name is not known";
    case "EAFNOSUPPORT":
      return "this host has no IPv6 (listen on 0.0.0.0 instead)";
    default:
      return message;
  }
}
