/**
 * Sockets that another program has bound and handed over, such as those of systemd's socket activation. They are never closed or
 * connected: that program keeps them open, so packets wait in them while a server restarts. Linux.
 */
import { type HostAddress, isWildcard, parseAddress } from "./host.ts";
import {
  AF_INET,
  AF_INET6,
  F_DUPFD_CLOEXEC,
  F_GETFL,
  F_SETFD,
  F_SETFL,
  FD_CLOEXEC,
  type Libc,
  loadLibc,
  SO_RCVBUF,
  SO_TYPE,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
} from "./libc.ts";
import { ipv6Text } from "./local-addresses.ts";
import {
  type BoundSocket,
  bufferSize,
  checked,
  reportAddresses,
  SOCKADDR_IN6_SIZE,
  setReceiveTimeout,
} from "./socket.ts";
import { SocketEntry, type SocketRecord } from "./socket-record.ts";

/** Where a given socket is bound. */
export interface GivenSocket {
  readonly fd: number;
  readonly address: HostAddress;
  readonly port: number;
}

/** {@link describeGivenSocket} for several, which must be on one port. Throws the same errors. */
export function describeGivenSockets(fds: readonly number[]): GivenSocket[] {
  const sockets = fds.map((fd) => describeGivenSocket(fd));
  const ports = [...new Set(sockets.map(({ port }) => port))];
  if (ports.length > 1) throw new Error(`they are on the ports ${ports.join(" and ")}, and must be on one`);
  return sockets;
}

/**
 * Finds out where a given socket is bound. From now on processes that this one starts do not inherit it.
 *
 * @throws {Error} with a text for people, if it is no bound UDP socket; or an error of `loadLibc`
 */
function describeGivenSocket(fd: number, libc: Libc = loadLibc()): GivenSocket {
  const { call } = libc;
  const type = Int32Array.of(0);
  const isSocket = call.getsockopt(fd, SOL_SOCKET, SO_TYPE, type, Int32Array.of(4)) === 0;
  const name = new Uint8Array(SOCKADDR_IN6_SIZE);
  const view = new DataView(name.buffer);
  if (isSocket) call.getsockname(fd, name, Uint32Array.of(name.length));
  const family = view.getUint16(0, true);
  const port = view.getUint16(2);
  if (type[0] !== SOCK_DGRAM || (family !== AF_INET && family !== AF_INET6) || port === 0) {
    throw new Error(`descriptor ${fd} is no UDP socket with a port (in a socket unit it needs ListenDatagram=)`);
  }
  if (call.getpeername(fd, name.slice(), Uint32Array.of(name.length)) === 0) {
    throw new Error(`descriptor ${fd} is connected, so it hears one address only: pass a socket that is only bound`);
  }
  call.fcntl(fd, F_SETFD, FD_CLOEXEC);
  return { fd, address: parseAddress(family === AF_INET ? name.slice(4, 8).join(".") : ipv6(view)), port };
}

/** The address of a sockaddr_in6. */
function ipv6(name: DataView): string {
  const scope = name.getUint32(24, true);
  return ipv6Text((i) => name.getUint16(8 + 2 * i)) + (scope === 0 ? "" : `%${scope}`);
}

/**
 * Which of the given sockets a worker serves. Of the sockets with one address (SO_REUSEPORT) each is served by one worker, and
 * if there are fewer than workers, workers share them. So every worker serves every address.
 *
 * @param worker - from 0 on
 */
export function givenSocketsOf(worker: number, workers: number, sockets: readonly GivenSocket[]): number[] {
  const byAddress = Map.groupBy(sockets, ({ address }) => address.text);
  return [...byAddress.values()].flatMap((same) => {
    if (same.length < workers) return same[worker % same.length]!.fd;
    return same.filter((_, i) => i % workers === worker).map(({ fd }) => fd);
  });
}

/**
 * Opens a given socket for a worker: a descriptor of its own, which is closed with the worker.
 *
 * @param timeoutMs - the longest wait of a `recvmmsg`, for all workers that share the socket
 * @throws {Error} a system error
 */
export function openGivenSocket(
  given: number,
  timeoutMs: number,
  socketRecord: SocketRecord | undefined,
  libc: Libc = loadLibc(),
): BoundSocket {
  const { call } = libc;
  const { address, port } = describeGivenSocket(given, libc);
  const entry = new SocketEntry(socketRecord);
  const open = () => call.fcntl(given, F_DUPFD_CLOEXEC, 0);
  const fd = checked(libc, "fcntl", entry.open(open));
  const close = () => entry.close(() => call.close(fd));
  try {
    call.fcntl(fd, F_SETFL, checked(libc, "fcntl", call.fcntl(fd, F_GETFL, 0)) & ~SOCK_NONBLOCK);
    setReceiveTimeout(libc, fd, timeoutMs);
    const reportsAddresses = isWildcard(address);
    if (reportsAddresses) reportAddresses(libc, fd, address.ipv4);
    const receiveBuffer = bufferSize(libc, fd, SO_RCVBUF);
    return { fd, port, address, ipv4: address.ipv4, reportsAddresses, receiveBuffer, entry, given: true, close };
  } catch (error) {
    close();
    throw error;
  }
}
