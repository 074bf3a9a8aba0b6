/** A server's registry and its journal: what is restored at the start, appended while it runs, and learnt from others. */
import { getLogger } from "@logtape/logtape";
import { EngineControl, type EngineMemory, type PacketEngine } from "../engine/index.ts";
import {
  type Batch,
  createJournal,
  type Journal,
  JournalError,
  type JournalRegistry,
  OutageLog,
} from "../journal/index.ts";
import { RegistryBatches } from "./registry-batches.ts";
import type { JournalStats } from "./stats.ts";

const logger = getLogger(["whereabouts", "journal"]);

/** How often announcements are handed to the journal. */
const APPEND_MS = 250;
/** After a failure it is tried again after this time, then twice as much, up to the other. */
const RETRY_MS = 250;
const RETRY_MOST_MS = 5_000;
/** What stopping may take: the last announcements, then the end of the journal. */
const STOP_MS = 450;
const CLOSE_MS = 200;

export interface JournalingOptions {
  readonly journal: string;
  readonly journalPrefix: string;
  /** Seconds. */
  readonly retention: number;
}

export class Journaling implements JournalRegistry {
  readonly #journal: Journal;
  readonly #batches: RegistryBatches;
  readonly #control: EngineControl;
  #appended = 0;
  #restored = 0;
  #restoreSeconds = 0;
  /** When the last look began after which all was kept. */
  #kept = performance.now();
  #running: Promise<void> | undefined;
  #stopping = false;
  #wake: () => void = () => {};
  #all: Promise<void> = Promise.resolve();
  readonly #outages = new OutageLog(logger, "announcements are appended");

  private constructor(journal: Journal, memory: EngineMemory, engine: PacketEngine, origin: Uint8Array) {
    this.#journal = journal;
    this.#batches = new RegistryBatches(memory, engine, origin);
    this.#control = new EngineControl(memory);
  }

  /**
   * Opens the journal and restores what it has.
   * @param engine one of this thread, on `memory`.
   * @throws {JournalError} if the server had better not start; {RangeError} if there is no such journal.
   */
  static async open(options: JournalingOptions, memory: EngineMemory, engine: PacketEngine): Promise<Journaling> {
    const origin = crypto.getRandomValues(new Uint8Array(8));
    const { journal: name, journalPrefix: prefix, retention } = options;
    const journal = createJournal({ journal: name, prefix, retentionMs: retention * 1000, origin });
    const journaling = new Journaling(journal, memory, engine, origin);
    const started = performance.now();
    await journal.open(journaling);
    if (journaling.noRoom > 0) {
      logger.warning(
        "{noRoom} announcements in the journal find no room here: there are more nodes, or longer NodeIDs, than this server takes",
        { noRoom: journaling.noRoom },
      );
    }
    // Nothing was announced here yet.
    journaling.#batches.moveCursors("confirm-all");
    journaling.#restored = journaling.nodes;
    journaling.#restoreSeconds = (performance.now() - started) / 1000;
    journaling.#kept = performance.now();
    journaling.#running = journaling.#run();
    return journaling;
  }

  stats(): JournalStats {
    const { exchange } = this.#batches;
    const journal = this.#journal;
    const waiting = this.#running !== undefined && journal.where !== "memory";
    return {
      where: journal.where,
      restored: this.#restored,
      restoreSeconds: this.#restoreSeconds,
      appended: this.#appended,
      merged: exchange.merged,
      noRoom: this.noRoom,
      ahead: exchange.ahead,
      bad: journal.bad,
      errors: journal.errors + this.#outages.count,
      lag: waiting ? (performance.now() - this.#kept) / 1000 : 0,
    };
  }

  /** Appends what is left, as far as that does not take long, and closes the journal. To be called when no packet is handled any more. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wake();
    // A journal that is being written anew, be it since the last append, is not to end half-written.
    const written = Promise.resolve(this.#running).then(() => this.#all);
    await Promise.race([written, Bun.sleep(STOP_MS)]);
    await Promise.race([this.#journal.close(), Bun.sleep(CLOSE_MS)]);
  }

  get nodes(): number {
    return this.#control.nodes;
  }

  get noRoom(): number {
    return this.#batches.noRoom;
  }

  merge(batch: Batch, shift: number): Promise<void> {
    return this.#batches.merge(batch, shift);
  }

  appendAgain(): void {
    this.#batches.moveCursors("reset");
  }

  appendAll(): Promise<void> {
    const walk = () =>
      this.#batches.appendAll(
        (batch) => this.#journal.append(batch),
        () => this.#journal.shift,
      );
    const done = this.#all.then(walk);
    this.#all = done.catch(() => {});
    return done;
  }

  async #run(): Promise<void> {
    if (this.#journal.where === "memory") return;
    let pause = APPEND_MS;
    let retry = RETRY_MS;
    let renewed = false;
    for (let last = false; !last; ) {
      last = this.#stopping || !(await this.#rest(pause));
      if (!this.#journal.ready) {
        // Neither at once, after a long append, nor as late as after many failures.
        pause = APPEND_MS;
        continue;
      }
      const began = performance.now();
      try {
        this.#appended += await this.#batches.appendNew(
          (batch) => this.#journal.append(batch),
          () => this.#journal.shift,
        );
        this.#kept = began;
        this.#outages.recovered();
        retry = RETRY_MS;
        pause = Math.max(0, APPEND_MS - (performance.now() - began));
      } catch (error) {
        // What a journal throws it has said itself, once.
        if (!(error instanceof JournalError)) this.#outages.failed(`an append failed: ${Bun.inspect(error)}`);
        const { code } = error as JournalError;
        // The first to find that the file was lost; a new one is there, and has nothing yet.
        if (last && !renewed && (code === "damaged" || code === "moved")) {
          last = false;
          renewed = true;
        }
        pause = retry;
        retry = Math.min(retry * 2, RETRY_MOST_MS);
      }
    }
  }

  /** False when the server is to stop. */
  async #rest(ms: number): Promise<boolean> {
    const timer = Promise.withResolvers<void>();
    const timeout = setTimeout(timer.resolve, ms);
    this.#wake = timer.resolve;
    await timer.promise;
    clearTimeout(timeout);
    return !this.#stopping;
  }
}
