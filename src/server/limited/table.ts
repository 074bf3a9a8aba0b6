/**
 * The sources, networks and NodeIDs whose packets exceeded a limit within the last minute.
 *
 * The table is bounded: if there are too many keys, those with the fewest packets are dropped, and of keys with equally many
 * those that were seen longest ago. So a flood of invented sources does not let it grow. Nor can the flood push out a key
 * that sends much: that has more packets than an invented source as soon as it is seen again.
 */
import type { Limited } from "../inspect.ts";
import { keyOf, keyText } from "./key.ts";
import { MinuteCount, SECONDS } from "./minute.ts";
import type { LimitedPacket } from "./sample.ts";

/** Keys that are kept when the table has grown to twice as many. */
export const KEPT = 1024;
/** Most keys that are listed. */
const LISTED = 100;

interface Row {
  /** A packet of the key. Its bytes are copies. */
  readonly packet: LimitedPacket;
  readonly count: MinuteCount;
}

export class LimitedTable {
  readonly #rows = new Map<string, Row>();
  readonly #dryRun: boolean;

  /** @param dryRun - whether packets that exceed a limit are only counted */
  constructor(dryRun: boolean) {
    this.#dryRun = dryRun;
  }

  /** Number of keys. */
  get size(): number {
    return this.#rows.size;
  }

  /**
   * Counts a packet.
   *
   * @param weight - number of packets that this one stands for
   * @param now - time in ms of a clock that never steps
   */
  add(packet: LimitedPacket, weight: number, now: number): void {
    const text = keyText(packet);
    let row = this.#rows.get(text);
    if (row === undefined) {
      const { limit, address, nodeId } = packet;
      row = { packet: { limit, address: address.slice(), nodeId: nodeId.slice() }, count: new MinuteCount(now) };
      this.#rows.set(text, row);
    }
    row.count.add(weight, now);
  }

  /** Drops keys that had no packet for a minute, and of too many keys those with the fewest packets. */
  trim(now: number): void {
    for (const [text, { count }] of this.#rows) if (now - count.last >= SECONDS * 1000) this.#rows.delete(text);
    if (this.#rows.size < 2 * KEPT) return;
    const ranked = [...this.#rows].map(([text, { count }]) => ({ text, total: count.total(now), last: count.last }));
    ranked.sort((a, b) => b.total - a.total || b.last - a.last);
    for (const { text } of ranked.slice(KEPT)) this.#rows.delete(text);
  }

  /** The keys that had packets in the last ten seconds, those with the most packets of the last minute first. */
  list(now: number): Limited[] {
    const toWallClock = Date.now() - now;
    return [...this.#rows.values()]
      .map(({ packet, count }) => ({ packet, count, stopped: count.total(now), rate: count.rate(now) }))
      .filter(({ rate }) => rate > 0)
      .sort((a, b) => b.stopped - a.stopped)
      .slice(0, LISTED)
      .map(({ packet, count, stopped, rate }) => ({
        ...keyOf(packet),
        stopped: Math.round(stopped),
        rate,
        since: Math.round(count.since + toWallClock),
        dryRun: this.#dryRun,
      }));
  }
}
