/**
 * A lock file beside the journal. SQLite's own exclusive lock on the journal would also keep out tools that only read.
 */
import { Database } from "bun:sqlite";
import { JournalError } from "../journal.ts";
import { ADVICE, checkLock, sqliteCode } from "./error.ts";
import { renameDamaged } from "./path.ts";

/** A server that was just stopped may hold the lock for a moment. */
export const LOCK_WAIT_MS = 2000;

/**
 * Locks the journal at `path` until the returned connection is closed or this process ends in any way.
 *
 * @throws {JournalError} `locked`, or an error of the system
 */
export function lockFile(path: string, retried = false): Database {
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
    if (!retried && (code === "SQLITE_NOTADB" || code === "SQLITE_CORRUPT")) {
      // The lock file is damaged; nobody holds it, as it would be reported as busy then. The journal itself may be
      // intact.
      renameDamaged(`${path}.lock`, [""]);
      return lockFile(path, true);
    }
    if (code !== "SQLITE_BUSY") throw error;
    throw new JournalError("locked", `the journal ${path} is in use by another server: stop that one, or ${ADVICE}`);
  }
}
