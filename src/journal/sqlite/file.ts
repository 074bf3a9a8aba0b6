/**
 * The file of an SQLite journal. Every call blocks, so it is used in a thread of its own.
 *
 * The file is a log of batches in the order in which they were appended. Appending a batch writes a few consecutive
 * pages; a row per node would write a page per node. The log is read from its end, so that the latest announcement of a
 * node comes first. Batches are deleted from its beginning when they have expired, or when the whole registry was
 * appended again.
 */
import { constants, Database } from "bun:sqlite";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { JournalError } from "../journal.ts";
import { cannotCreateFolder, checkIsFile, notFound, sqliteCode, sqliteError } from "./error.ts";
import { LOCK_WAIT_MS, lockFile } from "./lock.ts";
import type { FileInfo } from "./messages.ts";
import { identity, renameDamaged, resolveLink } from "./path.ts";
import { checkSchema, createSchema, SCHEMA } from "./schema.ts";

/** SQLite's write-ahead log (-wal) is truncated to this size after it was longer. */
const MAX_WAL_BYTES = 16 << 20;
/** Batches deleted in one transaction, so that appends wait only milliseconds for it. */
const DELETE_BATCHES = 64;
/** Free pages returned to the file system at once. */
const VACUUM_PAGES = 1000;

interface Row {
  readonly id: number;
  readonly newest: number;
  readonly entries: number;
}

export interface StoredBatch {
  readonly id: number;
  readonly data: Uint8Array;
}

export class SqliteFile {
  readonly path: string;
  #db: Database | undefined;
  #lock: Database | undefined;
  #writable = false;
  #entries = 0;
  /** The last batch that was in the file when it was opened for writing; 0 once that is deleted. */
  #initialLast = 0;

  /** Identity of the file that is open, or was open last. */
  #identity = "";
  /** Whether the file was replaced by another, which has not been opened for writing yet. */
  #replaced = false;

  constructor(path: string) {
    // The lock file is named after the target, so that it is the same for every link.
    this.path = resolveLink(path);
  }

  /** Entries in all batches. */
  get entries(): number {
    return this.#entries;
  }

  /**
   * Opens the file for writing, and creates it if it does not exist.
   *
   * @returns true if the file that was open before has been replaced by another
   * @throws {JournalError} `locked`, `newer`, `foreign`, `damaged`, `unusable` if it cannot be created, or `failed`
   */
  open(): boolean {
    try {
      const moved = this.#identity !== "" && this.#isMoved();
      if (this.#db && this.#writable && !moved) return false;
      this.#replaced ||= moved;
      if (moved) this.close();
      else this.#disconnect();
      // This is first, because nothing may be created next to a device, not even the lock file.
      checkIsFile(this.path);
      if (!existsSync(this.path)) this.#makeFolder();
      this.#lock ??= lockFile(this.path);
      // Otherwise SQLite would delete the -wal and -shm of the previous file, or apply them to the new one.
      if (moved || !existsSync(this.path)) renameDamaged(this.path, ["-wal", "-shm"]);
      this.#db = new Database(this.path, { create: true, readwrite: true });
      this.#identity = identity(this.path);
      this.#setUp(this.#db);
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
  openForReading(): void {
    if (this.#db) return;
    checkIsFile(this.path);
    if (!existsSync(this.path)) throw notFound(this.path);
    try {
      let db = new Database(this.path, { readonly: true });
      try {
        db.query("PRAGMA schema_version").get();
      } catch (error) {
        // SQLite cannot create files in this folder. If the file was closed properly, it can be read as immutable.
        const code = sqliteCode(error);
        if (!["SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_IOERR"].includes(code) || this.#size("-wal") > 0)
          throw error;
        db.close();
        const flags = constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI;
        db = new Database(`file:${encodeURI(this.path).replace(/[?#]/g, encodeURIComponent)}?immutable=1`, flags);
      }
      if (checkSchema(db, this.path)) db.close();
      else this.#db = db;
      this.#identity = identity(this.path);
    } catch (error) {
      this.close();
      throw sqliteError(this.path, error, "read");
    }
  }

  /**
   * Yields the batches that contain announcements made at `since` or later, the last batch first. If it cannot read
   * on because of damage, it yields the batches before the damage, from the first one of the file.
   *
   * @throws {JournalError} `damaged`, after all readable batches
   */
  *batches(since: number): Generator<StoredBatch> {
    const db = this.#db;
    // An empty database, opened for reading.
    if (!db) return;
    let last = Number.MAX_SAFE_INTEGER;
    let damage: unknown;
    try {
      const backward = "SELECT id, data FROM batch WHERE newest >= ? ORDER BY id DESC";
      for (const row of db.query<StoredBatch, [number]>(backward).iterate(since)) {
        last = row.id;
        yield row;
      }
      return;
    } catch (error) {
      damage = error;
    }
    try {
      const forward = "SELECT id, data FROM batch WHERE newest >= ? AND id < ? ORDER BY id";
      for (const row of db.query<StoredBatch, [number, number]>(forward).iterate(since, last)) yield row;
    } catch {
      // The damage is reached again, this time from the beginning.
    }
    throw sqliteError(this.path, damage, "read");
  }

  /** Stores a batch in one transaction. Returns its number. @throws {JournalError} `damaged`, `moved` or `failed` */
  append(data: Uint8Array, count: number, newest: number): number {
    try {
      // Otherwise SQLite would go on writing to the deleted or renamed file.
      if (this.#isMoved()) throw new JournalError("moved", `the journal ${this.path} was removed or replaced`);
      const insert = "INSERT INTO batch (newest, entries, data) VALUES (?, ?, ?)";
      const { lastInsertRowid } = this.#db!.query(insert).run(newest, count, data);
      this.#entries += count;
      return Number(lastInsertRowid);
    } catch (error) {
      throw sqliteError(this.path, error);
    }
  }

  /** Deletes the first batches of the log whose latest entry is from before `since`. Returns whether there may be more. */
  expire(since: number): boolean {
    try {
      const head = this.#head(0);
      const live = head.findIndex(({ newest }) => newest >= since);
      return this.#delete(live === -1 ? head : head.slice(0, live));
    } catch (error) {
      throw sqliteError(this.path, error);
    }
  }

  /**
   * Deletes the first batches of the log, up to number `id`. With `spareInitial`, keeps those that were in the file when
   * it was opened. Returns whether there may be more.
   */
  dropUpTo(id: number, spareInitial = false): boolean {
    try {
      return this.#delete(this.#head(spareInitial ? this.#initialLast : 0).filter((row) => row.id <= id));
    } catch (error) {
      throw sqliteError(this.path, error);
    }
  }

  /** Returns some free pages to the file system. */
  shrink(): void {
    try {
      this.#db!.query(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`).all();
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
    // SQLite may give their numbers to new batches once the table is empty. New batches must not count as initial.
    if (rows[0]!.id <= this.#initialLast && this.#initialLast <= last) this.#initialLast = 0;
    return rows.length === DELETE_BATCHES;
  }

  #count(db: Database): void {
    const count = "SELECT total(entries) AS entries, ifnull(max(id), 0) AS last FROM batch";
    const { entries, last } = db.query<{ entries: number; last: number }, []>(count).get()!;
    this.#entries = entries;
    this.#initialLast = last;
  }

  info(): FileInfo {
    const row = this.#db?.query<{ batches: number }, []>("SELECT count(*) AS batches FROM batch").get();
    return { batches: 0, ...row, bytes: this.#size("") + this.#size("-wal"), schema: SCHEMA };
  }

  #size(suffix: string): number {
    return statSync(this.path + suffix, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Renames the file, its -wal and its -shm, so that a new file can be created. Returns the new name. @throws {JournalError} */
  setAside(): string {
    const aside = renameDamaged(this.path, ["", "-wal", "-shm"]);
    // After the renaming: SQLite deletes the -wal when it closes a database.
    this.#disconnect();
    this.#identity = "";
    this.#replaced = true;
    return aside;
  }

  close(): void {
    this.#disconnect();
    this.#lock?.close();
    this.#lock = undefined;
  }

  #disconnect(): void {
    this.#db?.close();
    this.#db = undefined;
    this.#writable = false;
    this.#entries = 0;
    this.#initialLast = 0;
  }

  #makeFolder(): void {
    try {
      mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    } catch (error) {
      throw cannotCreateFolder(this.path, error as NodeJS.ErrnoException);
    }
  }

  #setUp(db: Database): void {
    db.run(`PRAGMA busy_timeout = ${LOCK_WAIT_MS}`);
    if (checkSchema(db, this.path)) createSchema(db);
    db.run("PRAGMA journal_mode = WAL");
    // A crash of this process loses nothing. A crash of the system may lose the last commits, but never damages the
    // file.
    db.run("PRAGMA synchronous = NORMAL");
    db.run(`PRAGMA journal_size_limit = ${MAX_WAL_BYTES}`);
    try {
      this.#count(db);
    } catch {
      // The file is damaged somewhere: `batches` reports it, and yields what is intact.
    }
  }
}
