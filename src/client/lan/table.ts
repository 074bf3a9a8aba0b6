/** Who is on the LAN and where. Knows no clock and no socket: it is told what was heard, and when. */
import type { LanNode } from "../types.ts";

/**
 * The most nodes that are kept. A flood of invented NodeIDs must not fill the memory, and no broadcast domain has as many
 * true ones: each of them would hear 10,000 announcements every 30 s. A table that is full takes no new node rather than
 * give up a known one, so that a flood cannot drive out those who were there before it; 90 s after its end there is room.
 */
const MOST_NODES = 10_000;

/** A node announces itself at all of its addresses within one moment. What is further apart than this was not one moment. */
const ONE_MOMENT = 2_000;

interface Entry {
  readonly node: LanNode;
  /** When this address was last heard, on a clock that never jumps. */
  readonly heardAt: number;
  /** When it was last found to have moved. */
  readonly movedAt: number;
}

export class LanTable {
  readonly #retention: number;
  readonly #moment: number;
  readonly #most: number;
  /** In order of `heardAt`, because an entry that is heard again is put last: the first is the next to be forgotten. */
  readonly #entries = new Map<string, Entry>();

  constructor(retention: number, most = MOST_NODES) {
    this.#retention = retention;
    this.#moment = Math.min(ONE_MOMENT, retention / 4);
    this.#most = most;
  }

  /**
   * Takes note of an announcement. Call {@link expire} first.
   *
   * A node that is heard at several addresses keeps the first one, lest it seem to move all the time:
   * - another address of the same family takes over if the one known was not heard within the same moment (2 s): such a
   *   node has moved, while one with two addresses announces both at once;
   * - an address of the other family takes over if the one known was not heard for half of the retention (45 s): one
   *   announcement was missed and the next is overdue.
   *
   * @param key of the NodeID
   * @param id the NodeID; copied if it is new, since it is a part of the datagram
   * @param now on the clock that never jumps; `seenAt` in ms since 1970
   * @returns what that was: the table's node is then as the announcement says, but for `known` (perhaps) and `full`
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
      if (this.#entries.size >= this.#most) return "full";
      this.#entries.set(key, {
        node: { nodeId: new Uint8Array(id), ip, port, via: "lan", seenAt },
        heardAt: now,
        movedAt: Number.NEGATIVE_INFINITY,
      });
      return "node";
    }
    const { node, heardAt } = old;
    // Two programs with one NodeID and two ports: what they say is not passed on each time.
    const restless = ip === node.ip && port !== node.port && now - old.movedAt < this.#moment;
    if (restless) return "known";
    if (ip !== node.ip && now - heardAt < (sameFamily(ip, node.ip) ? this.#moment : this.#retention / 2))
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

  /** Forgets one node whose time is over, and gives it. */
  expire(now: number): LanNode | undefined {
    for (const [key, { node, heardAt }] of this.#entries) {
      if (now - heardAt < this.#retention) break;
      this.#entries.delete(key);
      return node;
    }
    return undefined;
  }

  /** When the next node is to be forgotten, should it not be heard of again. */
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
