/** Waits for datagrams on several sockets, and gives each of them its turn. Linux. */
import { type Pointer, ptr } from "bun:ffi";
import { EINTR, type Libc, systemError } from "./libc.ts";

/* struct pollfd in words of 32 bits: the descriptor, then requested and reported events, 16 bits each. */
const POLL_WORDS = 2;
const POLLIN = 1;

export class Poll {
  readonly #libc: Libc;
  readonly #count: number;
  readonly #timeoutMs: number;
  readonly #words: Int32Array;
  readonly #at: Pointer;
  /** The next socket whose events are to be looked at. */
  #next: number;

  constructor(libc: Libc, sockets: readonly { readonly fd: number }[], timeoutMs: number) {
    this.#libc = libc;
    this.#count = sockets.length;
    this.#timeoutMs = timeoutMs;
    this.#next = sockets.length;
    // An explicit ArrayBuffer does not move.
    this.#words = new Int32Array(new ArrayBuffer(sockets.length * POLL_WORDS * 4));
    this.#at = ptr(this.#words);
    for (const [i, { fd }] of sockets.entries()) {
      this.#words[i * POLL_WORDS] = fd;
      this.#words[i * POLL_WORDS + 1] = POLLIN;
    }
  }

  /**
   * The number of a socket that has datagrams. Waits for one if necessary. Under load all sockets get the same number of turns.
   *
   * @returns -1 after the time limit
   * @throws {Error} a system error
   */
  next(): number {
    for (;;) {
      while (this.#next < this.#count) {
        const socket = this.#next++;
        if (this.#words[socket * POLL_WORDS + 1]! >>> 16 !== 0) return socket;
      }
      const ready = this.#libc.call.poll(this.#at, this.#count, this.#timeoutMs);
      if (ready > 0) this.#next = 0;
      else if (ready === 0) return -1;
      else {
        const error = this.#libc.errno();
        if (error !== EINTR) throw systemError("poll", error);
        return -1;
      }
    }
  }
}
