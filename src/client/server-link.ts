/**
 * One server and the one socket that talks with it: queries go out, are sent again while there is no answer, and end when a
 * reply comes that is from this server and bears the NodeID asked for.
 */
import { isIP } from "node:net";
import { type Codec, PacketFields } from "../codec/index.ts";
import { type Deadline, Deadlines } from "./deadlines.ts";
import { DiscoveryError } from "./error.ts";
import { formatIp, ipOf } from "./ip.ts";
import { parseServer, type ServerAddress } from "./server-address.ts";
import type { NodeAddress } from "./types.ts";

/**
 * Waits between the sendings of a query, in ms. Eight sendings in 4.1 s: where 30 % of datagrams get lost each way, one of
 * them comes through in 99.5 % of cases, within the 5 s that a look-up has.
 */
const WAITS = [250, 350, 500, 600, 700, 800, 900] as const;
/** Queries on their way at the same time: a server's receive buffer, and ours, hold some 250 packets by default. */
const WINDOW = 192;
/** Queries that may wait to be sent, when many are looked for: two windows. */
const BACKLOG = 2 * WINDOW;
/** A query that is not answered in this time makes room for another: most probably its node is unknown. */
const SILENT_MS = 30;
/** Replies after which the room they made is used, without waiting for the receive loop to end. */
const REFILL = 48;
/** How long an address that a name resolved to is used for queries. Announcements resolve anew each time. */
const RESOLVED_MS = 60_000;

/** Counters of what came from, or went to, a server. */
export interface ServerCounters {
  /** Queries sent, those sent again included. */
  queries: number;
  replies: number;
  /** Datagrams that were no answer: from elsewhere, malformed, or to a question that was not asked. */
  ignored: number;
}

/** A query that waits for its answer. */
class Pending implements Deadline {
  cancelled = false;
  /** Sendings so far. */
  sent = 0;
  /** Whether it counts as being on its way. */
  underway = false;

  constructor(
    readonly link: ServerLink,
    readonly key: string,
    readonly packet: Uint8Array,
    readonly found: (address: NodeAddress) => void,
  ) {}

  due(): void {
    this.link.enqueue(this);
  }
}

/** Lets a query that met with silence make room. */
class Silence implements Deadline {
  cancelled = false;

  constructor(readonly pending: Pending) {}

  due(): void {
    this.pending.link.makeRoom(this.pending);
  }
}

export interface ServerLinkOptions {
  readonly codec: Codec;
  readonly onError: (error: DiscoveryError) => void;
  /** Called when there is little left to be sent. */
  readonly onRoom: () => void;
}

export class ServerLink {
  /** The server as it was given. */
  readonly server: string;
  readonly counters: ServerCounters = { queries: 0, replies: 0, ignored: 0 };
  readonly #address: ServerAddress;
  readonly #codec: Codec;
  readonly #onError: (error: DiscoveryError) => void;
  readonly #onRoom: () => void;
  readonly #pending = new Map<string, Pending>();
  readonly #deadlines = new Deadlines();
  readonly #fields = new PacketFields();
  /** What waits to be sent; `#next` is the first of it. */
  #queue: Pending[] = [];
  #next = 0;
  #underway = 0;
  #freed = 0;
  #scheduled = false;
  #socket: Bun.udp.Socket<"buffer"> | undefined;
  #opening: Promise<void> | undefined;
  #ip = "";
  #resolvedAt = Number.NEGATIVE_INFINITY;
  #closed = false;
  /** Called with the next error that the socket reports: an announcement was refused. */
  #refused: ((error: Error) => void) | undefined;

  constructor(server: string, options: ServerLinkOptions) {
    this.server = server;
    this.#address = parseServer(server);
    this.#codec = options.codec;
    this.#onError = options.onError;
    this.#onRoom = options.onRoom;
  }

  /**
   * Asks for a NodeID until it is answered or cancelled.
   *
   * @returns the query, for `cancel`.
   */
  query(key: string, nodeId: Uint8Array, found: (address: NodeAddress) => void): Pending {
    const pending = new Pending(this, key, this.#codec.encode({ type: "query", nodeId }), found);
    this.#pending.set(key, pending);
    this.enqueue(pending);
    return pending;
  }

  cancel(pending: Pending): void {
    pending.cancelled = true;
    this.#pending.delete(pending.key);
    this.makeRoom(pending);
  }

  /**
   * Sends one announcement; the name is resolved anew.
   *
   * @returns the address it went to.
   * @throws {DiscoveryError} if it cannot be sent, or is refused within `patience` ms.
   */
  async announce(packet: Uint8Array, patience: number): Promise<string> {
    this.#resolvedAt = Number.NEGATIVE_INFINITY;
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    try {
      await this.#open();
      this.#refused = reject;
      // An error that an earlier query brought back may come out here: what it is about is not this packet.
      if (!this.#trySend([packet]) && !this.#trySend([packet])) throw new Error("the system would not send it");
      await Promise.race([promise, Bun.sleep(patience)]);
    } catch (cause) {
      throw this.#error(cause);
    } finally {
      this.#refused = undefined;
    }
    return `${this.#ip.includes(":") ? `[${this.#ip}]` : this.#ip}:${this.#address.port}`;
  }

  /** Whether there is enough to be sent: more would only lie about. */
  get busy(): boolean {
    return this.#queue.length - this.#next >= BACKLOG;
  }

  /** Puts a query up for sending. */
  enqueue(pending: Pending): void {
    this.#queue.push(pending);
    this.#schedule();
  }

  makeRoom(pending: Pending): void {
    if (!pending.underway) return;
    pending.underway = false;
    this.#underway--;
    if (this.#queue.length > this.#next) this.#schedule();
  }

  close(): void {
    this.#closed = true;
    this.#deadlines.clear();
    this.#pending.clear();
    this.#queue = [];
    this.#next = 0;
    this.#refused?.(new Error("closed"));
    this.#socket?.close();
    this.#socket = undefined;
  }

  /** Sends when all that is to be done now is done: queries that are asked for together go out together. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    this.#freed = 0;
    if (this.#closed || this.#next === this.#queue.length) return;
    if (this.#socket === undefined || performance.now() - this.#resolvedAt > RESOLVED_MS) {
      this.#open().then(
        () => this.#flush(),
        (error) => this.#later(error),
      );
      return;
    }
    const batch: Uint8Array[] = [];
    while (this.#underway < WINDOW && this.#next < this.#queue.length) {
      const pending = this.#queue[this.#next++]!;
      if (pending.cancelled) continue;
      batch.push(pending.packet);
      this.#underway++;
      pending.underway = true;
      this.#deadlines.add(SILENT_MS, new Silence(pending));
      const wait = WAITS[pending.sent++];
      if (wait !== undefined) this.#deadlines.add(wait, pending);
    }
    if (this.#next > 4096 && this.#next * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#next);
      this.#next = 0;
    }
    if (batch.length > 0) this.#send(batch);
    if (!this.busy) this.#onRoom();
  }

  /** There is no way to the server now: it is tried again with the next sending of each query. */
  #later(error: unknown): void {
    const queue = this.#queue.slice(this.#next);
    this.#queue = [];
    this.#next = 0;
    if (this.#closed) return;
    for (const pending of queue) {
      const wait = WAITS[pending.sent++];
      if (!pending.cancelled && wait !== undefined) this.#deadlines.add(wait, pending);
    }
    this.#onError(this.#error(error));
    this.#onRoom();
  }

  /** What the system does not take is lost on its way, as far as we are concerned: it is sent again in its time. */
  #send(batch: Uint8Array[]): void {
    this.counters.queries += batch.length;
    for (let rest = batch, tries = 0; rest.length > 0 && tries < 3; tries++) {
      const sent = this.#trySend(rest);
      if (sent > 0) tries = 0;
      rest = rest.slice(sent);
    }
  }

  /** How many packets went out: an error that an earlier one met cuts a sending short, or throws. */
  #trySend(packets: readonly Uint8Array[]): number {
    const { port } = this.#address;
    const list: (Uint8Array | number | string)[] = [];
    for (const packet of packets) list.push(packet, port, this.#ip);
    try {
      return this.#socket?.sendMany(list) ?? 0;
    } catch {
      return 0;
    }
  }

  /** Resolves the name, and opens a socket of the address's kind. */
  #open(): Promise<void> {
    this.#opening ??= this.#openNow().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #openNow(): Promise<void> {
    const ip = await this.#resolve();
    const sameKind = this.#socket !== undefined && isIP(ip) === isIP(this.#ip);
    this.#ip = ip;
    this.#resolvedAt = performance.now();
    if (sameKind || this.#closed) return;
    this.#socket?.close();
    const socket = await Bun.udpSocket({
      hostname: isIP(ip) === 6 ? "::" : "0.0.0.0",
      socket: {
        data: (_socket, datagram, port, address) => this.#receive(datagram, port, address),
        error: (error) => this.#refused?.(error as unknown as Error),
      },
    });
    if (this.#closed) socket.close();
    else this.#socket = socket;
  }

  async #resolve(): Promise<string> {
    const { host } = this.#address;
    if (isIP(host)) return formatIp(host);
    const [first] = await Bun.dns.lookup(host);
    if (first === undefined) throw new Error("the name has no address");
    return formatIp(first.address);
  }

  #receive(datagram: Buffer, port: number, address: string): void {
    const fields = this.#fields;
    if (
      port !== this.#address.port ||
      address !== this.#ip ||
      !this.#codec.decodeInto(datagram, fields) ||
      fields.type !== "announcement" ||
      fields.ipLength === 0 ||
      fields.port === 0
    ) {
      this.counters.ignored++;
      return;
    }
    const end = fields.nodeIdOffset + fields.nodeIdLength;
    const pending = this.#pending.get(datagram.toString("latin1", fields.nodeIdOffset, end));
    if (pending === undefined) {
      this.counters.ignored++;
      return;
    }
    this.counters.replies++;
    const ip = ipOf(datagram, fields.ipOffset, fields.ipLength);
    this.cancel(pending);
    pending.found({ ip, port: fields.port, via: this.server, seenAt: Date.now() });
    if (++this.#freed >= REFILL) this.#flush();
  }

  #error(cause: unknown): DiscoveryError {
    if (cause instanceof DiscoveryError) return cause;
    const { message, code } = cause as NodeJS.ErrnoException;
    return new DiscoveryError(this.server, message, { code, cause });
  }
}

export type { Pending };
