/** Searches on the servers and their cached results. Lookups of the same NodeID at the same time share a search. */

import { DiscoveryError } from "../error.ts";
import type { NodeAddress, Timings } from "../types.ts";
import { type Deadline, Deadlines } from "./deadlines.ts";
import type { ServerLink } from "./link.ts";
import type { Path } from "./path.ts";
import type { Asker, PendingQuery } from "./pending.ts";

/** The most results in the cache, so that a program can look up millions of nodes. The oldest is evicted first. */
const MAX_CACHED = 100_000;
/** If no server replies for this long, the node is cached as unknown. After a shorter search, it may only be packet loss. */
const CONCLUSIVE_MS = 4_500;
/** The most that an answer is cached which was not confirmed. */
const UNCONFIRMED_MS = 10_000;
/** Timeouts are rounded up to a multiple of this, because each different timeout has a queue of its own. */
const TIMEOUT_STEP_MS = 10;

/** Called with the address, or with why no server could be asked, or with neither if nobody replied in time. */
export type OnResult = (nodeId: Uint8Array, address: NodeAddress | undefined, error?: Error) => void;

/** A lookup that waits for the result of a search. */
export class Waiter {
  search: Search | undefined;
  /** Its timeout. */
  deadline: Deadline | undefined;

  /** @param confirm - believes confirmed answers only */
  constructor(
    readonly nodeId: Uint8Array,
    readonly confirm: boolean,
    readonly onResult: OnResult,
  ) {}

  finish(address: NodeAddress | undefined, error?: Error): void {
    this.cancel();
    this.onResult(this.nodeId, address, error);
  }

  /** Leaves the search without calling `onResult`. */
  cancel(): void {
    const { search } = this;
    this.search = undefined;
    if (this.deadline !== undefined) this.deadline.cancelled = true;
    search?.leave(this);
  }
}

/** Asks all servers for one NodeID. Several lookups can wait for the result. */
class Search implements Asker {
  readonly #waiters = new Set<Waiter>();
  readonly #queries: readonly PendingQuery[];

  constructor(
    readonly searches: Searches,
    readonly key: string,
    { nodeId, confirm }: Waiter,
    links: readonly ServerLink[],
  ) {
    this.#queries = links.map((link) => link.query(key, nodeId, confirm, this));
  }

  onReply(address: NodeAddress, _from: Path, { confirm }: PendingQuery): void {
    this.searches.found(this.key, address, confirm);
  }

  onUnreachable(error: DiscoveryError, { link }: PendingQuery): void {
    link.report(error);
    // A name that is being resolved, or a server that may only be restarting, is waited for.
    const over = this.#queries.every(({ error, link }) => error !== undefined && !link.alive);
    if (over && !this.searches.lan) this.searches.end(this.key, undefined, this.error);
  }

  /** Why no server can be reached, if none can. */
  get error(): DiscoveryError | undefined {
    const errors = this.#queries.flatMap(({ error, link }) => error ?? link.unresolved ?? []);
    const last = errors.at(-1);
    if (last === undefined || errors.length < this.#queries.length) return undefined;
    if (errors.length === 1) return last;
    return new DiscoveryError("servers", errors.map(({ message }) => message).join("; "), {
      code: last.code,
      cause: last,
    });
  }

  /** A lookup that joins late restarts the retries: it needs as many tries within its timeout as the first one. */
  join(waiter: Waiter): void {
    if (this.#waiters.size > 0) for (const query of this.#queries) query.link.restart(query, waiter.confirm);
    waiter.search = this;
    this.#waiters.add(waiter);
  }

  leave(waiter: Waiter): void {
    if (!this.#waiters.delete(waiter) || this.#waiters.size > 0) return;
    const now = performance.now();
    const asked = this.#queries.some(({ firstSentAt, error }) => !error && now - firstSentAt >= CONCLUSIVE_MS);
    // Answers that were not believed are no proof that the node is unknown.
    if (asked && !this.#queries.some(({ heard }) => heard)) this.searches.missing(this.key);
    this.searches.end(this.key, undefined);
  }

  end(address: NodeAddress | undefined, error: Error | undefined): void {
    for (const query of this.#queries) query.link.cancel(query);
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter.finish(address, error);
  }
}

interface Cached {
  /** `undefined`: the node is unknown. */
  readonly address: NodeAddress | undefined;
  readonly confirmed: boolean;
  readonly until: number;
}

export class Searches {
  /** Whether nodes may be found on the LAN, so that searches go on if no server can be reached. */
  lan = false;
  readonly #links: readonly ServerLink[];
  readonly #timings: Timings;
  readonly #running = new Map<string, Search>();
  readonly #cache = new Map<string, Cached>();
  readonly #deadlines = new Deadlines();

  constructor(links: readonly ServerLink[], timings: Timings) {
    this.#links = links;
    this.#timings = timings;
  }

  /** The result of an earlier search, unless it has expired. @param confirm - only if it was confirmed */
  cached(key: string, confirm: boolean): Cached | undefined {
    const cached = this.#cache.get(key);
    if (cached === undefined) return undefined;
    if (performance.now() < cached.until) return cached.confirmed || !confirm ? cached : undefined;
    this.#cache.delete(key);
    return undefined;
  }

  /** Whether there is a search for this NodeID. */
  has(key: string): boolean {
    return this.#running.has(key);
  }

  /** Calls the waiter's `onResult` when the search ends, or after `timeout` ms, rounded up to TIMEOUT_STEP_MS. */
  search(key: string, waiter: Waiter, timeout: number): void {
    let search = this.#running.get(key);
    if (search === undefined) {
      search = new Search(this, key, waiter, this.#links);
      this.#running.set(key, search);
    }
    search.join(waiter);
    waiter.deadline = this.#deadlines.add(Math.ceil(timeout / TIMEOUT_STEP_MS) * TIMEOUT_STEP_MS, () =>
      waiter.finish(undefined, waiter.search?.error),
    );
  }

  /** A server replied. */
  found(key: string, address: NodeAddress, confirmed: boolean): void {
    const { found } = this.#timings;
    this.#store(key, { address, confirmed }, confirmed ? found : Math.min(found, UNCONFIRMED_MS));
    this.end(key, address);
  }

  /** No server replied for CONCLUSIVE_MS: the node counts as unknown. */
  missing(key: string): void {
    this.#store(key, { address: undefined, confirmed: true }, this.#timings.notFound);
  }

  /** Ends the search for a NodeID, if there is one, with this result or error. */
  end(key: string, address: NodeAddress | undefined, error?: Error): void {
    const search = this.#running.get(key);
    this.#running.delete(key);
    search?.end(address, error);
  }

  close(error: Error): void {
    for (const key of [...this.#running.keys()]) this.end(key, undefined, error);
    this.#deadlines.clear();
    this.#cache.clear();
  }

  #store(key: string, result: Omit<Cached, "until">, ms: number): void {
    this.#cache.set(key, { ...result, until: performance.now() + ms });
    if (this.#cache.size > MAX_CACHED) this.#cache.delete(this.#cache.keys().next().value!);
  }
}
