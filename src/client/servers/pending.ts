/** Queries that wait for replies, and the queue of queries to be sent. */

import type { NodeAddress } from "../types.ts";
import type { Deadline } from "./deadlines.ts";

/** The methods of a server link that its queries call. */
export interface QuerySender {
  enqueue(query: PendingQuery): void;
  restart(query: PendingQuery): void;
  cancel(query: PendingQuery): void;
  releaseSlot(query: PendingQuery): void;
}

/** A query that waits for its reply. */
export class PendingQuery {
  cancelled = false;
  /** How often it was sent since it was created or restarted. */
  attempts = 0;
  /** When the first of these attempts was. */
  firstSentAt = Number.POSITIVE_INFINITY;
  /** Whether it is in a send queue. */
  queued = false;
  /** Whether it occupies a slot of the window of queries in flight. */
  inFlight = false;
  /** Whether it was never sent. A restart does not change that. */
  unsent = true;
  /** The next retry. */
  retry: Retry | undefined;

  constructor(
    readonly sender: QuerySender,
    readonly key: string,
    readonly packet: Uint8Array,
    readonly onReply: (address: NodeAddress) => void,
  ) {}
}

/** Sends a query again. */
export class Retry implements Deadline {
  cancelled = false;

  constructor(readonly query: PendingQuery) {}

  due(): void {
    if (!this.query.cancelled) this.query.sender.enqueue(this.query);
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
  shift(): PendingQuery | undefined {
    while (this.#head < this.#list.length) {
      const query = this.#list[this.#head++]!;
      if (!query.cancelled) return query;
    }
    this.#list = [];
    this.#head = 0;
    return undefined;
  }

  get empty(): boolean {
    return this.#head === this.#list.length;
  }
}
