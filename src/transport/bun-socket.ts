/** The sockets of Bun.udpSocket: made by the system calls of socket.ts and adopted, or, where there are none, Bun's own. */
import { type BoundSocket, bindSocket, DEFAULT_RECEIVE_BUFFER } from "./socket.ts";
import type { TransportOptions } from "./transport.ts";

type Handlers = Bun.udp.SocketHandler<"buffer">;

export interface BunSocket {
  readonly socket: Bun.udp.Socket<"buffer">;
  /** Bytes granted for datagrams that wait; undefined where Bun does not tell. */
  readonly receiveBuffer: number | undefined;
  /** Its descriptor, if it was adopted. */
  readonly fd: number | undefined;
}

/** What Bun 1.4.5 takes without saying so. */
interface Undocumented {
  /** A socket that is bound already; Bun closes it. */
  fd?: number;
  flags?: number;
}

/** Of `flags`: SO_REUSEPORT. `reusePort: true` is taken, and ignored. */
const REUSE_PORT = 4;

/**
 * An adopted socket has the receive buffer asked for, and no IP_RECVERR: what one client did makes no error in the sending to
 * another.
 *
 * @throws {Error} the system's, with `code`, if it cannot be bound.
 */
export async function openBunSocket(options: TransportOptions, handlers: Handlers): Promise<BunSocket> {
  const { host, port, reusePort, receiveBuffer = DEFAULT_RECEIVE_BUFFER, note } = options;
  let bound: BoundSocket;
  try {
    bound = await bindSocket({ host, port, reusePort, receiveBuffer, note });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOTSUP") throw error;
    return openOwnSocket(options, handlers);
  }
  try {
    // Once it is Bun's, Bun closes it when this thread ends.
    if (note !== undefined) note[0] = 0;
    const socket = await open({ fd: bound.fd }, handlers);
    return { socket, receiveBuffer: bound.receiveBuffer, fd: bound.fd };
  } catch (error) {
    bound.close();
    throw error;
  }
}

/** {@link openBunSocket} where there are no system calls to be had. */
export async function openOwnSocket(options: TransportOptions, handlers: Handlers): Promise<BunSocket> {
  const { host: hostname, reusePort } = options;
  let { port } = options;
  if (reusePort === "first") {
    // A bind with SO_REUSEPORT shares a port that another server of this user holds: one without it tells. In the moment
    // between the two somebody may take the port, and share it if he asked for that as well.
    const probe = await open({ hostname, port }, {});
    ({ port } = probe);
    probe.close();
  }
  const socket = await open({ hostname, port, ...(reusePort !== undefined && { flags: REUSE_PORT }) }, handlers);
  return { socket, receiveBuffer: undefined, fd: undefined };
}

function open(
  where: Bun.udp.SocketOptions<"buffer"> & Undocumented,
  socket: Handlers,
): Promise<Bun.udp.Socket<"buffer">> {
  return Bun.udpSocket({ ...where, socket });
}
