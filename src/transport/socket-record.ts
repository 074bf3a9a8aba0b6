/**
 * Closes the sockets of a worker that has ended or is stuck. As long as they are open, the kernel delivers a share of the
 * packets to them, and those packets are lost.
 */
import { closeSync, fstatSync, openSync } from "node:fs";
import { loadLibc, O_CLOEXEC } from "./libc.ts";

/** The most sockets that a worker can record. Unused entries take no memory, because their pages are never touched. */
const MAX_SOCKETS = 4096;
const ENTRY_WORDS = 2;
/** The entries of one page of memory. A worker uses the first free entry, so after a page without a socket there is none. */
const PAGE_WORDS = 1024;

/**
 * Shared words in which a worker records its open sockets, two words per socket: the descriptor + 1, or 0 for a free entry;
 * then its fileId. A negative descriptor word marks a socket that Bun closes when the thread ends. When it has ended, the
 * main thread closes the others.
 *
 * A thread can be terminated wherever a function is entered or a loop repeats. So between a system
 * call that opens or closes a socket and the change of the record, the worker does neither: a socket is in the record exactly
 * as long as it is open. Sockets of Bun are erased before Bun closes them.
 */
export type SocketRecord = Int32Array<SharedArrayBuffer>;

export function createSocketRecord(): SocketRecord {
  return new Int32Array(new SharedArrayBuffer(MAX_SOCKETS * ENTRY_WORDS * 4));
}

/** One socket in a record. */
export class SocketEntry {
  readonly #record: Int32Array<ArrayBufferLike>;
  readonly #at: number;

  /**
   * @param record - if undefined, nobody else closes the socket
   * @throws {Error} with `code` EMFILE if the record is full
   */
  constructor(record: Int32Array<ArrayBufferLike> = new Int32Array(ENTRY_WORDS)) {
    let at = 0;
    while (at < record.length && record[at] !== 0) at += ENTRY_WORDS;
    if (at === record.length) throw Object.assign(new Error("a worker has too many sockets"), { code: "EMFILE" });
    this.#record = record;
    this.#at = at;
  }

  /**
   * Opens a socket.
   *
   * @param open - the system call; returns the descriptor, or -1 if it has failed
   * @returns what `open` returned
   */
  open(open: () => number): number {
    const record = this.#record;
    const at = this.#at;
    record[at + 1] = 0;
    // Not Atomics.store, because that is a function.
    record[at] = open() + 1;
    const fd = record[at]! - 1;
    if (fd >= 0) record[at + 1] = fileId(fd);
    return fd;
  }

  /** Closes the socket by the system call `close`. */
  close(close: () => void): void {
    const record = this.#record;
    const at = this.#at;
    close();
    record[at] = 0;
  }

  /** From now on Bun owns the socket, and closes it when this thread ends. */
  handOver(): void {
    Atomics.store(this.#record, this.#at, -Math.abs(this.#record[this.#at]!));
  }

  /** Removes a socket of Bun from the record. To be called before Bun closes it. */
  erase(): void {
    Atomics.store(this.#record, this.#at, 0);
  }
}

/** Closes the sockets that a terminated worker had recorded. Bun has closed its own. */
export function closeRecordedSockets(record: SocketRecord): void {
  for (let at = 0; at < record.length; at += ENTRY_WORDS) {
    const word = Atomics.exchange(record, at, 0);
    if (word > 0 && isFile(word - 1, record[at + 1]!)) closeSync(word - 1);
  }
}

/**
 * Closes all sockets that a stuck worker may still use, and redirects their descriptors to /dev/null. If it only closed a
 * descriptor, the next file that is opened would get the same number. A worker that wakes up would then read and write
 * that file.
 */
export function revokeRecordedSockets(record: SocketRecord): void {
  for (let at = 0; at < record.length; at += ENTRY_WORDS) {
    const word = Atomics.load(record, at);
    const fd = Math.abs(word) - 1;
    if (word === 0 || !isFile(fd, record[at + 1]!)) continue;
    const devNull = openSync("/dev/null", "r+");
    const id = fileId(devNull);
    // A second call finds /dev/null there already.
    if (record[at + 1] !== id) loadLibc().call.dup3(devNull, fd, O_CLOEXEC);
    closeSync(devNull);
    record[at + 1] = id;
  }
}

/** The inode numbers of a worker's sockets, by which the system's lists name them. */
export function recordedInodes(record: SocketRecord): number[] {
  const inodes: number[] = [];
  for (let at = 0, last = 0; at < record.length && at - last < PAGE_WORDS; at += ENTRY_WORDS) {
    const word = Atomics.load(record, at);
    if (word === 0) continue;
    last = at;
    const inode = inodeOf(Math.abs(word) - 1, record[at + 1]!);
    if (inode !== undefined) inodes.push(inode);
  }
  return inodes;
}

/** @param id - the recorded number */
function inodeOf(fd: number, id: number): number | undefined {
  try {
    return fileId(fd) === id ? fstatSync(fd).ino : undefined;
  } catch {
    return undefined;
  }
}

/** A number that identifies an open file, unlike its descriptor, which another file gets when it is closed. Never 0. */
function fileId(fd: number): number {
  const { dev, ino } = fstatSync(fd);
  return Math.imul(dev, 0x9e3779b1) ^ ino || 1;
}

/** @param id - the recorded number; 0 if the thread was terminated before it recorded it */
function isFile(fd: number, id: number): boolean {
  try {
    return fileId(fd) === id || id === 0;
  } catch {
    return false;
  }
}
