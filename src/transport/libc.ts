/**
 * The C library through bun:ffi, and the constants of Linux. They are for 64 bits, little-endian, and are the same for
 * glibc and musl.
 */
import { dlopen, type FFIFunction, type Library, read } from "bun:ffi";

export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_DGRAM = 2;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const SOL_SOCKET = 1;
export const SO_TYPE = 3;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_REUSEPORT = 15;
export const SO_RCVTIMEO = 20;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;
export const IPPROTO_IP = 0;
export const IP_PKTINFO = 8;
export const IPPROTO_IPV6 = 41;
export const IPV6_V6ONLY = 26;
export const IPV6_RECVPKTINFO = 49;
export const IPV6_FREEBIND = 78;
/** recvmsg had more control data than room for it. */
export const MSG_CTRUNC = 0x8;
/** recvmsg returns the real length of a datagram that it truncated. */
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
/** recvmmsg waits for the first datagram only. */
export const MSG_WAITFORONE = 0x10000;
export const F_SETFD = 2;
export const FD_CLOEXEC = 1;
export const O_CLOEXEC = 0o2000000;
export const F_GETFL = 3;
export const F_SETFL = 4;
export const F_DUPFD_CLOEXEC = 1030;
const CLOCK_MONOTONIC = 1;
export const EINTR = 4;
export const EAGAIN = 11;
export const EBUSY = 16;

/** By `process.arch`: file names of the C library (glibc, musl) and the numbers of two system calls. */
const PROCESSORS: Readonly<Record<string, { libraries: readonly string[]; recvmmsg: number; sendmmsg: number }>> = {
  x64: { libraries: ["libc.so.6", "libc.musl-x86_64.so.1"], recvmmsg: 299, sendmmsg: 307 },
  arm64: { libraries: ["libc.so.6", "libc.musl-aarch64.so.1"], recvmmsg: 243, sendmmsg: 269 },
};

const SYMBOLS = {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
  fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  getpeername: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  dup3: { args: ["i32", "i32", "i32"], returns: "i32" },
  if_indextoname: { args: ["u32", "ptr"], returns: "ptr" },
  if_nametoindex: { args: ["ptr"], returns: "u32" },
  getifaddrs: { args: ["ptr"], returns: "i32" },
  freeifaddrs: { args: ["ptr"], returns: "void" },
  // For recvmmsg and sendmmsg. The sixth argument is recvmmsg's timeout. musl's own sendmmsg is only a loop of sendmsg.
  syscall: { args: ["i64", "i32", "ptr", "u32", "i32", "ptr"], returns: "i32" },
  poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
  clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
  usleep: { args: ["u32"], returns: "i32" },
  prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
  madvise: { args: ["u64", "u64", "i32"], returns: "i32" },
  __errno_location: { args: [], returns: "ptr" },
} as const;

export interface Libc {
  /** Kept referenced, so that it is not garbage collected. */
  readonly library: Library<typeof SYMBOLS>;
  readonly call: Library<typeof SYMBOLS>["symbols"];
  /** The error number of the last call that returned -1. Read it at once: the next call may overwrite it. */
  errno(): number;
  /** System call numbers for `call.syscall`. */
  readonly recvmmsg: number;
  readonly sendmmsg: number;
}

/** The platform to load the C library for; tests pass others than the real one. */
export interface Platform {
  readonly platform: string;
  readonly arch: string;
  readonly libraries?: readonly string[];
}

let loaded: Libc | undefined;

/**
 * The C library. Loaded once per thread, because errno is per thread.
 *
 * @throws {Error} with `code` ENOTSUP if it is not available: not Linux, an unsupported processor, or bun:ffi failed
 */
export function loadLibc(): Libc {
  loaded ??= openLibc(process);
  return loaded;
}

/**
 * The system's monotonic clock in ms, the same in all threads. Without the C library: the system's time, but a step of it
 * has no effect within a thread.
 */
export function monotonicMs(): number {
  let libc: Libc;
  try {
    libc = loadLibc();
  } catch {
    return performance.timeOrigin + performance.now();
  }
  // struct timespec: seconds and nanoseconds.
  const time = new BigInt64Array(2);
  libc.call.clock_gettime(CLOCK_MONOTONIC, time);
  return Number(time[0]) * 1000 + Number(time[1]) / 1e6;
}

/** {@link loadLibc} for the given platform, not cached. */
export function openLibc(on: Platform): Libc {
  const library = openLibrary(on, SYMBOLS);
  const call = library.symbols;
  const location = call.__errno_location();
  if (location === null) throw unavailable("the C library has no errno");
  const { recvmmsg, sendmmsg } = PROCESSORS[on.arch]!;
  return { library, call, errno: () => read.i32(location), recvmmsg, sendmmsg };
}

/** Loads other functions of the C library. Throws the errors of {@link loadLibc}. */
export function openLibrary<Symbols extends Record<string, FFIFunction>>(on: Platform, symbols: Symbols) {
  const { platform, arch } = on;
  const processor = PROCESSORS[arch];
  if (platform !== "linux" || processor === undefined) {
    throw unavailable(`this is ${platform} on ${arch}, and it needs Linux on x64 or arm64`);
  }
  const reasons: string[] = [];
  for (const name of on.libraries ?? processor.libraries) {
    try {
      return dlopen(name, symbols);
    } catch (error) {
      reasons.push((error as Error).message.trim().split("\n")[0]!);
    }
  }
  throw unavailable(`bun:ffi cannot load the C library (${reasons.join("; ")})`);
}

export function unavailable(reason: string): Error {
  return Object.assign(new Error(`transports mmsg and xdp cannot run here: ${reason}; use --transport udp`), {
    code: "ENOTSUP",
  });
}

/** A system error like Node's, with `code` (EADDRINUSE, for instance), `errno` and `syscall`. */
export function systemError(syscall: string, errno: number): NodeJS.ErrnoException {
  // Loaded on use: each thread of a server loads this file.
  const code = process.getBuiltinModule("node:util").getSystemErrorName(-errno);
  return Object.assign(new Error(`${syscall} ${code}`), { code, errno, syscall });
}
