/** The threads that answer requests over HTTPS and HTTP. The kernel spreads connections over them. */
import { setTimeout as sleep } from "node:timers/promises";
import { getLogger } from "@logtape/logtape";
import { OutageLog } from "../../log/outage-log.ts";
import { createMissMemory } from "../../syncthing/directory/misses.ts";
import type { Clock } from "../clock.ts";
import { createThreadCounters, type ListenerCounters, readCounters } from "./counters.ts";
import type { Devices } from "./devices.ts";
import type { DirectoryPorts, DirectoryStart } from "./messages.ts";
import { type DirectoryError, DirectoryThread } from "./thread.ts";

const logger = getLogger(["whereabouts", "https"]);

/** How long a stop waits for requests that are in progress. */
const STOP_MS = 500;
/** The pause before a thread that failed is started again. */
const RESTART_MS = 1000;

type Shared = Pick<DirectoryStart, "engineMemory" | "deviceMemory" | "https" | "http" | "unverified">;

export interface DirectoryThreadsOptions extends Shared {
  /** Lanes of the engine, one for each thread. */
  readonly lanes: readonly number[];
  readonly devices: Devices;
  readonly clock: Clock;
}

export class DirectoryThreads {
  readonly #options: DirectoryThreadsOptions;
  readonly #missMemory = createMissMemory();
  /** The counters of each thread. A thread that replaces another one goes on with them. */
  readonly #counters: readonly SharedArrayBuffer[];
  readonly #threads: (DirectoryThread | undefined)[];
  #ports: DirectoryPorts;
  readonly #faults = new OutageLog(logger, "requests over HTTPS are answered");
  #replaced = 0;
  #stopping = false;

  private constructor(options: DirectoryThreadsOptions) {
    this.#options = options;
    this.#counters = options.lanes.map(createThreadCounters);
    this.#threads = options.lanes.map(() => undefined);
    this.#ports = { https: options.https?.port, http: options.http?.port };
  }

  /** @throws {DirectoryError} if they cannot listen */
  static async start(options: DirectoryThreadsOptions): Promise<DirectoryThreads> {
    const threads = new DirectoryThreads(options);
    try {
      // The others use the ports of the first, which may be any free ones.
      await threads.#start(0);
      await Promise.all(options.lanes.slice(1).map((_, i) => threads.#start(i + 1)));
      return threads;
    } catch (error) {
      await threads.stop();
      throw error;
    }
  }

  /** Where they listen. */
  get ports(): DirectoryPorts {
    return this.#ports;
  }

  /** Number of threads that listen. */
  get running(): number {
    return this.#threads.filter((thread) => thread !== undefined).length;
  }

  /** Number of threads that have failed and do not listen again yet. */
  get missing(): number {
    return this.#threads.length - this.running;
  }

  /** How often a thread failed, and was replaced. */
  get replaced(): number {
    return this.#replaced;
  }

  counters(): Required<ListenerCounters> {
    return readCounters(this.#counters);
  }

  /** Frees the ports at once. Requests in progress are answered, unless that takes too long. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const threads = this.#threads.filter((thread) => thread !== undefined);
    for (const thread of threads) thread.stop();
    await Promise.race([Promise.all(threads.map(({ stopped }) => stopped)), sleep(STOP_MS)]);
    for (const thread of threads) thread.end();
  }

  async #start(number: number): Promise<void> {
    const { lanes, devices, clock, https, http, ...shared } = this.#options;
    const start: DirectoryStart = {
      ...shared,
      lane: lanes[number]!,
      missMemory: this.#missMemory,
      counters: this.#counters[number]!,
      epoch: clock.epoch,
      https: https && { ...https, port: this.#ports.https! },
      http: http && { ...http, port: this.#ports.http! },
    };
    const thread = new DirectoryThread(start, devices, (message) => {
      this.#faults.failed(`a request over HTTPS failed: ${message}`);
    });
    try {
      this.#ports = await thread.listening;
    } catch (error) {
      thread.end();
      throw error;
    }
    this.#threads[number] = thread;
    if (this.#stopping) thread.end();
    else void thread.failed.then((error) => this.#replace(number, thread, error));
  }

  /** Starts a thread in place of one that has failed, again and again until one listens. */
  async #replace(number: number, failed: DirectoryThread, error: DirectoryError): Promise<void> {
    this.#threads[number] = undefined;
    failed.end();
    for (let reason = error; !this.#stopping; ) {
      logger.error("a thread that answers HTTPS requests failed and is started again: {reason}", {
        reason: reason.message,
      });
      await sleep(RESTART_MS, undefined, { ref: false });
      if (this.#stopping) return;
      this.#replaced++;
      try {
        return await this.#start(number);
      } catch (next) {
        reason = next as DirectoryError;
      }
    }
  }
}
