/** A journal in an SQLite file, which a thread of its own reads and writes. */
import { getLogger } from "@logtape/logtape";
import { Batch, type SealedBatch } from "../batch.ts";
import { type Journal, JournalError, type JournalRegistry, type StorageInfo } from "../journal.ts";
import { escapeLogText, OutageLog } from "../outage-log.ts";
import type { FromFile, ToFile } from "./messages.ts";
import { Past } from "./past.ts";

const logger = getLogger(["whereabouts", "journal"]);

/** How often what is over is deleted when nothing is appended. */
const TIDY_MS = 60_000;
/** The log is written anew when it has so many times as many entries as there are nodes, and so many more. */
const GROWTH = 2;
const GROWTH_MORE = 50_000;
const CLOSED = "the journal was closed";

type Done = Extract<FromFile, { type: "done" }>;

export class SqliteJournal implements Journal {
  readonly where: string;
  readonly shift = 0;
  bad = 0;
  readonly #path: string;
  readonly #retentionMs: number;
  readonly #outages = new OutageLog(logger, "the journal is written");
  #registry: JournalRegistry | undefined;
  #worker: Worker | undefined;
  /** Whether the thread has the file open for writing. */
  #writing = false;
  /** Whether the file could not even be read so far. */
  #unread = false;
  #rewriting = false;
  /** Whether the file is another one than before, and lacks what the registry held then. */
  #lacking = false;
  #closing: Promise<void> | undefined;
  /** Entries that the file had when it was opened for writing. */
  #found = 0;
  /** How often a new file was to be made. */
  #renewals = 0;
  /** Answers that the thread owes, in order. */
  #waiting: PromiseWithResolvers<Done>[] = [];
  #take: (data: Uint8Array<ArrayBuffer>) => void = () => {};
  #tidier: Timer | undefined;

  constructor(path: string, retentionMs: number) {
    this.where = `sqlite ${path}`;
    this.#path = path;
    this.#retentionMs = retentionMs;
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
      if (code === "damaged") await this.#renew(registry, code, message);
      else if (code === "failed") await this.#readOnly(registry, message);
      else {
        await this.close();
        throw error;
      }
    }
    // Else who is killed just after its start would not have it at the next one.
    if (this.#lacking && this.#writing) await this.#rewrite(registry);
    this.#tidier = setInterval(() => this.#tidy(), TIDY_MS);
    this.#tidier.unref();
  }

  async append({ bytes, count, newest }: SealedBatch): Promise<void> {
    const renewals = this.#renewals;
    try {
      await this.prepare();
      // What is over is for a server to say, which has the retention that holds.
      const since = this.#registry ? this.#since() : 0;
      const { last, entries } = await this.#ask({ type: "append", bytes, count, newest, since }, [bytes.buffer]);
      this.#outages.recovered();
      if (this.#registry && this.#lacking) void this.#rewrite(this.#registry);
      else if (this.#registry && entries! > this.#most(this.#registry)) void this.#rewrite(this.#registry, last!);
    } catch (error) {
      const { code, message } = error as JournalError;
      if (code === "closed") throw error;
      if ((code === "damaged" || code === "moved") && this.#registry) {
        // Of several that were on their way to a damaged file one has it set aside, not the new one as well.
        if (renewals === this.#renewals) await this.#renew(this.#registry, code, message);
      } else if (this.#registry) this.#outages.failed(`${message}; the server goes on, and tries again`);
      throw error;
    }
  }

  /** Beside the server that may be writing the file. */
  async read(registry: Pick<JournalRegistry, "merge">): Promise<void> {
    await this.#read(registry, false);
  }

  async prepare(): Promise<void> {
    if (this.#writing) return;
    if (!this.#unread) return await this.#openFile(false, true);
    const registry = this.#registry!;
    this.#unread = false;
    const before = registry.nodes;
    try {
      await this.#read(registry, true);
    } catch (error) {
      this.#unread = (error as JournalError).code !== "damaged";
      throw error;
    } finally {
      if (!this.#unread)
        logger.info(`the journal was read: ${registry.nodes} nodes are known now, ${before} were before`);
    }
  }

  async storageInfo(): Promise<StorageInfo> {
    const { figures } = await this.#ask({ type: "storageInfo" });
    const { batches, bytes, schema } = figures!;
    return { batches, bytes, more: { file: this.#path, schema } };
  }

  /** For good: whoever is still appending is not to open it again. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#tidier);
    const worker = this.#worker;
    if (!worker) return;
    await this.#ask({ type: "close" }).catch(() => {});
    this.#lose(CLOSED);
    worker.terminate();
  }

  async #openFile(read: boolean, write: boolean): Promise<void> {
    const open = { type: "open", path: this.#path, since: this.#since(), read, write } as const;
    const { entries, renewed } = await this.#ask(open);
    this.#writing = write;
    this.#found = entries!;
    if (renewed) this.#lacking = true;
  }

  /** With more entries than this the log is to be written anew. What the registry had no room for stays, until its time is over. */
  #most({ nodes, noRoom }: JournalRegistry): number {
    return GROWTH * nodes + GROWTH_MORE + (noRoom > 0 ? this.#found : 0);
  }

  #since(): number {
    return Date.now() - this.#retentionMs;
  }

  /** @throws {JournalError} `damaged` also where it is the batches that are: all others are taken then */
  async #read(registry: Pick<JournalRegistry, "merge">, write: boolean): Promise<void> {
    let taken: Promise<void> = Promise.resolve();
    let damage: string | undefined;
    const past = new Past();
    this.#take = (data) => {
      taken = taken.then(async () => {
        try {
          const batch = Batch.parse(data);
          const { shift: before } = past;
          for (const [part, shift] of past.place(batch)) await registry.merge(part, shift);
          if (before === 0 && past.shift !== 0) {
            const what = "this clock was set back, and they count as made before now";
            logger.warning(escapeLogText(`${this.where} has announcements from times to come: ${what}`));
          }
        } catch (error) {
          this.bad++;
          damage = (error as Error).message;
        }
        this.#worker?.postMessage({ type: "taken" } satisfies ToFile);
      });
    };
    try {
      await this.#openFile(true, write);
    } finally {
      await taken;
    }
    if (damage !== undefined) {
      throw new JournalError("damaged", `the journal ${this.#path} is damaged: ${this.bad} batches (${damage})`);
    }
  }

  /** Whatever keeps the file from being written, it may be there to be read. */
  async #readOnly(registry: JournalRegistry, message: string): Promise<void> {
    this.#outages.failed(`${message}; the server goes on, and tries again`);
    try {
      await this.#read(registry, false);
    } catch (error) {
      const { code, message } = error as JournalError;
      this.#unread = code !== "damaged";
      this.#outages.failed(message);
    }
  }

  /** Where the file was is a new one, which gets all that the registry holds. What keeps it from that is in the log. */
  async #renew(registry: JournalRegistry, code: "damaged" | "moved", message: string): Promise<void> {
    this.#renewals++;
    this.#writing = false;
    let what = message;
    try {
      if (code === "damaged") what += `; it was set aside as ${(await this.#ask({ type: "setAside" })).aside}`;
      await this.#openFile(false, true);
    } catch (error) {
      const { code, message: reason } = error as JournalError;
      if (code !== "closed") this.#outages.failed(`${what}, and ${reason}; the server goes on, and tries again`);
      return;
    }
    const now = code === "damaged" ? ", and a new one" : "; the one that is there now";
    this.#outages.failed(`${what}${now} gets the ${registry.nodes} nodes that are known`);
  }

  /**
   * Appends all that the registry holds, and lets go of the log up to `last`. Who appends does not wait for it: he may hold what
   * this takes.
   */
  async #rewrite(registry: JournalRegistry, last?: number): Promise<void> {
    if (this.#rewriting) return;
    this.#rewriting = true;
    let appended = false;
    try {
      const renewals = this.#renewals;
      await registry.appendAll();
      appended = true;
      if (renewals !== this.#renewals) return;
      this.#lacking = false;
      if (last !== undefined) await this.#ask({ type: "drop", upTo: last, spare: registry.noRoom > 0 });
    } catch (error) {
      // What an append throws it has said itself.
      const said = error instanceof JournalError && (!appended || error.code === "closed");
      if (!said) this.#outages.failed((error as Error).message);
    } finally {
      this.#rewriting = false;
    }
  }

  #tidy(): void {
    if (!this.#writing) return;
    this.#ask({ type: "tidy", since: this.#since() }).catch((error: JournalError) => {
      if (error.code !== "closed") this.#outages.failed(error.message);
    });
  }

  async #ask(message: ToFile, transfer: ArrayBuffer[] = []): Promise<Done> {
    if (this.#closing) throw new JournalError("closed", CLOSED);
    const answer = Promise.withResolvers<Done>();
    this.#waiting.push(answer);
    this.#send(message, transfer);
    return await answer.promise;
  }

  #send(message: ToFile, transfer: ArrayBuffer[] = []): void {
    this.#worker ??= this.#start();
    this.#worker.postMessage(message, transfer);
  }

  #start(): Worker {
    const worker = new Worker(new URL("./worker.ts", import.meta.url).href);
    worker.onmessage = ({ data }: MessageEvent<FromFile>) => {
      if (data.type === "batch") this.#take(data.data);
      else if (data.type === "done") this.#waiting.shift()?.resolve(data);
      else this.#waiting.shift()?.reject(new JournalError(data.code, data.message));
    };
    worker.onerror = ({ message }) => this.#lose(`the thread of the journal failed: ${message}`, "failed");
    return worker;
  }

  /** The thread is gone; the next one to ask starts another. */
  #lose(message: string, code: "failed" | "closed" = "closed"): void {
    this.#worker = undefined;
    this.#writing = false;
    for (const answer of this.#waiting.splice(0)) answer.reject(new JournalError(code, message));
  }
}
