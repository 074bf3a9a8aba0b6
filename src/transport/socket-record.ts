/**
 * Closes the socket of a worker that has ended or is stuck. As long as that socket is open, the kernel delivers a share of
 * the packets to it, and they are lost.
 */
import { closeSync, fstatSync, openSync } from "node:fs";
import { loadLibc } from "./libc.ts";

export interface OpenSocket {
  readonly fd: number;
  /** Numbers by which the kernel identifies the socket. If they differ, the descriptor now belongs to another file. */
  readonly device: number;
  readonly inode: number;
}

/**
 * One shared word in which a worker records the socket that it owns: the descriptor + 1, or 0 for none. After the worker
 * was terminated, the main thread closes that socket. The worker sets the word as soon as the socket exists. It clears the
 * word before it closes the socket or hands it over to Bun, which then closes it.
 */
export type SocketRecord = Int32Array<SharedArrayBuffer>;

export function createSocketRecord(): SocketRecord {
  return new Int32Array(new SharedArrayBuffer(4));
}

/** The socket that a worker has recorded. */
export function recordedSocket(socketRecord: SocketRecord): OpenSocket | undefined {
  const word = Atomics.load(socketRecord, 0);
  return word === 0 ? undefined : socketOf(word - 1);
}

/** Closes the socket that a terminated worker had recorded. */
export function closeRecordedSocket(socketRecord: SocketRecord): void {
  const socket = recordedSocket(socketRecord);
  Atomics.store(socketRecord, 0, 0);
  if (socket !== undefined) closeSync(socket.fd);
}

/** The socket behind a descriptor of this process; undefined if the descriptor is closed. */
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
 * Closes a socket that a stuck worker may still use, and redirects its descriptor to /dev/null. If it only closed the
 * descriptor, the next file that is opened would get the same number. A worker that wakes up would then read and write
 * that file.
 */
export function revokeSocket(socket: OpenSocket): void {
  if (!isOpen(socket)) return;
  const devNull = openSync("/dev/null", "r+");
  loadLibc().call.dup2(devNull, socket.fd);
  closeSync(devNull);
}
