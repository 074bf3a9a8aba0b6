/** Discovery on the LAN: every node announces itself by broadcast and multicast, and keeps the announcements of the others. */
import { MAX_ID_LENGTH } from "../../../assembly/layout.ts";
import { AnnouncementFields, encodeAnnouncement } from "../codec.ts";
import type { Group } from "../group.ts";
import { nodeIdKey, randomNodeId } from "../node-id.ts";
import type { LanEvent, LanNode, Timings } from "../types.ts";
import { Beacon, type BeaconOptions } from "./beacon.ts";

/** The longest announcement, in bytes: the longest NodeID with an IPv6 address. */
const MAX_ANNOUNCEMENT_LENGTH = 16 + MAX_ID_LENGTH + 16;

/** The multicast group of announcements by IPv6; its scope is link-local. */
const LAN_GROUP = "ff02::2012:1025";

export interface LanOptions extends Omit<BeaconOptions, "multicast" | "hello"> {
  /** Only its nodes are kept. */
  readonly group: Group;
  /** `nodeIdKey` of the own NodeID on the wire, whose announcements are ignored. */
  readonly ownKey: string;
  readonly timings: Timings;
  onEvent(event: LanEvent): void;
  /** Called for each announcement of another node, also of one that is known. @param key - `nodeIdKey` of its NodeID on the wire */
  onHeard?(key: string): void;
}

/** Counts of datagrams. `received` is the sum of the others. */
export interface LanCounters {
  received: number;
  /** Of nodes of the group, also hellos. */
  announcements: number;
  /** Of nodes of other groups. */
  foreign: number;
  /** All others, the own announcements among them. */
  ignored: number;
}

/** The counters at the start. */
export const NO_DATAGRAMS: Readonly<LanCounters> = { received: 0, announcements: 0, foreign: 0, ignored: 0 };

export class Lan extends Beacon {
  readonly counters: LanCounters = { ...NO_DATAGRAMS };
  readonly #options: LanOptions;
  readonly #fields = new AnnouncementFields();
  /** `nodeIdKey` of the NodeID in the own hello. */
  readonly #helloKey: string;

  constructor(options: LanOptions) {
    const helloId = options.group.toWire(randomNodeId());
    // No program can be reached on port 0, so this one asks and is not listed.
    super({ ...options, multicast: LAN_GROUP, hello: encodeAnnouncement(helloId, 0) });
    this.#options = options;
    this.#helloKey = nodeIdKey(helloId);
  }

  /** The node, unless it has expired. */
  get(key: string): LanNode | undefined {
    return this.table.get(key, performance.now());
  }

  nodes(): LanNode[] {
    return this.table.nodes(performance.now());
  }

  protected receive(datagram: Buffer, address: string): void {
    this.counters[this.#handle(datagram, address)]++;
    this.counters.received++;
  }

  protected gone(node: LanNode): void {
    this.#options.onEvent({ type: "gone", ...node });
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
    const { group, ownKey, onHeard, onEvent } = this.#options;
    if (!group.includes(datagram, nodeIdOffset, nodeIdLength)) return "foreign";
    const end = nodeIdOffset + nodeIdLength;
    const key = datagram.toString("latin1", nodeIdOffset, end);
    const now = performance.now();
    if (key === ownKey || key === this.#helloKey || !this.believes(address, now)) return "ignored";

    const heard =
      port === 0
        ? "hello"
        : (this.table.update(key, address, port, now, Date.now()) ??
          this.table.add(key, group.fromWire(datagram.subarray(nodeIdOffset, end)), address, port, now, Date.now()));
    if (heard === "full") return "ignored";
    if (heard !== "hello") onHeard?.(key);
    if (heard === "known") return "announcements";
    // A node that moved may have been restarted, and then it knows no other nodes.
    this.answer(now);
    if (heard !== "hello") onEvent({ type: heard, ...this.table.get(key, now)! });
    return "announcements";
  }
}
