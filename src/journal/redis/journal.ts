/**
 * A journal in Redis or Valkey that several servers share: each appends its announcements to one stream and reads what
 * the others append. docs/scaling.md explains how it copes with different clocks and with a Redis that loses data.
 */
import { getLogger } from "@logtape/logtape";
import { escapeLogText, OutageLog } from "../../log/outage-log.ts";
import { Batch, type SealedBatch } from "../batch/index.ts";
import {
  contentsText,
  type Journal,
  JournalError,
  type JournalRegistry,
  type RegistryClock,
  type StorageInfo,
} from "../journal.ts";
import { RedisConnection } from "./connection.ts";
import { FutureBatches } from "./future-batches.ts";
import { refillStream } from "./refill-stream.ts";
import { isBefore, RedisStream, STEP_MS, type StreamEntry } from "./stream.ts";
import { StreamRewriter } from "./stream-rewriter.ts";
import type { RedisTarget } from "./url.ts";

const logger = getLogger(["whereabouts", "journal"]);

/** How long a read at the end of the stream waits for new entries. */
const BLOCK_MS = 5_000;
/** How often to compare clocks and to check that Redis has not lost data. */
const CHECK_MS = 3_000;
/** After this time, all servers have noticed that Redis's clock was set: more than three times CHECK_MS. */
const ALL_NOTICED_MS = 10_000;
/** The pause before reconnecting: it doubles with each attempt, up to the maximum. */
const RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;
/** After a connection that lasted this long, the pause starts at RETRY_MS again. */
const STABLE_MS = 10_000;
/** A server that starts stops waiting for Redis if nothing was read for this long. */
const START_TIMEOUT_MS = 5_000;
/** How often a long restore logs its progress. */
const PROGRESS_MS = 2_000;
/** How often to look at the progress of a restore. */
const LOOK_MS = 100;
/** The pause before another attempt to restore what Redis lost. */
const REFILL_RETRY_MS = 500;
/** A clock difference that is worth a warning. */
const CLOCK_WARNING_MS = 1_000;

export class RedisJournal implements Journal {
  readonly where: string;
  bad = 0;
  readonly #target: RedisTarget;
  readonly #prefix: string;
  readonly #retentionMs: number;
  readonly #origin: string;
  readonly #stream: RedisStream;
  readonly #connectionLog = new OutageLog(logger, "Redis is connected");
  readonly #appendLog = new OutageLog(logger, "announcements are appended to the journal");
  readonly #dataLossLog = new OutageLog(logger, "Redis has all announcements");
  readonly #badBatchLog = new OutageLog(logger, "all batches are valid");
  /** Set by `open`, so only in a server; undefined in tools. */
  #registry: JournalRegistry | undefined;
  /** Receives the batches that were read. */
  #mergeTarget: Pick<JournalRegistry, "merge"> | undefined;
  #writer: RedisConnection | undefined;
  #reader: RedisConnection | undefined;
  #closed = false;
  #endPause: () => void = () => {};
  /**
   * How far the stream was read. To reread it from the beginning, a new object is put here: a read that is still under
   * way changes only the old object.
   */
  #progress: { position?: string } = {};
  /** The last entry that this server appended. */
  #appended: string | undefined;
  /** An entry that was in the stream at the last check. If it is missing before it has expired, Redis lost data. */
  #checkEntry: string | undefined;
  /**
   * Set after a loss of data, until everything is restored. `id`: an entry that Redis lost. `known`: the last entry that
   * this server had read when it noticed the loss.
   */
  #missing: { readonly id: string; readonly known: string } | undefined;
  /** When to append everything again, because Redis's clock was set a while ago. */
  #appendAgainAt = Number.POSITIVE_INFINITY;
  readonly #rewriter: StreamRewriter;
  readonly #future: FutureBatches;
  /** Announcements in the batches read so far. */
  #announcementsRead = 0;
  #caughtUp: () => void = () => {};
  /** Whether the stream was read to its end once. */
  #hasCaughtUp = false;
  #lastProgress = 0;

  /** @param origin - identifies this run of the server: 8 random bytes in hex */
  constructor(target: RedisTarget, prefix: string, retentionMs: number, origin: string, clock: RegistryClock) {
    this.where = `${target.where} (prefix ${prefix})`;
    this.#target = target;
    this.#prefix = prefix;
    this.#retentionMs = retentionMs;
    this.#origin = origin;
    this.#stream = new RedisStream(prefix, retentionMs, clock);
    this.#future = new FutureBatches(this.#stream, clock);
    this.#rewriter = new StreamRewriter(this.#stream, prefix, origin);
  }

  get shift(): number {
    return this.#stream.shift;
  }

  get ready(): boolean {
    return this.#writer !== undefined;
  }

  get restored(): boolean {
    return this.#hasCaughtUp;
  }

  get errors(): number {
    return this.#connectionLog.count + this.#appendLog.count + this.#dataLossLog.count;
  }

  async open(registry: JournalRegistry): Promise<void> {
    this.#registry = registry;
    this.#mergeTarget = registry;
    const { promise: caughtUp, resolve } = Promise.withResolvers<boolean>();
    this.#caughtUp = () => resolve(true);
    void this.#run();
    this.#lastProgress = performance.now();
    let logged = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      if (now - this.#lastProgress > START_TIMEOUT_MS) resolve(false);
      if (this.#announcementsRead === 0 || now - logged < PROGRESS_MS) return;
      logged = now;
      const text = `reading the journal: ${this.#announcementsRead} announcements so far, ${contentsText(registry)}`;
      logger.info(text, { progress: true });
    }, LOOK_MS);
    try {
      if (await caughtUp) return;
      logger.warning(
        "the server starts without the journal: until Redis is connected, it knows only nodes that announce themselves to it",
      );
    } finally {
      clearInterval(timer);
    }
  }

  async append({ bytes }: SealedBatch): Promise<void> {
    if (!this.#writer) throw new JournalError("failed", `no connection to ${this.#target.where}`);
    try {
      // Only a server trims: a tool may have been given another retention.
      this.#appended = await this.#stream.append(this.#writer, bytes, this.#registry !== undefined);
      this.#checkEntry ??= this.#appended;
      this.#appendLog.recovered();
    } catch (error) {
      this.#appendLog.failed(`${(error as Error).message}; the server keeps running and retries`);
      throw error;
    }
  }

  async read(registry: Pick<JournalRegistry, "merge">): Promise<void> {
    this.#mergeTarget = registry;
    await this.prepare();
    await this.#readToEnd(this.#writer!, 0);
  }

  async prepare(): Promise<void> {
    this.#writer ??= await RedisConnection.open(this.#target);
    await this.#stream.measureClock(this.#writer);
  }

  async storageInfo(): Promise<StorageInfo> {
    await this.prepare();
    const details = { redis: this.#target.where, key: this.#stream.key, clockAheadMs: this.shift };
    return { ...(await this.#stream.size(this.#writer!)), details };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#disconnect();
    this.#endPause();
  }

  #disconnect(): void {
    this.#writer?.close();
    this.#reader?.close();
    this.#writer = undefined;
    this.#reader = undefined;
  }

  /** Connects, and reconnects whenever the connection is lost, until the journal is closed. */
  async #run(): Promise<void> {
    for (let wait = RETRY_MS; !this.#closed; wait = Math.min(wait * 2, MAX_RETRY_MS)) {
      const started = performance.now();
      try {
        await this.#session();
      } catch (error) {
        const { message } = error as Error;
        if (!this.#closed) this.#connectionLog.failed(`${message}; the server keeps running and retries`);
      }
      this.#disconnect();
      if (performance.now() - started > STABLE_MS) wait = RETRY_MS;
      // Random, so that servers that lost the same Redis do not all reconnect at once.
      const pause = Bun.sleep(wait * (0.5 + Math.random() / 2));
      await Promise.race([pause, new Promise<void>((resolve) => (this.#endPause = resolve))]);
    }
  }

  /** Uses two connections, one to append and one to read, until either is lost. */
  async #session(): Promise<never> {
    const writer = await RedisConnection.open(this.#target);
    this.#writer = undefined;
    try {
      this.#reader = await RedisConnection.open(this.#target);
      await this.#compareClocks(writer);
      await this.#checkForDataLoss(writer);
      if (this.#closed) throw new JournalError("closed", "the journal was closed");
      this.#writer = writer;
      return await Promise.race([this.#follow(this.#reader), this.#monitor(writer), writer.lost, this.#reader.lost]);
    } finally {
      writer.close();
    }
  }

  /** Reads the stream to its end, then waits for new entries again and again. */
  async #follow(reader: RedisConnection): Promise<never> {
    await this.#readToEnd(reader, 0);
    this.#hasCaughtUp = true;
    this.#caughtUp();
    this.#connectionLog.recovered();
    for (;;) {
      await this.#readToEnd(reader, BLOCK_MS);
      this.#rewriteIfNeeded();
    }
  }

  /** Reads and merges everything after the position. Waits up to `blockMs` if there is nothing. */
  async #readToEnd(reader: RedisConnection, blockMs: number): Promise<void> {
    const progress = this.#progress;
    let position = progress.position ?? this.#stream.beginning;
    for (let wait = blockMs; ; wait = 0) {
      const { entries, more } = await this.#stream.read(reader, position, wait);
      for (const entry of entries) {
        await this.#merge(entry);
        position = entry.id;
        progress.position = position;
        if (progress === this.#progress) this.#checkEntry ??= position;
        this.#lastProgress = performance.now();
      }
      if (!more) return;
    }
  }

  /** Merges an entry of the stream. Its content is not trusted: other programs can write to the stream. */
  async #merge({ id, data }: StreamEntry): Promise<void> {
    let batch: Batch;
    try {
      if (data === undefined) throw new Error("it has no data");
      batch = Batch.parse(Uint8Array.fromBase64(data));
    } catch (error) {
      this.bad++;
      this.#rewriter.read(id, undefined);
      // At debug level, because each bad entry adds a line. The warning below is logged once in 30 s at most.
      logger.debug(escapeLogText(`entry ${id} of ${this.#stream.key} is not a batch: ${(error as Error).message}`));
      this.#badBatchLog.failed(
        `${this.where} has entries that this version cannot read: they are skipped, and counted as "bad"`,
      );
      return;
    }
    this.#rewriter.read(id, batch.total);
    if (batch.deviceCount > 0) this.#stream.noteDevices(id);
    if (batch.origin === this.#origin) return;
    // In a tool, nobody would look at them again. And a server that starts must not wait for its nodes.
    if (this.#registry && this.#hasCaughtUp && this.#future.putOff(id, batch)) return;
    this.#announcementsRead += batch.total;
    await this.#mergeTarget!.merge(batch, -this.shift);
  }

  async #monitor(writer: RedisConnection): Promise<never> {
    for (;;) {
      await Bun.sleep(CHECK_MS);
      await this.#compareClocks(writer);
      if (performance.now() >= this.#appendAgainAt) {
        this.#appendAgainAt = Number.POSITIVE_INFINITY;
        this.#registry!.appendAgain();
      }
      await this.#future.mergeDue(writer, (batch) => this.#registry!.merge(batch, -this.shift));
      await this.#checkForDataLoss(writer);
    }
  }

  async #compareClocks(writer: RedisConnection): Promise<void> {
    const first = !this.#stream.measured;
    const moved = await this.#stream.measureClock(writer);
    if (first && Math.abs(this.shift) > CLOCK_WARNING_MS) {
      const seconds = (Math.abs(this.shift) / 1000).toFixed(1);
      const way = this.shift > 0 ? "behind" : "ahead of";
      logger.warning(`the clock of this machine is ${seconds} s ${way} the clock of Redis: times are converted`);
    } else if (!first && moved !== undefined && Math.abs(moved) > STEP_MS) this.#clockWasSet(moved);
  }

  /**
   * Redis's clock was set: what the stream has got has other times than what is appended from now on. Until the other servers
   * notice that too, what this one appends looks too old to them, so it is appended once more after that.
   */
  #clockWasSet(moved: number): void {
    const seconds = (Math.abs(moved) / 1000).toFixed(1);
    const what = `the clock of Redis was set ${moved > 0 ? "ahead" : "back"} by ${seconds} s, or this machine slept`;
    logger.warning(`${what}: all announcements are appended again`);
    const ids = [this.#progress.position, this.#appended].filter((id) => id !== undefined);
    this.#rewriter.clockWasSet(ids.reduce((last, id) => (isBefore(last, id) ? id : last), "0-0"));
    this.#registry!.appendAgain();
    this.#appendAgainAt = performance.now() + ALL_NOTICED_MS;
  }

  #rewriteIfNeeded(): void {
    const progress = this.#progress;
    if (!this.#writer || progress.position === undefined) return;
    void this.#rewriter.rewriteIfNeeded({
      connection: this.#writer,
      registry: this.#registry!,
      position: progress.position,
      intact: () => this.#missing === undefined && this.#progress === progress && this.#future.count === 0,
    });
  }

  /**
   * Checks that Redis still has the entries it had. If not, it was emptied or went back to an earlier state: the stream
   * is reread and everything is appended again.
   */
  async #checkForDataLoss(connection: RedisConnection): Promise<void> {
    for (const id of [this.#checkEntry, this.#appended]) {
      if (id === undefined || this.#stream.isExpired(id) || (await this.#stream.has(connection, id))) continue;
      this.#dataLossLog.failed(
        `${this.#target.where} has lost entries of ${this.#stream.key}: all announcements are appended again`,
      );
      const refilling = this.#missing !== undefined;
      this.#missing = { id, known: this.#progress.position ?? id };
      this.#progress = {};
      this.#rewriter.restart();
      this.#appended = undefined;
      this.#registry!.appendAgain();
      if (!refilling) void this.#refill();
      break;
    }
    this.#checkEntry = this.#progress.position ?? this.#appended;
  }

  /** Restores what Redis lost. Tries again until nothing is missing. */
  async #refill(): Promise<void> {
    for (let missing = this.#missing; missing !== undefined && !this.#closed; missing = this.#missing) {
      const connection = this.#writer;
      try {
        if (!connection) throw new JournalError("failed", "no connection");
        await refillStream({
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
        this.#dataLossLog.recovered();
      } catch (error) {
        // A lost connection is logged by `#run`.
        if (connection && connection === this.#writer) {
          this.#dataLossLog.failed(`${(error as Error).message}; not all that Redis lost is restored yet`);
        }
        await Bun.sleep(REFILL_RETRY_MS);
      }
    }
  }
}
