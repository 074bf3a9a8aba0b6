/** Bounds how many entries one listing of a registry reads, so that a damaged queue, a circle, is not listed for ever. */
import { H_INDEX_SLOTS, H_MERGED } from "../../assembly/layout.ts";
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
  /** Announcements of packets, and merged entries, when this began. */
  #announced = 0;
  #merged = 0;
  /** Entries that were read, by shard. */
  readonly #read: Uint32Array;

  constructor(control: EngineControl, exchange: Exchange) {
    this.#control = control;
    this.#exchange = exchange;
    this.#read = new Uint32Array(exchange.shards);
    this.restart();
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
    if (this.#read[shard]! <= most || this.#read[shard]! <= most + this.#handled()) return;
    throw new RegistryDamagedError(`the registry is damaged: the queue of shard ${shard} does not end`);
  }

  /** The cursors were moved back, so entries are read again. */
  restart(): void {
    this.#read.fill(0);
    this.#announced = this.#announcements();
    this.#merged = this.#exchange.words[H_MERGED >>> 2]!;
  }

  /** Announcements that were handled meanwhile, and entries that were merged. The engine counts the latter modulo 2^32. */
  #handled(): number {
    return this.#announcements() - this.#announced + ((this.#exchange.words[H_MERGED >>> 2]! - this.#merged) >>> 0);
  }

  #announcements(): number {
    const { stored, refreshed } = this.#control.counters().verdicts;
    return stored + refreshed;
  }
}
