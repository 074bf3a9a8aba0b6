/** Errors of SQLite and the file system as {@link JournalError}s that say what to do. */
import { SQLiteError } from "bun:sqlite";
import { accessSync, constants, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { JournalError } from "../journal.ts";

/** Advice for a file that cannot be used. */
export const ADVICE =
  "name another file with --journal sqlite:PATH, or run the server with --journal memory, which keeps nothing";

const REASONS: Readonly<Record<string, string>> = {
  SQLITE_FULL: "the disk is full",
  SQLITE_READONLY: "it is read-only",
  SQLITE_BUSY: "it is locked",
  EACCES: "permission denied",
  EBUSY: "it is in use by the system",
  EDQUOT: "the disk quota is used up",
  EIO: "the disk reports an error",
  ELOOP: "its path has a loop of symbolic links",
  ENAMETOOLONG: "its name is too long",
  ENOENT: "it does not exist",
  ENOSPC: "the disk is full",
  ENOTDIR: "a part of its path is a file, not a folder",
  EPERM: "permission denied",
  EROFS: "its file system is read-only",
};

/** SQLite's primary result code, as SQLITE_READONLY for SQLITE_READONLY_DIRECTORY; empty for other errors. */
export function sqliteCode(error: unknown): string {
  const code = error instanceof SQLiteError ? (error.code ?? "") : "";
  return /^SQLITE_[A-Z]+/.exec(code)?.[0] ?? "";
}

/** Converts an error that was thrown while the journal at `path` was read or written. */
export function sqliteError(path: string, error: unknown, doing: "read" | "written" = "written"): JournalError {
  if (error instanceof JournalError) return error;
  const code = sqliteCode(error);
  const { message } = error as Error;
  if (code === "SQLITE_CORRUPT" || code === "SQLITE_NOTADB") {
    const what = code === "SQLITE_NOTADB" ? "it is not an SQLite database" : message;
    return new JournalError("damaged", `the journal ${path} is damaged: ${what}`);
  }
  const reason = accessProblem(path, doing) ?? REASONS[code] ?? (isFull(path) ? REASONS.ENOSPC! : undefined);
  if (code === "SQLITE_CANTOPEN" && !exists(path)) {
    return cannotCreate(path, reason ?? `files cannot be created in ${dirname(path)}`);
  }
  return new JournalError("failed", `the journal ${path} cannot be ${doing}: ${reason ?? message}`);
}

/** @throws {JournalError} `unusable` if `path` names a folder, a device or the like. A missing file is fine. */
export function checkIsFile(path: string): void {
  let what: string | undefined;
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (path.endsWith("/") || found?.isDirectory()) what = "is a folder, not a file";
    else if (found && !found.isFile()) what = "is not a regular file";
  } catch {
    // No permission to look, or a part of the path is not a folder: reported when the file is opened.
  }
  if (what !== undefined) throw new JournalError("unusable", `the journal ${path} ${what}; ${ADVICE}`);
}

/** The error for a journal that is to be read and does not exist, or is out of reach. */
export function notFound(path: string): JournalError {
  try {
    statSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "ENOTDIR") {
      return new JournalError("failed", `the journal ${path} cannot be read: ${REASONS[code ?? ""] ?? message}`);
    }
  }
  const why = "no server has created it yet, or --journal sqlite:PATH must name another file";
  return new JournalError("unusable", `there is no journal ${path}: ${why}`);
}

function cannotCreate(path: string, reason: string): JournalError {
  return new JournalError("unusable", `the journal ${path} cannot be created: ${reason}; ${ADVICE}`);
}

/** The error for a journal whose folder cannot be created. */
export function cannotCreateFolder(path: string, { code, message }: NodeJS.ErrnoException): JournalError {
  let missing = dirname(path);
  let parent = missing;
  while (!exists(parent) && parent !== dirname(parent)) {
    missing = parent;
    parent = dirname(parent);
  }
  if (exists(parent) && !statSync(parent).isDirectory()) return cannotCreate(path, `${parent} is a file, not a folder`);
  // /proc reports that the new folder does not exist.
  const reason = code === "ENOENT" ? `folders cannot be created in ${parent}` : (REASONS[code ?? ""] ?? message);
  return cannotCreate(path, `the folder ${missing} does not exist and cannot be created (${reason})`);
}

/** False also for a path that leads through a file or a folder without permission. */
function exists(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/** The error for a file that could only be opened for reading. */
export function cannotWrite(path: string): JournalError {
  const reason = accessProblem(path, "written") ?? REASONS.SQLITE_READONLY;
  return new JournalError("failed", `the journal ${path} cannot be written: ${reason}`);
}

/** The error for a damaged file that cannot be renamed. */
export function cannotSetAside({ code, message }: NodeJS.ErrnoException): JournalError {
  return new JournalError("failed", `it cannot be set aside: ${REASONS[code ?? ""] ?? message}`);
}

/**
 * Checks that the lock file at `path` + ".lock" can be written: SQLite opens a read-only file and takes it for locked.
 *
 * @throws {JournalError} `failed`
 */
export function checkLock(path: string): void {
  const lock = `${path}.lock`;
  const found = statSync(lock, { throwIfNoEntry: false });
  if (found === undefined) return;
  const problem = accessProblem(path, "written");
  if (problem) throw new JournalError("failed", `the journal ${path} cannot be written: ${problem}`);
  const lockProblem = found.isFile() ? accessProblem(lock, "written") : "it is not a regular file";
  if (lockProblem) {
    const what = `its lock file ${lock} cannot be written: ${lockProblem}`;
    throw new JournalError("failed", `the journal ${path} cannot be written, because ${what}`);
  }
}

/** Finds the permission that is missing. SQLite itself reports only that it failed. */
function accessProblem(path: string, doing: "read" | "written"): string | undefined {
  const write = doing === "written" ? constants.W_OK : 0;
  const problem = (at: string, what: string, mode: number): string | undefined => {
    try {
      accessSync(at, mode);
      return undefined;
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return undefined;
      if (code !== "EACCES" && code !== "EPERM") return REASONS[code];
      return `this user has no permission to ${doing === "read" ? "read" : "write to"} ${what}`;
    }
  };
  const folder = dirname(path);
  return (
    problem(folder, `the folder ${folder}`, constants.X_OK | write) ??
    problem(path, `the file ${path}`, constants.R_OK | write)
  );
}

/** Even to read, SQLite creates a file. If there is no room for it, SQLite reports only an I/O error. */
function isFull(path: string): boolean {
  try {
    const { blocks, bavail } = statfsSync(dirname(path));
    // /proc and the like have no blocks at all.
    return blocks > 0 && bavail === 0;
  } catch {
    return false;
  }
}
