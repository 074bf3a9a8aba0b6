/**
 * Sockets of threads that are gone, or are to have them no longer: as long as one is open, the kernel gives it its share of
 * the packets, which nobody takes.
 */
import { closeSync, fstatSync, openSync } from "node:fs";
import { loadLibc } from "./libc.ts";

export interface OpenSocket {
  readonly fd: number;
  /** The system's numbers for it: by these it can be told whether the descriptor has become another's. */
  readonly device: number;
  readonly inode: number;
}

/**
 * One word in which a thread keeps the socket that it has to close, for who ends it: the descriptor + 1, or 0. It is written as
 * soon as there is a socket, and cleared before that is closed or given to another owner.
 */
export type SocketNote = Int32Array<SharedArrayBuffer>;

export function createSocketNote(): SocketNote {
  return new Int32Array(new SharedArrayBuffer(4));
}

/** The socket that a thread has noted. */
export function notedSocket(note: SocketNote): OpenSocket | undefined {
  const word = Atomics.load(note, 0);
  return word === 0 ? undefined : socketOf(word - 1);
}

/** Closes the socket that a thread had noted when it ended. */
export function releaseNoted(note: SocketNote): void {
  const socket = notedSocket(note);
  Atomics.store(note, 0, 0);
  if (socket !== undefined) closeSync(socket.fd);
}

/** The socket behind a descriptor of this process; undefined if that is closed. */
export function socketOf(fd: number): OpenSocket | undefined {
  try {
    const { dev, ino } = fstatSync(fd);
    return { fd, device: dev, inode: ino };
  } catch {
    return undefined;
  }
}

function isOpen({ fd, device, inode }: OpenSocket): boolean {
  const now = socketOf(fd);
  return now?.device === device && now.inode === inode;
}

/**
 * Closes a socket that a thread may still use, and has its descriptor stand for /dev/null: a descriptor that was only closed
 * would be given to the next file, and the thread, should it wake, would read and write that.
 */
export function cutOff(socket: OpenSocket): void {
  if (!isOpen(socket)) return;
  const nothing = openSync("/dev/null", "r+");
  loadLibc().call.dup2(nothing, socket.fd);
  closeSync(nothing);
}
