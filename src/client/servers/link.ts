/**
 * Queries and announcements to one server, over one socket. A query is sent again and again until it is cancelled or
 * answered. An answer must come from the server's own address and port, and have the NodeID of the query.
 */
import { PacketFields } from "../../codec/index.ts";
import { decodeInto, encodeQuery } from "../codec.ts";
import { DiscoveryError } from "../error.ts";
import { ipOf } from "../ip.ts";
import type { NodeAddress } from "../types.ts";
import { withResolvers } from "../with-resolvers.ts";
import { Deadlines } from "./deadlines.ts";
import { Endpoint, RETRY_MS } from "./endpoint.ts";
import { PendingQuery, Retry, SendQueue, SlotTimeout } from "./pending.ts";

/**
 * Waits between the attempts of a query, in ms: eight attempts in 4.1 s. If 30 % of the datagrams are lost each way, at
 * least one attempt succeeds in 99.5 % of cases, within the 5 s of a lookup. Longer lookups go on with the last wait.
 */
export const RETRY_WAITS = [250, 350, 500, 600, 700, 800, 900] as const;
const LAST_RETRY_WAIT = 1_500;
/**
 * The most queries in flight: the receive buffers of a server and of this socket hold some 250 packets by default. With this
 * and the next three figures, `bun run bench:lookup` lost no packets and was fastest.
 */
const WINDOW = 192;
/** With this many queries that were not sent yet, `lookupMany` adds no more: two windows. */
const MAX_BACKLOG = 2 * WINDOW;
/** A query without a reply for this long frees its slot in the window: its node is probably unknown. */
const SLOT_TIMEOUT_MS = 30;
/** After this many replies the freed slots are used at once, even if the receive loop has not ended. */
const REFILL_AFTER = 48;
/** How often an attempt to send is repeated if the system takes no packet. */
const MAX_SEND_TRIES = 3;

/** Counters of one server. */
export interface ServerCounters {
  /** Queries sent, retries included. */
  queries: number;
  /** Replies to pending queries. */
  replies: number;
  /** Datagrams that were no such reply: malformed, from another address, or to a query that is not pending. */
  ignored: number;
}

export interface ServerLinkOptions {
  readonly onError: (error: DiscoveryError) => void;
  /** Called when there is room for more queries. */
  readonly onRoom: () => void;
}

export class ServerLink {
  /** The server as given. */
  readonly server: string;
  readonly counters: ServerCounters = { queries: 0, replies: 0, ignored: 0 };
  /** Called if the system reports an error after {@link announce} has resolved. */
  onLateError: (error: DiscoveryError) => void = () => {};
  readonly #endpoint: Endpoint;
  readonly #onError: (error: DiscoveryError) => void;
  readonly #onRoom: () => void;
  readonly #pending = new Map<string, PendingQuery>();
  readonly #deadlines = new Deadlines();
  readonly #fields = new PacketFields();
  /** First attempts have priority: otherwise retries for unknown nodes would delay the queries for known ones. */
  readonly #firstAttempts = new SendQueue();
  readonly #retries = new SendQueue();
  /** Queries in `#firstAttempts` that were not cancelled. */
  #unsent = 0;
  #inFlight = 0;
  /** Replies since the last flush. */
  #replies = 0;
  #flushScheduled = false;
  /** The message of the last error that was reported; undefined once the socket can be opened again. */
  #reported: string | undefined;
  /** Rejects the running announcement. */
  #rejectAnnouncement: ((error: Error) => void) | undefined;
  #closed = false;

  constructor(server: string, options: ServerLinkOptions) {
    this.server = server;
    this.#onError = options.onError;
    this.#onRoom = options.onRoom;
    this.#endpoint = new Endpoint(server, {
      onDatagram: (datagram) => this.#receive(datagram),
      onError: (error) => this.#socketError(error),
    });
  }

  /**
   * Sends a query until it is answered or cancelled.
   *
   * @returns the query, for {@link cancel} and {@link restart}
   */
  query(key: string, nodeId: Uint8Array, onReply: (address: NodeAddress) => void): PendingQuery {
    const query = new PendingQuery(this, key, encodeQuery(nodeId), onReply);
    this.#pending.set(key, query);
    this.#unsent++;
    this.enqueue(query);
    return query;
  }

  /**
   * Sends a query now, and starts again from the shortest wait between attempts. Does nothing before the third attempt:
   * the waits are still short.
   */
  restart(query: PendingQuery): void {
    if (query.cancelled || query.attempts < 3) return;
    query.attempts = 0;
    query.firstSentAt = Number.POSITIVE_INFINITY;
    if (query.retry !== undefined) query.retry.cancelled = true;
    this.enqueue(query);
  }

  cancel(query: PendingQuery): void {
    query.cancelled = true;
    if (query.unsent) this.#unsent--;
    if (query.retry !== undefined) query.retry.cancelled = true;
    this.#pending.delete(query.key);
    this.releaseSlot(query);
  }

  /**
   * Resolves the server's name again, then sends one announcement.
   *
   * @returns the address it was sent to, after `refusalWait` ms without an error
   * @throws {DiscoveryError} if it cannot be sent, or is refused within `refusalWait` ms
   */
  async announce(packet: Uint8Array, refusalWait: number): Promise<string> {
    const { promise, reject } = withResolvers<never>();
    promise.catch(() => {});
    let timer: NodeJS.Timeout | undefined;
    try {
      await this.#open();
      this.#rejectAnnouncement = reject;
      // The first try may fail with the error of an earlier packet.
      if (!this.#endpoint.send([packet]) && !this.#endpoint.send([packet])) {
        throw new Error("the system would not send it");
      }
      const wait = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, refusalWait).unref();
      });
      await Promise.race([promise, wait]);
    } catch (cause) {
      throw this.#discoveryError(cause);
    } finally {
      clearTimeout(timer);
      this.#rejectAnnouncement = undefined;
    }
    return this.#endpoint.address;
  }

  /**
   * Whether so many queries wait to be sent that `lookupMany` must pause. False while there is no socket: no query is sent
   * then, so a pause would not end.
   */
  get busy(): boolean {
    return this.#endpoint.ready && this.#unsent >= MAX_BACKLOG;
  }

  enqueue(query: PendingQuery): void {
    if (query.queued) return;
    query.queued = true;
    (query.unsent ? this.#firstAttempts : this.#retries).push(query);
    this.#scheduleFlush();
  }

  releaseSlot(query: PendingQuery): void {
    if (!query.inFlight) return;
    query.inFlight = false;
    this.#inFlight--;
    if (this.#queued) this.#scheduleFlush();
  }

  close(): void {
    this.#closed = true;
    this.#deadlines.clear();
    this.#pending.clear();
    this.#rejectAnnouncement?.(new Error("closed"));
    this.#endpoint.close();
  }

  get #queued(): boolean {
    return !this.#firstAttempts.empty || !this.#retries.empty;
  }

  /** Sends in the next turn of the event loop, so that queries of one turn are sent with one system call. */
  #scheduleFlush(): void {
    if (this.#flushScheduled || this.#closed) return;
    this.#flushScheduled = true;
    setImmediate(() => {
      this.#flushScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    this.#replies = 0;
    if (this.#closed || !this.#queued) return;
    if (this.#endpoint.stale) {
      this.#endpoint.deferResolving();
      this.#open().catch((error) => this.#unreachable(error));
    }
    if (this.#endpoint.ready) this.#sendQueued();
    if (!this.busy) this.#onRoom();
  }

  #sendQueued(): void {
    const batch: Uint8Array[] = [];
    while (this.#inFlight < WINDOW) {
      const query = this.#firstAttempts.shift() ?? this.#retries.shift();
      if (query === undefined) break;
      batch.push(query.packet);
      query.queued = false;
      if (query.unsent) this.#unsent--;
      query.unsent = false;
      if (!query.inFlight) this.#inFlight++;
      query.inFlight = true;
      this.#deadlines.add(SLOT_TIMEOUT_MS, new SlotTimeout(query));
      if (query.attempts === 0) query.firstSentAt = performance.now();
      query.retry = new Retry(query);
      this.#deadlines.add(RETRY_WAITS[query.attempts++] ?? LAST_RETRY_WAIT, query.retry);
    }
    this.counters.queries += batch.length;
    // A packet that the system does not take counts as lost: its retry is scheduled already.
    for (let rest = batch, tries = 0; rest.length > 0 && tries < MAX_SEND_TRIES; tries++) {
      const sent = this.#endpoint.send(rest);
      if (sent > 0) tries = 0;
      rest = rest.slice(sent);
    }
  }

  /** Handles a name that does not resolve, or a socket that cannot be opened. Reports the error if it is not the last one. */
  #unreachable(error: unknown): void {
    if (this.#closed) return;
    const { message } = error as Error;
    if (this.#reported !== message) this.#onError(this.#discoveryError(error));
    this.#reported = message;
    this.#deadlines.add(RETRY_MS, { cancelled: false, due: () => this.#flush() });
  }

  async #open(): Promise<void> {
    try {
      await this.#endpoint.open();
      this.#reported = undefined;
    } finally {
      this.#scheduleFlush();
    }
  }

  #socketError(error: Error): void {
    if (this.#rejectAnnouncement !== undefined) this.#rejectAnnouncement(error);
    else if ("syscall" in error) this.onLateError(this.#discoveryError(error));
  }

  #receive(datagram: Buffer): void {
    const fields = this.#fields;
    if (!decodeInto(datagram, fields) || fields.type !== "announcement" || fields.ipLength === 0 || fields.port === 0) {
      this.counters.ignored++;
      return;
    }
    const end = fields.nodeIdOffset + fields.nodeIdLength;
    const query = this.#pending.get(datagram.toString("latin1", fields.nodeIdOffset, end));
    if (query === undefined) {
      this.counters.ignored++;
      return;
    }
    this.counters.replies++;
    const ip = ipOf(datagram, fields.ipOffset, fields.ipLength);
    this.cancel(query);
    query.onReply({ ip, port: fields.port, via: this.server, seenAt: Date.now() });
    if (++this.#replies >= REFILL_AFTER) this.#flush();
  }

  #discoveryError(cause: unknown): DiscoveryError {
    if (cause instanceof DiscoveryError) return cause;
    const { message, code } = cause as NodeJS.ErrnoException;
    return new DiscoveryError(this.server, message, { code, cause });
  }
}
