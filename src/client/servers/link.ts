/**
 * One server and the one socket that talks with it: queries go out, are sent again while there is no answer, and end when a
 * reply comes that is from this server and bears the NodeID asked for.
 */
import { isIP } from "node:net";
import { type Codec, PacketFields } from "../../codec/index.ts";
import { DiscoveryError } from "../error.ts";
import { formatIp, ipOf } from "../ip.ts";
import type { NodeAddress } from "../types.ts";
import { parseServer, type ServerAddress } from "./address.ts";
import { Deadlines } from "./deadlines.ts";
import { Again, Pending, SendQueue, Silence } from "./pending.ts";

/**
 * Waits between the sendings of a query, in ms. Eight sendings in 4.1 s: where 30 % of datagrams get lost each way, one of
 * them comes through in 99.5 % of cases, within the 5 s that a look-up has. Who waits longer goes on at the last pace.
 */
const WAITS = [250, 350, 500, 600, 700, 800, 900] as const;
const LAST_WAIT = 1_500;
/**
 * Queries on their way at the same time: a server's receive buffer, and ours, hold some 250 packets by default. The figures
 * here, as to what is refilled when, are those with which `bun run bench:lookup` lost nothing and was fastest.
 */
const WINDOW = 192;
/** Queries that may wait to be sent, when many are looked for: two windows. */
const BACKLOG = 2 * WINDOW;
/** A query that is not answered in this time makes room for another: most probably its node is unknown. */
const SILENT_MS = 30;
/** Replies after which the room they made is used, without waiting for the receive loop to end. */
const REFILL = 48;
/** How long an address that a name resolved to is used for queries, and how long until it is tried again where it did not. */
const RESOLVED_MS = 60_000;
const UNRESOLVED_MS = 1_000;

/** Counters of what came from, or went to, a server. */
export interface ServerCounters {
  /** Queries sent, those sent again included. */
  queries: number;
  /** Answers to queries that were waiting for one. */
  replies: number;
  /** Datagrams that were no answer: from elsewhere, malformed, or to a question that was not asked. */
  ignored: number;
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
  /** Called with an error that the socket reports when nothing waits for it: an announcement of a while ago met with it. */
  onRefused: (error: DiscoveryError) => void = () => {};
  readonly #address: ServerAddress;
  readonly #codec: Codec;
  readonly #onError: (error: DiscoveryError) => void;
  readonly #onRoom: () => void;
  readonly #pending = new Map<string, Pending>();
  readonly #deadlines = new Deadlines();
  readonly #fields = new PacketFields();
  /** What was never sent goes first: else what is unknown, and sent again and again, would hold up what is not. */
  readonly #first = new SendQueue();
  readonly #more = new SendQueue();
  /** Queries that were never sent and are still wanted. */
  #unsent = 0;
  #underway = 0;
  #freed = 0;
  #scheduled = false;
  #socket: Bun.udp.Socket<"buffer"> | undefined;
  #opening: Promise<void> | undefined;
  /** What the socket sends to: one of the addresses that the name has. */
  #ip = "";
  #turn = 0;
  #resolveAt = Number.NEGATIVE_INFINITY;
  /** What was reported last, until it works again. */
  #reported: string | undefined;
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
    this.#unsent++;
    this.enqueue(pending);
    return pending;
  }

  /** Begins anew with a query that has been sent for some time: somebody else wants to know. */
  renew(pending: Pending): void {
    if (pending.cancelled || pending.sent < 3) return;
    pending.sent = 0;
    pending.since = Number.POSITIVE_INFINITY;
    if (pending.again !== undefined) pending.again.cancelled = true;
    this.enqueue(pending);
  }

  cancel(pending: Pending): void {
    pending.cancelled = true;
    if (pending.fresh) this.#unsent--;
    if (pending.again !== undefined) pending.again.cancelled = true;
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
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    let timer: Timer | undefined;
    try {
      await this.#open(true);
      this.#refused = reject;
      // An error that an earlier query brought back may come out here: what it is about is not this packet.
      if (!this.#trySend([packet]) && !this.#trySend([packet])) throw new Error("the system would not send it");
      const quiet = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, patience);
      });
      await Promise.race([promise, quiet]);
    } catch (cause) {
      throw this.#error(cause);
    } finally {
      clearTimeout(timer);
      this.#refused = undefined;
    }
    return `${this.#ip.includes(":") ? `[${this.#ip}]` : this.#ip}:${this.#address.port}`;
  }

  /** Whether there is enough to be sent: more would only lie about. Where nothing can be sent there never is. */
  get busy(): boolean {
    return this.#socket !== undefined && this.#unsent >= BACKLOG;
  }

  /** Puts a query up for sending. */
  enqueue(pending: Pending): void {
    if (pending.queued) return;
    pending.queued = true;
    (pending.fresh ? this.#first : this.#more).push(pending);
    this.#schedule();
  }

  makeRoom(pending: Pending): void {
    if (!pending.underway) return;
    pending.underway = false;
    this.#underway--;
    if (!this.#first.empty || !this.#more.empty) this.#schedule();
  }

  close(): void {
    this.#closed = true;
    this.#deadlines.clear();
    this.#pending.clear();
    this.#refused?.(new Error("closed"));
    this.#socket?.close();
    this.#socket = undefined;
  }

  /** Sends when all that is to be done now is done: queries that are asked for together go out together. */
  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    this.#freed = 0;
    if (this.#closed || (this.#first.empty && this.#more.empty)) return;
    if (performance.now() >= this.#resolveAt && this.#opening === undefined) {
      this.#open(false).catch((error) => this.#unreachable(error));
    }
    if (this.#socket !== undefined) this.#sendQueued(this.#socket);
    if (!this.busy) this.#onRoom();
  }

  #sendQueued(socket: Bun.udp.Socket<"buffer">): void {
    const batch: Uint8Array[] = [];
    while (this.#underway < WINDOW) {
      const pending = this.#first.shift() ?? this.#more.shift();
      if (pending === undefined) break;
      batch.push(pending.packet);
      pending.queued = false;
      if (pending.fresh) this.#unsent--;
      pending.fresh = false;
      if (!pending.underway) this.#underway++;
      pending.underway = true;
      this.#deadlines.add(SILENT_MS, new Silence(pending));
      if (pending.sent === 0) pending.since = performance.now();
      pending.again = new Again(pending);
      this.#deadlines.add(WAITS[pending.sent++] ?? LAST_WAIT, pending.again);
    }
    this.counters.queries += batch.length;
    // What the system does not take is lost on its way, as far as we are concerned: it is sent again in its time.
    for (let rest = batch, tries = 0; rest.length > 0 && tries < 3 && this.#socket === socket; tries++) {
      const sent = this.#trySend(rest);
      if (sent > 0) tries = 0;
      rest = rest.slice(sent);
    }
  }

  /** There is no way to the server now, or none but the one there was. The name is tried again soon. */
  #unreachable(error: unknown): void {
    if (this.#closed) return;
    const { message } = error as Error;
    if (this.#reported !== message) this.#onError(this.#error(error));
    this.#reported = message;
    this.#deadlines.add(UNRESOLVED_MS, { cancelled: false, due: () => this.#flush() });
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

  /** Resolves the name, and opens a socket of the address's kind. What is open stays in use until then, and if it fails. */
  #open(announcing: boolean): Promise<void> {
    if (!announcing) this.#resolveAt = performance.now() + UNRESOLVED_MS;
    this.#opening ??= this.#openNow().finally(() => {
      this.#opening = undefined;
      this.#schedule();
    });
    return this.#opening;
  }

  async #openNow(): Promise<void> {
    const ip = await this.#resolve();
    if (this.#closed) return;
    if (this.#socket === undefined || isIP(ip) !== isIP(this.#ip)) {
      const socket = await Bun.udpSocket({
        hostname: isIP(ip) === 6 ? "::" : "0.0.0.0",
        socket: {
          data: (_socket, datagram, port, address) => this.#receive(datagram, port, address),
          error: (error: unknown) => this.#failed(error as Error),
        },
      });
      if (this.#closed) {
        socket.close();
        return;
      }
      this.#socket?.close();
      this.#socket = socket;
    }
    this.#ip = ip;
    this.#reported = undefined;
    this.#resolveAt = performance.now() + RESOLVED_MS;
  }

  async #resolve(): Promise<string> {
    const { host } = this.#address;
    if (isIP(host)) return formatIp(host);
    const addresses = await Bun.dns.lookup(host);
    if (addresses.length === 0) throw new Error("the name has no address");
    return formatIp(addresses[this.#turn % addresses.length]!.address);
  }

  /** The socket reports what a packet met that was sent before. If the name has another address, that is next. */
  #failed(error: Error): void {
    this.#turn++;
    if (this.#refused !== undefined) this.#refused(error);
    else if ("syscall" in error) this.onRefused(this.#error(error));
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
