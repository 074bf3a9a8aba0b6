/**
 * Queries and announcements to one server. A query is sent again and again, to the server's addresses in turn, until it is
 * cancelled or answered. An answer must have the NodeID of the query. Datagrams of other senders do not come here: the sockets
 * drop them.
 */
import { unmappedIpText } from "../../codec/ip.ts";
import { AnnouncementFields, encodeQuery } from "../codec.ts";
import { DiscoveryError } from "../error.ts";
import type { Family } from "../sockets/index.ts";
import type { NodeAddress, ServerCounters } from "../types.ts";
import { Addresses } from "./addresses.ts";
import { Deadlines } from "./deadlines.ts";
import { Fifo } from "./fifo.ts";
import { ASKED, ASKED_UNDER_ATTACK, ATTACK_MS, Heard, LISTEN_MS, OPEN } from "./heard.ts";
import type { Path, PathHandlers } from "./path.ts";
import { type Asker, PendingQuery } from "./pending.ts";
import { retryWait } from "./waits.ts";

/**
 * The most queries in flight: the receive buffers of a server and of this socket hold some 250 packets by default. With this
 * and the next three figures, `bun run bench:lookup` lost no packets and was fastest.
 */
const WINDOW = 192;
/** With this many queries that were not sent yet, `lookupMany` adds no more: two windows. */
const MAX_BACKLOG = 2 * WINDOW;
/** Of this many queries one is a retry, if any waits: most first attempts of `lookupMany` are answered, and more follow all the time. */
const RETRY_TURN = 4;
/** A query without a reply for this long frees its slot in the window: its node is probably unknown. */
const SLOT_TIMEOUT_MS = 30;
/** After this many replies the freed slots are used at once, even if the receive loop has not ended. */
const REFILL_AFTER = 48;

export interface ServerLinkOptions {
  readonly onError: (error: DiscoveryError) => void;
  /** Called when there is room for more queries. */
  readonly onRoom: () => void;
}

export class ServerLink implements PathHandlers {
  /** The server as given. */
  readonly server: string;
  readonly counters: ServerCounters = { queries: 0, replies: 0, ignored: 0 };
  readonly #addresses: Addresses;
  readonly #onError: (error: DiscoveryError) => void;
  readonly #onRoom: () => void;
  readonly #pending = new Map<string, PendingQuery>();
  /** The query for the own NodeID, which lookups may look for at the same time. */
  #own: PendingQuery | undefined;
  readonly #deadlines = new Deadlines();
  readonly #fields = new AnnouncementFields();
  /** First attempts have priority: otherwise retries for unknown nodes would delay the queries for known ones. See RETRY_TURN. */
  readonly #firstAttempts = new Fifo<PendingQuery>();
  readonly #retries = new Fifo<PendingQuery>();
  /** Queries in `#firstAttempts` that were not cancelled. */
  #unsent = 0;
  /** Queries sent, to let each queue have its turn. */
  #sent = 0;
  /** How many packets were sent and not answered yet: at most WINDOW. */
  #inFlight = 0;
  /** Replies since the last flush. */
  #replies = 0;
  #flushScheduled = false;
  /** Until when forged answers are expected. */
  #attackUntil = Number.NEGATIVE_INFINITY;
  /** The messages of the errors that were reported since the server has answered. */
  readonly #reported = new Set<string>();
  #closed = false;

  constructor(server: string, options: ServerLinkOptions) {
    this.server = server;
    this.#onError = options.onError;
    this.#onRoom = options.onRoom;
    this.#addresses = new Addresses(server, this);
  }

  /**
   * Sends a query until it is answered or cancelled.
   *
   * @param confirm - whether only a confirmed answer is believed: see heard.ts
   * @param ownAttempt - the query is the one for the own NodeID; which address to begin with
   */
  query(key: string, nodeId: Uint8Array, confirm: boolean, asker: Asker, ownAttempt?: number): PendingQuery {
    const query = new PendingQuery(this, key, encodeQuery(nodeId), confirm, asker);
    if (ownAttempt === undefined) this.#pending.set(key, query);
    else this.#own = query;
    query.attempts = ownAttempt ?? 0;
    this.#unsent++;
    this.#enqueue(query);
    return query;
  }

  /**
   * Sends a query now, and starts again from the shortest wait between attempts. Does nothing before the third attempt,
   * because the waits are still short, unless only a confirmed answer is believed from now on.
   */
  restart(query: PendingQuery, confirm: boolean): void {
    const more = confirm && !query.confirm;
    if (query.cancelled || (query.attempts < 3 && !more)) return;
    query.confirm ||= confirm;
    query.attempts = 0;
    query.firstSentAt = Number.POSITIVE_INFINITY;
    this.#enqueue(query);
  }

  cancel(query: PendingQuery): void {
    if (query.cancelled) return;
    query.cancelled = true;
    if (query.unsent) {
      this.#unsent--;
      this.onReady();
    }
    if (query.retry !== undefined) query.retry.cancelled = true;
    if (this.#own === query) this.#own = undefined;
    if (this.#pending.get(query.key) === query) this.#pending.delete(query.key);
    this.#releaseSlot(query);
  }

  /** Sends an announcement to one address of each family that does not fail. @returns the addresses */
  async announce(packet: Uint8Array): Promise<string[]> {
    const sent: string[] = [];
    const families = new Set<Family>();
    for (const path of this.#addresses.paths) {
      if (path.failed || families.has(path.family)) continue;
      if (!path.ready(1)) await path.opening;
      if (this.#closed || path.failed || !path.ready(1)) continue;
      families.add(path.family);
      path.send(0, [packet]);
      sent.push(path.address);
    }
    return sent;
  }

  /** Resolves the server's name again, and forgets which addresses failed. Never rejects. */
  async refresh(): Promise<void> {
    await this.#addresses.resolve();
    this.onReady();
  }

  /** Reports an error, unless it was reported and the server has not answered since. */
  report(error: DiscoveryError): void {
    if (this.#reported.has(error.message)) return;
    this.#reported.add(error.message);
    this.#onError(error);
  }

  /** Whether the server has answered a moment ago: if it cannot be reached, it may only be restarting. */
  get alive(): boolean {
    return this.#addresses.paths.some(({ alive }) => alive);
  }

  /** The error of a query that still waits for the server's name to be resolved; `undefined` if it is resolved. */
  get unresolved(): DiscoveryError | undefined {
    const { paths, server } = this.#addresses;
    return paths.length === 0 ? new DiscoveryError(server, "its name has not been resolved yet") : undefined;
  }

  /**
   * Whether so many queries wait to be sent that `lookupMany` must pause. False while no address is known: no query is sent
   * then, so a pause might not end.
   */
  get busy(): boolean {
    return this.#addresses.paths.length > 0 && this.#unsent >= MAX_BACKLOG;
  }

  #enqueue(query: PendingQuery): void {
    if (query.retry !== undefined) query.retry.cancelled = true;
    if (query.queued) return;
    query.queued = true;
    (query.unsent ? this.#firstAttempts : this.#retries).push(query);
    this.onReady();
  }

  #releaseSlot(query: PendingQuery): void {
    if (query.inFlight === 0) return;
    this.#inFlight -= query.inFlight;
    query.inFlight = 0;
    this.onReady();
  }

  close(): void {
    this.#closed = true;
    this.#deadlines.clear();
    this.#pending.clear();
    this.#own = undefined;
    this.#addresses.close();
  }

  /** The queue whose first query is to be sent next. */
  get #queue(): Fifo<PendingQuery> {
    const retry = this.#sent % RETRY_TURN === 0 && this.#retries.peek() !== undefined;
    return retry || this.#firstAttempts.peek() === undefined ? this.#retries : this.#firstAttempts;
  }

  get #attacked(): boolean {
    return performance.now() < this.#attackUntil;
  }

  /** Sends in the next turn of the event loop, so that queries of one turn are sent with one system call. */
  onReady(): void {
    if (this.#flushScheduled || this.#closed) return;
    this.#flushScheduled = true;
    setImmediate(() => {
      this.#flushScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    this.#replies = 0;
    if (this.#closed) return;
    if (this.#queue.peek() !== undefined && this.#addresses.stale) void this.refresh();
    if (this.#addresses.paths.length > 0 || this.#addresses.error !== undefined) this.#sendQueued();
    if (!this.busy) this.#onRoom();
  }

  #sendQueued(): void {
    const batches = new Map<Path, Uint8Array[][]>();
    while (this.#inFlight < WINDOW) {
      const queue = this.#queue;
      const query = queue.peek();
      if (query === undefined) break;
      const path = this.#pathOf(query);
      // Remembered before it is open, so that a failure is this query's too.
      query.path = path;
      const sockets = this.#socketsOf(query);
      // The others wait as well: it takes a moment only.
      if (path !== undefined && !path.ready(sockets === 1 ? 1 : OPEN)) break;
      queue.drop();
      this.#sent++;
      query.queued = false;
      if (query.unsent) this.#unsent--;
      query.unsent = false;
      if (query.attempts === 0 && path !== undefined) query.firstSentAt = performance.now();
      query.retry = this.#deadlines.add(retryWait(query.attempts++), () => {
        query.failed = undefined;
        this.#enqueue(query);
      });
      if (path === undefined) {
        this.#unreachable(query);
        continue;
      }
      // Else nothing was heard from that address since it failed.
      if (path.error === undefined) query.error = undefined;
      query.heard?.retry();
      this.#releaseSlot(query);
      query.inFlight = sockets;
      this.#inFlight += sockets;
      this.#deadlines.add(SLOT_TIMEOUT_MS, () => this.#releaseSlot(query));
      const batch = batches.get(path) ?? [];
      batches.set(path, batch);
      for (let i = 0; i < sockets; i++) {
        batch[i] ??= [];
        batch[i]!.push(query.packet);
      }
      this.counters.queries += sockets;
    }
    for (const [path, batch] of batches) for (const [i, packets] of batch.entries()) path.send(i, packets);
  }

  /** Where to send the next attempt: to the addresses in turn, except those that have just failed. */
  #pathOf(query: PendingQuery): Path | undefined {
    const { paths } = this.#addresses;
    for (let i = 0; i < paths.length; i++) {
      const path = paths[(query.attempts + i) % paths.length]!;
      if (!path.failed && !query.failed?.has(path)) return path;
    }
    return undefined;
  }

  /** Never fewer than before: the answers so far may have come to all of them. */
  #socketsOf(query: PendingQuery): number {
    const sockets = query.confirm ? (this.#attacked ? ASKED_UNDER_ATTACK : ASKED) : this.#attacked ? ASKED : 1;
    query.sockets = Math.max(query.sockets, sockets);
    return query.sockets;
  }

  #unreachable(query: PendingQuery): void {
    query.error = this.#addresses.failure(query.failed);
    query.asker.onUnreachable(query.error, query);
  }

  /** Sends the queries that were sent to this address again: to the next one, or through new sockets. */
  onLost(path: Path, error: Error | undefined): void {
    if (this.#closed) return;
    if (error !== undefined) this.#addresses.move(path, "last");
    for (const query of [...this.#pending.values(), this.#own]) {
      if (query?.path !== path) continue;
      if (error !== undefined) {
        query.failed ??= new Map();
        query.failed.set(path, error);
      }
      query.path = undefined;
      this.#enqueue(query);
    }
    this.onReady();
  }

  onDatagram(path: Path, socket: number, unasked: boolean, datagram: Buffer): void {
    const fields = this.#fields;
    if (!fields.find(datagram) || fields.ipLength === 0 || fields.port === 0) {
      this.counters.ignored++;
      return;
    }
    if (unasked) this.#attack();
    const end = fields.nodeIdOffset + fields.nodeIdLength;
    const key = datagram.toString("latin1", fields.nodeIdOffset, end);
    const query = this.#pending.get(key);
    const own = this.#own?.key === key ? this.#own : undefined;
    if (query === undefined && own === undefined) {
      this.counters.ignored++;
      return;
    }
    this.counters[unasked ? "ignored" : "replies"]++;
    const ip = unmappedIpText(datagram.subarray(fields.ipOffset, fields.ipOffset + fields.ipLength));
    const address = { ip, port: fields.port, via: this.server, seenAt: Date.now() };
    if (query !== undefined) this.#answer(query, address, path, socket, unasked);
    if (own !== undefined) this.#answer(own, address, path, socket, unasked);
    if (++this.#replies >= REFILL_AFTER) this.#flush();
  }

  #answer(query: PendingQuery, address: NodeAddress, path: Path, socket: number, unasked: boolean): void {
    const asked = this.#socketsOf(query);
    if (asked === 1) {
      this.#believe(query, address, path);
      return;
    }
    query.heard ??= new Heard();
    const answer = `${path.address} ${address.ip} ${address.port}`;
    query.heard.add(answer, socket, unasked);
    if (!query.heard.agreed(answer, asked)) return;
    const decide = () => {
      if (!query.cancelled && query.heard?.agreed(answer, this.#socketsOf(query))) this.#believe(query, address, path);
    };
    const wait = path.listeningSince + LISTEN_MS - performance.now();
    if (wait > 0) this.#deadlines.add(Math.ceil(wait), decide);
    // What the system has received already is looked at first: it may prove the answer to be forged.
    else setImmediate(decide);
  }

  #believe(query: PendingQuery, address: NodeAddress, path: Path): void {
    this.#reported.clear();
    this.#addresses.move(path, "first");
    this.cancel(query);
    query.asker.onReply(address, path, query);
  }

  /** Asks again at once through more sockets. */
  #attack(): void {
    const known = this.#attacked;
    this.#attackUntil = performance.now() + ATTACK_MS;
    if (known) return;
    for (const query of this.#pending.values()) if (query.confirm) this.#enqueue(query);
    if (this.#own !== undefined) this.#enqueue(this.#own);
  }
}
