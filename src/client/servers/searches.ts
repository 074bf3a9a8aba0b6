/** Searches on the servers and their cached results. Lookups of the same NodeID at the same time share a search. */

import type { NodeAddress, Timings } from "../types.ts";
import { type Deadline, Deadlines } from "./deadlines.ts";
import type { ServerLink } from "./link.ts";
import type { PendingQuery } from "./pending.ts";

/** The most results in the cache, so that a program can look up millions of nodes. The oldest is evicted first. */
const MAX_CACHED = 100_000;
/** If no server replies for this long, the node is cached as unknown. After a shorter search, it may only be packet loss. */
const CONCLUSIVE_MS = 4_500;
/** Timeouts are rounded up to a multiple of this, because each different timeout has a queue of its own. */
const TIMEOUT_STEP_MS = 10;

/** A lookup that waits for the result of a search. */
export class Waiter implements Deadline {
  cancelled = false;
  search: Search | undefined;

  constructor(
    readonly nodeId: Uint8Array,
    readonly onResult: (nodeId: Uint8Array, address: NodeAddress | undefined) => void,
  ) {}

  finish(address: NodeAddress | undefined): void {
    this.cancelled = true;
    this.search = undefined;
    this.onResult(this.nodeId, address);
  }

  /** Leaves the search without calling `onResult`. */
  cancel(): void {
    if (this.cancelled) return;
    this.cancelled = true;
    this.search?.leave(this);
  }

  /** The lookup timed out. */
  due(): void {
    this.search?.leave(this);
    this.finish(undefined);
  }
}

/** Asks all servers for one NodeID. Several lookups can wait for the result. */
class Search {
  readonly #waiters = new Set<Waiter>();
  readonly #queries: PendingQuery[];

  constructor(
    readonly searches: Searches,
    readonly key: string,
    nodeId: Uint8Array,
    links: readonly ServerLink[],
  ) {
    this.#queries = links.map((link) => link.query(key, nodeId, (address) => searches.found(key, address)));
  }

  /** A lookup that joins late restarts the retries: it needs as many tries within its timeout as the first one. */
  join(waiter: Waiter): void {
    if (this.#waiters.size > 0) for (const query of this.#queries) query.sender.restart(query);
    waiter.search = this;
    this.#waiters.add(waiter);
  }

  leave(waiter: Waiter): void {
    this.#waiters.delete(waiter);
    if (this.#waiters.size > 0) return;
    const now = performance.now();
    if (this.#queries.some(({ firstSentAt }) => now - firstSentAt >= CONCLUSIVE_MS)) this.searches.missing(this.key);
    this.searches.end(this.key, undefined);
  }

  end(address: NodeAddress | undefined): void {
    for (const query of this.#queries) if (!query.cancelled) query.sender.cancel(query);
    for (const waiter of this.#waiters) waiter.finish(address);
    this.#waiters.clear();
  }
}

interface Cached {
  /** `undefined`: the node is unknown. */
  readonly address: NodeAddress | undefined;
  readonly until: number;
}

export class Searches {
  readonly #links: readonly ServerLink[];
  readonly #timings: Timings;
  readonly #running = new Map<string, Search>();
  readonly #cache = new Map<string, Cached>();
  readonly #deadlines = new Deadlines();

  constructor(links: readonly ServerLink[], timings: Timings) {
    this.#links = links;
    this.#timings = timings;
  }

  /** The result of an earlier search, unless it has expired. */
  cached(key: string): Cached | undefined {
    const cached = this.#cache.get(key);
    if (cached === undefined || performance.now() < cached.until) return cached;
    this.#cache.delete(key);
    return undefined;
  }

  /** Calls the waiter's `onResult` when the search ends, or after `timeout` ms, rounded up to TIMEOUT_STEP_MS. */
  search(key: string, waiter: Waiter, timeout: number): void {
    let search = this.#running.get(key);
    if (search === undefined) {
      search = new Search(this, key, waiter.nodeId, this.#links);
      this.#running.set(key, search);
    }
    search.join(waiter);
    this.#deadlines.add(Math.ceil(timeout / TIMEOUT_STEP_MS) * TIMEOUT_STEP_MS, waiter);
  }

  /** A server replied. */
  found(key: string, address: NodeAddress): void {
    this.#store(key, address, this.#timings.found);
    this.end(key, address);
  }

  /** No server replied for CONCLUSIVE_MS: the node counts as unknown. */
  missing(key: string): void {
    this.#store(key, undefined, this.#timings.notFound);
  }

  /** Ends the search for a NodeID, if there is one, with this result. */
  end(key: string, address: NodeAddress | undefined): void {
    const search = this.#running.get(key);
    this.#running.delete(key);
    search?.end(address);
  }

  close(): void {
    for (const key of [...this.#running.keys()]) this.end(key, undefined);
    this.#deadlines.clear();
    this.#cache.clear();
  }

  #store(key: string, address: NodeAddress | undefined, ms: number): void {
    this.#cache.set(key, { address, until: performance.now() + ms });
    if (this.#cache.size > MAX_CACHED) this.#cache.delete(this.#cache.keys().next().value!);
  }
}
