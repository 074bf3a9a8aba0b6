/**
 * Connects a server's registry and its devices with its journal: restores, appends announcements, and merges those of other
 * servers.
 */
import { getLogger } from "@logtape/logtape";
import { EngineControl, type EngineMemory, type PacketEngine } from "../engine/index.ts";
import {
  type Batch,
  createJournal,
  type DeviceStore,
  type Journal,
  JournalError,
  type JournalRegistry,
  type SealedBatch,
} from "../journal/index.ts";
import { OutageLog } from "../log/outage-log.ts";
import type { Clock } from "./clock.ts";
import { ServerError } from "./error.ts";
import { HistogramCounter } from "./histogram.ts";
import { RegistryDamagedError } from "./listing-bound.ts";
import { RegistryBatches } from "./registry-batches.ts";
import type { JournalStats } from "./stats.ts";

const logger = getLogger(["whereabouts", "journal"]);

/** How often new announcements are appended to the journal. */
const APPEND_MS = 250;
/** Delay before the first retry after a failed append. It doubles with each further failure, up to the maximum. */
const RETRY_MS = 250;
const MAX_RETRY_MS = 5_000;
/** Timeouts when the server stops: for appending the last announcements, then for closing the journal. */
const STOP_MS = 450;
const CLOSE_MS = 200;

/** Ranges of the durations of appends, in seconds. */
const APPEND_BOUNDS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3];

export interface JournalingOptions {
  readonly journal: string;
  readonly journalPrefix: string;
  /** Seconds. */
  readonly retention: number;
}

export class Journaling implements JournalRegistry {
  readonly #journal: Journal;
  readonly #batches: RegistryBatches;
  readonly #devices: DeviceStore;
  readonly #control: EngineControl;
  readonly #appends = new HistogramCounter(APPEND_BOUNDS);
  #appended = 0;
  #restored = 0;
  #devicesRestored = 0;
  #restoreSeconds = 0;
  /** Start of the last append that succeeded. Announcements before this time are in the journal. */
  #lastAppend = performance.now();
  #running: Promise<void> | undefined;
  #stopping = false;
  /** Whether a stop appends the last announcements. */
  #save = true;
  #wake: () => void = () => {};
  /** The last `appendAll`, whether it succeeds or fails. */
  #appendingAll: Promise<void> = Promise.resolve();
  readonly #outages = new OutageLog(logger, "announcements are appended");
  readonly #damage = Promise.withResolvers<never>();
  #damaged = false;

  private constructor(
    journal: Journal,
    memory: EngineMemory,
    engine: PacketEngine,
    devices: DeviceStore,
    clock: Clock,
    origin: Uint8Array,
  ) {
    this.#journal = journal;
    this.#devices = devices;
    this.#batches = new RegistryBatches(memory, engine, devices, clock, origin);
    this.#control = new EngineControl(memory);
    // An unhandled rejection here must not crash the program.
    this.#damage.promise.catch(() => {});
  }

  /** Rejects with a {@link ServerError} when the registry is found damaged. Nothing is appended to the journal then. */
  get damage(): Promise<never> {
    return this.#damage.promise;
  }

  /**
   * Opens the journal and restores the registry and the devices from it.
   * @param engine an engine on `memory` that only this thread uses.
   * @param devices only this thread changes them.
   * @throws {JournalError} if the server should not start with this journal; {RangeError} if there is no such journal.
   */
  static async open(
    options: JournalingOptions,
    memory: EngineMemory,
    engine: PacketEngine,
    devices: DeviceStore,
    clock: Clock,
  ): Promise<Journaling> {
    const origin = crypto.getRandomValues(new Uint8Array(8));
    const { journal: name, journalPrefix: prefix, retention } = options;
    const journal = createJournal({ journal: name, prefix, retentionMs: retention * 1000, origin, clock });
    const journaling = new Journaling(journal, memory, engine, devices, clock, origin);
    const started = performance.now();
    await journal.open(journaling);
    // All entries came from the journal: none of them is new to it.
    journaling.#batches.moveCursors("confirm-all");
    journaling.#restored = journaling.nodes;
    journaling.#devicesRestored = journaling.devices;
    journaling.#restoreSeconds = (performance.now() - started) / 1000;
    journaling.#lastAppend = performance.now();
    journaling.#running = journaling.#run();
    return journaling;
  }

  /** Whether everything that the journal had at the start was merged. */
  get restored(): boolean {
    return this.#journal.restored;
  }

  stats(): JournalStats {
    const { exchange } = this.#batches;
    const journal = this.#journal;
    const waiting = this.#running !== undefined && journal.where !== "memory";
    return {
      where: journal.where,
      read: this.restored,
      restored: this.#restored,
      devicesRestored: this.#devicesRestored,
      restoreSeconds: this.#restoreSeconds,
      appended: this.#appended,
      merged: exchange.merged + this.#batches.mergedDevices,
      noRoom: this.#batches.noRoom,
      devicesNoRoom: this.#devices.noRoom,
      ahead: exchange.ahead + this.#batches.devicesAhead,
      bad: journal.bad,
      errors: journal.errors + this.#outages.count,
      lag: waiting ? (performance.now() - this.#lastAppend) / 1000 : 0,
      appends: this.#appends.current,
    };
  }

  /**
   * Appends the last announcements, unless that takes too long, and closes the journal. Call it when no more packets are
   * processed.
   *
   * @param save false if the registry is damaged: then nothing more is appended
   */
  async stop({ save } = { save: true }): Promise<void> {
    this.#stopping = true;
    this.#save = save;
    this.#wake();
    // The last append may have started to rewrite the journal. Wait for that too: half written, it would lack nodes.
    const written = Promise.resolve(this.#running).then(() => this.#appendingAll);
    await Promise.race([written, Bun.sleep(STOP_MS)]);
    await Promise.race([this.#journal.close(), Bun.sleep(CLOSE_MS)]);
  }

  get nodes(): number {
    return this.#control.nodes;
  }

  get devices(): number {
    return this.#devices.size;
  }

  get noRoom(): number {
    return this.#batches.noRoom + this.#devices.noRoom;
  }

  get displaced(): number {
    return this.#control.counters().displaced + this.#devices.displaced;
  }

  merge(batch: Batch, shift: number): Promise<void> {
    return this.#batches.merge(batch, shift);
  }

  appendAgain(): void {
    this.#batches.appendAgain();
  }

  appendAll(): Promise<void> {
    const walk = () =>
      this.#guard(() =>
        this.#batches.appendAll(
          (batch) => this.#append(batch),
          () => this.#journal.shift,
        ),
      );
    const done = this.#appendingAll.then(walk);
    this.#appendingAll = done.catch(() => {});
    return done;
  }

  /** Appends a batch, and measures how long that takes. */
  async #append(batch: SealedBatch): Promise<void> {
    const began = performance.now();
    await this.#journal.append(batch);
    this.#appends.add((performance.now() - began) / 1000);
  }

  /** Runs `list`, which lists the registry. After it has found damage, nothing is listed any more. */
  async #guard<Result>(list: () => Promise<Result>): Promise<Result> {
    try {
      if (this.#damaged) throw new JournalError("closed", "the registry is damaged");
      return await list();
    } catch (error) {
      if (error instanceof RegistryDamagedError) {
        this.#damaged = true;
        this.#damage.reject(new ServerError(error.message));
      }
      throw error;
    }
  }

  async #run(): Promise<void> {
    if (this.#journal.where === "memory") return;
    let pause = APPEND_MS;
    let retry = RETRY_MS;
    let retried = false;
    for (let last = false; !last; ) {
      last = this.#stopping || !(await this.#sleep(pause));
      if (last && !this.#save) return;
      if (!this.#journal.ready) {
        // Check again after the normal pause: the last append may have set it to 0, or failures may have made it long.
        pause = APPEND_MS;
        continue;
      }
      const began = performance.now();
      try {
        this.#appended += await this.#guard(() =>
          this.#batches.appendNew(
            (batch) => this.#append(batch),
            () => this.#journal.shift,
          ),
        );
        this.#lastAppend = began;
        this.#outages.recovered();
        retry = RETRY_MS;
        pause = Math.max(0, APPEND_MS - (performance.now() - began));
      } catch (error) {
        if (this.#damaged) return;
        // The journal itself has logged its errors.
        if (!(error instanceof JournalError)) this.#outages.failed(`an append failed: ${Bun.inspect(error)}`);
        const { code } = error as JournalError;
        // This append noticed that the file is damaged or gone, and a new, empty file was opened. So append once more.
        if (last && !retried && (code === "damaged" || code === "moved")) {
          last = false;
          retried = true;
        }
        pause = retry;
        retry = Math.min(retry * 2, MAX_RETRY_MS);
      }
    }
  }

  /** Sleeps, at most until the server stops. Returns false if it stops. */
  async #sleep(ms: number): Promise<boolean> {
    const timer = Promise.withResolvers<void>();
    const timeout = setTimeout(timer.resolve, ms);
    this.#wake = timer.resolve;
    await timer.promise;
    clearTimeout(timeout);
    return !this.#stopping;
  }
}
