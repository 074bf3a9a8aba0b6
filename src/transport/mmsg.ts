/**
 * The transport for high load, on Linux. `recvmmsg` writes datagrams and their sources directly into the engine's
 * slots, and `sendmmsg` sends the replies from there: nothing is copied or allocated in user space.
 *
 * The thread blocks for up to 100 ms: in `recvmmsg` if it has one socket, else in `poll`. After each batch it checks whether
 * it should stop, and from time to time it returns to the event loop to receive messages. A reply leaves from the address
 * that was asked: because its socket is bound to that one (local-sockets.ts), or by control data (asked-addresses.ts).
 */
import { ptr } from "bun:ffi";
import { type Binding, openHosts } from "./hosts.ts";
import { SocketLanes } from "./lanes.ts";
import { type Libc, loadLibc, MSG_DONTWAIT, systemError, unavailable } from "./libc.ts";
import { LocalSockets } from "./local-sockets.ts";
import { Naps } from "./naps.ts";
import { type BoundSocket, DEFAULT_RECEIVE_BUFFER } from "./socket.ts";
import type { Transport, TransportOptions } from "./transport.ts";

/** The longest wait for a datagram: an idle thread checks this often whether it should stop. */
const IDLE_MS = 100;
/**
 * Batches per turn of the event loop. A turn costs as much as one or two packets. That is too much for every batch,
 * because a batch may have only one packet.
 */
const BATCHES_PER_TURN = 256;
/** A turn of few batches ends after this time: otherwise messages would wait for many seconds. */
const TURN_MS = 100;

/**
 * Opens the transport.
 *
 * @throws {Error} a system error with `code` (EADDRINUSE, for instance) and `host` if a socket cannot be bound; with `code`
 * ENOTSUP where this transport cannot run
 */
export async function openMmsg(options: TransportOptions): Promise<Transport> {
  return (await openSocketLanes(options)).transport;
}

/** {@link openMmsg}, with the lanes: the transport xdp adds another one. */
export async function openSocketLanes(
  options: TransportOptions,
): Promise<{ transport: Transport; lanes: SocketLanes }> {
  const { hosts, port, given = [], reusePort = "first", slots, processBatch, shouldStop, onEnd } = options;
  const { receiveBuffer = DEFAULT_RECEIVE_BUFFER, socketRecord, coalesce = 0 } = options;
  const libc = loadLibc();
  const lanes = new SocketLanes(libc, slots, IDLE_MS);
  const open = async (binding: Binding) =>
    lanes.open({ ...binding, receiveBuffer, socketRecord, reportAddresses: true });
  const sockets = given.length > 0 ? openGiven() : await openHosts({ hosts, port, reusePort }, open);
  // A socket for one address would take packets from a given one, and those would be lost when it is closed.
  const local = new LocalSockets({ sockets: given.length > 0 ? [] : sockets, open, warn: options.onWarning });
  const closeAll = () => {
    local.close();
    for (const socket of sockets) socket.close();
  };

  function openGiven(): BoundSocket[] {
    const opened: BoundSocket[] = [];
    try {
      for (const fd of given) opened.push(lanes.openGiven(fd, socketRecord));
      return opened;
    } catch (error) {
      for (const socket of opened) socket.close();
      throw error;
    }
  }

  probe(libc, sockets[0]!, closeAll);
  await local.look();
  const naps = new Naps(libc, coalesce, slots.batch);
  let running = false;
  let closed = false;

  function run(): void {
    if (closed) return;
    let error: Error | undefined;
    let stopped = false;
    running = true;
    const turnEnd = performance.now() + TURN_MS;
    try {
      for (let left = BATCHES_PER_TURN; left > 0 && !closed && !stopped; left--) {
        const lane = lanes.next();
        // The only socket waits in its receive, which saves a system call.
        const count = lane === undefined ? 0 : lane.receive(lanes.count === 1);
        if (count > 0) {
          processBatch(count);
          lane!.reply(count);
          naps.after(count);
        }
        // Idle: return to the event loop.
        else left = 0;
        if (performance.now() > turnEnd) left = 0;
        stopped = shouldStop();
      }
    } catch (cause) {
      error = cause as Error;
      stopped = true;
    }
    running = false;
    if (!stopped && !closed) {
      void local.look();
      setImmediate(run);
      return;
    }
    const ended = closed;
    closed = true;
    end(error);
    if (!ended) onEnd(error);
  }

  /** Handles what waits in the sockets, then closes them. */
  function end(error?: Error): void {
    try {
      if (error === undefined) lanes.drain(processBatch);
    } finally {
      closeAll();
    }
  }

  // Deferred, so that the caller gets the transport before the first batch.
  setImmediate(run);
  const transport: Transport = {
    port: sockets[0]!.port,
    // Of several given sockets, some may have the same address.
    addresses: [...new Set(sockets.map(({ address }) => address.text))],
    receiveBuffer: Math.min(...sockets.map((socket) => socket.receiveBuffer)),
    close() {
      if (closed) return;
      closed = true;
      if (!running) end();
    },
  };
  return { transport, lanes };
}

/** Tries both system calls with no datagrams: a kernel may lack them, or a sandbox may forbid them. */
function probe({ call, errno, recvmmsg, sendmmsg }: Libc, { fd }: BoundSocket, close: () => void): void {
  // QEMU reads from the pointer although the number of datagrams is 0, so it must be valid.
  const none = new BigUint64Array(8);
  for (const [name, number] of Object.entries({ recvmmsg, sendmmsg })) {
    if (call.syscall(number, fd, ptr(none), 0, MSG_DONTWAIT, null) === 0) continue;
    const { message } = systemError(name, errno());
    close();
    throw unavailable(message);
  }
}
