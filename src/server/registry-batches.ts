/**
 * Merges a journal's batches into a registry and a store of devices, and writes both into batches. Pauses often, so that timers
 * stay on time.
 */
import { MAX_CLOCK_SKEW } from "../../assembly/layout.ts";
import { type CursorMove, EngineControl, type EngineMemory, Exchange, type PacketEngine } from "../engine/index.ts";
import { type Batch, BatchWriter, type DeviceStore, type JournalDevice, type SealedBatch } from "../journal/index.ts";
import type { Clock } from "./clock.ts";
import { ListingBound } from "./listing-bound.ts";

/** How long to work before the event loop gets a turn. */
const SLICE_MS = 5;
/** Pause before the next attempt if a shard stays locked. */
const BUSY_MS = 2;
/**
 * How many entries `appendNew` and `appendAll` take from all shards together in one round, before they go on with the
 * first shard again. So batches are nearly in order of time, and a reader finds the place of each entry in its queue
 * quickly.
 */
const ROUND = 6000;
/** How many devices `appendNew` takes at once: a batch that is almost full gets so many more. */
const DEVICES = 64;

type Append = (batch: SealedBatch) => Promise<void>;

export class RegistryBatches {
  readonly exchange: Exchange;
  /** Number of entries dropped because their NodeIDs are too long for this registry. */
  tooLong = 0;
  /** Announcements of devices that were merged. */
  mergedDevices = 0;
  /** Merged announcements of devices whose times were in the future. */
  devicesAhead = 0;
  readonly #writer: BatchWriter;
  /** A second writer, for `appendAll`: it may run at the same time as `appendNew`. */
  readonly #walker: BatchWriter;
  /** For each shard, the cursor move that is still to be made, because the shard was locked. */
  readonly #pendingMoves: (CursorMove | undefined)[];
  /** The bound of the last `appendNew`. */
  #bound: ListingBound | undefined;
  #sliceEnd = 0;
  readonly #clock: Clock;
  readonly #control: EngineControl;
  readonly #devices: DeviceStore;

  /** @param engine an engine that only this thread uses; @param origin 8 bytes that identify this server. */
  constructor(memory: EngineMemory, engine: PacketEngine, devices: DeviceStore, clock: Clock, origin: Uint8Array) {
    this.#devices = devices;
    this.#clock = clock;
    this.#control = new EngineControl(memory);
    this.exchange = new Exchange(memory, engine);
    this.#writer = new BatchWriter(origin);
    this.#walker = new BatchWriter(origin);
    this.#pendingMoves = new Array(this.exchange.shards).fill(undefined);
  }

  /** Number of nodes dropped because the registry was full, or because their NodeIDs are too long. */
  get noRoom(): number {
    return this.exchange.full + this.tooLong;
  }

  /** Merges a batch. Adds `shift` to its times. */
  async merge(batch: Batch, shift: number): Promise<void> {
    await this.#mergeNodes(batch, shift);
    for (let next = 0; next < batch.deviceCount; next++) {
      this.#devices.merge(this.#notAhead(batch.device(next, shift)), true);
      this.mergedDevices++;
      await this.#yield();
    }
  }

  /** Dates addresses from further in the future than clocks may differ as announced now, as the engine does with nodes. */
  #notAhead(device: JournalDevice): JournalDevice {
    const now = this.#clock.now();
    const isAhead = ({ announcedAt }: { announcedAt: number }) => announcedAt > now + MAX_CLOCK_SKEW;
    if (!device.addresses.some(isAhead)) return device;
    this.devicesAhead++;
    return { ...device, addresses: device.addresses.map((one) => (isAhead(one) ? { ...one, announcedAt: now } : one)) };
  }

  async #mergeNodes(batch: Batch, shift: number): Promise<void> {
    const { exchange } = this;
    for (let next = 0; next < batch.count; ) {
      const first = next;
      let count = 0;
      for (; next < batch.count && count < Exchange.CAPACITY; next++) {
        if (batch.idLength(next) > exchange.maxIdLength) {
          if (count > 0) break;
          this.tooLong++;
          continue;
        }
        batch.copy(next, exchange.words, exchange.at(count++), shift);
      }
      const merged = exchange.merge(count, this.#clock.now());
      if (merged < count) {
        // Others may use the exchange area during the pause, so the rest must be copied again.
        next -= count - merged;
        await Bun.sleep(BUSY_MS);
      }
      if (first !== next) await this.#yield();
    }
  }

  /**
   * Appends the nodes that were announced to this server since the last call, nearly in order of time, then the devices. Each
   * batch is appended before the next one is made. After a failure, the next call appends again what was not appended.
   * @returns the number of nodes and devices.
   * @throws {RegistryDamagedError}, or the error of `append`
   */
  async appendNew(append: Append, shift: () => number): Promise<number> {
    const { exchange } = this;
    let count = 0;
    /** Devices that were taken and are not in the journal yet. */
    let taken: JournalDevice[] = [];
    const flush = async () => {
      count += this.#writer.count;
      await append(this.#writer.seal());
      this.moveCursors("confirm");
      taken = [];
    };
    const bound = new ListingBound(this.#control, exchange);
    this.#bound = bound;
    const listings = Math.ceil(ROUND / exchange.shards / Exchange.LIST_BATCH);
    const list = async (shard: number) => {
      let more = this.#makePendingMove(shard);
      for (let left = listings; more && left > 0; left--) {
        const listed = exchange.listNew(shard);
        ({ more } = exchange);
        if (more) bound.add(shard, Exchange.LIST_BATCH);
        for (let i = 0; i < listed; i++) this.#writer.add(exchange.words, exchange.at(i), shift());
        if (this.#writer.full) await flush();
        await this.#yield();
      }
      return more;
    };
    try {
      for (let shards = [...this.#pendingMoves.keys()]; shards.length > 0; ) {
        const unfinished: number[] = [];
        for (const shard of shards) if (await list(shard)) unfinished.push(shard);
        shards = unfinished;
      }
      // Devices that announce themselves meanwhile may have to wait for the next call: otherwise nodes would wait for them.
      for (let left = this.#devices.size; left > 0; await this.#yield()) {
        const devices = this.#devices.takeChanged(DEVICES);
        left = devices.length < DEVICES ? 0 : left - DEVICES;
        taken.push(...devices);
        for (const device of devices) this.#writer.addDevice(device, shift());
        if (this.#writer.full) await flush();
      }
      if (this.#writer.count > 0) await flush();
    } catch (error) {
      this.#writer.clear();
      this.moveCursors("rewind");
      this.#devices.restoreChanged(taken);
      throw error;
    }
    return count;
  }

  /**
   * Appends all nodes of the registry, nearly in order of time, then all devices.
   *
   * @throws {RegistryDamagedError}, or the error of `append`
   */
  async appendAll(append: Append, shift: () => number): Promise<void> {
    const { exchange } = this;
    const bound = new ListingBound(this.#control, exchange);
    for (let shard = 0; shard < exchange.shards; shard++) {
      while (!exchange.moveCursor(shard, "restart-walk")) await Bun.sleep(BUSY_MS);
    }
    const steps = Math.ceil(ROUND / exchange.shards);
    try {
      for (let until = 0, round = 0; until !== Number.POSITIVE_INFINITY; round++) {
        // All shards have about the same number of entries, so one shard shows how far this round has to go.
        until = Math.max(until + 1, exchange.timeAhead(round % exchange.shards, steps));
        for (let shard = 0; shard < exchange.shards; shard++) await this.#walk(shard, until, bound, append, shift);
        if (this.#walker.count > 0) await append(this.#walker.seal());
      }
      for (const device of this.#devices.all()) {
        this.#walker.addDevice(device, shift());
        if (this.#walker.full) await append(this.#walker.seal());
        await this.#yield();
      }
      if (this.#walker.count > 0) await append(this.#walker.seal());
    } finally {
      this.#walker.clear();
    }
  }

  async #walk(shard: number, until: number, bound: ListingBound, append: Append, shift: () => number): Promise<void> {
    const { exchange } = this;
    for (let more = true; more; ) {
      const walked = exchange.walk(shard, until);
      more = exchange.more || exchange.busy;
      if (exchange.more) bound.add(shard, Exchange.LIST_BATCH);
      if (exchange.busy) await Bun.sleep(BUSY_MS);
      for (let i = 0; i < walked; i++) this.#walker.add(exchange.words, exchange.at(i), shift());
      if (this.#walker.full) await append(this.#walker.seal());
      await this.#yield();
    }
  }

  /** The journal lost its contents: the next `appendNew` appends all that was ever announced to this server. */
  appendAgain(): void {
    this.moveCursors("reset");
    this.#devices.markAllChanged();
  }

  /**
   * Moves the cursors of all shards. For a shard that is locked, the move is made later, before its next listing. Only a
   * `confirm` is dropped, because the next one includes it.
   */
  moveCursors(move: CursorMove): void {
    if (move !== "confirm") this.#bound?.restart();
    for (let shard = 0; shard < this.exchange.shards; shard++) {
      // A pending `rewind` or `reset` lists entries again. `confirm` must not replace it, and `rewind`, which lists fewer
      // entries, must not replace `reset`.
      if (this.#pendingMoves[shard] !== undefined && move === "confirm") continue;
      if (this.#pendingMoves[shard] === "reset" && move === "rewind") continue;
      this.#pendingMoves[shard] = this.exchange.moveCursor(shard, move) || move === "confirm" ? undefined : move;
    }
  }

  /** Makes the pending move of a shard, if there is one. False if the shard is still locked. */
  #makePendingMove(shard: number): boolean {
    const move = this.#pendingMoves[shard];
    if (move !== undefined && !this.exchange.moveCursor(shard, move)) return false;
    if (move !== undefined) this.#bound?.restart();
    this.#pendingMoves[shard] = undefined;
    return true;
  }

  /** Gives the event loop a turn at the end of each slice. */
  async #yield(): Promise<void> {
    if (performance.now() < this.#sliceEnd) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.#sliceEnd = performance.now() + SLICE_MS;
  }
}
