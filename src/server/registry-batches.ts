/** Batches of a journal into a registry, and a registry into batches: a slice at a time, so that timers keep their time. */
import { type CursorMove, type EngineMemory, Exchange, type PacketEngine } from "../engine/index.ts";
import { type Batch, BatchWriter, type SealedBatch } from "../journal/index.ts";

/** What may pass on this thread without a turn of its event loop. */
const SLICE_MS = 5;
/** How long to wait for a shard that is locked for long. */
const BUSY_MS = 2;
/** Entries that are taken from all shards together before any goes on: about in order of time they find their places at once when read. */
const AT_ONCE = 6000;

export class RegistryBatches {
  readonly exchange: Exchange;
  /** Entries whose NodeID is longer than this registry takes. */
  tooLong = 0;
  readonly #writer: BatchWriter;
  /** For listings and walks each: their batches must not mix. */
  readonly #walker: BatchWriter;
  /** By shard: what is still to be said of its entries, since it was locked. */
  readonly #marks: (CursorMove | undefined)[];
  #sliceEnd = 0;

  /** @param engine one of this thread; @param origin 8 bytes: which server this is. */
  constructor(memory: EngineMemory, engine: PacketEngine, origin: Uint8Array) {
    this.exchange = new Exchange(memory, engine);
    this.#writer = new BatchWriter(origin);
    this.#walker = new BatchWriter(origin);
    this.#marks = new Array(this.exchange.shards).fill(undefined);
  }

  /** Entries that this registry had no room for: too many, or with a NodeID that is too long. */
  get noRoom(): number {
    return this.exchange.full + this.tooLong;
  }

  /** Merges a batch. `shift` is added to its times. */
  async merge(batch: Batch, shift: number): Promise<void> {
    const { exchange } = this;
    for (let next = 0; next < batch.count; ) {
      const first = next;
      let places = 0;
      for (; next < batch.count && places < Exchange.CAPACITY; next++) {
        if (batch.idLength(next) > exchange.maxIdLength) {
          if (places > 0) break;
          this.tooLong++;
          continue;
        }
        batch.copy(next, exchange.words, exchange.at(places++), shift);
      }
      const merged = exchange.merge(places, Date.now());
      if (merged < places) {
        // The area is for others, too, while this waits.
        next -= places - merged;
        await Bun.sleep(BUSY_MS);
      }
      if (first !== next) await this.#breathe();
    }
  }

  /**
   * Hands what was announced here since the last time to `append`, about in order of time, in batches of which one is kept
   * before the next is made. What is not kept comes again the next time.
   * @returns how many entries.
   * @throws what `append` does.
   */
  async appendNew(append: (batch: SealedBatch) => Promise<void>, shift: () => number): Promise<number> {
    const { exchange } = this;
    let count = 0;
    const flush = async () => {
      count += this.#writer.count;
      await append(this.#writer.seal());
      this.moveCursors("confirm");
    };
    const listings = Math.ceil(AT_ONCE / exchange.shards / Exchange.LIST_BATCH);
    const list = async (shard: number) => {
      let more = this.#settle(shard);
      for (let left = listings; more && left > 0; left--) {
        const listed = exchange.listNew(shard);
        ({ more } = exchange);
        for (let place = 0; place < listed; place++) this.#writer.add(exchange.words, exchange.at(place), shift());
        if (this.#writer.full) await flush();
        await this.#breathe();
      }
      return more;
    };
    try {
      for (let shards = [...this.#marks.keys()]; shards.length > 0; ) {
        const unfinished: number[] = [];
        for (const shard of shards) if (await list(shard)) unfinished.push(shard);
        shards = unfinished;
      }
      if (this.#writer.count > 0) await flush();
    } catch (error) {
      this.#writer.clear();
      this.moveCursors("rewind");
      throw error;
    }
    return count;
  }

  /** Hands all that the registry holds to `append`, about in order of time. @throws what `append` does */
  async appendAll(append: (batch: SealedBatch) => Promise<void>, shift: () => number): Promise<void> {
    const { exchange } = this;
    for (let shard = 0; shard < exchange.shards; shard++) {
      while (!exchange.moveCursor(shard, "restart-walk")) await Bun.sleep(BUSY_MS);
    }
    const steps = Math.ceil(AT_ONCE / exchange.shards);
    try {
      for (let until = 0, round = 0; until !== Number.POSITIVE_INFINITY; round++) {
        // The shards are alike: one of them tells about all.
        until = Math.max(until + 1, exchange.timeAhead(round % exchange.shards, steps));
        for (let shard = 0; shard < exchange.shards; shard++) await this.#walk(shard, until, append, shift);
        if (this.#walker.count > 0) await append(this.#walker.seal());
      }
    } finally {
      this.#walker.clear();
    }
  }

  async #walk(
    shard: number,
    until: number,
    append: (batch: SealedBatch) => Promise<void>,
    shift: () => number,
  ): Promise<void> {
    const { exchange } = this;
    for (let more = true; more; ) {
      const walked = exchange.walk(shard, until);
      more = exchange.more || exchange.busy;
      if (exchange.busy) await Bun.sleep(BUSY_MS);
      for (let place = 0; place < walked; place++) this.#walker.add(exchange.words, exchange.at(place), shift());
      if (this.#walker.full) await append(this.#walker.seal());
      await this.#breathe();
    }
  }

  /** Says something of what was listed, in all shards; of one that is locked, as soon as it is not. */
  moveCursors(mark: CursorMove): void {
    for (let shard = 0; shard < this.exchange.shards; shard++) {
      // What is to be listed again is not forgotten for what was kept of the rest.
      if (this.#marks[shard] !== undefined && mark === "confirm") continue;
      if (this.#marks[shard] === "reset" && mark === "rewind") continue;
      this.#marks[shard] = this.exchange.moveCursor(shard, mark) || mark === "confirm" ? undefined : mark;
    }
  }

  /** Makes up for a mark that could not be set. False if it still cannot. */
  #settle(shard: number): boolean {
    const mark = this.#marks[shard];
    if (mark !== undefined && !this.exchange.moveCursor(shard, mark)) return false;
    this.#marks[shard] = undefined;
    return true;
  }

  /** Gives the event loop a turn when a slice is over. */
  async #breathe(): Promise<void> {
    if (performance.now() < this.#sliceEnd) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#sliceEnd = performance.now() + SLICE_MS;
  }
}
