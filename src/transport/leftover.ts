/**
 * Sockets of threads that are gone, or are to have them no longer: as long as one is open, the kernel gives it its share of
 * the packets, which nobody takes. Linux; elsewhere nothing is done, and the thread's end has to do.
 */
import { closeSync, openSync, readlinkSync } from "node:fs";
import { loadLibc } from "./libc.ts";

export interface OpenSocket {
  readonly fd: number;
  /** The system's name for it: by that it can be told whether the descriptor has become another's. */
  readonly name: string;
}

function nameOf(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}

/** The socket behind a descriptor of this process; undefined where the system does not tell. */
export function socketOf(fd: number): OpenSocket | undefined {
  const name = nameOf(fd);
  return name?.startsWith("socket:") ? { fd, name } : undefined;
}

/** Closes a socket that its thread left open. */
export function release({ fd, name }: OpenSocket): void {
  if (nameOf(fd) === name) closeSync(fd);
}

/**
 * Closes a socket that a thread may still use, and has its descriptor stand for /dev/null: a descriptor that was only closed
 * would be given to the next file, and the thread, should it wake, would read and write that.
 */
export function cutOff({ fd, name }: OpenSocket): void {
  if (nameOf(fd) !== name) return;
  const nothing = openSync("/dev/null", "r+");
  loadLibc().call.dup2(nothing, fd);
  closeSync(nothing);
}
