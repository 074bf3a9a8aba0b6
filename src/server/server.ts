/** The discovery server: this thread controls, workers handle the packets. */
import { getLogger } from "@logtape/logtape";
import {
  createEngine,
  createEngineMemory,
  EngineControl,
  type EngineCounters,
  type PacketEngine,
} from "../engine/index.ts";
import { JournalError } from "../journal/index.ts";
import { Journaling, type JournalStats } from "./journaling.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { checkServerOptions, defaultServerOptions, engineOptions, type ServerOptions } from "./options.ts";

const logger = getLogger(["whereabouts", "server"]);

/** How often entries are swept whose time is over. Nothing waits for it: a look-up checks the time itself. */
const SWEEP_MS = 250;
/** What a sweep may take of the control thread. */
const SWEEP_BUDGET_MS = 5;
/** How long a worker has to stop by itself. */
const STOP_MS = 500;

/** The server could not start, or lost its worker. `code` is the system's (EADDRINUSE, say) where it gave one. */
export class ServerError extends Error {
  override readonly name = "ServerError";
  readonly code: string | undefined;

  constructor(message: string, code?: string) {
    super(message);
    this.code = code;
  }
}

export interface ServerStats extends EngineCounters {
  /** Nodes in the registry. */
  readonly nodes: number;
  readonly capacity: number;
  /** Seconds since the start. */
  readonly uptime: number;
  readonly journal: JournalStats;
}

/**
 * A running server.
 *
 * @example
 * ```ts
 * await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0 });
 * console.log(server.port, server.stats().nodes);
 * ```
 */
export class DiscoveryServer {
  readonly options: ServerOptions;
  /** The UDP port it listens on. */
  readonly port: number;
  /** Rejects with a {@link ServerError} when the server can go on no longer; resolves when it was stopped. */
  readonly closed: Promise<void>;
  readonly #control: EngineControl;
  readonly #engine: PacketEngine;
  readonly #worker: Worker;
  readonly #journaling: Journaling;
  readonly #started = performance.now();
  readonly #sweeper: Timer;
  readonly #workerStopped: Promise<void>;
  #stopping: Promise<void> | undefined;

  private constructor(
    options: ServerOptions,
    memory: WebAssembly.Memory,
    engine: PacketEngine,
    journaling: Journaling,
    worker: Worker,
    port: number,
  ) {
    this.options = options;
    this.port = port;
    this.#worker = worker;
    this.#control = new EngineControl(memory);
    this.#engine = engine;
    this.#journaling = journaling;
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
      void this.#journaling.stop();
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
   * @param options see {@link ServerOptions}; what is left out has its default.
   * @returns the server, once it answers queries.
   * @throws {TypeError} or {RangeError} for an option of the wrong kind, or out of its range.
   * @throws {ServerError} if it cannot listen; `code` is EADDRINUSE where the port is in use. Or if the journal is in use, of a
   * newer version or unusable: `code` is `locked`, `newer`, `foreign` or `unusable`.
   */
  static async start(options: Partial<ServerOptions> = {}): Promise<DiscoveryServer> {
    const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
    const all: ServerOptions = { ...defaultServerOptions(), ...given };
    checkServerOptions(all);
    const memory = createEngineMemory(engineOptions(all));
    const engine = createEngine(all.engine, memory, all.workers);
    const journaling = await restore(all, memory, engine);
    const worker = new Worker(new URL("./worker.ts", import.meta.url).href);
    try {
      const port = await listen(worker, memory, all);
      return new DiscoveryServer(all, memory, engine, journaling, worker, port);
    } catch (error) {
      worker.terminate();
      await journaling.stop();
      throw error;
    }
  }

  /** What it did so far. `received` is the sum of `verdicts`, at all times. */
  stats(): ServerStats {
    return {
      ...this.#control.counters(),
      nodes: this.#control.nodes,
      capacity: this.#control.capacity,
      uptime: (performance.now() - this.#started) / 1000,
      journal: this.#journaling.stats(),
    };
  }

  /** Stops it: resolves when its port is free again, within a second. May be called twice. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

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
    await this.#journaling.stop();
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

/** What the journal has is known before the first packet comes. @throws {ServerError} if the journal cannot be had */
async function restore(options: ServerOptions, memory: WebAssembly.Memory, engine: PacketEngine): Promise<Journaling> {
  try {
    return await Journaling.open(options, memory, engine);
  } catch (error) {
    throw error instanceof JournalError ? new ServerError(error.message, error.code) : error;
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
