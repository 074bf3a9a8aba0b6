/** Moves threads between network namespaces. Linux; needs root. */
import { dlopen } from "bun:ffi";
import { closeSync, openSync } from "node:fs";

const CLONE_NEWNET = 0x40000000;

/** Moves this thread to a network namespace for good. @param file - as in `/proc/PID/ns/net` */
export function enterNamespace(file: string): void {
  const { symbols, close } = dlopen("libc.so.6", { setns: { args: ["i32", "i32"], returns: "i32" } });
  const fd = openSync(file, "r");
  try {
    if (symbols.setns(fd, CLONE_NEWNET) !== 0) throw new Error(`cannot enter the network namespace ${file}`);
  } finally {
    closeSync(fd);
    close();
  }
}

/**
 * Calls `run` with this thread in a network namespace. A socket that it opens stays there. Synchronous: other tasks of the thread
 * must not run there.
 */
export function insideNamespace<T>(file: string, run: () => T): T {
  // Kept open: the name leads to the namespace in which the thread is.
  const own = openSync("/proc/thread-self/ns/net", "r");
  try {
    enterNamespace(file);
    try {
      return run();
    } finally {
      enterNamespace(`/proc/self/fd/${own}`);
    }
  } finally {
    closeSync(own);
  }
}
