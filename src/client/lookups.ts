/** Lookups: first among the nodes of the LAN, then in the cache, then on all servers at once. */
import { onAbort } from "./abort.ts";
import type { DiscoveryError } from "./error.ts";
import type { Group } from "./group.ts";
import type { Lan } from "./lan/lan.ts";
import { BulkLookup } from "./lookup-many.ts";
import { nodeIdKey } from "./node-id.ts";
import type { LookupSettings } from "./options.ts";
import type { ServerLink } from "./servers/link.ts";
import { type OnResult, Searches, Waiter } from "./servers/searches.ts";
import type { LookupResult, NodeAddress, Timings } from "./types.ts";
import { withResolvers } from "./with-resolvers.ts";

const CLOSED = "the discoverer is closed";

export class Lookups {
  #lan: Lan | undefined;
  readonly #group: Group;
  readonly #links: readonly ServerLink[];
  readonly #searches: Searches;
  readonly #bulks = new Set<BulkLookup>();
  #closed = false;

  constructor(group: Group, links: readonly ServerLink[], timings: Timings) {
    this.#group = group;
    this.#links = links;
    this.#searches = new Searches(links, timings);
  }

  /** Is called when the LAN is open. */
  set lan(lan: Lan | undefined) {
    this.#lan = lan;
    this.#searches.lan = lan !== undefined;
  }

  /**
   * @throws {TypeError} or {RangeError} if it is not a NodeID; {DiscoveryError} if no server can be reached; the signal's
   *   reason if it is aborted; {Error} if closed
   */
  async one(nodeId: string | Uint8Array, settings: LookupSettings): Promise<NodeAddress | undefined> {
    const { signal } = settings;
    const wireId = this.#group.toWire(nodeId);
    signal?.throwIfAborted();
    const { promise, resolve, reject } = withResolvers<NodeAddress | undefined>();
    const waiter = this.#start(wireId, settings, (_nodeId, address, error) => {
      if (error === undefined) resolve(address);
      else reject(error);
    });
    const forgetSignal = onAbort(signal, () => {
      waiter?.cancel();
      reject(signal?.reason);
    });
    try {
      return await promise;
    } finally {
      forgetSignal();
    }
  }

  /** @throws {TypeError} if `ids` cannot be iterated; {Error} if closed */
  many(
    ids: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
    settings: LookupSettings,
  ): AsyncIterable<LookupResult> {
    this.#check();
    const bulk = new BulkLookup(ids, {
      signal: settings.signal,
      lookup: (nodeId, onResult) =>
        this.#start(this.#group.toWire(nodeId), settings, (wireId, address, error) =>
          onResult({ nodeId: this.#group.fromWire(wireId), address, error: error as DiscoveryError }),
        ),
      busy: () => this.#links.some((link) => link.busy),
      onEnd: (bulk) => this.#bulks.delete(bulk),
    });
    if (!bulk.stream.ended) this.#bulks.add(bulk);
    return bulk.stream;
  }

  /** Finishes the lookups of a node that announced itself on the LAN. */
  heardOnLan(key: string): void {
    const known = this.#searches.has(key) ? this.#onLan(key) : undefined;
    if (known !== undefined) this.#searches.end(key, known.address);
  }

  /** A server link has room for more queries. */
  proceed(): void {
    for (const bulk of this.#bulks) bulk.proceed();
  }

  /** Rejects all lookups. Those of many end with the results so far. */
  close(): void {
    this.#closed = true;
    for (const bulk of [...this.#bulks]) bulk.stream.end();
    this.#searches.close(new Error(CLOSED));
  }

  #check(): void {
    if (this.#closed) throw new Error(CLOSED);
    if (this.#links.length === 0 && this.#lan === undefined) {
      throw new Error("there is nobody to ask: no servers and no LAN");
    }
  }

  /** @returns the running lookup, or `undefined` if the result was known and `onResult` has been called */
  #start(wireId: Uint8Array, { timeout, fresh, confirm }: LookupSettings, onResult: OnResult): Waiter | undefined {
    this.#check();
    const key = nodeIdKey(wireId);
    const known = fresh ? undefined : (this.#onLan(key) ?? this.#searches.cached(key, confirm));
    if (known !== undefined) {
      onResult(wireId, known.address);
      return undefined;
    }
    const waiter = new Waiter(wireId, confirm, (nodeId, address, error) => {
      const onLan = fresh && address === undefined && !this.#closed ? this.#onLan(key) : undefined;
      if (onLan === undefined) onResult(nodeId, address, error);
      else onResult(nodeId, onLan.address);
    });
    this.#searches.search(key, waiter, timeout);
    return waiter;
  }

  #onLan(key: string): { readonly address: NodeAddress } | undefined {
    const node = this.#lan?.get(key);
    if (node === undefined) return undefined;
    const { nodeId: _, ...address } = node;
    return { address };
  }
}
