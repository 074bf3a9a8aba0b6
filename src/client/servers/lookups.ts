/** Look-ups under way and their results: who asks for the same NodeID at the same time shares one query. */

import type { NodeAddress, Timings } from "../types.ts";
import { type Deadline, Deadlines } from "./deadlines.ts";
import type { ServerLink } from "./link.ts";
import type { Pending } from "./pending.ts";

/** Results kept at most, the oldest going first: a bound on memory where a program asks for millions of NodeIDs. */
const CACHED = 100_000;
/** When queries went out for so long and met with silence, there is no such node; a shorter search says nothing. */
const CONCLUSIVE_MS = 4_500;
/** Time-outs are rounded up to these steps: equal ones share a queue. */
const STEP_MS = 10;

/** Who waits for an answer. */
export class Waiter implements Deadline {
  cancelled = false;
  search: Search | undefined;

  constructor(
    readonly nodeId: Uint8Array,
    readonly answered: (nodeId: Uint8Array, address: NodeAddress | undefined) => void,
  ) {}

  answer(address: NodeAddress | undefined): void {
    this.cancelled = true;
    this.search = undefined;
    this.answered(this.nodeId, address);
  }

  due(): void {
    this.search?.leave(this);
    this.answer(undefined);
  }
}

/** A NodeID that is being looked for, with all who want to know. */
class Search {
  readonly #waiters = new Set<Waiter>();
  readonly #pending: Pending[];

  constructor(
    readonly lookups: Lookups,
    readonly key: string,
    nodeId: Uint8Array,
    links: readonly ServerLink[],
  ) {
    this.#pending = links.map((link) => link.query(key, nodeId, (address) => lookups.found(key, address)));
  }

  /** Who comes late gets a search of his own time, too: the queries begin anew. */
  join(waiter: Waiter): void {
    if (this.#waiters.size > 0) for (const pending of this.#pending) pending.sender.renew(pending);
    waiter.search = this;
    this.#waiters.add(waiter);
  }

  leave(waiter: Waiter): void {
    this.#waiters.delete(waiter);
    if (this.#waiters.size > 0) return;
    const now = performance.now();
    if (this.#pending.some(({ since }) => now - since >= CONCLUSIVE_MS)) this.lookups.missing(this.key);
    this.lookups.end(this.key, undefined);
  }

  end(address: NodeAddress | undefined): void {
    for (const pending of this.#pending) if (!pending.cancelled) pending.sender.cancel(pending);
    for (const waiter of this.#waiters) waiter.answer(address);
    this.#waiters.clear();
  }
}

interface Cached {
  readonly address: NodeAddress | undefined;
  readonly until: number;
}

export class Lookups {
  readonly #links: readonly ServerLink[];
  readonly #timings: Timings;
  readonly #searches = new Map<string, Search>();
  readonly #cache = new Map<string, Cached>();
  readonly #deadlines = new Deadlines();

  constructor(links: readonly ServerLink[], timings: Timings) {
    this.#links = links;
    this.#timings = timings;
  }

  /** What an earlier search found, or that it found nothing; undefined if there was none of late. */
  cached(key: string): Cached | undefined {
    const cached = this.#cache.get(key);
    if (cached === undefined || performance.now() < cached.until) return cached;
    this.#cache.delete(key);
    return undefined;
  }

  /** Has `waiter` answered within `timeout` ms. */
  search(key: string, waiter: Waiter, timeout: number): void {
    let search = this.#searches.get(key);
    if (search === undefined) {
      search = new Search(this, key, waiter.nodeId, this.#links);
      this.#searches.set(key, search);
    }
    search.join(waiter);
    this.#deadlines.add(Math.ceil(timeout / STEP_MS) * STEP_MS, waiter);
  }

  /** A server answered. */
  found(key: string, address: NodeAddress): void {
    this.#keep(key, address, this.#timings.found);
    this.end(key, address);
  }

  missing(key: string): void {
    this.#keep(key, undefined, this.#timings.notFound);
  }

  /** Ends the search for a NodeID, if there is one, with what its waiters are to be told. */
  end(key: string, address: NodeAddress | undefined): void {
    const search = this.#searches.get(key);
    this.#searches.delete(key);
    search?.end(address);
  }

  close(): void {
    for (const key of [...this.#searches.keys()]) this.end(key, undefined);
    this.#deadlines.clear();
    this.#cache.clear();
  }

  #keep(key: string, address: NodeAddress | undefined, ms: number): void {
    this.#cache.set(key, { address, until: performance.now() + ms });
    if (this.#cache.size > CACHED) this.#cache.delete(this.#cache.keys().next().value!);
  }
}
