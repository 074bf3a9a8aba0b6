/** A lock of our own, beside the file of a journal: SQLite's would keep out those who only want to read. */
import { Database } from "bun:sqlite";
import { JournalError } from "../journal.ts";
import { checkLock, OTHERWISE, sqliteCode } from "./error.ts";
import { renamed } from "./path.ts";

/** A server that was stopped just now may still hold it. */
export const LOCK_WAIT_MS = 2000;

/**
 * Locks the file at `path` until the connection that it returns is closed, or this process ends, however.
 * @throws {JournalError} `locked`, or the system's error
 */
export function lockFile(path: string, again = false): Database {
  checkLock(path);
  const lock = new Database(`${path}.lock`, { create: true, readwrite: true });
  try {
    lock.run(`PRAGMA busy_timeout = ${LOCK_WAIT_MS}`);
    lock.run("PRAGMA journal_mode = MEMORY");
    lock.run("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock.close();
    const code = sqliteCode(error);
    if (!again && (code === "SQLITE_NOTADB" || code === "SQLITE_CORRUPT")) {
      // What another has locked cannot be read so far: this is nobody's, and says nothing of the journal.
      renamed(`${path}.lock`, [""]);
      return lockFile(path, true);
    }
    if (code !== "SQLITE_BUSY") throw error;
    throw new JournalError("locked", `the journal ${path} is in use by another server; ${OTHERWISE}`);
  }
}
