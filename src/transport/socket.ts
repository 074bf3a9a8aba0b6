/**
 * Opens and binds UDP sockets by system calls, with options that Bun.udpSocket does not offer. Linux.
 *
 * The option IP_RECVERR is off. So if a client closes its port before its reply arrives, the ICMP error of that client is
 * not reported.
 */
import { type HostAddress, isWildcard, parseAddress } from "./host.ts";
import {
  AF_INET,
  AF_INET6,
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_FREEBIND,
  IPV6_RECVPKTINFO,
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
import { SocketEntry, type SocketRecord } from "./socket-record.ts";

/**
 * How sockets share one port (SO_REUSEPORT): the kernel spreads datagrams over them. `first` binds the port and fails if
 * another socket has it. After that, other sockets can `join`; Linux allows that only to sockets of the same user.
 */
export type PortSharing = "first" | "join";

export interface SocketOptions {
  readonly address: HostAddress;
  /** 0 takes a free port. */
  readonly port: number;
  /** If undefined, the port is not shared. */
  readonly reusePort?: PortSharing | undefined;
  /** Size of the receive buffer in bytes, as SO_RCVBUF counts them. The system may grant less. */
  readonly receiveBuffer: number;
  /** The longest wait of a `recvmmsg`. If undefined, the socket is non-blocking. */
  readonly timeoutMs?: number;
  /**
   * If the socket is bound to every address, the kernel reports with each datagram which one it was sent to; see
   * {@link AskedAddresses}.
   */
  readonly reportAddresses?: boolean;
  /** The socket is recorded here until {@link BoundSocket.close} closes it. */
  readonly socketRecord?: SocketRecord | undefined;
}

export interface BoundSocket {
  readonly fd: number;
  readonly port: number;
  readonly address: HostAddress;
  /** `true`: addresses are in the format sockaddr_in. `false`: sockaddr_in6. */
  readonly ipv4: boolean;
  /** Whether the kernel reports the address that each datagram was sent to. */
  readonly reportsAddresses: boolean;
  /** Size of the receive buffer that the system granted, in bytes. */
  readonly receiveBuffer: number;
  /** The socket in the record of the options. */
  readonly entry: SocketEntry;
  /** Whether another program has bound it and keeps it open; see given-sockets.ts. */
  readonly given: boolean;
  close(): void;
}

export const DEFAULT_RECEIVE_BUFFER = 8 << 20;
/** Room for about 5,000 replies: the kernel counts 768 bytes for a short one, and grants twice the requested size. */
const SEND_BUFFER = 2 << 20;
/** TCP port multiplexer: UDP does not use this port. */
const NO_SENDER_PORT = 1;
export const SOCKADDR_IN_SIZE = 16;
export const SOCKADDR_IN6_SIZE = 28;

/**
 * Opens a socket and binds it.
 *
 * @throws {Error} a system error with `code` (EADDRINUSE, EADDRNOTAVAIL, EACCES, EAFNOSUPPORT; ENODEV for an unknown zone),
 *   or an error of `loadLibc`
 */
export function bindSocket(options: SocketOptions, libc: Libc = loadLibc()): BoundSocket {
  const { address, port, reusePort, receiveBuffer, timeoutMs, socketRecord } = options;
  const { ipv4 } = address;
  const reportsAddresses = options.reportAddresses === true && isWildcard(address);
  const { call } = libc;
  const name = socketAddress(libc, address, port);
  const kind = SOCK_DGRAM | SOCK_CLOEXEC | (timeoutMs === undefined ? SOCK_NONBLOCK : 0);
  const entry = new SocketEntry(socketRecord);
  const open = () => call.socket(ipv4 ? AF_INET : AF_INET6, kind, 0);
  const fd = checked(libc, "socket", entry.open(open));
  const close = () => entry.close(() => call.close(fd));
  try {
    if (!ipv4) setOption(libc, fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (reusePort === "join") setOption(libc, fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (timeoutMs !== undefined) setReceiveTimeout(libc, fd, timeoutMs);
    if (reportsAddresses) reportAddresses(libc, fd, ipv4);
    setBuffer(libc, fd, SO_SNDBUF, SO_SNDBUFFORCE, SEND_BUFFER);
    setBuffer(libc, fd, SO_RCVBUF, SO_RCVBUFFORCE, receiveBuffer);
    checked(libc, "bind", call.bind(fd, name, name.length));
    // Not before the bind: with SO_REUSEPORT, it would succeed even if another server of this user has the port.
    if (reusePort === "first") setOption(libc, fd, SOL_SOCKET, SO_REUSEPORT, 1);
    return {
      fd,
      port: port === 0 ? boundPort(libc, fd) : port,
      address,
      ipv4,
      reportsAddresses,
      receiveBuffer: bufferSize(libc, fd, SO_RCVBUF),
      entry,
      given: false,
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Has the kernel report with each datagram which address of this host it was sent to. */
export function reportAddresses(libc: Libc, fd: number, ipv4: boolean): void {
  if (ipv4) {
    setOption(libc, fd, IPPROTO_IP, IP_PKTINFO, 1);
    return;
  }
  setOption(libc, fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  // Allows replies from addresses that are local only by a route (AnyIP). Not checked: old kernels do not have this option.
  libc.call.setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, Int32Array.of(1), 4);
}

/** The address as a sockaddr_in or sockaddr_in6. */
export function socketAddress(libc: Libc, { ipv4, bytes, zone }: HostAddress, port: number): Uint8Array {
  const name = new Uint8Array(ipv4 ? SOCKADDR_IN_SIZE : SOCKADDR_IN6_SIZE);
  const view = new DataView(name.buffer);
  view.setUint16(0, ipv4 ? AF_INET : AF_INET6, true);
  view.setUint16(2, port);
  if (ipv4) name.set(bytes.subarray(12), 4);
  else {
    name.set(bytes, 8);
    view.setUint32(24, zoneId(libc, zone), true);
  }
  return name;
}

/** The number of the interface that a zone names by its name or number; 0 for none. @throws {Error} a system error */
export function zoneId(libc: Libc, zone: string): number {
  if (zone === "" || /^\d+$/.test(zone)) return Number(zone);
  const index = libc.call.if_nametoindex(new TextEncoder().encode(`${zone}\0`));
  if (index === 0) throw systemError("if_nametoindex", libc.errno());
  return index;
}

/**
 * Stops the delivery of new datagrams to a socket; those that wait in it can still be read. Its share goes to the other sockets
 * on the port, in this process or another one. Without this, whatever arrives between the last read and the close would be lost.
 *
 * It connects the socket to a port from which nobody sends: a connected socket receives from its peer only. If the system
 * refuses that, datagrams are delivered until the socket is closed.
 */
export function detachSocket({ fd, address, ipv4 }: BoundSocket, libc: Libc = loadLibc()): void {
  const peers = isWildcard(address) ? (ipv4 ? ["127.0.0.1"] : ["::1", "::ffff:127.0.0.1"]) : [address.text];
  peers.some((text) => {
    const name = socketAddress(libc, { ...parseAddress(text), ipv4 }, NO_SENDER_PORT);
    return libc.call.connect(fd, name, name.length) === 0;
  });
}

function boundPort(libc: Libc, fd: number): number {
  const name = new Uint8Array(SOCKADDR_IN6_SIZE);
  checked(libc, "getsockname", libc.call.getsockname(fd, name, Uint32Array.of(name.length)));
  return new DataView(name.buffer).getUint16(2);
}

function setOption(libc: Libc, fd: number, level: number, option: number, value: number): void {
  checked(libc, "setsockopt", libc.call.setsockopt(fd, level, option, Int32Array.of(value), 4));
}

/** SO_RCVTIMEO takes a struct timeval: seconds and microseconds, 64 bits each. */
export function setReceiveTimeout(libc: Libc, fd: number, ms: number): void {
  const timeval = BigInt64Array.of(BigInt(Math.floor(ms / 1000)), BigInt(ms % 1000) * 1000n);
  checked(libc, "setsockopt", libc.call.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeval, timeval.byteLength));
}

/** Limits a receive buffer. Sockets that a listener accepts have its size. */
export function setReceiveBuffer(libc: Libc, fd: number, bytes: number): void {
  setOption(libc, fd, SOL_SOCKET, SO_RCVBUF, bytes);
}

/** Sets a buffer size. Only a process with the privilege (CAP_NET_ADMIN) can exceed the system's limit. */
export function setBuffer(libc: Libc, fd: number, option: number, force: number, bytes: number): void {
  if (libc.call.setsockopt(fd, SOL_SOCKET, force, Int32Array.of(bytes), 4) === 0) return;
  setOption(libc, fd, SOL_SOCKET, option, bytes);
}

/**
 * The buffer size in the unit in which it is requested. Linux doubles a requested size, for its own overhead, and returns
 * the double.
 */
export function bufferSize(libc: Libc, fd: number, option: number): number {
  const value = Int32Array.of(0);
  checked(libc, "getsockopt", libc.call.getsockopt(fd, SOL_SOCKET, option, value, Int32Array.of(4)));
  return value[0]! >>> 1;
}

export function checked(libc: Libc, name: string, result: number): number {
  if (result < 0) throw systemError(name, libc.errno());
  return result;
}
