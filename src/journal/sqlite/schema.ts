/** The database schema of a journal: how to recognize it, and how to create it. */
import type { Database } from "bun:sqlite";
import { JournalError } from "../journal.ts";
import { ADVICE } from "./error.ts";

/** "WHER": the number in a database's header that identifies the program it belongs to. */
export const APPLICATION_ID = 0x57484552;
/** Schema 1 had no table `clock`, and batches of version 1 only. Schema 2 had batches up to version 2, so without devices. */
export const SCHEMA = 3;
export const PAGE_SIZE = 4096;
const CREATE_BATCH =
  "CREATE TABLE batch (id INTEGER PRIMARY KEY, newest REAL NOT NULL, entries INTEGER NOT NULL, data BLOB NOT NULL)";
const CREATE_CLOCK =
  "CREATE TABLE IF NOT EXISTS clock (first INTEGER PRIMARY KEY, boot TEXT NOT NULL, booted REAL NOT NULL)";
/** The end of the first page of every journal: the row of sqlite_schema with the table batch, whose root is page 3. */
export const FIRST_PAGE_END = Buffer.from(`tablebatchbatch\x03${CREATE_BATCH}`);

/**
 * Returns whether the database is empty. @throws {JournalError} if it is another program's, or of an unknown version
 */
export function checkSchema(db: Database, path: string): boolean {
  const [application, version] = [pragma(db, "application_id"), pragma(db, "user_version")];
  const { tables } = db.query<{ tables: number }, []>("SELECT count(*) AS tables FROM sqlite_schema").get()!;
  if (application === 0 && version === 0 && tables === 0) return true;
  if (application !== APPLICATION_ID) {
    throw new JournalError("foreign", `${path} is a database of another program; ${ADVICE}`);
  }
  if (version > SCHEMA) {
    const why = `was written by a newer version (its schema is ${version}, this version knows ${SCHEMA})`;
    throw new JournalError("newer", `the journal ${path} ${why}: update this program, or ${ADVICE}`);
  }
  return false;
}

/** The schema of an own database. */
export function schemaOf(db: Database): number {
  return pragma(db, "user_version");
}

function pragma(db: Database, name: string): number {
  return Object.values(db.query<Record<string, number>, []>(`PRAGMA ${name}`).get()!)[0]!;
}

/** Upgrades a database of an earlier schema. An earlier version of this program refuses it from then on. */
export function upgradeSchema(db: Database): void {
  if (schemaOf(db) === SCHEMA) return;
  db.transaction(() => {
    db.run(CREATE_CLOCK);
    db.run(`PRAGMA user_version = ${SCHEMA}`);
  })();
}

export function createSchema(db: Database): void {
  db.run(`PRAGMA page_size = ${PAGE_SIZE}`);
  db.run("PRAGMA auto_vacuum = INCREMENTAL");
  db.transaction(() => {
    db.run(CREATE_BATCH);
    db.run(CREATE_CLOCK);
    db.run(`PRAGMA application_id = ${APPLICATION_ID}`);
    db.run(`PRAGMA user_version = ${SCHEMA}`);
  })();
}
