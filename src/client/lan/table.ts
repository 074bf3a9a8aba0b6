/** The nodes of the LAN and their addresses. Contains no clock and no socket: the caller passes announcements and times. */
import type { LanNode } from "../types.ts";

/**
 * The most nodes in the table. A flood of invented NodeIDs must not fill the memory, and no broadcast domain has as many real
 * nodes: each would receive 10,000 announcements every 30 s. A full table rejects new nodes and keeps the known ones, so a
 * flood cannot evict them. 90 s after the flood there is room again.
 */
const MAX_NODES = 10_000;

/** A node announces itself from all of its addresses within this time, in ms. */
const ROUND_MS = 2_000;

interface Entry {
  readonly node: LanNode;
  /** When this address was last announced, on a monotonic clock. */
  readonly heardAt: number;
  /** When its address or port last changed. */
  readonly movedAt: number;
}

export class LanTable {
  readonly #retention: number;
  readonly #roundMs: number;
  readonly #maxNodes: number;
  /** In order of `heardAt`, because an update moves an entry to the end: the first one is the next to expire. */
  readonly #entries = new Map<string, Entry>();

  constructor(retention: number, maxNodes = MAX_NODES) {
    this.#retention = retention;
    this.#roundMs = Math.min(ROUND_MS, retention / 4);
    this.#maxNodes = maxNodes;
  }

  /**
   * Adds or updates the node of an announcement. Call {@link expire} first.
   *
   * A node that announces several addresses keeps the first one. Otherwise it would seem to move all the time:
   * - another address of the same family replaces it if the known one was not heard within the last 2 s: the node has
   *   moved, because a node with two addresses announces both at once;
   * - an address of the other family replaces it if the known one was not heard for half of the retention (45 s): one
   *   announcement was lost and the next is overdue.
   *
   * @param key - of the NodeID
   * @param id - the NodeID. It is copied, because it is a part of the datagram
   * @param now - ms on a monotonic clock; `seenAt` is in ms since 1970
   * @returns `node` or `moved` if the table now has a new node or address; `known` if not; `full` if there was no room
   */
  hear(
    key: string,
    id: Uint8Array,
    ip: string,
    port: number,
    now: number,
    seenAt: number,
  ): "node" | "moved" | "known" | "full" {
    const old = this.#entries.get(key);
    if (old === undefined) {
      if (this.#entries.size >= this.#maxNodes) return "full";
      this.#entries.set(key, {
        node: { nodeId: new Uint8Array(id), ip, port, via: "lan", seenAt },
        heardAt: now,
        movedAt: Number.NEGATIVE_INFINITY,
      });
      return "node";
    }
    const { node, heardAt } = old;
    // Two programs may use one NodeID with two ports. Their alternating announcements must not all be reported as moves.
    const flapping = ip === node.ip && port !== node.port && now - old.movedAt < this.#roundMs;
    if (flapping) return "known";
    if (ip !== node.ip && now - heardAt < (sameFamily(ip, node.ip) ? this.#roundMs : this.#retention / 2))
      return "known";
    this.#entries.delete(key);
    const moved = ip !== node.ip || port !== node.port;
    this.#entries.set(key, {
      node: { ...node, ip, port, seenAt },
      heardAt: now,
      movedAt: moved ? now : old.movedAt,
    });
    return moved ? "moved" : "known";
  }

  /** Removes one expired node, and returns it. */
  expire(now: number): LanNode | undefined {
    for (const [key, { node, heardAt }] of this.#entries) {
      if (now - heardAt < this.#retention) break;
      this.#entries.delete(key);
      return node;
    }
    return undefined;
  }

  /** When the next node expires, unless it announces itself again. */
  get expiresAt(): number {
    for (const { heardAt } of this.#entries.values()) return heardAt + this.#retention;
    return Number.POSITIVE_INFINITY;
  }

  get(key: string, now: number): LanNode | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && now - entry.heardAt < this.#retention ? entry.node : undefined;
  }

  nodes(now: number): LanNode[] {
    const found: LanNode[] = [];
    for (const { node, heardAt } of this.#entries.values()) if (now - heardAt < this.#retention) found.push(node);
    return found;
  }
}

function sameFamily(a: string, b: string): boolean {
  return a.includes(":") === b.includes(":");
}
