/** The sockets of a worker on the transports mmsg and xdp. Several get their turns by `poll`. Linux. */
import { ptr } from "bun:ffi";
import { openGivenSocket } from "./given-sockets.ts";
import { EINTR, type Libc, systemError } from "./libc.ts";
import { drainLanes, SocketLane } from "./mmsg-lane.ts";
import type { PacketLane } from "./packet-lane.ts";
import { type BoundSocket, bindSocket, type SocketOptions } from "./socket.ts";
import type { SocketRecord } from "./socket-record.ts";
import type { Slots } from "./transport.ts";

/* struct pollfd in words of 32 bits: the descriptor, then requested and reported events, 16 bits each. */
const POLL_WORDS = 2;
const POLLIN = 1;

export class SocketLanes {
  readonly #libc: Libc;
  readonly #slots: Slots;
  readonly #timeoutMs: number;
  readonly #lanes: PacketLane[] = [];
  /** An array of struct pollfd; empty if it has to be made anew. */
  #polled = new Int32Array(0);
  /** The next lane whose events are to be looked at. */
  #next = 0;

  /** @param timeoutMs - the longest wait for a datagram */
  constructor(libc: Libc, slots: Slots, timeoutMs: number) {
    this.#libc = libc;
    this.#slots = slots;
    this.#timeoutMs = timeoutMs;
  }

  get count(): number {
    return this.#lanes.length;
  }

  /** Binds a socket and adds it. Its `close` removes it again. Throws the errors of {@link bindSocket}. */
  open(options: SocketOptions): BoundSocket {
    return this.#add(bindSocket({ ...options, timeoutMs: this.#timeoutMs }, this.#libc));
  }

  /** Adds a given socket. Its `close` removes it again. Throws the errors of {@link openGivenSocket}. */
  openGiven(fd: number, socketRecord: SocketRecord | undefined): BoundSocket {
    return this.#add(openGivenSocket(fd, this.#timeoutMs, socketRecord, this.#libc));
  }

  #add(socket: BoundSocket): BoundSocket {
    const lane = new SocketLane(this.#libc, socket, this.#slots);
    this.add(lane);
    const close = () => {
      this.remove(lane);
      socket.close();
    };
    return { ...socket, close };
  }

  add(lane: PacketLane): void {
    this.#lanes.push(lane);
    this.#changed();
  }

  /** Does not close its socket. */
  remove(lane: PacketLane): void {
    const i = this.#lanes.indexOf(lane);
    if (i < 0) return;
    this.#lanes.splice(i, 1);
    this.#changed();
  }

  #changed(): void {
    this.#polled = new Int32Array(0);
    this.#next = this.#lanes.length;
  }

  /** Handles what waits in the sockets, as the last thing before they are closed. */
  drain(processBatch: (count: number) => number): void {
    drainLanes(this.#lanes, processBatch);
  }

  /**
   * The lane to receive from: the only one; or of several, one that has datagrams, and under load each in its turn.
   *
   * @returns undefined if none received anything within the time limit
   * @throws {Error} a system error
   */
  next(): PacketLane | undefined {
    const { length } = this.#lanes;
    if (length === 1) return this.#lanes[0];
    for (let waited = false; ; waited = true) {
      while (this.#next < length) {
        const i = this.#next++;
        if (this.#polled[i * POLL_WORDS + 1]! >>> 16 !== 0) return this.#lanes[i];
      }
      if (waited) return undefined;
      this.#poll();
    }
  }

  #poll(): void {
    const { call, errno } = this.#libc;
    if (this.#polled.length === 0) this.#polled = pollfds(this.#lanes.map(({ fd }) => fd));
    const ready = call.poll(ptr(this.#polled), this.#lanes.length, this.#timeoutMs);
    if (ready > 0) this.#next = 0;
    else if (ready < 0) {
      const error = errno();
      if (error !== EINTR) throw systemError("poll", error);
    }
  }
}

function pollfds(fds: readonly number[]): Int32Array<ArrayBuffer> {
  // An explicit ArrayBuffer does not move.
  const words = new Int32Array(new ArrayBuffer(fds.length * POLL_WORDS * 4));
  for (const [i, fd] of fds.entries()) {
    words[i * POLL_WORDS] = fd;
    words[i * POLL_WORDS + 1] = POLLIN;
  }
  return words;
}
