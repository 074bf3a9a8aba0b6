/** Moves datagrams between one socket and the slots of an engine lane, with recvmmsg and sendmmsg. */
import { ptr } from "bun:ffi";
import { IPV4_MAPPED, MAX_PACKET, SLOT_PACKET, SLOT_REPLY, SLOT_SIZE, SLOT_SOURCE } from "../../assembly/layout.ts";
import { AskedAddresses } from "./asked-addresses.ts";
import { Datagrams } from "./datagrams.ts";
import { EAGAIN, EINTR, type Libc, MSG_DONTWAIT, MSG_TRUNC, MSG_WAITFORONE, systemError } from "./libc.ts";
import type { PacketLane } from "./packet-lane.ts";
import { ADDRESS_WORD, LENGTH_WORD, REPLY_LENGTH_WORD, SLOT_WORDS } from "./slot-words.ts";
import { type BoundSocket, detachSocket, SOCKADDR_IN_SIZE, SOCKADDR_IN6_SIZE } from "./socket.ts";
import type { Slots } from "./transport.ts";

/** The transport ends after this many failed receives in a row. An error that the network causes makes only one fail. */
const MAX_FAILURES = 64;

/** The address in struct sockaddr_in. (The port is at the same offset as in sockaddr_in6.) */
const IPV4_WORD = (SLOT_SOURCE + 4) >>> 2;

/** The least that a datagram takes of a receive buffer, in bytes. Linux counts more than that. */
const DATAGRAM_BYTES = 256;

/**
 * Handles the datagrams that wait in sockets which are about to be closed. New ones go to other sockets on the port from now on:
 * those of another server that takes over. Does nothing with given sockets: there the next server finds what waits.
 */
export function drainLanes(lanes: Iterable<PacketLane>, processBatch: (count: number) => number): void {
  const draining = [...lanes].filter((lane) => !lane.given);
  for (const lane of draining) lane.detach();
  for (const lane of draining) {
    // A bound by time would lose datagrams on a busy machine.
    for (let left = lane.capacity, count = lane.receive(false); count > 0 && left > 0; count = lane.receive(false)) {
      processBatch(count);
      lane.reply(count);
      left -= count;
    }
  }
}

/** Receives into and sends from the slots of one engine lane, on one socket. */
export class SocketLane implements PacketLane {
  readonly #libc: Libc;
  readonly #socket: BoundSocket;
  readonly fd: number;
  readonly #ipv4: boolean;
  readonly #nameLength: number;
  readonly #slots: Slots;
  /** The slots as 32-bit words. */
  readonly #words: Int32Array;
  /** Address of the slots for the kernel. */
  readonly #at: number;
  readonly #inbox: Datagrams;
  readonly #outbox: Datagrams;
  /** Undefined for a socket that is bound to one address: all replies leave from that one. */
  readonly #asked: AskedAddresses | undefined;
  #failures = 0;

  constructor(libc: Libc, socket: BoundSocket, slots: Slots) {
    const { fd, ipv4, reportsAddresses } = socket;
    const { batch, bytes, at } = slots;
    this.#libc = libc;
    this.#socket = socket;
    this.fd = fd;
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
    if (reportsAddresses) this.#asked = new AskedAddresses(this.#inbox, ipv4);
  }

  get given(): boolean {
    return this.#socket.given;
  }

  /** More datagrams than fit into the receive buffer. */
  get capacity(): number {
    // Linux grants twice the size.
    return Math.ceil((2 * this.#socket.receiveBuffer) / DATAGRAM_BYTES);
  }

  /** See {@link detachSocket}. */
  detach(): void {
    detachSocket(this.#socket, this.#libc);
  }

  /**
   * Receives the datagrams that are waiting.
   *
   * @param wait - whether to wait for one, up to the socket's time limit
   * @returns how many; 0 if there is none, or for a temporary error
   * @throws {Error} a system error, if receives keep failing
   */
  receive(wait: boolean): number {
    const { call, recvmmsg } = this.#libc;
    const inbox = this.#inbox;
    const flags = MSG_TRUNC | (wait ? MSG_WAITFORONE : MSG_DONTWAIT);
    const count = call.syscall(recvmmsg, this.fd, inbox.pointer(0), inbox.count, flags, null);
    if (count < 0) return this.#failed();
    this.#failures = 0;
    const words = this.#words;
    for (let i = 0, slot = 0; i < count; i++, slot += SLOT_WORDS) {
      words[slot + LENGTH_WORD] = inbox.received(i);
      inbox.resetName(i, this.#nameLength);
      this.#asked?.receive(i, inbox);
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
      this.#asked?.reply(slot, outbox, replies);
      replies++;
    }
    this.#send(replies);
  }

  #send(replies: number): void {
    const { call, errno, sendmmsg } = this.#libc;
    let next = 0;
    while (next < replies) {
      const sent = call.syscall(sendmmsg, this.fd, this.#outbox.pointer(next), replies - next, MSG_DONTWAIT, null);
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
      if (this.#outbox.controlLength(next) > 0) {
        // Perhaps this source is no address of the host: a broadcast address, or one that was removed meanwhile. A reply
        // from another address is better than none.
        this.#outbox.setControlLength(next, 0);
        continue;
      }
      this.#slots.countSocketError();
      this.#slots.countUnsent(1);
      next++;
    }
  }
}
