/** A journal in an SQLite file, which a thread of its own reads and writes. */
import { getLogger } from "@logtape/logtape";
import { Batch, type SealedBatch } from "../batch.ts";
import { type Census, type Journal, JournalError, type Keeper } from "../journal.ts";
import { plain, Trouble } from "../trouble.ts";
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
  readonly #trouble = new Trouble(logger, "the journal is written");
  #keeper: Keeper | undefined;
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
    return this.#trouble.count;
  }

  async open(keeper: Keeper): Promise<void> {
    this.#keeper = keeper;
    try {
      await this.#read(keeper, true);
    } catch (error) {
      const { code, message } = error as JournalError;
      if (code === "damaged") await this.#renew(keeper, code, message);
      else if (code === "failed") await this.#readOnly(keeper, message);
      else {
        await this.close();
        throw error;
      }
    }
    // Else who is killed just after its start would not have it at the next one.
    if (this.#lacking && this.#writing) await this.#rewrite(keeper);
    this.#tidier = setInterval(() => this.#tidy(), TIDY_MS);
    this.#tidier.unref();
  }

  async append({ bytes, count, newest }: SealedBatch): Promise<void> {
    const renewals = this.#renewals;
    try {
      await this.prepare();
      // What is over is for a server to say, which has the retention that holds.
      const since = this.#keeper ? this.#since() : 0;
      const { last, entries } = await this.#ask({ type: "append", bytes, count, newest, since }, [bytes.buffer]);
      this.#trouble.over();
      if (this.#keeper && this.#lacking) void this.#rewrite(this.#keeper);
      else if (this.#keeper && entries! > this.#most(this.#keeper)) void this.#rewrite(this.#keeper, last!);
    } catch (error) {
      const { code, message } = error as JournalError;
      if (code === "closed") throw error;
      if ((code === "damaged" || code === "moved") && this.#keeper) {
        // Of several that were on their way to a damaged file one has it set aside, not the new one as well.
        if (renewals === this.#renewals) await this.#renew(this.#keeper, code, message);
      } else if (this.#keeper) this.#trouble.failed(`${message}; the server goes on, and tries again`);
      throw error;
    }
  }

  /** Beside the server that may be writing the file. */
  async read(keeper: Pick<Keeper, "take">): Promise<void> {
    await this.#read(keeper, false);
  }

  async prepare(): Promise<void> {
    if (this.#writing) return;
    if (!this.#unread) return await this.#openFile(false, true);
    const keeper = this.#keeper!;
    this.#unread = false;
    const before = keeper.nodes;
    try {
      await this.#read(keeper, true);
    } catch (error) {
      this.#unread = (error as JournalError).code !== "damaged";
      throw error;
    } finally {
      if (!this.#unread)
        logger.info(`the journal was read: ${keeper.nodes} nodes are known now, ${before} were before`);
    }
  }

  async census(): Promise<Census> {
    const { figures } = await this.#ask({ type: "census" });
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
  #most({ nodes, noRoom }: Keeper): number {
    return GROWTH * nodes + GROWTH_MORE + (noRoom > 0 ? this.#found : 0);
  }

  #since(): number {
    return Date.now() - this.#retentionMs;
  }

  /** @throws {JournalError} `damaged` also where it is the batches that are: all others are taken then */
  async #read(keeper: Pick<Keeper, "take">, write: boolean): Promise<void> {
    let taken: Promise<void> = Promise.resolve();
    let damage: string | undefined;
    const past = new Past();
    this.#take = (data) => {
      taken = taken.then(async () => {
        try {
          const batch = Batch.parse(data);
          const { shift: before } = past;
          for (const [part, shift] of past.place(batch)) await keeper.take(part, shift);
          if (before === 0 && past.shift !== 0) {
            const what = "this clock was set back, and they count as made before now";
            logger.warning(plain(`${this.where} has announcements from times to come: ${what}`));
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
  async #readOnly(keeper: Keeper, message: string): Promise<void> {
    this.#trouble.failed(`${message}; the server goes on, and tries again`);
    try {
      await this.#read(keeper, false);
    } catch (error) {
      const { code, message } = error as JournalError;
      this.#unread = code !== "damaged";
      this.#trouble.failed(message);
    }
  }

  /** Where the file was is a new one, which gets all that the registry holds. What keeps it from that is in the log. */
  async #renew(keeper: Keeper, code: "damaged" | "moved", message: string): Promise<void> {
    this.#renewals++;
    this.#writing = false;
    let what = message;
    try {
      if (code === "damaged") what += `; it was set aside as ${(await this.#ask({ type: "setAside" })).aside}`;
      await this.#openFile(false, true);
    } catch (error) {
      const { code, message: reason } = error as JournalError;
      if (code !== "closed") this.#trouble.failed(`${what}, and ${reason}; the server goes on, and tries again`);
      return;
    }
    const now = code === "damaged" ? ", and a new one" : "; the one that is there now";
    this.#trouble.failed(`${what}${now} gets the ${keeper.nodes} nodes that are known`);
  }

  /**
   * Appends all that the registry holds, and lets go of the log up to `last`. Who appends does not wait for it: he may hold what
   * this takes.
   */
  async #rewrite(keeper: Keeper, last?: number): Promise<void> {
    if (this.#rewriting) return;
    this.#rewriting = true;
    let appended = false;
    try {
      const renewals = this.#renewals;
      await keeper.appendAll();
      appended = true;
      if (renewals !== this.#renewals) return;
      this.#lacking = false;
      if (last !== undefined) await this.#ask({ type: "drop", upTo: last, spare: keeper.noRoom > 0 });
    } catch (error) {
      // What an append throws it has said itself.
      const said = error instanceof JournalError && (!appended || error.code === "closed");
      if (!said) this.#trouble.failed((error as Error).message);
    } finally {
      this.#rewriting = false;
    }
  }

  #tidy(): void {
    if (!this.#writing) return;
    this.#ask({ type: "tidy", since: this.#since() }).catch((error: JournalError) => {
      if (error.code !== "closed") this.#trouble.failed(error.message);
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
