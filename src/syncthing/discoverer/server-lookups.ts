/** Lookups at one server: what it answered is kept for as long as it may be believed. */
import type { DiscoveryError } from "../../client/error.ts";
import type { Reports } from "../../client/lan/reports.ts";
import { GlobalServerError } from "../global/error.ts";
import type { GlobalServer } from "../global/server.ts";
import type { DeviceAddresses, SyncthingServerCounters } from "./types.ts";

/** The most answers in the cache. The oldest is evicted first. */
const MAX_CACHED = 10_000;

/** The addresses of a device, or `unknown`. */
export type Answer = DeviceAddresses | "unknown";

export interface ServerLookupsOptions {
  readonly server: GlobalServer;
  /** How long addresses are cached, in ms. */
  readonly found: number;
  readonly counters: SyncthingServerCounters;
  /** Where failures are reported. */
  readonly reports: Reports;
}

export class ServerLookups {
  readonly #options: ServerLookupsOptions;
  /** By device ID. */
  readonly #cache = new Map<string, { readonly answer: Answer; readonly until: number }>();
  /** The last failure, if the server has said when to ask again. */
  #failure: { readonly error: DiscoveryError; readonly until: number } | undefined;

  constructor(options: ServerLookupsOptions) {
    this.#options = options;
  }

  /** Host and port. */
  get name(): string {
    return this.#options.server.name;
  }

  /** The answer of an earlier lookup, unless it is too old. */
  cached(deviceId: string): Answer | undefined {
    const cached = this.#cache.get(deviceId);
    if (cached === undefined) return undefined;
    if (performance.now() < cached.until) return cached.answer;
    this.#cache.delete(deviceId);
    return undefined;
  }

  /**
   * Asks the server.
   *
   * @param id - 32 bytes
   * @throws {DiscoveryError} if it does not answer as it should; the signal's reason if that is aborted
   */
  async ask(id: Uint8Array, deviceId: string, signal: AbortSignal): Promise<Answer> {
    if (this.#failure !== undefined && performance.now() < this.#failure.until) throw this.#failure.error;
    this.#failure = undefined;
    const { server, found, counters, reports } = this.#options;
    counters.lookups++;
    try {
      const reply = await server.lookup(id, signal);
      reports.solved(server.name);
      if ("retryAfter" in reply) return this.#store(deviceId, "unknown", 1000 * reply.retryAfter);
      counters.found++;
      const { addresses, seenAt } = reply;
      return this.#store(deviceId, { deviceId, addresses, via: server.name, seenAt }, found);
    } catch (error) {
      if (error instanceof GlobalServerError) {
        counters.failures++;
        reports.report(server.name, error);
        if (error.retryAfter !== undefined) {
          this.#failure = { error, until: performance.now() + 1000 * error.retryAfter };
        }
      }
      throw error;
    }
  }

  #store(deviceId: string, answer: Answer, ms: number): Answer {
    this.#cache.delete(deviceId);
    this.#cache.set(deviceId, { answer, until: performance.now() + ms });
    if (this.#cache.size > MAX_CACHED) this.#cache.delete(this.#cache.keys().next().value!);
    return answer;
  }
}
