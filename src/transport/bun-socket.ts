/**
 * Opens Bun UDP sockets: on a descriptor bound by the system calls of socket.ts, or, where those are not available, by
 * Bun itself.
 */
import type { Binding, Opened } from "./hosts.ts";
import { type BoundSocket, bindSocket } from "./socket.ts";
import type { SocketRecord } from "./socket-record.ts";

type Handlers = Bun.udp.SocketHandler<"buffer">;

export interface BunSocket extends Opened {
  readonly socket: Bun.udp.Socket<"buffer">;
  /** Size of the receive buffer that the system granted, in bytes; undefined if Bun opened the socket. */
  readonly receiveBuffer: number | undefined;
  /** The socket for system calls; undefined if Bun opened it. */
  readonly bound: BoundSocket | undefined;
}

export interface BunBinding extends Binding {
  readonly receiveBuffer: number;
  readonly socketRecord?: SocketRecord | undefined;
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
export async function openBunSocket(binding: BunBinding, handlers: Handlers): Promise<BunSocket> {
  let bound: BoundSocket;
  try {
    bound = bindSocket(binding);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOTSUP") throw error;
    return openOwnSocket(binding, handlers);
  }
  const { port, address, receiveBuffer, entry } = bound;
  try {
    const opening = open({ fd: bound.fd }, handlers);
    entry.handOver();
    const socket = await opening;
    let recorded = true;
    const close = () => {
      // Once only: afterwards the entry may be another socket's.
      if (recorded) entry.erase();
      recorded = false;
      if (!socket.closed) socket.close();
    };
    return { socket, port, address, receiveBuffer, bound, close };
  } catch (error) {
    bound.close();
    throw error;
  }
}

/** {@link openBunSocket} without system calls. */
export async function openOwnSocket(binding: BunBinding, handlers: Handlers): Promise<BunSocket> {
  const { address, reusePort } = binding;
  const hostname = address.text;
  let { port } = binding;
  if (reusePort === "first") {
    // A bind with SO_REUSEPORT would silently share a port that another server of this user holds. A bind without it
    // fails in that case, so it comes first. Race: between the two binds another process may take the port.
    const probe = await open({ hostname, port }, {});
    ({ port } = probe);
    probe.close();
  }
  const socket = await open({ hostname, port, flags: REUSE_PORT }, handlers);
  return {
    socket,
    port: socket.port,
    address,
    receiveBuffer: undefined,
    bound: undefined,
    close: () => socket.close(),
  };
}

function open(
  where: Bun.udp.SocketOptions<"buffer"> & Undocumented,
  socket: Handlers,
): Promise<Bun.udp.Socket<"buffer">> {
  return Bun.udpSocket({ ...where, socket });
}
