/** A journal in an SQLite file, which a worker thread reads and writes. */
import { getLogger } from "@logtape/logtape";
import { count } from "../../log/count.ts";
import { escapeLogText, OutageLog } from "../../log/outage-log.ts";
import { startThread } from "../../threads/start.ts";
import { Batch, type SealedBatch } from "../batch/index.ts";
import {
  contentsText,
  type Journal,
  JournalError,
  type JournalRegistry,
  type RegistryClock,
  type StorageInfo,
} from "../journal.ts";
import { ClockRollback } from "./clock-rollback.ts";
import type { Reply, Request } from "./messages.ts";
import { STEP_MS, WallClock } from "./wall-clock.ts";

const logger = getLogger(["whereabouts", "journal"]);

/** How often expired batches are deleted. An append deletes some too, but nothing may be appended for a long time. */
const CLEAN_UP_MS = 60_000;
/** How often to look at the system's clock. */
const LOOK_MS = 1000;
/** The log is rewritten when it has more entries than the number of nodes and devices times this factor, plus this margin. */
const REWRITE_FACTOR = 2;
const REWRITE_MARGIN = 50_000;
const CLOSED = "the journal was closed";
const RETRIES = "the server keeps running and retries";

type Done = Extract<Reply, { type: "done" }>;

export class SqliteJournal implements Journal {
  readonly where: string;
  bad = 0;
  restored = true;
  readonly #path: string;
  readonly #retentionMs: number;
  readonly #clock: WallClock;
  readonly #outages = new OutageLog(logger, "the journal is written");
  /** Set by `open`, so only in a server; undefined in tools. */
  #registry: JournalRegistry | undefined;
  #worker: Worker | undefined;
  /** Whether the worker has the file open for writing. */
  #writing = false;
  /** Whether all attempts to read the file have failed so far. */
  #unread = false;
  /** Whether the batches that were in the file at first must stay until they expire: they were not read. */
  #spare = false;
  #rewriting = false;
  /** Whether the file lacks nodes of the registry, because it was replaced by a new file. */
  #incomplete = false;
  /** When the system booted, as last recorded in the file: the times in the file are by the clock as it was then. */
  #bootedAt = 0;
  /** Whether the clock was set, and that is not recorded in the file yet. */
  #clockSet = false;
  /** The last batch from before the clock was set, if the registry was not appended with new times since. */
  #stale: number | undefined;
  #closing: Promise<void> | undefined;
  /** Entries that were in the file when it was opened for writing. */
  #initialEntries = 0;
  /** How often the file was replaced by a new one. */
  #replacements = 0;
  /** Requests that the worker has not answered yet, in order. */
  #pending: PromiseWithResolvers<Done>[] = [];
  #onBatch: (data: Uint8Array<ArrayBuffer>, shift: number) => void = () => {};
  #timers: Timer[] = [];

  constructor(path: string, retentionMs: number, clock: RegistryClock) {
    this.where = `sqlite ${path}`;
    this.#path = path;
    this.#retentionMs = retentionMs;
    this.#clock = new WallClock(clock);
  }

  /** The times in the file are those of the system's clock. */
  get shift(): number {
    return this.#clock.shift;
  }

  get ready(): boolean {
    return true;
  }

  get errors(): number {
    return this.#outages.count;
  }

  async open(registry: JournalRegistry): Promise<void> {
    this.#registry = registry;
    try {
      await this.#read(registry, true);
    } catch (error) {
      const { code, message } = error as JournalError;
      if (code === "damaged") await this.#replaceFile(registry, code, message);
      else if (code === "failed") await this.#readOnly(registry, message);
      else {
        await this.close();
        throw error;
      }
    }
    // Wait for this before the server is ready: until it is done, a kill would lose these nodes.
    if (this.#incomplete && this.#writing) await this.#rewrite(registry);
    this.#timers = [setInterval(() => this.#cleanUp(), CLEAN_UP_MS), setInterval(() => this.#lookAtClock(), LOOK_MS)];
    for (const timer of this.#timers) timer.unref();
  }

  async append({ bytes, count, newest }: SealedBatch): Promise<void> {
    const replacements = this.#replacements;
    try {
      await this.prepare();
      // Only a server deletes expired batches: a tool may have been given another retention.
      const since = this.#registry ? this.#since() : 0;
      const { last, entries } = await this.#request({ type: "append", bytes, count, newest, since }, [bytes.buffer]);
      this.#outages.recovered();
      if (this.#registry && this.#incomplete) void this.#rewrite(this.#registry);
      else if (this.#registry && entries! > this.#maxEntries(this.#registry)) void this.#rewrite(this.#registry, last!);
    } catch (error) {
      const { code, message } = error as JournalError;
      if (code === "closed") throw error;
      if ((code === "damaged" || code === "moved") && this.#registry) {
        // Several appends may fail on the same damaged file: only the first one replaces it.
        if (replacements === this.#replacements) await this.#replaceFile(this.#registry, code, message);
      } else if (this.#registry) this.#outages.failed(`${message}; ${RETRIES}`);
      throw error;
    }
  }

  async read(registry: Pick<JournalRegistry, "merge">): Promise<void> {
    await this.#read(registry, false);
  }

  async prepare(): Promise<void> {
    if (this.#writing) return;
    if (!this.#unread) return await this.#openFile(false, true);
    const registry = this.#registry!;
    this.#unread = false;
    const before = contentsText(registry);
    try {
      await this.#read(registry, true);
    } catch (error) {
      this.#unread = (error as JournalError).code !== "damaged";
      throw error;
    } finally {
      this.restored = !this.#unread;
      if (!this.#unread)
        logger.info(`the journal could be read at last: ${contentsText(registry)} known now, ${before} before`);
    }
  }

  async storageInfo(): Promise<StorageInfo> {
    const { info } = await this.#request({ type: "storageInfo" });
    const { batches, bytes, schema } = info!;
    return { batches, bytes, details: { file: this.#path, schema } };
  }

  /** Closes the file for good: an append that is still under way must not open it again. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    const worker = this.#worker;
    if (!worker) return;
    await this.#request({ type: "close" }).catch(() => {});
    this.#workerEnded(CLOSED);
    worker.terminate();
  }

  async #openFile(read: boolean, write: boolean): Promise<void> {
    const boot = this.#clock.boot();
    const open = { type: "open", path: this.#path, boot, since: this.#since(), read, write } as const;
    const { entries, last, replaced, shifted } = await this.#request(open);
    this.#writing = write;
    this.#bootedAt = boot.at;
    this.#initialEntries = entries!;
    // The server has not read the batches of a file that replaced another, so it must not delete them.
    this.#spare = replaced === true;
    this.#stale = shifted && !replaced ? last : undefined;
    if (replaced) this.#incomplete = true;
  }

  /**
   * The log is rewritten if it has more entries than this. Entries that the registry had no room for are not removed
   * before they expire, so they are allowed for.
   */
  #maxEntries({ nodes, devices, noRoom }: JournalRegistry): number {
    return REWRITE_FACTOR * (nodes + devices) + REWRITE_MARGIN + (noRoom > 0 ? this.#initialEntries : 0);
  }

  /** Nodes that were announced before this time have expired. */
  #since(): number {
    return this.#clock.now() - this.#retentionMs;
  }

  /** @throws {JournalError} `damaged` if the file or any batch is damaged. The readable batches were merged before */
  async #read(registry: Pick<JournalRegistry, "merge">, write: boolean): Promise<void> {
    let merged: Promise<void> = Promise.resolve();
    let damage: string | undefined;
    const rollback = new ClockRollback(this.#clock.now());
    this.#onBatch = (data, known) => {
      merged = merged.then(async () => {
        try {
          const batch = Batch.parse(data);
          const before = rollback.needed;
          for (const [part, shift] of rollback.correct(batch, known)) await registry.merge(part, shift - this.shift);
          if (!before && rollback.needed) {
            const what = "the clock was set back after they were written, so earlier times are assumed for them";
            logger.warning(escapeLogText(`${this.where} has announcements from the future: ${what}`));
          }
        } catch (error) {
          this.bad++;
          damage = (error as Error).message;
        }
        this.#worker?.postMessage({ type: "merged" } satisfies Request);
      });
    };
    try {
      await this.#openFile(true, write);
    } finally {
      await merged;
    }
    if (damage !== undefined) {
      const batches = count(this.bad, "batch is", "batches are");
      throw new JournalError("damaged", `the journal ${this.#path} is damaged: ${batches} unreadable (${damage})`);
    }
  }

  /** Reads a file that cannot be opened for writing. */
  async #readOnly(registry: JournalRegistry, message: string): Promise<void> {
    this.#outages.failed(`${message}; ${RETRIES}`);
    try {
      await this.#read(registry, false);
    } catch (error) {
      const { code, message } = error as JournalError;
      this.#unread = code !== "damaged";
      this.restored = !this.#unread;
      this.#outages.failed(message);
    }
  }

  /**
   * Opens a new file in place of one that is damaged or was moved. The registry will be written into it later. Logs
   * errors instead of throwing them.
   */
  async #replaceFile(registry: JournalRegistry, code: "damaged" | "moved", message: string): Promise<void> {
    this.#replacements++;
    this.#writing = false;
    let what = message;
    try {
      if (code === "damaged") what += `; it was renamed to ${(await this.#request({ type: "setAside" })).aside}`;
      await this.#openFile(false, true);
    } catch (error) {
      const { code, message: reason } = error as JournalError;
      if (code !== "closed") this.#outages.failed(`${what}, and ${reason}; ${RETRIES}`);
      return;
    }
    this.#outages.failed(`${what}; all that is known is written to the new file: ${contentsText(registry)}`);
  }

  /**
   * Appends the whole registry, then deletes the batches up to number `last`, and those from before the clock was set.
   * `append` must not wait for this: it may be called by an `appendAll`, and this method waits until that has ended.
   */
  async #rewrite(registry: JournalRegistry, last?: number): Promise<void> {
    if (this.#rewriting) return;
    this.#rewriting = true;
    let appended = false;
    const stale = this.#stale;
    try {
      const replacements = this.#replacements;
      await registry.appendAll();
      appended = true;
      if (replacements !== this.#replacements) return;
      this.#incomplete = false;
      if (this.#stale === stale) this.#stale = undefined;
      const upTo = Math.max(last ?? 0, stale ?? 0);
      if (upTo > 0) await this.#request({ type: "drop", upTo, spareInitial: registry.noRoom > 0 || this.#spare });
    } catch (error) {
      // An append logs its own errors.
      const logged = error instanceof JournalError && (!appended || error.code === "closed");
      if (!logged) this.#outages.failed((error as Error).message);
    } finally {
      this.#rewriting = false;
    }
  }

  /**
   * After the system's clock was set for good, appends the registry again with times of the new clock. The file's table of
   * clocks corrects its times only until the system boots again.
   */
  #lookAtClock(): void {
    if (this.#clock.look()) this.#clockSet = true;
    if (!this.#writing || !this.#clock.settled) return;
    const boot = this.#clock.boot();
    if (this.#clockSet || Math.abs(boot.at - this.#bootedAt) > STEP_MS) {
      const set = this.#clockSet;
      this.#clockSet = false;
      this.#bootedAt = boot.at;
      this.#request({ type: "clock", boot }).then(
        ({ last }) => {
          if (set) this.#stale = last;
        },
        (error: JournalError) => {
          this.#clockSet ||= set;
          if (error.code !== "closed") this.#outages.failed(`${error.message}; ${RETRIES}`);
        },
      );
    } else if (this.#stale !== undefined) void this.#rewrite(this.#registry!);
  }

  #cleanUp(): void {
    if (!this.#writing) return;
    this.#request({ type: "cleanUp", since: this.#since() }).catch((error: JournalError) => {
      if (error.code !== "closed") this.#outages.failed(error.message);
    });
  }

  async #request(message: Request, transfer: ArrayBuffer[] = []): Promise<Done> {
    if (this.#closing) throw new JournalError("closed", CLOSED);
    const reply = Promise.withResolvers<Done>();
    this.#pending.push(reply);
    this.#worker ??= this.#startWorker();
    this.#worker.postMessage(message, transfer);
    return await reply.promise;
  }

  #startWorker(): Worker {
    const worker = startThread("journal/sqlite/worker.ts", (message) =>
      this.#workerEnded(`the worker of the journal crashed: ${message}`, "failed"),
    );
    worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      if (data.type === "batch") this.#onBatch(data.data, data.shift);
      else if (data.type === "done") this.#pending.shift()?.resolve(data);
      else this.#pending.shift()?.reject(new JournalError(data.code, data.message));
    };
    return worker;
  }

  /** Rejects pending requests. The next request starts another worker. */
  #workerEnded(message: string, code: "failed" | "closed" = "closed"): void {
    this.#worker = undefined;
    this.#writing = false;
    for (const reply of this.#pending.splice(0)) reply.reject(new JournalError(code, message));
  }
}
