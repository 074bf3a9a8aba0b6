/** What went wrong with a file, in words that say what to do. */
import { SQLiteError } from "bun:sqlite";
import { accessSync, constants, existsSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { JournalError } from "../journal.ts";

export const OTHERWISE = "give another with --journal sqlite:PATH, or none with --journal memory";

const REASONS: Readonly<Record<string, string>> = {
  SQLITE_FULL: "the disk is full",
  SQLITE_READONLY: "it is read-only",
  SQLITE_BUSY: "it is locked",
  ENOSPC: "the disk is full",
  EROFS: "its file system is read-only",
  EACCES: "not permitted",
  EPERM: "not permitted",
  EBUSY: "it is in use by the system",
  ENOTDIR: "its folder is none",
};

/** SQLite's code, without what follows it: SQLITE_READONLY for SQLITE_READONLY_DIRECTORY. Empty if it is none of SQLite's. */
export function sqliteCode(error: unknown): string {
  const code = error instanceof SQLiteError ? (error.code ?? "") : "";
  return /^SQLITE_[A-Z]+/.exec(code)?.[0] ?? "";
}

/** Whatever was thrown in dealing with the file at `path`, as what a journal throws. */
export function sqliteError(path: string, error: unknown, doing: "read" | "written" = "written"): JournalError {
  if (error instanceof JournalError) return error;
  const code = sqliteCode(error);
  const { message } = error as Error;
  if (code === "SQLITE_CORRUPT" || code === "SQLITE_NOTADB") {
    return new JournalError("damaged", `the journal ${path} is damaged: ${message}`);
  }
  const file = statSync(path, { throwIfNoEntry: false });
  if (file && !file.isFile()) return new JournalError("unusable", `the journal ${path} is not a file; ${OTHERWISE}`);
  const reason = forbidden(path, doing) ?? REASONS[code] ?? (isFull(path) ? REASONS.ENOSPC! : message);
  if (!file && code === "SQLITE_CANTOPEN") {
    return new JournalError("unusable", `the journal ${path} cannot be made: ${reason}; ${OTHERWISE}`);
  }
  return new JournalError("failed", `the journal ${path} cannot be ${doing}: ${reason}`);
}

/** The folder of the file at `path` cannot be made. */
export function unmakable(path: string, { code, message }: NodeJS.ErrnoException): JournalError {
  const reason = REASONS[code ?? ""] ?? message;
  return new JournalError("unusable", `the journal ${path} cannot be made: ${reason}; ${OTHERWISE}`);
}

/** The file at `path` is damaged, and cannot be renamed. */
export function immovable({ code, message }: NodeJS.ErrnoException): JournalError {
  return new JournalError("failed", `it cannot be set aside: ${REASONS[code ?? ""] ?? message}`);
}

/** SQLite takes a lock that cannot be written to for one that it has. @throws {JournalError} `failed` */
export function checkLock(path: string): void {
  const lock = `${path}.lock`;
  if (!existsSync(lock)) return;
  const own = forbidden(path, "written");
  if (own) throw new JournalError("failed", `the journal ${path} cannot be written: ${own}`);
  const reason = statSync(lock).isFile() ? forbidden(lock, "written") : "it is not a file";
  if (reason) throw new JournalError("failed", `the journal ${path} cannot be written, for ${lock} cannot: ${reason}`);
}

/** What the file system forbids, of which SQLite says only that it could not. */
function forbidden(path: string, doing: "read" | "written"): string | undefined {
  const write = doing === "written" ? constants.W_OK : 0;
  try {
    accessSync(dirname(path), constants.X_OK | write);
    if (existsSync(path)) accessSync(path, constants.R_OK | write);
    return undefined;
  } catch (error) {
    return REASONS[(error as NodeJS.ErrnoException).code ?? ""];
  }
}

/** Even to read, SQLite makes a file, of which without room it says that there was an I/O error. */
function isFull(path: string): boolean {
  try {
    return statfsSync(dirname(path)).bavail === 0;
  } catch {
    return false;
  }
}
