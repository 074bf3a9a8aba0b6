/** The LAN's sockets, and the network interfaces, which may change at any time. The caller decides when to check them. */
import { DiscoveryError } from "../error.ts";
import { codeOf, type Family, type SharedSocket } from "../sockets/index.ts";
import { LAN_GROUP, LIMITED_BROADCAST, type Target, targets } from "./interfaces.ts";
import { isShared, openLanSocket } from "./socket.ts";

export interface LanNetworkOptions {
  readonly port: number;
  /** The packet to send; undefined: nothing is announced. */
  readonly announcement: Uint8Array | undefined;
  receive(datagram: Buffer, address: string): void;
  onError(error: DiscoveryError): void;
  onAnnounced(address: string, bytes: number): void;
}

/**
 * Bun can drop a membership only by the interface's name, so the membership of a removed interface remains. The kernel
 * allows only some hundreds of memberships per socket. So with more stale ones than this, the socket is replaced.
 */
const MAX_STALE = 64;

const FAMILIES: readonly Family[] = ["IPv4", "IPv6"];

export class LanNetwork {
  readonly #options: LanNetworkOptions;
  readonly #sockets = new Map<Family, SharedSocket>();
  readonly #opening = new Set<Family>();
  #targets = new Map<string, Target>();
  /** Keys of targets whose last announcement failed, with the error's code. They are retried at each refresh. */
  readonly #failed = new Map<string, string>();
  /** Errors that were reported and are not solved yet: by cause, the error's code. They are not reported again. */
  readonly #reported = new Map<string, string>();
  /** Scopes of the present interfaces on which the socket has joined the IPv6 group. */
  #joined = new Set<string>();
  /** Scopes of all interfaces on which the socket has ever joined it, also of those that were removed. */
  #memberships = new Set<string>();
  #closed = false;

  private constructor(options: LanNetworkOptions) {
    this.#options = options;
  }

  /** Opens the sockets, and throws as {@link Lan.open} does. Announces nothing yet. */
  static async open(options: LanNetworkOptions): Promise<LanNetwork> {
    const network = new LanNetwork(options);
    const failures: DiscoveryError[] = [];
    for (const family of FAMILIES) {
      await network.#open(family).catch((error: DiscoveryError) => failures.push(error));
    }
    // One family is enough, unless another program holds the port.
    const fatal = failures.find(({ code }) => code === "EADDRINUSE") ?? failures[FAMILIES.length - 1];
    if (fatal !== undefined) {
      network.close();
      throw fatal;
    }
    for (const family of network.#sockets.keys()) {
      if (await isShared(family, options.port)) continue;
      const message = `this runtime does not share UDP port ${options.port} (${family}): other programs of this host cannot use it`;
      options.onError(new DiscoveryError("lan", message, { code: "ENOTSUP" }));
    }
    return network;
  }

  /** Checks the interfaces. Announces to all targets, or without `all` only to new ones and those where it failed last. */
  refresh(all: boolean): void {
    if (this.#closed) return;
    const old = this.#targets;
    this.#targets = this.#usable(targets());
    this.#join();
    for (const key of this.#failed.keys()) if (!this.#targets.has(key)) this.#failed.delete(key);
    if (this.#options.announcement === undefined) return;
    for (const [key, target] of this.#targets) {
      if (all || !old.has(key) || this.#failed.has(key)) void this.#announce(key, target, this.#options.announcement);
    }
    if (this.#targets.size > 0) this.#reported.delete("targets");
    else if (all) this.#report("targets", "lan", "there is no interface to announce on", "ENETDOWN");
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  async #open(family: Family): Promise<void> {
    const { port, receive } = this.#options;
    const socket = await openLanSocket(family, port, receive, (error) =>
      this.#report(`socket ${codeOf(error)}`, "lan", "the network reports", codeOf(error), error),
    );
    if (this.#closed) return socket.close();
    const old = this.#sockets.get(family);
    this.#sockets.set(family, socket);
    if (family === "IPv6") {
      this.#joined = new Set();
      this.#memberships = new Set();
      this.#join();
    }
    // The old socket is closed after the new one listens: to receive a packet twice is better than to miss it.
    old?.close();
  }

  /** Removes targets for which there is no socket, and opens the missing sockets. */
  #usable(found: Map<string, Target>): Map<string, Target> {
    const missing = new Set<Family>();
    for (const [key, { family }] of found) {
      if (this.#sockets.get(family)?.closed === false) continue;
      found.delete(key);
      missing.add(family);
    }
    for (const family of missing) void this.#reopen(family);
    return found;
  }

  async #reopen(family: Family): Promise<void> {
    if (this.#opening.has(family)) return;
    this.#opening.add(family);
    try {
      await this.#open(family);
      this.#reported.delete(family);
      this.refresh(false);
    } catch (error) {
      // It is not an error if, for instance, the host has no IPv6. It is an error if another program holds the port.
      const { code, message } = error as DiscoveryError;
      if (code === "EADDRINUSE") this.#report(family, "lan", message, code, error);
    } finally {
      this.#opening.delete(family);
    }
  }

  #join(): void {
    const socket = this.#sockets.get("IPv6");
    if (socket === undefined) return;
    const present = new Set<string>();
    for (const { name, scope } of this.#targets.values()) {
      if (scope === "" || present.has(scope)) continue;
      if (this.#joined.has(scope) || this.#joinOn(socket, name)) present.add(scope);
    }
    this.#joined = present;
    for (const scope of present) this.#memberships.add(scope);
    if (this.#memberships.size - present.size > MAX_STALE) void this.#reopen("IPv6");
  }

  #joinOn(socket: SharedSocket, name: string): boolean {
    try {
      try {
        socket.addMembership(LAN_GROUP, name);
      } catch (error) {
        if (codeOf(error) !== "EADDRINUSE") throw error;
        // The interface was removed and came back. The socket is still a member, but the interface may have left the
        // group. So the socket leaves and joins again.
        socket.dropMembership(LAN_GROUP, name);
        socket.addMembership(LAN_GROUP, name);
      }
      this.#reported.delete(`join ${name}`);
      return true;
    } catch (error) {
      this.#report(`join ${name}`, name, `cannot listen to ${LAN_GROUP}`, codeOf(error), error);
      return false;
    }
  }

  async #announce(key: string, target: Target, announcement: Uint8Array): Promise<void> {
    const { family, name, destination } = target;
    const { port, onAnnounced } = this.#options;
    try {
      await this.#sockets.get(family)?.send(announcement, port, destination);
      if (this.#closed) return;
      this.#failed.delete(key);
      this.#reported.delete(destination);
      onAnnounced(`${family === "IPv6" ? `[${destination}]` : destination}:${port}`, announcement.length);
    } catch (error) {
      const code = codeOf(error);
      // Sending fails while the kernel checks a new address for duplicates, so only a second failure is reported.
      if (this.#failed.get(key) === code && !this.#redundant(target)) {
        this.#report(destination, name, `cannot announce to ${destination}`, code, error);
      }
      this.#failed.set(key, code);
    }
  }

  /**
   * Whether the target is not needed: the limited broadcast fails on a host without a route for it, but the broadcast
   * addresses of its networks still work.
   */
  #redundant({ destination }: Target): boolean {
    if (destination !== LIMITED_BROADCAST) return false;
    for (const [key, { family }] of this.#targets) {
      if (family === "IPv4" && key !== LIMITED_BROADCAST && !this.#failed.has(key)) return true;
    }
    return false;
  }

  /** Reports an error, unless the same cause was reported already. */
  #report(cause: string, where: string, message: string, code: string, error?: unknown): void {
    if (this.#closed || this.#reported.get(cause) === code) return;
    this.#reported.set(cause, code);
    this.#options.onError(new DiscoveryError(where, `${message}: ${code}`, { code, cause: error }));
  }
}
