/** Queries that wait for replies, and the queue of queries to be sent. */

import type { DiscoveryError } from "../error.ts";
import type { NodeAddress } from "../types.ts";
import type { Deadline } from "./deadlines.ts";
import type { Heard } from "./heard.ts";
import type { Path } from "./path.ts";

/** The methods of a server link that its queries call. */
export interface QuerySender {
  enqueue(query: PendingQuery): void;
  restart(query: PendingQuery): void;
  confirm(query: PendingQuery): void;
  report(error: DiscoveryError): void;
  cancel(query: PendingQuery): void;
  releaseSlot(query: PendingQuery): void;
}

export interface QueryHandlers {
  /** Called once. @param from - the server's address that replied, with its port */
  onReply(address: NodeAddress, from: string): void;
  /** No address of the server can be reached. It is tried again while the query is not cancelled. */
  onUnreachable(error: DiscoveryError): void;
}

/** A query that waits for its reply. */
export class PendingQuery {
  cancelled = false;
  /** Through how many sockets it is sent at the same time. */
  sockets = 1;
  /** How often it was sent since it was created or restarted. */
  attempts = 0;
  /** When the first of these attempts was. */
  firstSentAt = Number.POSITIVE_INFINITY;
  /** Whether it is in a send queue. */
  queued = false;
  /** How many packets it occupies of the window of queries in flight. */
  inFlight = 0;
  /** Whether it was never sent. A restart does not change that. */
  unsent = true;
  /** The next retry. */
  retry: Retry | undefined;
  /** Where it was sent the last time. */
  path: Path | undefined;
  /** The addresses that failed since the last retry. */
  failed: Set<Path> | undefined;
  /** Why no address can be reached, since the last attempt. */
  error: DiscoveryError | undefined;
  /** The answers, if it is sent through several sockets. */
  heard: Heard | undefined;

  constructor(
    readonly sender: QuerySender,
    readonly key: string,
    readonly packet: Uint8Array,
    public confirm: boolean,
    readonly handlers: QueryHandlers,
  ) {}
}

/** Sends a query again. */
export class Retry implements Deadline {
  cancelled = false;

  constructor(readonly query: PendingQuery) {}

  due(): void {
    if (this.query.cancelled) return;
    this.query.failed = undefined;
    this.query.sender.enqueue(this.query);
  }
}

/** Frees the window slot of a query that got no reply. The query goes on waiting. */
export class SlotTimeout implements Deadline {
  cancelled = false;

  constructor(readonly query: PendingQuery) {}

  due(): void {
    this.query.sender.releaseSlot(this.query);
  }
}

/** The queue drops the entries before its head when they are more than this, and more than half of the array. */
const MAX_CONSUMED = 1024;

/** Queries in the order in which they are to be sent. */
export class SendQueue {
  #list: PendingQuery[] = [];
  #head = 0;

  push(query: PendingQuery): void {
    if (this.#head > MAX_CONSUMED && this.#head * 2 > this.#list.length) {
      this.#list = this.#list.slice(this.#head);
      this.#head = 0;
    }
    this.#list.push(query);
  }

  /** The next query that was not cancelled. */
  peek(): PendingQuery | undefined {
    for (; this.#head < this.#list.length; this.#head++) {
      const query = this.#list[this.#head]!;
      if (!query.cancelled) return query;
    }
    this.#list = [];
    this.#head = 0;
    return undefined;
  }

  /** Removes the query that {@link peek} returned. */
  drop(): void {
    this.#head++;
  }

  get empty(): boolean {
    return this.#head === this.#list.length;
  }
}
