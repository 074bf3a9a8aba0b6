/** Bounds how many entries one listing of a registry reads, so that a damaged queue, a circle, is not listed for ever. */
import { H_INDEX_SLOTS } from "../../assembly/layout.ts";
import type { EngineControl, Exchange } from "../engine/index.ts";

/** Announcements that workers may be handling now and have not counted yet: more than they ever are. */
const UNCOUNTED = 20_000;

/** A queue of the registry has more entries than there can be. */
export class RegistryDamagedError extends Error {
  override readonly name = "RegistryDamagedError";
}

export class ListingBound {
  readonly #control: EngineControl;
  readonly #exchange: Exchange;
  #handled: number;
  /** Entries that were read, by shard. */
  readonly #read: Uint32Array;

  constructor(control: EngineControl, exchange: Exchange) {
    this.#control = control;
    this.#exchange = exchange;
    this.#read = new Uint32Array(exchange.shards);
    this.#handled = this.#announcements();
  }

  /**
   * Counts `entries` that were read of a shard.
   *
   * @throws {RegistryDamagedError} if these are more than the shard can hold and were announced meanwhile: each
   *   announcement moves an entry to the end of the queue, where it is read again
   */
  add(shard: number, entries: number): void {
    this.#read[shard]! += entries;
    const most = this.#exchange.words[H_INDEX_SLOTS >>> 2]! + UNCOUNTED;
    if (this.#read[shard]! <= most || this.#read[shard]! <= most + this.#announcements() - this.#handled) return;
    throw new RegistryDamagedError(`the registry is damaged: the queue of shard ${shard} does not end`);
  }

  /** The cursors were moved back, so entries are read again. */
  restart(): void {
    this.#read.fill(0);
    this.#handled = this.#announcements();
  }

  #announcements(): number {
    const { stored, refreshed } = this.#control.counters().verdicts;
    return stored + refreshed + this.#exchange.merged;
  }
}
