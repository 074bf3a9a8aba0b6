/**
 * Opens Bun UDP sockets: on a descriptor bound by the system calls of socket.ts, or, where those are not available, by
 * Bun itself.
 */
import { isIP } from "node:net";
import { resolveHost } from "./host.ts";
import { type BoundSocket, bindSocket, DEFAULT_RECEIVE_BUFFER } from "./socket.ts";
import type { TransportOptions } from "./transport.ts";

type Handlers = Bun.udp.SocketHandler<"buffer">;

export interface BunSocket {
  readonly socket: Bun.udp.Socket<"buffer">;
  /** The numeric address that it is bound to, with its zone if it has one. */
  readonly address: string;
  /** Size of the receive buffer that the system granted, in bytes; undefined if Bun opened the socket. */
  readonly receiveBuffer: number | undefined;
  close(): void;
}

/** Options that Bun 1.4.5 accepts but does not document. */
interface Undocumented {
  /** Descriptor of a bound socket. Bun takes it over and closes it. */
  fd?: number;
  flags?: number;
}

/** SO_REUSEPORT in `flags`. Bun accepts `reusePort: true` too, but ignores it. */
const REUSE_PORT = 4;

/**
 * Opens a bound socket. Where system calls are available it has the requested receive buffer and no IP_RECVERR, so an
 * ICMP error that one client caused does not make a send to another client fail.
 *
 * @throws {Error} a system error with `code` if the socket cannot be bound
 */
export async function openBunSocket(options: TransportOptions, handlers: Handlers): Promise<BunSocket> {
  const { host, port, reusePort, receiveBuffer = DEFAULT_RECEIVE_BUFFER, socketRecord } = options;
  let bound: BoundSocket;
  try {
    bound = await bindSocket({ host, port, reusePort, receiveBuffer, socketRecord });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOTSUP") throw error;
    return openOwnSocket(options, handlers);
  }
  try {
    const opening = open({ fd: bound.fd }, handlers);
    bound.entry?.handOver();
    const socket = await opening;
    const close = () => {
      bound.entry?.erase();
      socket.close();
    };
    return { socket, address: bound.address, receiveBuffer: bound.receiveBuffer, close };
  } catch (error) {
    bound.close();
    throw error;
  }
}

/** {@link openBunSocket} without system calls. */
export async function openOwnSocket(options: TransportOptions, handlers: Handlers): Promise<BunSocket> {
  const { host: hostname, reusePort } = options;
  // Bun resolves names itself. This call is for its clear errors.
  await resolveHost(hostname);
  let { port } = options;
  if (reusePort === "first") {
    // A bind with SO_REUSEPORT would silently share a port that another server of this user holds. A bind without it
    // fails in that case, so it comes first. Race: between the two binds another process may take the port.
    const probe = await open({ hostname, port }, {});
    ({ port } = probe);
    probe.close();
  }
  const socket = await open({ hostname, port, ...(reusePort !== undefined && { flags: REUSE_PORT }) }, handlers);
  const address = isIP(hostname) !== 0 ? hostname : socket.address.address;
  return { socket, address, receiveBuffer: undefined, close: () => socket.close() };
}

function open(
  where: Bun.udp.SocketOptions<"buffer"> & Undocumented,
  socket: Handlers,
): Promise<Bun.udp.Socket<"buffer">> {
  return Bun.udpSocket({ ...where, socket });
}
