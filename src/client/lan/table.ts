/** The nodes of the LAN and their addresses. Contains no clock and no socket: the caller passes announcements and times. */
import type { LanNode } from "../types.ts";

/**
 * The most nodes in the table. A flood of invented NodeIDs must not fill the memory, and no broadcast domain has as many real
 * nodes: each would receive 10,000 announcements every 30 s. A full table rejects new nodes and keeps the known ones, so a
 * flood cannot evict them. 90 s after the flood there is room again.
 */
const MAX_NODES = 10_000;

/**
 * The most nodes of one source address: a host that invents NodeIDs can use up a tenth of the table, and a host with hundreds
 * of real ones is far from it.
 */
const MAX_NODES_OF_SOURCE = 1_000;

/** A node announces itself from all of its addresses within this time, in ms. */
const ROUND_MS = 2_000;

/** Changed in place, because a known node is heard again and again. Callers get copies. */
interface Entry {
  readonly nodeId: Uint8Array;
  ip: string;
  port: number;
  /** In ms since 1970. */
  seenAt: number;
  /** When this address was last announced, on a monotonic clock. */
  heardAt: number;
  /** When its address or port last changed. */
  movedAt: number;
}

export class LanTable {
  readonly #retention: number;
  readonly #roundMs: number;
  readonly #maxNodes: number;
  /** In order of `heardAt`, because an update moves an entry to the end: the first one is the next to expire. */
  readonly #entries = new Map<string, Entry>();
  /** How many entries a source address has. */
  readonly #bySource = new Map<string, number>();

  constructor(retention: number, maxNodes = MAX_NODES) {
    this.#retention = retention;
    this.#roundMs = Math.min(ROUND_MS, retention / 4);
    this.#maxNodes = maxNodes;
  }

  /**
   * Updates the node of an announcement, if it is known. Call {@link expire} first.
   *
   * A node that announces several addresses keeps the first one. Otherwise it would seem to move all the time:
   * - another address of the same family replaces it if the known one was not heard within the last 2 s: the node has
   *   moved, because a node with two addresses announces both at once;
   * - an address of the other family replaces it if the known one was not heard for half of the retention (45 s): one
   *   announcement was lost and the next is overdue.
   *
   * @param key - of the NodeID
   * @param now - ms on a monotonic clock; `seenAt` is in ms since 1970
   * @returns `moved` if the node has a new address or port; `known` if not; `full` if its new source has no room;
   *   `undefined` if the node is not in the table
   */
  update(key: string, ip: string, port: number, now: number, seenAt: number): "moved" | "known" | "full" | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const otherIp = ip !== entry.ip;
    const moved = otherIp || port !== entry.port;
    if (moved) {
      // Two programs may use one NodeID with two ports. Their alternating announcements must not all be reported as moves.
      if (!otherIp && now - entry.movedAt < this.#roundMs) return "known";
      if (otherIp) {
        const patience = sameFamily(ip, entry.ip) ? this.#roundMs : this.#retention / 2;
        if (now - entry.heardAt < patience) return "known";
        if (!this.#take(ip)) return "full";
        this.#release(entry.ip);
        entry.ip = ip;
      }
      entry.port = port;
      entry.movedAt = now;
    }
    entry.heardAt = now;
    entry.seenAt = seenAt;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return moved ? "moved" : "known";
  }

  /**
   * Adds a node that {@link update} does not know.
   *
   * @param nodeId - is copied, because it is a part of the datagram
   * @returns `full` if the table, or the source's share of it, has no room
   */
  add(key: string, nodeId: Uint8Array, ip: string, port: number, now: number, seenAt: number): "node" | "full" {
    if (this.#entries.size >= this.#maxNodes || !this.#take(ip)) return "full";
    const copy = new Uint8Array(nodeId);
    this.#entries.set(key, { nodeId: copy, ip, port, seenAt, heardAt: now, movedAt: Number.NEGATIVE_INFINITY });
    return "node";
  }

  /** Removes one expired node, and returns it. */
  expire(now: number): LanNode | undefined {
    for (const [key, entry] of this.#entries) {
      if (now - entry.heardAt < this.#retention) break;
      this.#entries.delete(key);
      this.#release(entry.ip);
      return nodeOf(entry);
    }
    return undefined;
  }

  /**
   * After a time in which nothing could be heard: that time does not count, and each node gets at most half of the retention to
   * announce itself again.
   *
   * @param missed - how long that time was, in ms
   */
  putOff(now: number, missed: number): void {
    // Not half of the retention ago: an address of the other family would replace the known one at once.
    const earliest = now - this.#retention / 2 + this.#roundMs;
    for (const entry of this.#entries.values()) {
      if (entry.heardAt >= earliest) break;
      entry.heardAt = Math.min(earliest, entry.heardAt + missed);
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  /** When the next node expires, unless it announces itself again. */
  get expiresAt(): number {
    for (const { heardAt } of this.#entries.values()) return heardAt + this.#retention;
    return Number.POSITIVE_INFINITY;
  }

  get(key: string, now: number): LanNode | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && now - entry.heardAt < this.#retention ? nodeOf(entry) : undefined;
  }

  nodes(now: number): LanNode[] {
    const found: LanNode[] = [];
    for (const entry of this.#entries.values()) if (now - entry.heardAt < this.#retention) found.push(nodeOf(entry));
    return found;
  }

  #take(source: string): boolean {
    const nodes = this.#bySource.get(source) ?? 0;
    if (nodes >= MAX_NODES_OF_SOURCE) return false;
    this.#bySource.set(source, nodes + 1);
    return true;
  }

  #release(source: string): void {
    const nodes = this.#bySource.get(source)!;
    if (nodes > 1) this.#bySource.set(source, nodes - 1);
    else this.#bySource.delete(source);
  }
}

function nodeOf({ nodeId, ip, port, seenAt }: Entry): LanNode {
  return { nodeId, ip, port, via: "lan", seenAt };
}

function sameFamily(a: string, b: string): boolean {
  return a.includes(":") === b.includes(":");
}
