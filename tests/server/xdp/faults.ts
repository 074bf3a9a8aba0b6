/** A server under load that is made to fail in many ways. After each, it must serve everything again, by all queues. */

import type { ServerOptions } from "../../../src/server/index.ts";
import type { ClientCommand, Load, Round } from "./client.ts";
import type { Program } from "./program.ts";
import { busyQueues } from "./queue-socket.ts";
import type { ServerAnswer } from "./server.ts";
import { type ServerProgram, Site } from "./site.ts";

/** How the server fails. */
export const FAULTS = {
  kill: "kill -9 of the server, which is started again at once",
  throw: "a worker's thread ends with an error",
  sleep: "a worker's thread hangs",
  spin: "a worker's thread runs without end, and cannot be ended",
  stop: "a worker's thread stands still as under a debugger, and goes on after it was replaced",
  pause: "the whole server is stopped for a moment",
} as const;
export type Fault = keyof typeof FAULTS;

/** How long a worker stands still. It is replaced after a second. */
const STOP_MS = 2500;
const PAUSE_MS = 700;
const SETTLE_MS = 500;
/** How long to wait for the service. */
const LIMIT_MS = 20_000;

export interface Outcome {
  /**
   * From the fault on, and after kill -9 from the start of the next server on: until all queues were served, and until every node was
   * answered after that.
   */
  readonly servedMs: number;
  readonly answeredMs: number;
  /** The fewest queues that were served meanwhile, if a worker has failed. */
  readonly fewest: number | undefined;
  /** Nodes without an answer. */
  readonly missing: number;
  readonly stats: ServerAnswer;
}

export interface FaultsOptions {
  readonly queues: number;
  readonly nodes: number;
  /** Packets per second. */
  readonly rate: number;
  /** Bytes of frames per queue. */
  readonly receiveBuffer: number;
}

export class Faults implements AsyncDisposable {
  readonly #site: Site;
  readonly #client: Program<ClientCommand>;
  readonly #options: Partial<ServerOptions>;
  #server: ServerProgram;

  private constructor(
    site: Site,
    client: Program<ClientCommand>,
    server: ServerProgram,
    options: Partial<ServerOptions>,
  ) {
    this.#options = options;
    this.#site = site;
    this.#client = client;
    this.#server = server;
  }

  static async create({ queues, nodes, rate, receiveBuffer }: FaultsOptions): Promise<Faults> {
    const site = await Site.create(queues);
    const options = { fallback: false, receiveBuffer };
    const [server, client] = await Promise.all([site.serve(options), site.ask(nodes)]);
    const { missing } = await client.ask<Round>({ do: "announce" });
    if (missing > 0) throw new Error(`${missing} nodes could not be announced`);
    // Only then must they survive kill -9.
    while ((await server.ask<ServerAnswer>({ do: "stats" })).appended < nodes) await Bun.sleep(5);
    await client.ask({ do: "load", rate });
    return new Faults(site, client, server, options);
  }

  stats(): Promise<ServerAnswer> {
    return this.#server.ask({ do: "stats" });
  }

  /** The statistics when the threads of workers that failed have ended: the open files do not get fewer any more. */
  async settled(): Promise<ServerAnswer> {
    for (let stats = await this.stats(); ; ) {
      await Bun.sleep(SETTLE_MS);
      const next = await this.stats();
      if (next.files >= stats.files) return next;
      stats = next;
    }
  }

  load(): Promise<Load> {
    return this.#client.ask({ do: "read" });
  }

  async run(fault: Fault, worker: number): Promise<Outcome> {
    let from = performance.now();
    let fewest: number | undefined;
    if (fault === "kill") {
      this.#server.child.kill("SIGKILL");
      await this.#server.child.exited;
      from = performance.now();
      this.#server = await this.#site.serve(this.#options);
    } else if (fault === "pause") {
      this.#server.child.kill("SIGSTOP");
      await Bun.sleep(PAUSE_MS);
      from = performance.now();
      this.#server.child.kill("SIGCONT");
    } else fewest = await this.#server.ask({ do: "fail", how: fault, worker, ms: STOP_MS });
    // A thread that stood still with a lock of Bun's stopped the whole server until the stop was over (docs/reliability.md).
    if (fewest === this.#site.queues) from = performance.now();
    const stats = await this.#served();
    const servedMs = Math.round(performance.now() - from);
    const { ms, missing } = await this.#client.ask<Round>({ do: "all", ms: LIMIT_MS });
    if (fault === "spin" || fault === "stop") await this.#server.ask({ do: "go" });
    return { servedMs, answeredMs: servedMs + ms, fewest, missing, stats };
  }

  /** Waits until all queues are served. */
  async #served(): Promise<ServerAnswer> {
    for (const end = performance.now() + LIMIT_MS; ; ) {
      const stats = await this.stats();
      if (stats.xdp?.served === this.#site.queues || performance.now() > end) return stats;
      await Bun.sleep(5);
    }
  }

  /** Stops the server. @returns what it has left: nothing, if all is well */
  async stop(): Promise<string[]> {
    await this.#client.ask({ do: "load", rate: 1 });
    await this.#server.ask({ do: "stop" });
    const left: string[] = [];
    if (this.#site.host.run("ip -d link show b0").includes("xdp")) left.push("a program is attached");
    left.push(...(await busyQueues(this.#site.host, "b0", this.#site.queues)));
    return left;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#site[Symbol.asyncDispose]();
  }
}
