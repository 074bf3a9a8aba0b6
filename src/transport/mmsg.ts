/**
 * The transport for high load, on Linux. `recvmmsg` writes datagrams and their sources directly into the engine's
 * slots, and `sendmmsg` sends the replies from there: nothing is copied or allocated in user space.
 *
 * The thread blocks in `recvmmsg` for up to 100 ms. After each batch it checks whether it should stop, and from time to
 * time it returns to the event loop to receive messages.
 */
import { ptr } from "bun:ffi";
import {
  IPV4_MAPPED,
  MAX_PACKET,
  SLOT_LENGTH,
  SLOT_PACKET,
  SLOT_REPLY,
  SLOT_REPLY_LENGTH,
  SLOT_SIZE,
  SLOT_SOURCE,
  SOURCE_ADDRESS,
} from "../../assembly/layout.ts";
import { Datagrams } from "./datagrams.ts";
import {
  EAGAIN,
  EINTR,
  type Libc,
  loadLibc,
  MSG_DONTWAIT,
  MSG_TRUNC,
  MSG_WAITFORONE,
  systemError,
  unavailable,
} from "./libc.ts";
import { type BoundSocket, bindSocket, DEFAULT_RECEIVE_BUFFER, SOCKADDR_IN_SIZE, SOCKADDR_IN6_SIZE } from "./socket.ts";
import type { Slots, Transport, TransportOptions } from "./transport.ts";

/** The longest wait for a datagram: an idle thread checks this often whether it should stop. */
const IDLE_MS = 100;
/**
 * Batches per turn of the event loop. A turn costs as much as one or two packets. That is too much for every batch,
 * because a batch may have only one packet.
 */
const BATCHES_PER_TURN = 256;
/** The transport ends after this many failed receives in a row. An error that the network causes makes only one fail. */
const MAX_FAILURES = 64;

const SLOT_WORDS = SLOT_SIZE >>> 2;
const LENGTH_WORD = SLOT_LENGTH >>> 2;
const REPLY_LENGTH_WORD = SLOT_REPLY_LENGTH >>> 2;
/** The address in struct sockaddr_in. (The port is at the same offset as in sockaddr_in6.) */
const IPV4_WORD = (SLOT_SOURCE + 4) >>> 2;
const ADDRESS_WORD = (SLOT_SOURCE + SOURCE_ADDRESS) >>> 2;

/**
 * Opens the transport.
 *
 * @throws {Error} a system error with `code` (EADDRINUSE, for instance) if the socket cannot be bound; with `code`
 * ENOTSUP where this transport cannot run
 */
export async function openMmsg(options: TransportOptions): Promise<Transport> {
  const { slots, processBatch, shouldStop, onEnd } = options;
  const libc = loadLibc();
  const socket = await bindSocket({
    host: options.host,
    port: options.port,
    reusePort: options.reusePort,
    receiveBuffer: options.receiveBuffer ?? DEFAULT_RECEIVE_BUFFER,
    timeoutMs: IDLE_MS,
    socketRecord: options.socketRecord,
  });
  probe(libc, socket);
  const lane = new SocketLane(libc, socket, slots);
  let running = false;
  let closed = false;

  function run(): void {
    if (closed) return;
    let error: Error | undefined;
    let stopped = false;
    running = true;
    try {
      for (let left = BATCHES_PER_TURN; left > 0 && !closed && !stopped; left--) {
        const count = lane.receive();
        if (count > 0 && processBatch(count) > 0) lane.reply(count);
        // Idle: return to the event loop.
        if (count === 0) left = 0;
        stopped = shouldStop();
      }
    } catch (cause) {
      error = cause as Error;
      stopped = true;
    }
    running = false;
    if (!stopped && !closed) {
      setImmediate(run);
      return;
    }
    socket.close();
    if (closed) return;
    closed = true;
    onEnd(error);
  }

  // Deferred, so that the caller gets the transport before the first batch.
  setImmediate(run);
  return {
    port: socket.port,
    address: socket.address,
    receiveBuffer: socket.receiveBuffer,
    close() {
      if (closed) return;
      closed = true;
      if (!running) socket.close();
    },
  };
}

/** Tries both system calls with no datagrams: a kernel may lack them, or a sandbox may forbid them. */
function probe({ call, errno, recvmmsg, sendmmsg }: Libc, { fd, close }: BoundSocket): void {
  // QEMU reads from the pointer although the number of datagrams is 0, so it must be valid.
  const none = new BigUint64Array(8);
  for (const [name, number] of Object.entries({ recvmmsg, sendmmsg })) {
    if (call.syscall(number, fd, ptr(none), 0, MSG_DONTWAIT, null) === 0) continue;
    const { message } = systemError(name, errno());
    close();
    throw unavailable(message);
  }
}

/** Receives into and sends from the slots of one engine lane, on one socket. */
export class SocketLane {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #ipv4: boolean;
  readonly #nameLength: number;
  readonly #slots: Slots;
  /** The slots as 32-bit words. */
  readonly #words: Int32Array;
  /** Address of the slots for the kernel. */
  readonly #at: number;
  readonly #inbox: Datagrams;
  readonly #outbox: Datagrams;
  #failures = 0;

  constructor(libc: Libc, { fd, ipv4 }: BoundSocket, slots: Slots) {
    const { batch, bytes, at } = slots;
    this.#libc = libc;
    this.#fd = fd;
    this.#ipv4 = ipv4;
    this.#nameLength = ipv4 ? SOCKADDR_IN_SIZE : SOCKADDR_IN6_SIZE;
    this.#slots = slots;
    this.#words = new Int32Array(bytes.buffer, bytes.byteOffset + at, batch * SLOT_WORDS);
    this.#at = ptr(this.#words);
    this.#inbox = new Datagrams(batch, this.#nameLength);
    this.#outbox = new Datagrams(batch, this.#nameLength);
    for (let slot = 0; slot < batch; slot++) {
      this.#inbox.setName(slot, this.#at + slot * SLOT_SIZE + SLOT_SOURCE);
      this.#inbox.setBase(slot, this.#at + slot * SLOT_SIZE + SLOT_PACKET);
      this.#inbox.setLength(slot, MAX_PACKET);
    }
  }

  /**
   * Waits for a datagram, and receives all that are waiting.
   *
   * @returns how many; 0 after IDLE_MS, or for a temporary error
   * @throws {Error} a system error, if receives keep failing
   */
  receive(): number {
    const { call, recvmmsg } = this.#libc;
    const inbox = this.#inbox;
    const count = call.syscall(recvmmsg, this.#fd, inbox.pointer(0), inbox.count, MSG_WAITFORONE | MSG_TRUNC, null);
    if (count < 0) return this.#failed();
    this.#failures = 0;
    const words = this.#words;
    for (let i = 0, slot = 0; i < count; i++, slot += SLOT_WORDS) {
      words[slot + LENGTH_WORD] = inbox.received(i);
      inbox.resetName(i, this.#nameLength);
      if (this.#ipv4) {
        // The kernel has written a sockaddr_in. Its padding of zeros is where the first two words of ::ffff:a.b.c.d
        // belong, which are zero, too.
        words[slot + ADDRESS_WORD + 2] = IPV4_MAPPED | 0;
        words[slot + ADDRESS_WORD + 3] = words[slot + IPV4_WORD]!;
      }
    }
    return count;
  }

  #failed(): 0 {
    const error = this.#libc.errno();
    if (error === EAGAIN || error === EINTR) return 0;
    this.#slots.countSocketError();
    if (++this.#failures === MAX_FAILURES) throw systemError("recvmmsg", error);
    return 0;
  }

  /** Sends the replies in the first `count` slots. */
  reply(count: number): void {
    const words = this.#words;
    const outbox = this.#outbox;
    let replies = 0;
    for (let slot = 0; slot < count; slot++) {
      const length = words[slot * SLOT_WORDS + REPLY_LENGTH_WORD]!;
      if (length === 0) continue;
      const at = this.#at + slot * SLOT_SIZE;
      outbox.setName(replies, at + SLOT_SOURCE);
      outbox.setBase(replies, at + SLOT_REPLY);
      outbox.setLength(replies, length);
      replies++;
    }
    this.#send(replies);
  }

  #send(replies: number): void {
    const { call, errno, sendmmsg } = this.#libc;
    let next = 0;
    while (next < replies) {
      const sent = call.syscall(sendmmsg, this.#fd, this.#outbox.pointer(next), replies - next, MSG_DONTWAIT, null);
      if (sent > 0) {
        next += sent;
        continue;
      }
      const error = errno();
      if (error === EINTR) continue;
      if (error === EAGAIN) {
        // The send buffer is full. Waiting for it would let the receive buffer overflow, so the other replies are
        // dropped.
        this.#slots.countUnsent(replies - next);
        return;
      }
      this.#slots.countSocketError();
      this.#slots.countUnsent(1);
      next++;
    }
  }
}
