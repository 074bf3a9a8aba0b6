/**
 * A socket for each local address, beside a socket for all of them.
 *
 * Bun.udpSocket does not report the address that a datagram was sent to. The kernel delivers a datagram to the socket that is
 * bound to its address, if there is one, and what is sent on that socket leaves from that address. Linux.
 */
import type { Opened } from "./hosts.ts";

/** How often to look for addresses that were added or removed. Until then the socket for all addresses takes their packets. */
const LOOK_MS = 2000;

export interface LocalSocketsOptions<Socket extends Opened> {
  /** Lists the addresses that need a socket. */
  readonly list: () => readonly string[];
  readonly open: (address: string) => Promise<Socket>;
  /** Called before a socket is closed. */
  readonly flush: () => void;
  readonly warn: (text: string) => void;
}

export class LocalSockets<Socket extends Opened> {
  readonly #options: LocalSocketsOptions<Socket>;
  readonly #sockets = new Map<string, Socket>();
  /** Codes of errors that were reported. */
  readonly #reported = new Set<string>();
  #lastLook = Number.NEGATIVE_INFINITY;
  #looking = false;
  #closed = false;

  constructor(options: LocalSocketsOptions<Socket>) {
    this.#options = options;
  }

  /** Opens sockets for new addresses and closes those of removed ones, if the last look was long enough ago. Never throws. */
  async look(): Promise<void> {
    const now = performance.now();
    if (this.#looking || this.#closed || now - this.#lastLook < LOOK_MS) return;
    this.#lastLook = now;
    this.#looking = true;
    try {
      await this.#update(new Set(this.#options.list()));
    } catch (error) {
      this.#report("cannot list the addresses of this host, so replies from new ones may leave from another", error);
    }
    this.#looking = false;
  }

  async #update(addresses: ReadonlySet<string>): Promise<void> {
    for (const [address, socket] of this.#sockets) {
      if (addresses.has(address)) continue;
      this.#options.flush();
      this.#sockets.delete(address);
      socket.close();
    }
    for (const address of addresses) {
      if (!this.#closed && !this.#sockets.has(address)) await this.#add(address);
    }
  }

  async #add(address: string): Promise<void> {
    try {
      const socket = await this.#options.open(address);
      if (this.#closed) socket.close();
      else this.#sockets.set(address, socket);
    } catch (error) {
      // Gone again, or an IPv6 address that is still checked for duplicates. The next look tries it again.
      if ((error as NodeJS.ErrnoException).code === "EADDRNOTAVAIL") return;
      this.#report(`cannot bind ${address}, so replies from it may leave from another address`, error);
    }
  }

  /** Each kind of error once: every further look may fail in the same way. */
  #report(text: string, error: unknown): void {
    const { code = "", message } = error as NodeJS.ErrnoException;
    if (this.#reported.has(code)) return;
    this.#reported.add(code);
    this.#options.warn(`${text}: ${message}`);
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }
}
