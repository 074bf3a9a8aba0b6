/**
 * A journal in Redis or Valkey that several servers share: each appends what is announced to it to one stream, and follows what
 * the others append. docs/scaling.md tells what becomes of clocks that differ, and of a Redis that forgets.
 */
import { getLogger } from "@logtape/logtape";
import { Batch, type SealedBatch } from "../batch.ts";
import { type Journal, JournalError, type JournalRegistry, type StorageInfo } from "../journal.ts";
import { escapeLogText, OutageLog } from "../outage-log.ts";
import { RedisConnection } from "./connection.ts";
import { refill } from "./refill.ts";
import { RedisStream, type StreamEntry } from "./stream.ts";
import type { RedisTarget } from "./url.ts";

const logger = getLogger(["whereabouts", "journal"]);

/** How long a reading waits for something new. */
const BLOCK_MS = 5_000;
/** How often it is looked whether Redis still has what it had, and what its clock says. */
const CHECK_MS = 3_000;
/** From one attempt to the next: this at first, then twice as much each time, up to this. */
const RETRY_MS = 100;
const RETRY_MOST_MS = 2_000;
/** A connection that held for so long was a good one. */
const GOOD_MS = 10_000;
/** How long a server that starts waits for a Redis that says nothing. */
const PATIENCE_MS = 5_000;
/** How often a long reading says how far it is. */
const PROGRESS_MS = 2_000;
/** From one attempt to make up for what Redis lost to the next. */
const MAKE_UP_MS = 500;
/** A difference of clocks that somebody should know of. */
const CLOCK_WARNING_MS = 1_000;

export class RedisJournal implements Journal {
  readonly where: string;
  bad = 0;
  readonly #target: RedisTarget;
  readonly #prefix: string;
  readonly #retentionMs: number;
  readonly #origin: string;
  readonly #stream: RedisStream;
  readonly #connecting = new OutageLog(logger, "Redis is there");
  readonly #appending = new OutageLog(logger, "the journal takes announcements");
  readonly #forgetting = new OutageLog(logger, "what Redis lost is there");
  readonly #reading = new OutageLog(logger, "the journal makes sense");
  #registry: JournalRegistry | undefined;
  #taker: Pick<JournalRegistry, "merge"> | undefined;
  #writer: RedisConnection | undefined;
  #reader: RedisConnection | undefined;
  #closed = false;
  #wake: () => void = () => {};
  /** How far the stream was read. Another object when it is to be read anew: who reads now goes on writing to the old one. */
  #place: { position?: string } = {};
  /** The last entry that we appended. */
  #appended: string | undefined;
  /** What was there at the last look, or the first that ever was there. */
  #witness: string | undefined;
  /** Something that Redis lost, and that is not made up for yet; and how far we had read then. */
  #missing: { readonly id: string; readonly known: string } | undefined;
  #entries = 0;
  #caughtUp: () => void = () => {};
  #progress = 0;

  /** @param origin which server this is: 8 bytes in hex, another at each start. */
  constructor(target: RedisTarget, prefix: string, retentionMs: number, origin: string) {
    this.where = `${target.where} (prefix ${prefix})`;
    this.#target = target;
    this.#prefix = prefix;
    this.#retentionMs = retentionMs;
    this.#origin = origin;
    this.#stream = new RedisStream(prefix, retentionMs);
  }

  get shift(): number {
    return this.#stream.shift;
  }

  get ready(): boolean {
    return this.#writer !== undefined;
  }

  get errors(): number {
    return this.#connecting.count + this.#appending.count + this.#forgetting.count;
  }

  async open(registry: JournalRegistry): Promise<void> {
    this.#registry = registry;
    this.#taker = registry;
    const { promise: caughtUp, resolve } = Promise.withResolvers<boolean>();
    this.#caughtUp = () => resolve(true);
    void this.#run();
    this.#progress = performance.now();
    let said = performance.now();
    const impatience = setInterval(() => {
      const now = performance.now();
      if (now - this.#progress > PATIENCE_MS) resolve(false);
      if (this.#entries === 0 || now - said < PROGRESS_MS) return;
      said = now;
      logger.info(`reading the journal: ${this.#entries} announcements so far, ${registry.nodes} nodes`);
    }, 100);
    try {
      if (await caughtUp) return;
      logger.warning(
        "the server starts without the journal: it knows only what is announced to it, until that can be had",
      );
    } finally {
      clearInterval(impatience);
    }
  }

  async append({ bytes }: SealedBatch): Promise<void> {
    if (!this.#writer) throw new JournalError("failed", `no connection to ${this.#target.where}`);
    try {
      // What is over is for a server to say, which has the retention that holds.
      this.#appended = await this.#stream.append(this.#writer, bytes, this.#registry !== undefined);
      this.#witness ??= this.#appended;
      this.#appending.recovered();
    } catch (error) {
      this.#appending.failed(`${(error as Error).message}; the server goes on, and tries again`);
      throw error;
    }
  }

  async read(registry: Pick<JournalRegistry, "merge">): Promise<void> {
    this.#taker = registry;
    await this.prepare();
    await this.#readOn(this.#writer!, 0);
  }

  async prepare(): Promise<void> {
    this.#writer ??= await RedisConnection.open(this.#target);
    await this.#stream.measure(this.#writer);
  }

  async storageInfo(): Promise<StorageInfo> {
    await this.prepare();
    const more = { redis: this.#target.where, key: this.#stream.key, "clock ahead of ours, ms": this.shift };
    return { ...(await this.#stream.size(this.#writer!)), more };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#hangUp();
    this.#wake();
  }

  #hangUp(): void {
    this.#writer?.close();
    this.#reader?.close();
    this.#writer = undefined;
    this.#reader = undefined;
  }

  /** One session after the other, for ever. */
  async #run(): Promise<void> {
    for (let wait = RETRY_MS; !this.#closed; wait = Math.min(wait * 2, RETRY_MOST_MS)) {
      const started = performance.now();
      try {
        await this.#session();
      } catch (error) {
        if (!this.#closed) this.#connecting.failed(`${(error as Error).message}; the server goes on, and tries again`);
      }
      this.#hangUp();
      if (performance.now() - started > GOOD_MS) wait = RETRY_MS;
      // Servers that lost one Redis at one time do not come back at one time.
      const pause = Bun.sleep(wait * (0.5 + Math.random() / 2));
      await Promise.race([pause, new Promise<void>((resolve) => (this.#wake = resolve))]);
    }
  }

  /** A connection to append by and one to follow by, as long as both hold. */
  async #session(): Promise<never> {
    const writer = await RedisConnection.open(this.#target);
    this.#writer = undefined;
    try {
      this.#reader = await RedisConnection.open(this.#target);
      await this.#compareClocks(writer);
      await this.#check(writer);
      if (this.#closed) throw new JournalError("closed", "the journal was closed");
      this.#writer = writer;
      return await Promise.race([this.#follow(this.#reader), this.#watch(writer), writer.lost, this.#reader.lost]);
    } finally {
      writer.close();
    }
  }

  /** What the stream has, and then what comes. */
  async #follow(reader: RedisConnection): Promise<never> {
    await this.#readOn(reader, 0);
    this.#caughtUp();
    this.#connecting.recovered();
    for (;;) await this.#readOn(reader, BLOCK_MS);
  }

  /** Takes what stands behind the position, all of it; waits `block` ms for the first. */
  async #readOn(reader: RedisConnection, block: number): Promise<void> {
    const place = this.#place;
    let position = place.position ?? this.#stream.beginning;
    for (let wait = block; ; wait = 0) {
      const { entries, more } = await this.#stream.read(reader, position, wait);
      for (const entry of entries) {
        await this.#take(entry);
        position = entry.id;
        place.position = position;
        if (place === this.#place) this.#witness ??= position;
        this.#progress = performance.now();
      }
      if (!more) return;
    }
  }

  /** What others wrote into the stream is not to be trusted. */
  async #take({ id, data }: StreamEntry): Promise<void> {
    let batch: Batch;
    try {
      if (data === undefined) throw new Error("it has no data");
      batch = Batch.parse(Uint8Array.fromBase64(data));
    } catch (error) {
      this.bad++;
      // Each has another id; that there are such is said once.
      logger.debug(escapeLogText(`entry ${id} of ${this.#stream.key} is no batch: ${(error as Error).message}`));
      this.#reading.failed(
        `${this.where} has entries that are no batches of this version: they are skipped, and counted`,
      );
      return;
    }
    if (batch.origin === this.#origin) return;
    this.#entries += batch.count;
    await this.#taker!.merge(batch, -this.shift);
  }

  async #watch(writer: RedisConnection): Promise<never> {
    for (;;) {
      await Bun.sleep(CHECK_MS);
      await this.#compareClocks(writer);
      await this.#check(writer);
    }
  }

  async #compareClocks(writer: RedisConnection): Promise<void> {
    const moved = await this.#stream.measure(writer);
    if (moved === undefined || Math.abs(moved) < CLOCK_WARNING_MS) return;
    if (Math.abs(this.shift) < CLOCK_WARNING_MS) {
      logger.info("this clock is that of Redis again, within a second");
      return;
    }
    const seconds = (Math.abs(this.shift) / 1000).toFixed(1);
    logger.warning(
      `this clock is ${seconds} s ${this.shift > 0 ? "behind" : "ahead of"} that of Redis: times are converted`,
    );
  }

  /** Whether Redis still has what it had. If not, it was emptied or went back to an earlier state: it gets what we know. */
  async #check(connection: RedisConnection): Promise<void> {
    for (const id of [this.#witness, this.#appended]) {
      if (id === undefined || this.#stream.isOver(id) || (await this.#stream.has(connection, id))) continue;
      this.#forgetting.failed(
        `${this.#target.where} has lost what it had of ${this.#stream.key}: it is appended again`,
      );
      const known = this.#missing !== undefined;
      this.#missing = { id, known: this.#place.position ?? id };
      this.#place = {};
      this.#appended = undefined;
      this.#registry!.appendAgain();
      if (!known) void this.#makeUp();
      break;
    }
    this.#witness = this.#place.position ?? this.#appended;
  }

  async #makeUp(): Promise<void> {
    for (let missing = this.#missing; missing !== undefined && !this.#closed; missing = this.#missing) {
      const connection = this.#writer;
      try {
        if (!connection) throw new JournalError("failed", "no connection");
        await refill({
          connection,
          stream: this.#stream,
          prefix: this.#prefix,
          retentionMs: this.#retentionMs,
          origin: this.#origin,
          missing: missing.id,
          known: missing.known,
          appendAll: async () => {
            await this.#registry!.appendAll();
            return this.#appended ?? "0-0";
          },
          stopped: () => this.#closed || this.#missing !== missing,
        });
        if (this.#missing !== missing) continue;
        this.#missing = undefined;
        this.#forgetting.recovered();
      } catch (error) {
        // That a connection is gone is said where it was lost.
        if (connection && connection === this.#writer) {
          this.#forgetting.failed(`${(error as Error).message}; what it lost is not made up for yet`);
        }
        await Bun.sleep(MAKE_UP_MS);
      }
    }
  }
}
