/** A query that waits for its reply. */

import type { DiscoveryError } from "../error.ts";
import type { NodeAddress } from "../types.ts";
import type { Deadline } from "./deadlines.ts";
import type { Heard } from "./heard.ts";
import type { Path } from "./path.ts";

/** The methods of a server link that are called for a query. */
interface QueryLink {
  readonly alive: boolean;
  readonly unresolved: DiscoveryError | undefined;
  restart(query: PendingQuery, confirm: boolean): void;
  cancel(query: PendingQuery): void;
  report(error: DiscoveryError): void;
}

/** The code that sent a query, and is told the outcome. */
export interface Asker {
  /** Called once. @param from - the server's address that replied */
  onReply(address: NodeAddress, from: Path, query: PendingQuery): void;
  /** No address of the server can be reached. It is tried again while the query is not cancelled. */
  onUnreachable(error: DiscoveryError, query: PendingQuery): void;
}

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
  retry: Deadline | undefined;
  /** Where it was sent the last time. */
  path: Path | undefined;
  /** The addresses that failed since the last retry, and why. */
  failed: Map<Path, Error> | undefined;
  /** Why no address could be reached the last time. */
  error: DiscoveryError | undefined;
  /** The answers, if it is sent through several sockets. */
  heard: Heard | undefined;

  constructor(
    readonly link: QueryLink,
    readonly key: string,
    readonly packet: Uint8Array,
    /** Whether only a confirmed answer is believed: see heard.ts. */
    public confirm: boolean,
    readonly asker: Asker,
  ) {}
}
