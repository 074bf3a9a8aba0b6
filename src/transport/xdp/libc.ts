/** The functions of the C library that only this transport uses, and the constants of Linux for them. */
import type { Library } from "bun:ffi";
import { openLibrary } from "../libc.ts";

const SYMBOLS = {
  // The address may be 0: the kernel chooses it. Returns the address, or -1.
  mmap: { args: ["u64", "u64", "i32", "i32", "i32", "i64"], returns: "i64" },
  munmap: { args: ["u64", "u64"], returns: "i32" },
  getpagesize: { args: [], returns: "i32" },
  ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
  sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: "i32" },
} as const;

export type XdpLibrary = Library<typeof SYMBOLS>;

let loaded: XdpLibrary | undefined;

/** Loaded once per thread. Throws the errors of `loadLibc`. */
export function loadXdpLibrary(): XdpLibrary["symbols"] {
  loaded ??= openLibrary(process, SYMBOLS);
  return loaded.symbols;
}

export const AF_PACKET = 17;
export const AF_XDP = 44;
export const SOCK_RAW = 3;
export const SOL_XDP = 283;

/* mmap. */
export const PROT_READ_WRITE = 3;
export const MAP_SHARED = 0x01;
export const MAP_PRIVATE = 0x02;
export const MAP_FIXED = 0x10;
export const MAP_ANONYMOUS = 0x20;
export const MAP_POPULATE = 0x8000;

/** Numbers of the system call bpf(2). */
export const SYS_BPF: Readonly<Record<string, number>> = { x64: 321, arm64: 280 };
