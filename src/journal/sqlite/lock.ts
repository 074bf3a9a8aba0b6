/**
 * The lock that keeps two servers from writing to one journal. It is on the file itself, not on its name, and tools that
 * only read do not need it: SQLite's own exclusive lock would keep them out.
 */
import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { JournalError } from "../journal.ts";
import { ADVICE, cannotWrite, checkLock, sqliteCode } from "./error.ts";
import { libc } from "./libc.ts";

/** A server that was just stopped may hold the lock for a moment. */
export const LOCK_WAIT_MS = 2000;
const POLL_MS = 20;

/* Constants of Linux: fcntl(2). A lock of this kind belongs to a descriptor. */
const F_OFD_SETLK = 37;
const F_WRLCK = 1;
const F_UNLCK = 2;
const EBADF = 9;
const EAGAIN = 11;
const EACCES = 13;
/** The byte that is locked: far behind the end of any journal, and behind the bytes that SQLite locks. */
const LOCKED_BYTE = 2n ** 40n;

/** A lock that is held until it is released, or until this process ends in any way. */
export interface Lock {
  release(): void;
}

/**
 * Locks a journal that SQLite has open.
 *
 * @param descriptor - of the open file; undefined if it is not known
 * @throws {JournalError} `locked`, or `failed` if the file cannot be written
 */
export function lockJournal(path: string, descriptor: number | undefined): Lock {
  const system = libc();
  if (descriptor === undefined || !system) return lockFile(path);
  const set = (type: number) => system.fcntl(descriptor, F_OFD_SETLK, flock(type)) === 0;
  const end = performance.now() + LOCK_WAIT_MS;
  while (!set(F_WRLCK)) {
    const errno = system.errno();
    // SQLite opens a file for reading only if it may not write to it.
    if (errno === EBADF) throw cannotWrite(path);
    // An old kernel, or a file system without locks.
    if (errno !== EAGAIN && errno !== EACCES) return lockFile(path);
    if (performance.now() > end) throw inUse(path);
    Bun.sleepSync(POLL_MS);
  }
  const unlock = () => void set(F_UNLCK);
  try {
    const earlier = lockOfEarlierVersion(path);
    return {
      release() {
        earlier?.release();
        unlock();
      },
    };
  } catch (error) {
    unlock();
    throw error;
  }
}

/**
 * Takes the lock file, if there is one: earlier versions lock only that. One that belongs to something else is ignored.
 *
 * @throws {JournalError} `locked`
 */
function lockOfEarlierVersion(path: string): Lock | undefined {
  if (!existsSync(`${path}.lock`)) return undefined;
  try {
    return lockFile(path);
  } catch (error) {
    if ((error as JournalError).code === "locked") throw error;
    return undefined;
  }
}

/** A struct flock for LOCKED_BYTE: type and whence, start, length, process. */
function flock(type: number): BigInt64Array {
  return BigInt64Array.of(BigInt(type), LOCKED_BYTE, 1n, 0n);
}

/**
 * Locks a journal by its name, with a lock file beside it: for systems without locks that belong to a descriptor.
 *
 * @throws {JournalError} `locked`, or an error of the system
 */
export function lockFile(path: string): Lock {
  checkLock(path);
  const lock = new Database(`${path}.lock`, { create: true, readwrite: true });
  try {
    lock.run(`PRAGMA busy_timeout = ${LOCK_WAIT_MS}`);
    lock.run("PRAGMA journal_mode = MEMORY");
    lock.run("BEGIN EXCLUSIVE");
    return { release: () => lock.close() };
  } catch (error) {
    lock.close();
    const code = sqliteCode(error);
    if (code === "SQLITE_NOTADB" || code === "SQLITE_CORRUPT") {
      const why = `its lock file ${path}.lock belongs to something else, or is damaged`;
      throw new JournalError("unusable", `the journal ${path} cannot be written: ${why}; ${ADVICE}`);
    }
    throw code === "SQLITE_BUSY" ? inUse(path) : error;
  }
}

function inUse(path: string): JournalError {
  return new JournalError("locked", `the journal ${path} is in use by another server: stop that one, or ${ADVICE}`);
}
