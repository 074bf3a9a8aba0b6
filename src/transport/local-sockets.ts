/**
 * A socket for each local address, beside a socket for every address.
 *
 * The kernel delivers a datagram to the socket that is bound to its address, if there is one, and what is sent on that socket
 * leaves from that address. Bun.udpSocket has no other way to answer from the address that was asked. For mmsg this is
 * cheaper than its other way, control data with each datagram (`bun run bench:server --host ::`). Linux only: other systems may
 * not prefer the socket of the address.
 */
import { closeSync, openSync, readFileSync } from "node:fs";
import { type HostAddress, isWildcard, parseAddress } from "./host.ts";
import { type Binding, covers, isSame, type Opened } from "./hosts.ts";
import { localAddresses } from "./local-addresses.ts";

/** How often to look for addresses that were added or removed. Until then the socket for every address gets their packets. */
const LOOK_MS = 2000;

/** Descriptors that are left for other things: the sockets of the hosts, the journal, new workers, /proc. */
const RESERVE = 64;

export interface LocalSocketsOptions<Socket extends Opened> {
  /** The sockets of the hosts. */
  readonly sockets: readonly Socket[];
  readonly open: (binding: Binding) => Promise<Socket>;
  /** Called before a socket is closed. */
  readonly flush?: () => void;
  readonly warn?: ((text: string) => void) | undefined;
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
    const { sockets } = options;
    if (process.platform !== "linux" || !sockets.some(({ address }) => isWildcard(address))) this.#closed = true;
  }

  /** Opens sockets for new addresses and closes those of removed ones, if the last look was long enough ago. Never throws. */
  look(): Promise<void> | undefined {
    if (this.#closed || this.#looking) return undefined;
    const now = performance.now();
    if (now - this.#lastLook < LOOK_MS) return undefined;
    this.#lastLook = now;
    return this.#look();
  }

  async #look(): Promise<void> {
    this.#looking = true;
    try {
      await this.#update(new Set(localAddresses()));
    } catch (error) {
      this.#report("cannot list the addresses of this host, so replies from new ones may leave from another", error);
    }
    this.#looking = false;
  }

  async #update(addresses: ReadonlySet<string>): Promise<void> {
    for (const [address, socket] of this.#sockets) {
      if (addresses.has(address)) continue;
      this.#options.flush?.();
      this.#sockets.delete(address);
      socket.close();
    }
    for (const address of addresses) {
      if (this.#closed) return;
      if (!this.#sockets.has(address) && this.#needsSocket(parseAddress(address))) await this.#add(address);
    }
  }

  /** Whether the only socket of the hosts that receives for the address is one for every address. */
  #needsSocket(address: HostAddress): boolean {
    const { sockets } = this.#options;
    const has = sockets.some((socket) => isSame(socket.address, address));
    return !has && sockets.some((socket) => covers(socket.address, address));
  }

  async #add(address: string): Promise<void> {
    const { sockets, open } = this.#options;
    try {
      checkReserve();
      const socket = await open({ address: parseAddress(address), port: sockets[0]!.port, reusePort: "join" });
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
    this.#options.warn?.(`${text}: ${message}`);
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }
}

/** @throws {Error} with `code` EMFILE if another socket would leave too few descriptors */
function checkReserve(): void {
  const limit = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1];
  // A new descriptor has the lowest number that is free.
  const fd = openSync("/dev/null", "r");
  closeSync(fd);
  if (limit === undefined || fd < Number(limit) - RESERVE) return;
  throw Object.assign(new Error("too many files are open: raise the limit with ulimit -n"), { code: "EMFILE" });
}
