/**
 * Tells journals of this program from other files. Only a journal is ever written to, or renamed because it is damaged: any
 * other file stays as it is, whatever is in it.
 */
import { closeSync, openSync, readSync, statSync } from "node:fs";
import { JournalError } from "../journal.ts";
import { ADVICE } from "./error.ts";
import { APPLICATION_ID, FIRST_PAGE_END, PAGE_SIZE } from "./schema.ts";

const SQLITE_MAGIC = Buffer.from("SQLite format 3\0");
/** Where the header of a database has its application id, big-endian. */
const APPLICATION_ID_AT = 68;
/** Where the first page has the number of tables and indexes. */
const ROWS_AT = 103;
/** In the header of an empty database: pages of 4096 bytes, no WAL; one page; no user_version, no application id. */
const EMPTY_HEADER = [
  [16, 0x10000101],
  [28, 1],
  [60, 0],
  [APPLICATION_ID_AT, 0],
] as const;
/** First bytes of the files that SQLite puts beside a database. A -shm has the processor's order of bytes. */
const BESIDE: readonly [suffix: string, ...begins: string[]][] = [
  ["-wal", "377f0682", "377f0683"],
  ["-shm", "18e22d00", "002de218", "00000000"],
  ["-journal", "d9d505f9", "00000000"],
];

/**
 * Checks that a file that is open is an own journal, perhaps a damaged one, or empty.
 *
 * @param descriptor - of the open file; undefined if it is not known
 * @throws {JournalError} `foreign` if it is anything else
 */
export function checkOwner(path: string, descriptor: number | undefined): void {
  const page = firstPage(path, descriptor);
  if (page === undefined || page.length === 0 || isOwn(page) || isEmpty(page)) return;
  const what = isDatabase(page) ? "a database of another program" : "not a journal, and not an SQLite database at all";
  throw new JournalError("foreign", `${path} is ${what}; ${ADVICE}`);
}

/**
 * Whether a file that begins with `page` is an own journal: by its application id, or, if the beginning of the file is
 * damaged, by what the first page of every journal ends with.
 */
function isOwn(page: Buffer): boolean {
  if (isDatabase(page)) {
    return page.length >= APPLICATION_ID_AT + 4 && page.readUInt32BE(APPLICATION_ID_AT) === APPLICATION_ID;
  }
  return page.length === PAGE_SIZE && page.subarray(-FIRST_PAGE_END.length).equals(FIRST_PAGE_END);
}

/** Whether it may be a database without anything in it, which a disk that is full leaves of a new journal. */
function isEmpty(page: Buffer): boolean {
  const count = isDatabase(page) && page.length === PAGE_SIZE ? page.readUInt16BE(ROWS_AT) : 1;
  return count === 0 && EMPTY_HEADER.every(([at, value]) => page.readUInt32BE(at) === value);
}

function isDatabase(page: Buffer): boolean {
  return page.subarray(0, SQLITE_MAGIC.length).equals(SQLITE_MAGIC);
}

/**
 * Checks that SQLite may create a database at `path`, where there is no file or an empty one: it would overwrite or
 * delete files beside it that have its names.
 *
 * @throws {JournalError} `foreign` if there is such a file that SQLite has not written
 */
export function checkBeside(path: string): void {
  for (const [suffix, ...begins] of BESIDE) {
    const found = firstPage(path + suffix, undefined);
    if (found === undefined || found.length === 0 || begins.includes(found.toString("hex", 0, 4))) continue;
    const why = `SQLite would overwrite the file ${path}${suffix}, which is not its own`;
    throw new JournalError("foreign", `the journal ${path} cannot be created: ${why}; ${ADVICE}`);
  }
}

/** Whether there is a file at `path` that begins as SQLite's -wal does. */
export function isWal(path: string): boolean {
  const begin = firstPage(path, undefined)?.toString("hex", 0, 4);
  return BESIDE.some(([suffix, ...begins]) => suffix === "-wal" && begins.includes(begin ?? ""));
}

/** Undefined if there is no such file, or it cannot be read: SQLite reports why. */
function firstPage(path: string, open: number | undefined): Buffer | undefined {
  let descriptor = open;
  try {
    if (open === undefined && !statSync(path).isFile()) return undefined;
    descriptor ??= openSync(path, "r");
    const page = Buffer.alloc(PAGE_SIZE);
    return page.subarray(0, readSync(descriptor, page, 0, PAGE_SIZE, 0));
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined && descriptor !== open) closeSync(descriptor);
  }
}
