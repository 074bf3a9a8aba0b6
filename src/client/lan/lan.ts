/**
 * Discovery on the LAN: every node announces itself by broadcast and multicast, and keeps the announcements of the others.
 *
 * One timer does everything that is due later. The receive loop checks for due work too: Bun's does not yield during a flood,
 * so the timer would be late.
 */
import { MAX_ID_LENGTH } from "../../../assembly/layout.ts";
import { PacketFields } from "../../codec/index.ts";
import { decodeInto } from "../codec.ts";
import type { DiscoveryError } from "../error.ts";
import type { Group } from "../group.ts";
import { nodeIdKey } from "../node-id.ts";
import { MAX_TIMER_MS } from "../timers.ts";
import type { LanEvent, LanNode, Timings } from "../types.ts";
import { LanNetwork } from "./network.ts";
import { LanTable } from "./table.ts";

/** The longest announcement, in bytes: the longest NodeID with an IPv6 address. */
const MAX_ANNOUNCEMENT_LENGTH = 16 + MAX_ID_LENGTH + 16;

/** A new node is answered after a random delay up to this, in ms: if all nodes answered at once, packets would be lost. */
const ANSWER_JITTER = 200;
/** The shortest time between two announcements that answer new nodes, in ms. */
const ANSWER_INTERVAL = 1_000;

/** The receive loop checks for due work once in this many datagrams. */
const DATAGRAMS_PER_CHECK = 256;

export interface LanOptions {
  /** UDP, 21025 by the protocol. */
  readonly port: number;
  /** The packet to send; undefined: listen only. */
  readonly announcement: Uint8Array | undefined;
  /** Only its nodes are kept. */
  readonly group: Group;
  /** `nodeIdKey` of the own NodeID on the wire, whose announcements are ignored. */
  readonly ownKey: string;
  readonly timings: Timings;
  onEvent(event: LanEvent): void;
  /** A failure that will be retried. Each cause is reported once until it has worked again. */
  onError(error: DiscoveryError): void;
  /** Called for each datagram that was sent. */
  onAnnounced(address: string, bytes: number): void;
}

export class Lan {
  /** `received` is the sum of the others. The own announcements are among those ignored. */
  readonly counters: { received: number; announcements: number; ignored: number } = {
    received: 0,
    announcements: 0,
    ignored: 0,
  };

  readonly #options: LanOptions;
  readonly #fields = new PacketFields();
  readonly #table: LanTable;
  #network: LanNetwork | undefined;

  /** Unref'd, like the sockets: a Lan does not keep the process running. */
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires; below, when which work is due. All times are of performance.now(). */
  #timerAt = Number.POSITIVE_INFINITY;
  #refreshAt = Number.POSITIVE_INFINITY;
  #announceAt = Number.POSITIVE_INFINITY;
  #announcedAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  private constructor(options: LanOptions) {
    this.#options = options;
    this.#table = new LanTable(options.timings.lanRetention);
  }

  /**
   * Opens the LAN's port and announces at once. IPv4 or IPv6 alone is enough; the other one is used once it is available.
   *
   * @throws {DiscoveryError} if there is neither; code EADDRINUSE if another program uses the port and does not share it
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

  /** Announces now, on all interfaces. */
  announce(): void {
    this.#announce(performance.now());
    this.#arm();
  }

  /** The node, unless it has expired. */
  get(key: string): LanNode | undefined {
    return this.#table.get(key, performance.now());
  }

  nodes(): LanNode[] {
    return this.#table.nodes(performance.now());
  }

  /** Closes the sockets and the timer. May be called twice. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#network?.close();
  }

  #receive(datagram: Uint8Array, address: string): void {
    if (this.#closed) return;
    const { counters } = this;
    if (this.#handle(datagram, address)) counters.announcements++;
    else counters.ignored++;
    if (++counters.received % DATAGRAMS_PER_CHECK === 0) this.#runDue();
  }

  /** Whether the datagram is an announcement of another node. Allocates nothing for other packets: they may be a flood. */
  #handle(datagram: Uint8Array, address: string): boolean {
    const fields = this.#fields;
    if (datagram.length > MAX_ANNOUNCEMENT_LENGTH || !decodeInto(datagram, fields)) return false;
    const { type, port, nodeIdOffset, nodeIdLength } = fields;
    if (type !== "announcement" || port === 0 || nodeIdLength === 0 || nodeIdLength > MAX_ID_LENGTH) return false;
    const { group } = this.#options;
    if (!group.includes(datagram, nodeIdOffset, nodeIdLength)) return false;
    const wireId = datagram.subarray(nodeIdOffset, nodeIdOffset + nodeIdLength);
    const key = nodeIdKey(wireId);
    if (key === this.#options.ownKey) return false;

    const now = performance.now();
    this.#expire(now);
    const ip = address.startsWith("::ffff:") ? address.slice(7) : address;
    const heard = this.#table.hear(key, group.fromWire(wireId), ip, port, now, Date.now());
    if (heard === "node" || heard === "moved") {
      // A node that moved may have been restarted, and then it knows no other nodes.
      this.#announceBy(Math.max(now + Math.random() * ANSWER_JITTER, this.#announcedAt + ANSWER_INTERVAL));
      this.#options.onEvent({ type: heard, ...this.#table.get(key, now)! });
    }
    return heard !== "full";
  }

  /** Does the work that is due. */
  #runDue(): void {
    const now = performance.now();
    try {
      this.#expire(now);
      if (now >= this.#announceAt) this.#announce(now);
      else if (now >= this.#refreshAt) this.#refresh(now, false);
    } finally {
      // Even if a listener threw an error.
      this.#arm();
    }
  }

  #expire(now: number): void {
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
    this.#refresh(now, true);
  }

  #refresh(now: number, announce: boolean): void {
    this.#refreshAt = now + this.#options.timings.interfaces;
    this.#network?.refresh(announce);
  }

  /** Sets the timer for the next work. */
  #arm(): void {
    const at = Math.min(this.#refreshAt, this.#announceAt, this.#table.expiresAt);
    if (this.#closed || at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    const fire = () => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.#runDue();
    };
    const delay = Math.max(1, Math.ceil(at - performance.now()));
    this.#timer = setTimeout(fire, Math.min(delay, MAX_TIMER_MS)).unref();
  }
}
