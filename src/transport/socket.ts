/**
 * UDP sockets made, set up and bound by system calls: what Bun.udpSocket does not let its users choose. Linux.
 *
 * Such a socket has no IP_RECVERR: a client that closed its port before its reply came makes no error here.
 */
import { type HostAddress, resolveHost } from "./host.ts";
import type { SocketNote } from "./leftover.ts";
import {
  AF_INET,
  AF_INET6,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  type Libc,
  loadLibc,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_RCVTIMEO,
  SO_REUSEPORT,
  SO_SNDBUF,
  SO_SNDBUFFORCE,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
  systemError,
} from "./libc.ts";

/**
 * How sockets share one port (SO_REUSEPORT), datagrams being spread over them: `first` takes the port for itself, fails if
 * anybody has it, and then opens it to those that `join`. Linux lets in the same user's sockets only.
 */
export type PortSharing = "first" | "join";

export interface SocketOptions {
  /** Address or name to listen on; `::` is every interface, IPv6 and IPv4. */
  readonly host: string;
  /** 0 takes one that is free. */
  readonly port: number;
  /** Without it the port is for this socket alone. */
  readonly reusePort?: PortSharing | undefined;
  /** Bytes for datagrams that wait, as SO_RCVBUF counts them. The system may grant less. */
  readonly receiveBuffer: number;
  /** A `recvmmsg` waits so long at most; without it the socket does not block. */
  readonly timeoutMs?: number;
  /** Where the socket is noted as long as it is to be closed by {@link BoundSocket.close}. */
  readonly note?: SocketNote | undefined;
}

export interface BoundSocket {
  readonly fd: number;
  readonly port: number;
  /** Its addresses are sockaddr_in; else sockaddr_in6. */
  readonly ipv4: boolean;
  /** Bytes granted. */
  readonly receiveBuffer: number;
  close(): void;
}

export const DEFAULT_RECEIVE_BUFFER = 8 << 20;
/** For replies that wait for the network, some 5,000: short ones count 768 bytes each, and the system grants twice this. */
const SEND_BUFFER = 2 << 20;
export const SOCKADDR_IN_SIZE = 16;
export const SOCKADDR_IN6_SIZE = 28;

/**
 * @throws {Error} the system's, with `code` (EADDRINUSE, EADDRNOTAVAIL, EACCES, EAFNOSUPPORT; ENOENT for an unknown name), or
 * that of `loadLibc`.
 */
export async function bindSocket(options: SocketOptions): Promise<BoundSocket> {
  const libc = loadLibc();
  const addresses = await resolveHost(options.host);
  for (const [i, address] of addresses.entries()) {
    try {
      return bindTo(libc, address, options);
    } catch (error) {
      // A name may stand for ::1 where IPv6 is switched off.
      const { code } = error as NodeJS.ErrnoException;
      const absent = code === "EAFNOSUPPORT" || code === "EADDRNOTAVAIL";
      if (!absent || i === addresses.length - 1) throw error;
    }
  }
  throw Object.assign(new Error(`the name ${options.host} has no address`), { code: "ENOENT" });
}

function bindTo(libc: Libc, address: HostAddress, options: SocketOptions): BoundSocket {
  const { ipv4 } = address;
  const { port, reusePort, receiveBuffer, timeoutMs, note } = options;
  const { call } = libc;
  const name = socketAddress(libc, address, port);
  const kind = SOCK_DGRAM | SOCK_CLOEXEC | (timeoutMs === undefined ? SOCK_NONBLOCK : 0);
  const fd = call.socket(ipv4 ? AF_INET : AF_INET6, kind, 0);
  // At once: this thread may be ended between any two calls.
  if (note !== undefined) note[0] = fd + 1;
  checked(libc, "socket", fd);
  const close = () => {
    if (note !== undefined) note[0] = 0;
    call.close(fd);
  };
  try {
    if (!ipv4) setOption(libc, fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (reusePort === "join") setOption(libc, fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (timeoutMs !== undefined) setReceiveTimeout(libc, fd, timeoutMs);
    setBuffer(libc, fd, SO_SNDBUF, SO_SNDBUFFORCE, SEND_BUFFER);
    setBuffer(libc, fd, SO_RCVBUF, SO_RCVBUFFORCE, receiveBuffer);
    checked(libc, "bind", call.bind(fd, name, name.length));
    // Only now: a bind with SO_REUSEPORT would share a port that another server of this user holds, and nobody would know.
    if (reusePort === "first") setOption(libc, fd, SOL_SOCKET, SO_REUSEPORT, 1);
    return {
      fd,
      port: port === 0 ? boundPort(libc, fd) : port,
      ipv4,
      receiveBuffer: bufferSize(libc, fd, SO_RCVBUF),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** A sockaddr_in or sockaddr_in6. */
export function socketAddress(libc: Libc, { ipv4, bytes, scope }: HostAddress, port: number): Uint8Array {
  const name = new Uint8Array(ipv4 ? SOCKADDR_IN_SIZE : SOCKADDR_IN6_SIZE);
  const view = new DataView(name.buffer);
  view.setUint16(0, ipv4 ? AF_INET : AF_INET6, true);
  view.setUint16(2, port);
  if (ipv4) name.set(bytes.subarray(12), 4);
  else {
    name.set(bytes, 8);
    view.setUint32(24, scopeId(libc, scope), true);
  }
  return name;
}

function scopeId(libc: Libc, scope: string): number {
  if (scope === "" || /^\d+$/.test(scope)) return Number(scope);
  const index = libc.call.if_nametoindex(new TextEncoder().encode(`${scope}\0`));
  if (index === 0) throw systemError("if_nametoindex", libc.errno());
  return index;
}

function boundPort(libc: Libc, fd: number): number {
  const name = new Uint8Array(SOCKADDR_IN6_SIZE);
  checked(libc, "getsockname", libc.call.getsockname(fd, name, Uint32Array.of(name.length)));
  return new DataView(name.buffer).getUint16(2);
}

function setOption(libc: Libc, fd: number, level: number, option: number, value: number): void {
  checked(libc, "setsockopt", libc.call.setsockopt(fd, level, option, Int32Array.of(value), 4));
}

/** struct timeval: seconds and microseconds, 64 bits each. */
function setReceiveTimeout(libc: Libc, fd: number, ms: number): void {
  const timeval = BigInt64Array.of(BigInt(Math.floor(ms / 1000)), BigInt(ms % 1000) * 1000n);
  checked(libc, "setsockopt", libc.call.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeval, timeval.byteLength));
}

/** Beyond the system's limit where this process may, up to it where it may not. */
function setBuffer(libc: Libc, fd: number, option: number, force: number, bytes: number): void {
  if (libc.call.setsockopt(fd, SOL_SOCKET, force, Int32Array.of(bytes), 4) === 0) return;
  setOption(libc, fd, SOL_SOCKET, option, bytes);
}

/** As it was asked for: Linux doubles that, for its own needs, and tells the double. */
function bufferSize(libc: Libc, fd: number, option: number): number {
  const value = Int32Array.of(0);
  checked(libc, "getsockopt", libc.call.getsockopt(fd, SOL_SOCKET, option, value, Int32Array.of(4)));
  return value[0]! >>> 1;
}

function checked(libc: Libc, name: string, result: number): number {
  if (result < 0) throw systemError(name, libc.errno());
  return result;
}
