/**
 * The descriptor through which SQLite has a database file open. The file is read and locked through that one: a process
 * that closes any descriptor of a file loses all locks of SQLite on it (fcntl(2)).
 */

import { read } from "bun:ffi";
import type { Database } from "bun:sqlite";
import { fstatSync } from "node:fs";

const SQLITE_FCNTL_FILE_POINTER = 7;
/** Where the descriptor is in SQLite's unixFile, after three pointers. */
const DESCRIPTOR_AT = 24;

/**
 * The descriptor of an open database; undefined if this system's SQLite does not show it.
 *
 * @param identity - device and inode of the file
 */
export function descriptorOf(db: Database, identity: string): number | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    const file = new BigUint64Array(1);
    db.fileControl(SQLITE_FCNTL_FILE_POINTER, file);
    const descriptor = read.i32(Number(file[0]) as never, DESCRIPTOR_AT);
    // Another SQLite may have another layout, and then this is some other number.
    const { dev, ino } = fstatSync(descriptor);
    return `${dev} ${ino}` === identity ? descriptor : undefined;
  } catch {
    return undefined;
  }
}
