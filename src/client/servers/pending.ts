/** Queries that wait for their answers, and what becomes of them in time. */

import type { NodeAddress } from "../types.ts";
import type { Deadline } from "./deadlines.ts";

/** The part of a server link that its queries need. */
export interface QuerySender {
  enqueue(pending: Pending): void;
  renew(pending: Pending): void;
  cancel(pending: Pending): void;
  makeRoom(pending: Pending): void;
}

/** A query that waits for its answer. */
export class Pending {
  cancelled = false;
  /** Sendings so far, since it began or was renewed: which of the waits comes next. */
  sent = 0;
  /** When the first of these was. */
  since = Number.POSITIVE_INFINITY;
  /** Whether it waits to be sent. */
  queued = false;
  /** Whether it counts as being on its way. */
  underway = false;
  /** Whether it waits to be sent for the first time. */
  fresh = true;
  /** What is to send it again. */
  again: Again | undefined;

  constructor(
    readonly sender: QuerySender,
    readonly key: string,
    readonly packet: Uint8Array,
    readonly found: (address: NodeAddress) => void,
  ) {}
}

/** Has a query sent again. */
export class Again implements Deadline {
  cancelled = false;

  constructor(readonly pending: Pending) {}

  due(): void {
    if (!this.pending.cancelled) this.pending.sender.enqueue(this.pending);
  }
}

/** Lets a query that met with silence make room. */
export class Silence implements Deadline {
  cancelled = false;

  constructor(readonly pending: Pending) {}

  due(): void {
    this.pending.sender.makeRoom(this.pending);
  }
}

/** What was sent is let go when there is so much of it, and more than what is still to be sent. */
const KEPT = 1024;

/** Pending queries in the order in which they are to be sent. */
export class SendQueue {
  #list: Pending[] = [];
  #next = 0;

  push(pending: Pending): void {
    if (this.#next > KEPT && this.#next * 2 > this.#list.length) {
      this.#list = this.#list.slice(this.#next);
      this.#next = 0;
    }
    this.#list.push(pending);
  }

  /** The next that is still wanted. */
  shift(): Pending | undefined {
    while (this.#next < this.#list.length) {
      const pending = this.#list[this.#next++]!;
      if (!pending.cancelled) return pending;
    }
    this.#list = [];
    this.#next = 0;
    return undefined;
  }

  get empty(): boolean {
    return this.#next === this.#list.length;
  }
}
