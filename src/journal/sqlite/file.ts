/**
 * The file of an SQLite journal. Every call blocks, so it is used in a thread of its own.
 *
 * The file is a log of batches in the order in which they were appended. Appending a batch writes a few consecutive
 * pages; a row per node would write a page per node. The log is read from its end, so that the latest announcement of a
 * node comes first. Batches are deleted from its beginning when they have expired, or when the whole registry was
 * appended again.
 */
import { constants, Database } from "bun:sqlite";
import { closeSync, mkdirSync, openSync, truncateSync } from "node:fs";
import { dirname } from "node:path";
import { JournalError } from "../journal.ts";
import { descriptorOf } from "./descriptor.ts";
import { cannotCreateFolder, checkIsFile, notFound, sqliteCode, sqliteError } from "./error.ts";
import { LOCK_WAIT_MS, type Lock, lockJournal } from "./lock.ts";
import type { FileInfo } from "./messages.ts";
import { checkBeside, checkOwner, isWal } from "./owner.ts";
import { identity, renameDamaged, resolveLink, sizeOf } from "./path.ts";
import { checkSchema, createSchema, SCHEMA, schemaOf, upgradeSchema } from "./schema.ts";
import { Timelines } from "./timelines.ts";
import type { Boot } from "./wall-clock.ts";

/** SQLite's write-ahead log (-wal) is truncated to this size after it was longer. */
const MAX_WAL_BYTES = 16 << 20;
/** Batches deleted in one transaction, so that appends wait only milliseconds for it. */
const DELETE_BATCHES = 64;
/** Free pages returned to the file system at once. */
const VACUUM_PAGES = 1000;

/** Databases that must not be closed before the process ends, not even by the garbage collector. */
const abandoned: Database[] = [];

interface Row {
  readonly id: number;
  /**
   * `newest` of the SealedBatch. It is right for any retention, also that of a later start. The price is that a batch with
   * devices stays in the file for their two hours and the retention on top, unless the log is rewritten before.
   */
  readonly newest: number;
  readonly entries: number;
}

type BatchRow = Pick<Row, "id" | "newest"> & { readonly data: Uint8Array };

export interface StoredBatch {
  readonly data: Uint8Array;
  /** To be added to its times. */
  readonly shift: number;
}

export class SqliteFile {
  readonly path: string;
  #db: Database | undefined;
  /** The descriptor of the open file, if it is known. */
  #descriptor: number | undefined;
  #lock: Lock | undefined;
  #writable = false;
  #entries = 0;
  /** The number of the last batch. Numbers are never used again, so that each stays on one side of a number kept. */
  #last = 0;
  /** The last batch that was in the file when it was opened for writing. */
  #initialLast = 0;
  readonly #timelines = new Timelines();

  /** Identity of the file that is open, or was open last. */
  #identity = "";
  /** Whether the file was replaced by another, which has not been opened for writing yet. */
  #replaced = false;

  constructor(path: string) {
    this.path = resolveLink(path);
  }

  /** Nodes and devices in all batches, as often as they are there. */
  get entries(): number {
    return this.#entries;
  }

  /** The number of the last batch. */
  get last(): number {
    return this.#last;
  }

  /** Whether the clock was set since some of the batches were written. */
  get shifted(): boolean {
    return this.#timelines.shifted;
  }

  /**
   * Opens the file for writing, and creates it if it does not exist.
   *
   * @param boot - the clock as it is now
   * @returns true if the file that was open before has been replaced by another
   * @throws {JournalError} `locked`, `newer`, `foreign`, `damaged`, `unusable` if it cannot be created, or `failed`
   */
  open(boot: Boot): boolean {
    try {
      const moved = this.#identity !== "" && this.#isMoved();
      if (this.#db && this.#writable && !moved) return false;
      this.#replaced ||= moved;
      this.close();
      checkIsFile(this.path);
      if (sizeOf(this.path) === 0) this.#create();
      this.#connect(new Database(this.path, { create: true, readwrite: true }));
      this.#lock = lockJournal(this.path, this.#descriptor);
      // Otherwise SQLite would delete the -wal and -shm of the previous file, or apply them to the new one.
      if (moved || sizeOf(this.path) === 0) renameDamaged(this.path, ["-wal", "-shm"]);
      this.#setUp(this.#db!, boot);
      this.#writable = true;
      const replaced = this.#replaced;
      this.#replaced = false;
      return replaced;
    } catch (error) {
      const explained = sqliteError(this.path, error);
      // Closing a damaged file may write to it, so it stays open until it is set aside.
      if (explained.code !== "damaged") this.close();
      throw explained;
    }
  }

  /** Opens the file for reading only, even while a server writes to it. @throws {JournalError} as `open` does */
  openForReading(boot: Boot): void {
    if (this.#db) return;
    checkIsFile(this.path);
    if (identity(this.path) === "") throw notFound(this.path);
    try {
      let db = new Database(this.path, { readonly: true });
      this.#connect(db);
      try {
        db.query("PRAGMA schema_version").get();
      } catch (error) {
        // SQLite cannot create files in this folder. If the file was closed properly, it can be read as immutable.
        const code = sqliteCode(error);
        if (!["SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_IOERR"].includes(code) || sizeOf(`${this.path}-wal`) > 0)
          throw error;
        db.close();
        const flags = constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI;
        db = new Database(`file:${encodeURI(this.path).replace(/[?#]/g, encodeURIComponent)}?immutable=1`, flags);
        this.#connect(db);
      }
      // An empty database.
      if (checkSchema(db, this.path)) this.close();
      else this.#timelines.read(db, boot);
    } catch (error) {
      this.close();
      throw sqliteError(this.path, error, "read");
    }
  }

  /**
   * Yields the batches that contain nodes announced at `since` or later, by the clock as it is now, or devices that have
   * not expired; the last batch first. If it cannot read on because of damage, it yields the batches before the damage, from the first one of the file.
   *
   * @throws {JournalError} `damaged`, after all readable batches
   */
  *batches(since: number): Generator<StoredBatch> {
    const db = this.#db;
    // An empty database, opened for reading.
    if (!db) return;
    const earliest = since - this.#timelines.maxShift;
    let last = Number.MAX_SAFE_INTEGER;
    let damage: unknown;
    try {
      const backward = "SELECT id, newest, data FROM batch WHERE newest >= ? ORDER BY id DESC";
      for (const row of db.query<BatchRow, [number]>(backward).iterate(earliest)) {
        last = row.id;
        yield* this.#stored(row, since);
      }
      return;
    } catch (error) {
      damage = error;
    }
    try {
      const forward = "SELECT id, newest, data FROM batch WHERE newest >= ? AND id < ? ORDER BY id";
      for (const row of db.query<BatchRow, [number, number]>(forward).iterate(earliest, last)) {
        yield* this.#stored(row, since);
      }
    } catch {
      // The damage is reached again, this time from the beginning.
    }
    throw sqliteError(this.path, damage, "read");
  }

  *#stored({ id, newest, data }: BatchRow, since: number): Generator<StoredBatch> {
    const shift = this.#timelines.shift(id);
    if (newest + shift >= since) yield { data, shift };
  }

  /** Stores a batch in one transaction. @throws {JournalError} `damaged`, `moved`, `foreign` or `failed` */
  append(data: Uint8Array, count: number, newest: number): void {
    this.#write((db) => {
      // Otherwise SQLite would go on writing to the deleted or renamed file.
      if (this.#isMoved()) throw new JournalError("moved", `the journal ${this.path} was removed or replaced`);
      const insert = "INSERT INTO batch (id, newest, entries, data) VALUES (?, ?, ?, ?)";
      db.query(insert).run(this.#last + 1, newest, count, data);
      this.#last++;
      this.#entries += count;
    });
  }

  /**
   * Deletes the first batches of the log in which everything has expired: `newest` is before `since`, by the clock as it is
   * now. Returns whether there may be more.
   */
  expire(since: number): boolean {
    return this.#write(() => {
      const head = this.#head(0);
      const live = head.findIndex(({ id, newest }) => newest + this.#timelines.shift(id) >= since);
      return this.#delete(live === -1 ? head : head.slice(0, live));
    });
  }

  /**
   * Deletes the first batches of the log, up to number `id`. With `spareInitial`, keeps those that were in the file when
   * it was opened. Returns whether there may be more.
   */
  dropUpTo(id: number, spareInitial = false): boolean {
    const first = spareInitial ? this.#initialLast : 0;
    return this.#write(() => this.#delete(this.#head(first).filter((row) => row.id <= id)));
  }

  /** The clock was set: batches from now on have other times than those before. */
  beginTimeline(boot: Boot): void {
    this.#write((db) => this.#timelines.begin(db, boot, this.#last));
  }

  /** Returns some free pages to the file system. */
  shrink(): void {
    this.#write((db) => db.query(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`).all());
  }

  /** Writes to the file, if it is still an own one. @throws {JournalError} */
  #write<T>(work: (db: Database) => T): T {
    try {
      this.#checkStillOwn();
      return work(this.#db!);
    } catch (error) {
      throw sqliteError(this.path, error);
    }
  }

  #isMoved(): boolean {
    return identity(this.path) !== this.#identity;
  }

  /** The first batches of the log with numbers above `id`. */
  #head(id: number): Row[] {
    const head = "SELECT id, newest, entries FROM batch WHERE id > ? ORDER BY id LIMIT ?";
    return this.#db!.query<Row, [number, number]>(head).all(id, DELETE_BATCHES);
  }

  /**
   * Deletes consecutive batches. Returns whether there may be more: true if these were DELETE_BATCHES.
   */
  #delete(rows: readonly Row[]): boolean {
    if (rows.length === 0) return false;
    const last = rows.at(-1)!.id;
    this.#db!.query("DELETE FROM batch WHERE id BETWEEN ? AND ?").run(rows[0]!.id, last);
    for (const { entries } of rows) this.#entries -= entries;
    return rows.length === DELETE_BATCHES;
  }

  #count(db: Database): void {
    const count = "SELECT total(entries) AS entries, ifnull(max(id), 0) AS last FROM batch";
    const { entries, last } = db.query<{ entries: number; last: number }, []>(count).get()!;
    this.#entries = entries;
    this.#last = last;
  }

  info(): FileInfo {
    const row = this.#db?.query<{ batches: number }, []>("SELECT count(*) AS batches FROM batch").get();
    const schema = this.#db ? schemaOf(this.#db) : SCHEMA;
    return { batches: 0, ...row, bytes: sizeOf(this.path) + sizeOf(`${this.path}-wal`), schema };
  }

  /** Renames the file, its -wal and its -shm, so that a new file can be created. Returns the new name. @throws {JournalError} */
  setAside(): string {
    if (this.#isMoved()) throw new JournalError("moved", `the journal ${this.path} was removed or replaced`);
    this.#checkStillOwn();
    const aside = renameDamaged(this.path, ["", "-wal", "-shm"]);
    // After the renaming: SQLite deletes the -wal when it closes a database.
    this.close();
    this.#identity = "";
    this.#replaced = true;
    return aside;
  }

  #connect(db: Database): void {
    this.#db = db;
    this.#identity = identity(this.path);
    this.#descriptor = descriptorOf(db, this.#identity);
    checkOwner(this.path, this.#descriptor);
  }

  /** @throws {JournalError} `foreign` if another program has written something else into the open file */
  #checkStillOwn(): void {
    // Without the descriptor, looking would cost SQLite its locks.
    if (this.#descriptor !== undefined) checkOwner(this.path, this.#descriptor);
  }

  close(): void {
    let own = true;
    try {
      if (this.#writable) this.#checkStillOwn();
    } catch {
      own = false;
    }
    if (own) this.#db?.close();
    else this.#abandon(this.#db!);
    this.#lock?.release();
    this.#lock = undefined;
    this.#db = undefined;
    this.#descriptor = undefined;
    this.#writable = false;
    this.#entries = 0;
    this.#last = 0;
    this.#initialLast = 0;
  }

  /** Gives up a database in whose file another program has written something else. SQLite must not write to it any more. */
  #abandon(db: Database): void {
    // Closing would write the -wal into the file. Bun closes all databases when the process ends, so the -wal is emptied.
    abandoned.push(db);
    if (isWal(`${this.path}-wal`)) truncateSync(`${this.path}-wal`, 0);
  }

  /** Creates an empty file that only this user can read, if there is none. SQLite gives its own files the same rights. */
  #create(): void {
    // Beside a file that was moved away, there are the files of that one.
    if (!this.#replaced) checkBeside(this.path);
    if (identity(this.path) !== "") return;
    try {
      mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    } catch (error) {
      throw cannotCreateFolder(this.path, error as NodeJS.ErrnoException);
    }
    try {
      closeSync(openSync(this.path, "a", 0o600));
    } catch {
      // SQLite fails too, and its error is explained.
    }
  }

  #setUp(db: Database, boot: Boot): void {
    db.run(`PRAGMA busy_timeout = ${LOCK_WAIT_MS}`);
    if (checkSchema(db, this.path)) createSchema(db);
    db.run("PRAGMA journal_mode = WAL");
    // A crash of this process loses nothing. A crash of the system may lose the last commits, but never damages the
    // file.
    db.run("PRAGMA synchronous = NORMAL");
    db.run(`PRAGMA journal_size_limit = ${MAX_WAL_BYTES}`);
    try {
      upgradeSchema(db);
      this.#count(db);
      this.#timelines.begin(db, boot, this.#last);
    } catch (error) {
      // If the file is damaged somewhere, `batches` reports it, and yields what is intact.
      if (sqliteCode(error) !== "SQLITE_CORRUPT") throw error;
    }
    this.#initialLast = this.#last;
  }
}
