/** Lookups: first among the nodes of the LAN, then in the cache, then on all servers at once. */
import type { Group } from "./group.ts";
import type { Lan } from "./lan/lan.ts";
import { BulkLookup, type LookupResult } from "./lookup-many.ts";
import { nodeIdKey } from "./node-id.ts";
import type { LookupSettings } from "./options.ts";
import type { ServerLink } from "./servers/link.ts";
import { Searches, Waiter } from "./servers/searches.ts";
import type { LanEvent, LanNode, NodeAddress, Timings } from "./types.ts";
import { withResolvers } from "./with-resolvers.ts";

const CLOSED = "the discoverer is closed";

export class Lookups {
  /** The LAN, once it is open. */
  lan: Lan | undefined;
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

  /** @throws {TypeError} or {RangeError} if it is not a NodeID; the signal's reason if it is aborted; {Error} if closed */
  async one(nodeId: string | Uint8Array, { signal, timeout }: LookupSettings): Promise<NodeAddress | undefined> {
    const wireId = this.#group.toWire(nodeId);
    signal?.throwIfAborted();
    const { promise, resolve, reject } = withResolvers<NodeAddress | undefined>();
    const waiter = this.#start(wireId, timeout, (_nodeId, address) => resolve(address));
    if (signal === undefined || waiter === undefined) return await promise;
    const abort = () => {
      waiter.cancel();
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** @throws {TypeError} if `ids` cannot be iterated; {Error} if closed */
  many(
    ids: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
    { signal, timeout }: LookupSettings,
  ): AsyncIterable<LookupResult> {
    if (this.#closed) throw new Error(CLOSED);
    const bulk = new BulkLookup(ids, {
      signal,
      lookup: (nodeId, onResult) => {
        const waiter = this.#start(this.#group.toWire(nodeId), timeout, (wireId, address) =>
          onResult(this.#group.fromWire(wireId), address),
        );
        return () => waiter?.cancel();
      },
      busy: () => this.#links.some((link) => link.busy),
      onEnd: (bulk) => this.#bulks.delete(bulk),
    });
    if (!bulk.stream.ended) this.#bulks.add(bulk);
    return bulk.stream;
  }

  /** Finishes the lookups of a node that announced itself on the LAN. */
  foundOnLan(event: LanEvent): void {
    this.#searches.end(nodeIdKey(this.#group.toWire(event.nodeId)), addressOf(event));
  }

  /** A server link has room for more queries. */
  proceed(): void {
    for (const bulk of this.#bulks) bulk.proceed();
  }

  /** Finishes all lookups with `undefined`. */
  close(): void {
    this.#closed = true;
    for (const bulk of [...this.#bulks]) bulk.stop();
    this.#searches.close();
    for (const bulk of [...this.#bulks]) bulk.stream.end();
  }

  /** @returns the running lookup, or `undefined` if the result was known and `onResult` has been called */
  #start(wireId: Uint8Array, timeout: number, onResult: Waiter["onResult"]): Waiter | undefined {
    if (this.#closed) throw new Error(CLOSED);
    const key = nodeIdKey(wireId);
    const onLan = this.lan?.get(key);
    const known = onLan === undefined ? this.#searches.cached(key) : { address: addressOf(onLan) };
    if (known !== undefined || (this.#links.length === 0 && this.lan === undefined)) {
      onResult(wireId, known?.address);
      return undefined;
    }
    const waiter = new Waiter(wireId, onResult);
    this.#searches.search(key, waiter, timeout);
    return waiter;
  }
}

function addressOf({ ip, port, via, seenAt }: LanNode): NodeAddress {
  return { ip, port, via, seenAt };
}
