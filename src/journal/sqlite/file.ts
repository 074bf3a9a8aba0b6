/**
 * The file of an SQLite journal. Every call blocks, so this is for a thread of its own.
 *
 * A log of batches in the order in which they were appended: a batch costs a few pages written one after the other, where a
 * row for each node would cost a page each. The log is read from its end, so that the later announcement comes first; its
 * beginning is deleted when its time is over, or when all that the registry holds was appended anew.
 */
import { constants, Database } from "bun:sqlite";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { JournalError } from "../journal.ts";
import { sqliteCode, sqliteError, unmakable } from "./error.ts";
import { LOCK_WAIT_MS, lockFile } from "./lock.ts";
import { identity, linked, renamed } from "./path.ts";
import { checkSchema, createSchema, SCHEMA } from "./schema.ts";

/** How far the log of pages (-wal) stays long after it was. */
const WAL_BYTES = 16 << 20;
/** Batches deleted in one transaction: what waits for it is to wait for milliseconds. */
const DELETED_AT_ONCE = 64;
/** Free pages that are given back to the file system at once. */
const VACUUMED_AT_ONCE = 1000;

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
  /** The last batch that was there when it was opened for writing, until that is gone. */
  #found = 0;

  /** What tells the file that is open, or was, from another by the same name. */
  #identity = "";
  /** Whether it gave way to another, which could not be opened for writing so far. */
  #renewed = false;

  constructor(path: string) {
    // By whatever names servers know a file, its lock has one.
    this.path = linked(path);
  }

  /** Entries in all batches. */
  get entries(): number {
    return this.#entries;
  }

  /**
   * Opens the file for writing, and makes it where there is none. Returns whether it is another one than was open before.
   * @throws {JournalError} `locked`, `newer`, `foreign`, `damaged`, `unusable` if there is no file and none can be made, or `failed`.
   */
  open(): boolean {
    try {
      const moved = this.#identity !== "" && this.#isMoved();
      if (this.#db && this.#writable && !moved) return false;
      this.#renewed ||= moved;
      if (moved) this.close();
      else this.#disconnect();
      if (!existsSync(this.path)) this.#makeFolder();
      this.#lock ??= lockFile(this.path);
      // SQLite would delete what another file has left, or take it for this one's.
      if (moved || !existsSync(this.path)) renamed(this.path, ["-wal", "-shm"]);
      this.#db = new Database(this.path, { create: true, readwrite: true });
      this.#identity = identity(this.path);
      this.#setUp(this.#db);
      this.#writable = true;
      const renewed = this.#renewed;
      this.#renewed = false;
      return renewed;
    } catch (error) {
      const explained = sqliteError(this.path, error);
      // To close a damaged file may write to it: it stays open until it is set aside.
      if (explained.code !== "damaged") this.close();
      throw explained;
    }
  }

  /** Opens it for reading, whoever writes to it meanwhile; nothing is changed. @throws {JournalError} as `open` does */
  openForReading(): void {
    if (this.#db) return;
    if (!existsSync(this.path)) throw new JournalError("unusable", `there is no journal ${this.path}`);
    try {
      let db = new Database(this.path, { readonly: true });
      try {
        db.query("PRAGMA schema_version").get();
      } catch (error) {
        // Where nothing can be made beside it, a file that was closed in order can be read as one that never changes.
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
   * The batches that have something as late as `since`, the last one first. Where the file is damaged, those behind are looked
   * for from the other end.
   * @throws {JournalError} `damaged`, when all that can be read was read.
   */
  *batches(since: number): Generator<StoredBatch> {
    const db = this.#db;
    // Nothing was written to it yet.
    if (!db) return;
    let last = Number.MAX_SAFE_INTEGER;
    let first: unknown;
    try {
      const back = "SELECT id, data FROM batch WHERE newest >= ? ORDER BY id DESC";
      for (const row of db.query<StoredBatch, [number]>(back).iterate(since)) {
        last = row.id;
        yield row;
      }
      return;
    } catch (error) {
      first = error;
    }
    try {
      const forth = "SELECT id, data FROM batch WHERE newest >= ? AND id < ? ORDER BY id";
      for (const row of db.query<StoredBatch, [number, number]>(forth).iterate(since, last)) yield row;
    } catch {
      // The same damage, met from the other side.
    }
    throw sqliteError(this.path, first, "read");
  }

  /** Keeps a batch: one transaction. Returns its number. @throws {JournalError} `damaged`, `moved` or `failed` */
  append(data: Uint8Array, count: number, newest: number): number {
    try {
      // SQLite would go on writing to a file that nobody finds again.
      if (this.#isMoved()) throw new JournalError("moved", `the journal ${this.path} was removed or replaced`);
      const insert = "INSERT INTO batch (newest, entries, data) VALUES (?, ?, ?)";
      const { lastInsertRowid } = this.#db!.query(insert).run(newest, count, data);
      this.#entries += count;
      return Number(lastInsertRowid);
    } catch (error) {
      throw sqliteError(this.path, error);
    }
  }

  /** Deletes from the beginning of the log what ended before `since`, a few batches. Returns whether there may be more. */
  expire(since: number): boolean {
    try {
      const head = this.#head(0);
      const live = head.findIndex(({ newest }) => newest >= since);
      return this.#delete(live === -1 ? head : head.slice(0, live));
    } catch (error) {
      throw sqliteError(this.path, error);
    }
  }

  /** Deletes the batches up to number `id`, a few, and with `spare` none that it was opened with. Returns whether there are more. */
  dropUpTo(id: number, spare = false): boolean {
    try {
      return this.#delete(this.#head(spare ? this.#found : 0).filter((row) => row.id <= id));
    } catch (error) {
      throw sqliteError(this.path, error);
    }
  }

  /** Gives some of the pages that are free back to the file system. */
  shrink(): void {
    try {
      this.#db!.query(`PRAGMA incremental_vacuum(${VACUUMED_AT_ONCE})`).all();
    } catch (error) {
      throw sqliteError(this.path, error);
    }
  }

  #isMoved(): boolean {
    return identity(this.path) !== this.#identity;
  }

  /** The first batches of the log behind number `id`. */
  #head(id: number): Row[] {
    const head = "SELECT id, newest, entries FROM batch WHERE id > ? ORDER BY id LIMIT ?";
    return this.#db!.query<Row, [number, number]>(head).all(id, DELETED_AT_ONCE);
  }

  /** Deletes batches that follow one another. Returns whether it was as many as may be at once. */
  #delete(rows: readonly Row[]): boolean {
    if (rows.length === 0) return false;
    const last = rows.at(-1)!.id;
    this.#db!.query("DELETE FROM batch WHERE id BETWEEN ? AND ?").run(rows[0]!.id, last);
    for (const { entries } of rows) this.#entries -= entries;
    // Numbers may begin anew in an empty log.
    if (rows[0]!.id <= this.#found && this.#found <= last) this.#found = 0;
    return rows.length === DELETED_AT_ONCE;
  }

  #count(db: Database): void {
    const count = "SELECT total(entries) AS entries, ifnull(max(id), 0) AS found FROM batch";
    const { entries, found } = db.query<{ entries: number; found: number }, []>(count).get()!;
    this.#entries = entries;
    this.#found = found;
  }

  /** What it holds, in figures. */
  figures(): { batches: number; bytes: number; schema: number } {
    const row = this.#db?.query<{ batches: number }, []>("SELECT count(*) AS batches FROM batch").get();
    return { batches: 0, ...row, bytes: this.#size("") + this.#size("-wal"), schema: SCHEMA };
  }

  #size(end: string): number {
    return statSync(this.path + end, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Renames the file and those beside it, so that a new one can take its place. Returns the new name. @throws {JournalError} */
  setAside(): string {
    const aside = renamed(this.path, ["", "-wal", "-shm"]);
    // Not before: SQLite deletes a -wal when it closes.
    this.#disconnect();
    this.#identity = "";
    this.#renewed = true;
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
    this.#found = 0;
  }

  #makeFolder(): void {
    try {
      mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    } catch (error) {
      throw unmakable(this.path, error as NodeJS.ErrnoException);
    }
  }

  #setUp(db: Database): void {
    db.run(`PRAGMA busy_timeout = ${LOCK_WAIT_MS}`);
    if (checkSchema(db, this.path)) createSchema(db);
    db.run("PRAGMA journal_mode = WAL");
    // A crash of the system may cost the last commits, never the file; one of ours costs nothing.
    db.run("PRAGMA synchronous = NORMAL");
    db.run(`PRAGMA journal_size_limit = ${WAL_BYTES}`);
    try {
      this.#count(db);
    } catch {
      // Damaged, somewhere: who reads it finds what is left, and says so.
    }
  }
}
