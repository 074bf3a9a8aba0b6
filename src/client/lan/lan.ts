/**
 * Discovery on the LAN: every node announces itself by broadcast and multicast, and keeps the announcements of the others.
 *
 * One timer does everything that is due later. The receive loop checks for due work too: Bun's does not yield during a flood,
 * so the timer would be late.
 */
import { MAX_ID_LENGTH } from "../../../assembly/layout.ts";
import { AnnouncementFields, encodeAnnouncement } from "../codec.ts";
import type { DiscoveryError } from "../error.ts";
import type { Group } from "../group.ts";
import { nodeIdKey, randomNodeId } from "../node-id.ts";
import { MAX_TIMER_MS } from "../timers.ts";
import type { LanEvent, LanNode, Timings } from "../types.ts";
import { LanNetwork } from "./network.ts";
import { Schedule } from "./schedule.ts";
import { LanTable } from "./table.ts";

/** The longest announcement, in bytes: the longest NodeID with an IPv6 address. */
const MAX_ANNOUNCEMENT_LENGTH = 16 + MAX_ID_LENGTH + 16;

/** The receive loop checks for due work once in this many datagrams. */
const DATAGRAMS_PER_CHECK = 256;

/** If due work is later than this, in ms, the program was stopped (SIGSTOP, a debugger), or the computer slept. */
const LATE = 3_000;

export interface LanOptions {
  /** UDP, 21025 by the protocol. */
  readonly port: number;
  /** Names of the interfaces to use; undefined: all but those of containers. */
  readonly interfaces: readonly string[] | undefined;
  /** The packet to send; undefined: listen only. */
  readonly announcement: Uint8Array | undefined;
  /** Only its nodes are kept. */
  readonly group: Group;
  /** `nodeIdKey` of the own NodeID on the wire, whose announcements are ignored. */
  readonly ownKey: string;
  readonly timings: Timings;
  /** Ends {@link Lan.open}. */
  readonly signal?: AbortSignal | undefined;
  onEvent(event: LanEvent): void;
  /** Called for each announcement of another node, also of one that is known. @param key - `nodeIdKey` of its NodeID on the wire */
  onHeard?(key: string): void;
  /** A failure that will be retried. Each cause is reported once until it has worked again. */
  onError(error: DiscoveryError): void;
  /** Called for each datagram that was sent. */
  onAnnounced(address: string, bytes: number): void;
}

export class Lan {
  /**
   * `received` is the sum of the others: `announcements` of the group, also hellos; `foreign` ones of other groups; and what
   * was `ignored`, the own announcements among them.
   */
  readonly counters: { received: number; announcements: number; foreign: number; ignored: number } = {
    received: 0,
    announcements: 0,
    foreign: 0,
    ignored: 0,
  };

  readonly #options: LanOptions;
  readonly #fields = new AnnouncementFields();
  readonly #table: LanTable;
  readonly #schedule: Schedule;
  readonly #network: LanNetwork;
  /** `nodeIdKey` of the NodeID in the own hello. */
  readonly #helloKey: string;

  /** Unref'd, like the sockets: a Lan does not keep the process running. */
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires; below, when the interfaces are checked. All times are of performance.now(). */
  #timerAt = Number.POSITIVE_INFINITY;
  #refreshAt = Number.POSITIVE_INFINITY;
  #closed = false;

  private constructor(options: LanOptions) {
    this.#options = options;
    this.#table = new LanTable(options.timings.lanRetention);
    this.#schedule = new Schedule(options.timings.lanInterval);
    const helloId = options.group.toWire(randomNodeId());
    this.#helloKey = nodeIdKey(helloId);
    this.#network = new LanNetwork({
      ...options,
      // No program can be reached on port 0, so this one asks and is not listed.
      hello: encodeAnnouncement(helloId, 0),
      receive: (datagram, address) => this.#receive(datagram, address),
      onNewTargets: () => this.#schedule.started(performance.now()),
    });
  }

  /**
   * Opens the LAN's port, asks the other nodes to announce themselves, and announces at once. IPv4 or IPv6 alone is enough;
   * the other one is used once it is available.
   *
   * @throws {DiscoveryError} if there is neither; code EADDRINUSE if another program uses the port and does not share it
   * @throws the signal's reason if it is aborted
   */
  static async open(options: LanOptions): Promise<Lan> {
    const lan = new Lan(options);
    try {
      await lan.#network.open();
      options.signal?.throwIfAborted();
      await lan.announce();
    } catch (error) {
      lan.close();
      throw error;
    }
    return lan;
  }

  /** Announces now, on all interfaces. Resolves when that is done, whether it works or not. */
  async announce(): Promise<void> {
    const now = performance.now();
    if (this.#options.announcement !== undefined) this.#schedule.announced(now);
    const sent = this.#refresh(now, "all");
    this.#arm();
    await sent;
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
    this.#network.close();
  }

  #receive(datagram: Buffer, address: string): void {
    if (this.#closed) return;
    const { counters } = this;
    counters[this.#handle(datagram, address)]++;
    if (++counters.received % DATAGRAMS_PER_CHECK === 0) this.#runDue();
  }

  /**
   * What the datagram is. Allocates nothing for packets that are none of the group: they may be a flood. Of a known node only
   * its key is made.
   */
  #handle(datagram: Buffer, address: string): "announcements" | "foreign" | "ignored" {
    const fields = this.#fields;
    if (datagram.length > MAX_ANNOUNCEMENT_LENGTH || !fields.find(datagram)) return "ignored";
    const { port, nodeIdOffset, nodeIdLength } = fields;
    if (nodeIdLength === 0 || nodeIdLength > MAX_ID_LENGTH) return "ignored";
    const { group, ownKey, announcement, onHeard, onEvent } = this.#options;
    if (!group.includes(datagram, nodeIdOffset, nodeIdLength)) return "foreign";
    const end = nodeIdOffset + nodeIdLength;
    const key = datagram.toString("latin1", nodeIdOffset, end);
    const now = performance.now();
    if (key === ownKey || key === this.#helloKey || !this.#network.believes(address, now)) return "ignored";

    // Before a node of this datagram can expire.
    if (now >= this.#timerAt) this.#runDue();
    const heard =
      port === 0
        ? "hello"
        : (this.#table.update(key, address, port, now, Date.now()) ??
          this.#table.add(key, group.fromWire(datagram.subarray(nodeIdOffset, end)), address, port, now, Date.now()));
    if (heard === "full") return "ignored";
    if (heard !== "hello") onHeard?.(key);
    if (heard === "known") return "announcements";
    // A node that moved may have been restarted, and then it knows no other nodes.
    if (announcement !== undefined) this.#schedule.answer(now, this.#table.size);
    this.#arm();
    if (heard !== "hello") onEvent({ type: heard, ...this.#table.get(key, now)! });
    return "announcements";
  }

  /** Does the work that is due. */
  #runDue(): void {
    const now = performance.now();
    const late = now - this.#timerAt;
    if (late > LATE) this.#resume(now, late);
    this.#timerAt = Number.POSITIVE_INFINITY;
    try {
      this.#expire(now);
      const due = this.#schedule.take(now);
      if (due !== undefined || now >= this.#refreshAt) void this.#refresh(now, due ?? "new");
    } finally {
      // Even if a listener threw an error.
      this.#arm();
    }
  }

  /** Nothing was heard for a while. If the others may have missed this node, too, it starts again. */
  #resume(now: number, missed: number): void {
    this.#table.putOff(now, missed);
    if (missed < this.#options.timings.lanInterval) return;
    this.#network.forget();
    this.#refreshAt = now;
  }

  #expire(now: number): void {
    if (now < this.#table.expiresAt) return;
    for (let node = this.#table.expire(now); node !== undefined; node = this.#table.expire(now)) {
      this.#options.onEvent({ type: "gone", ...node });
    }
  }

  #refresh(now: number, announceOn: "new" | "young" | "all"): Promise<void> {
    this.#refreshAt = now + this.#options.timings.interfaces;
    return this.#network.refresh(now, announceOn);
  }

  /** Sets the timer for the next work. */
  #arm(): void {
    const at = Math.min(this.#refreshAt, this.#schedule.at, this.#table.expiresAt);
    if (this.#closed || at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    const delay = Math.max(1, Math.ceil(at - performance.now()));
    this.#timer = setTimeout(() => this.#runDue(), Math.min(delay, MAX_TIMER_MS)).unref();
  }
}
