/**
 * Nodes of one LAN tell each other where they are: every node announces itself to all, and keeps what it hears.
 *
 * All that is to be done later is done by one timer, and by the receive loop as well: Bun's does not yield under a flood, so
 * that a timer alone would leave the announcements to the flood's mercy.
 */
import { createCodec, PacketFields } from "../../codec/index.ts";
import type { DiscoveryError } from "../error.ts";
import { nodeIdKey } from "../node-id.ts";
import type { LanEvent, LanNode, Timings } from "../types.ts";
import { LanNetwork } from "./network.ts";
import { LanTable } from "./table.ts";

/** Longest NodeID that is kept, and the longest announcement that bears it, with an IPv6 address. */
const LONGEST_ID = 1008;
const LONGEST = 16 + LONGEST_ID + 16;

/** A new node is answered within this time, by chance: many that answer at once would be lost together. */
const JITTER = 200;
/** Between two announcements that new nodes bring about. */
const SECOND = 1_000;

/** The receive loop looks at the clock once for so many datagrams. */
const CLOCK_EVERY = 256;

export interface LanOptions {
  /** UDP, 21025 by the protocol. */
  readonly port: number;
  /** What is sent; undefined: listen only. */
  readonly announcement: Uint8Array | undefined;
  /** `nodeIdKey` of the own NodeID, which is skipped. */
  readonly ownKey: string | undefined;
  readonly timings: Timings;
  onEvent(event: LanEvent): void;
  /** What did not work and is tried again; once a cause, until it has worked. */
  onError(error: DiscoveryError): void;
  /** For each datagram that was sent. */
  onAnnounced(address: string, bytes: number): void;
}

export class Lan {
  /** `received` is the sum of the others: announcements of other nodes, and whatever else there was, the own ones included. */
  readonly counters: { received: number; announcements: number; ignored: number } = {
    received: 0,
    announcements: 0,
    ignored: 0,
  };

  readonly #options: LanOptions;
  readonly #codec = createCodec();
  readonly #fields = new PacketFields();
  readonly #table: LanTable;
  #network: LanNetwork | undefined;

  #timer: Timer | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #lookAt = Number.POSITIVE_INFINITY;
  #announceAt = Number.POSITIVE_INFINITY;
  #announcedAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  private constructor(options: LanOptions) {
    this.#options = options;
    this.#table = new LanTable(options.timings.lanRetention);
  }

  /**
   * Opens the LAN's port and announces at once. One of IPv4 and IPv6 is enough; the other is used as soon as there is one.
   *
   * @throws {DiscoveryError} if there is neither; code EADDRINUSE if a program holds the port that does not share it
   */
  static async open(options: LanOptions): Promise<Lan> {
    const lan = new Lan(options);
    lan.#network = await LanNetwork.open({
      port: options.port,
      announcement: options.announcement,
      receive: (datagram, address) => lan.#receive(datagram, address),
      onError: (error) => options.onError(error),
      onAnnounced: (address, bytes) => options.onAnnounced(address, bytes),
    });
    try {
      lan.announce();
    } catch (error) {
      lan.close();
      throw error;
    }
    return lan;
  }

  /** Announces now, on all ways out. */
  announce(): void {
    this.#announce(performance.now());
    this.#arm();
  }

  /** The node, unless its time is over. */
  get(key: string): LanNode | undefined {
    return this.#table.get(key, performance.now());
  }

  nodes(): LanNode[] {
    return this.#table.nodes(performance.now());
  }

  /** Closes the sockets and ends the timer. More than once does no harm. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#network?.close();
  }

  #receive(datagram: Uint8Array, address: string): void {
    if (this.#closed) return;
    const { counters } = this;
    if (this.#learn(datagram, address)) counters.announcements++;
    else counters.ignored++;
    if (++counters.received % CLOCK_EVERY === 0) this.#turn();
  }

  /** Whether the datagram is an announcement that counts. Nothing is allocated for one that is no announcement. */
  #learn(datagram: Uint8Array, address: string): boolean {
    const fields = this.#fields;
    if (datagram.length > LONGEST || !this.#codec.decodeInto(datagram, fields)) return false;
    const { type, port, nodeIdOffset, nodeIdLength } = fields;
    if (type !== "announcement" || port === 0 || nodeIdLength === 0 || nodeIdLength > LONGEST_ID) return false;
    const id = datagram.subarray(nodeIdOffset, nodeIdOffset + nodeIdLength);
    const key = nodeIdKey(id);
    if (key === this.#options.ownKey) return false;

    const now = performance.now();
    this.#forget(now);
    const ip = address.startsWith("::ffff:") ? address.slice(7) : address;
    const heard = this.#table.hear(key, id, ip, port, now, Date.now());
    if (heard === "node" || heard === "moved") {
      // One that has moved may have been started anew, and know nobody.
      this.#announceBy(Math.max(now + Math.random() * JITTER, this.#announcedAt + SECOND));
      this.#options.onEvent({ type: heard, ...this.#table.get(key, now)! });
    }
    return heard !== "full";
  }

  /** Does whatever is due. */
  #turn(): void {
    const now = performance.now();
    try {
      this.#forget(now);
      if (now >= this.#announceAt) this.#announce(now);
      else if (now >= this.#lookAt) this.#look(now, false);
    } finally {
      // Also if somebody's listener has thrown.
      this.#arm();
    }
  }

  #forget(now: number): void {
    if (now < this.#table.expiresAt) return;
    for (let node = this.#table.expire(now); node !== undefined; node = this.#table.expire(now)) {
      this.#options.onEvent({ type: "gone", ...node });
    }
  }

  #announceBy(at: number): void {
    this.#announceAt = Math.min(this.#announceAt, at);
    this.#arm();
  }

  #announce(now: number): void {
    this.#announcedAt = now;
    this.#announceAt = now + this.#options.timings.lanInterval;
    this.#look(now, true);
  }

  #look(now: number, announce: boolean): void {
    this.#lookAt = now + this.#options.timings.interfaces;
    this.#network?.look(announce);
  }

  /** Sets the timer for what is due next. */
  #arm(): void {
    const at = Math.min(this.#lookAt, this.#announceAt, this.#table.expiresAt);
    if (this.#closed || at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    const fire = () => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.#turn();
    };
    this.#timer = setTimeout(fire, Math.max(1, Math.ceil(at - performance.now())));
  }
}
