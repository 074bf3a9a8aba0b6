/**
 * Sockets of threads that are gone, or are to have them no longer: as long as one is open, the kernel gives it its share of
 * the packets, which nobody takes.
 */
import { closeSync, fstatSync, openSync } from "node:fs";
import { loadLibc } from "./libc.ts";

export interface OpenSocket {
  readonly fd: number;
  /** The system's number for it: by that it can be told whether the descriptor has become another's. */
  readonly inode: number;
}

function inodeOf(fd: number): number | undefined {
  try {
    return fstatSync(fd).ino;
  } catch {
    // It is closed.
    return undefined;
  }
}

/** The socket behind a descriptor of this process; undefined if that is closed. */
export function socketOf(fd: number): OpenSocket | undefined {
  const inode = inodeOf(fd);
  return inode === undefined ? undefined : { fd, inode };
}

/** Closes a socket that its thread left open. */
export function release({ fd, inode }: OpenSocket): void {
  if (inodeOf(fd) === inode) closeSync(fd);
}

/**
 * Closes a socket that a thread may still use, and has its descriptor stand for /dev/null: a descriptor that was only closed
 * would be given to the next file, and the thread, should it wake, would read and write that.
 */
export function cutOff({ fd, inode }: OpenSocket): void {
  if (inodeOf(fd) !== inode) return;
  const nothing = openSync("/dev/null", "r+");
  loadLibc().call.dup2(nothing, fd);
  closeSync(nothing);
}
