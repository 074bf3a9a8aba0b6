/** The functions of the C library that the journal needs, through bun:ffi. Only on Linux. */
import { dlopen, read } from "bun:ffi";

const SYMBOLS = {
  fcntl: { args: ["i32", "i32", "ptr"], returns: "i32" },
  clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
  __errno_location: { args: [], returns: "ptr" },
} as const;

export interface Libc {
  fcntl(descriptor: number, command: number, argument: BigInt64Array): number;
  clock_gettime(clock: number, time: BigInt64Array): number;
  /** The error number of the last call that returned -1. */
  errno(): number;
}

let loaded: Libc | null | undefined;

/** Undefined if the library cannot be loaded. */
export function libc(): Libc | undefined {
  loaded ??= load();
  return loaded ?? undefined;
}

function load(): Libc | null {
  if (process.platform !== "linux") return null;
  const musl = process.arch === "arm64" ? "libc.musl-aarch64.so.1" : "libc.musl-x86_64.so.1";
  for (const name of ["libc.so.6", musl]) {
    try {
      const { fcntl, clock_gettime, __errno_location } = dlopen(name, SYMBOLS).symbols;
      const error = __errno_location()!;
      return { fcntl, clock_gettime, errno: () => read.i32(error) };
    } catch {
      // Try the next name.
    }
  }
  return null;
}
