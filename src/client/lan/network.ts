/** The LAN's sockets and the ways out of this host, which come and go. Knows no clock: it is told when to look. */
import { DiscoveryError } from "../error.ts";
import { LAN_GROUP, LIMITED_BROADCAST, type Link, links } from "./interfaces.ts";
import { codeOf, type Family, isShared, type LanSocket, openLanSocket } from "./socket.ts";

export interface LanNetworkOptions {
  readonly port: number;
  /** What is sent; undefined: nothing. */
  readonly announcement: Uint8Array | undefined;
  receive(datagram: Uint8Array, address: string): void;
  onError(error: DiscoveryError): void;
  onAnnounced(address: string, bytes: number): void;
}

/**
 * Bun drops a membership by the interface's name alone, so one whose interface has vanished stays, and the kernel keeps no
 * more than some hundreds a socket. After so many the socket is replaced.
 */
const MOST_STALE = 64;

/** The kernel hands a socket's earlier error to its next send, which is then to be tried again. */
const TRIES = 2;

const FAMILIES: readonly Family[] = ["IPv4", "IPv6"];

export class LanNetwork {
  readonly #options: LanNetworkOptions;
  readonly #sockets = new Map<Family, LanSocket>();
  readonly #opening = new Set<Family>();
  #links = new Map<string, Link>();
  /** Keys of the links that did not take the last announcement, with the error's code: tried again at each look. */
  readonly #failed = new Map<string, string>();
  /** What was reported, with the error's code, and has not worked since. */
  readonly #reported = new Map<string, string>();
  /** Scopes of the IPv6 socket's memberships: those of interfaces that are there, and all. */
  #joined = new Set<string>();
  #memberships = new Set<string>();
  #closed = false;

  private constructor(options: LanNetworkOptions) {
    this.#options = options;
  }

  /** As {@link Lan.open}; announces nothing yet. */
  static async open(options: LanNetworkOptions): Promise<LanNetwork> {
    const network = new LanNetwork(options);
    const failures: DiscoveryError[] = [];
    for (const family of FAMILIES) {
      await network.#open(family).catch((error: DiscoveryError) => failures.push(error));
    }
    const fatal = failures.find(({ code }) => code === "EADDRINUSE") ?? failures[FAMILIES.length - 1];
    if (fatal !== undefined) {
      network.close();
      throw fatal;
    }
    for (const family of network.#sockets.keys()) {
      if (await isShared(family, options.port)) continue;
      const message = `this Bun does not share UDP port ${options.port} (${family}): no other program of this host can listen`;
      options.onError(new DiscoveryError("lan", message, { code: "ENOTSUP" }));
    }
    return network;
  }

  /** Follows the interfaces; announces on all of them, or only on new ones and where it did not work before. */
  look(all: boolean): void {
    if (this.#closed) return;
    const old = this.#links;
    this.#links = this.#usable(links());
    this.#join();
    for (const key of this.#failed.keys()) if (!this.#links.has(key)) this.#failed.delete(key);
    if (this.#options.announcement === undefined) return;
    for (const [key, link] of this.#links) {
      if (all || !old.has(key) || this.#failed.has(key)) this.#announce(key, link, this.#options.announcement);
    }
    if (this.#links.size > 0) this.#reported.delete("links");
    else if (all) this.#report("links", "lan", "there is no interface to announce on", "ENETDOWN");
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  async #open(family: Family): Promise<void> {
    const { port, receive } = this.#options;
    const socket = await openLanSocket(family, port, receive, (error) =>
      this.#report(`socket ${codeOf(error)}`, "lan", "the network says", codeOf(error), error),
    );
    if (this.#closed) return socket.close();
    const old = this.#sockets.get(family);
    this.#sockets.set(family, socket);
    if (family === "IPv6") {
      this.#joined = new Set();
      this.#memberships = new Set();
      this.#join();
    }
    // Not before the new one listens: what comes in between is heard twice, not never.
    old?.close();
  }

  /** Those that there is a socket for. One that is missing is opened. */
  #usable(found: Map<string, Link>): Map<string, Link> {
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
      this.look(false);
    } catch (error) {
      // That a host has no IPv6, say, is no error. That somebody took the port is one.
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
    for (const { name, scope } of this.#links.values()) {
      if (scope === "" || present.has(scope)) continue;
      if (this.#joined.has(scope) || this.#joinOn(socket, name)) present.add(scope);
    }
    this.#joined = present;
    for (const scope of present) this.#memberships.add(scope);
    if (this.#memberships.size - present.size > MOST_STALE) void this.#reopen("IPv6");
  }

  #joinOn(socket: LanSocket, name: string): boolean {
    const local = `::%${name}`;
    try {
      try {
        socket.addMembership(LAN_GROUP, local);
      } catch (error) {
        if (codeOf(error) !== "EADDRINUSE") throw error;
        // The interface went and came back: the socket's membership is there, but the interface may have lost its own.
        socket.dropMembership(LAN_GROUP, local);
        socket.addMembership(LAN_GROUP, local);
      }
      this.#reported.delete(`join ${name}`);
      return true;
    } catch (error) {
      this.#report(`join ${name}`, name, `cannot listen to ${LAN_GROUP}`, codeOf(error), error);
      return false;
    }
  }

  #announce(key: string, link: Link, announcement: Uint8Array): void {
    const { family, name, destination } = link;
    const failure = this.#send(family, destination, announcement);
    if (failure === undefined) {
      this.#failed.delete(key);
      this.#reported.delete(destination);
      const host = family === "IPv6" ? `[${destination}]` : destination;
      this.#options.onAnnounced(`${host}:${this.#options.port}`, announcement.length);
      return;
    }
    const code = codeOf(failure);
    // From an address that is still being checked for duplicates nothing can be sent: told if it fails twice.
    if (this.#failed.get(key) === code && !this.#needless(link)) {
      this.#report(destination, name, `cannot announce to ${destination}`, code, failure);
    }
    this.#failed.set(key, code);
  }

  /** @returns what went wrong */
  #send(family: Family, destination: string, announcement: Uint8Array): unknown {
    let failure: unknown;
    for (let tries = 0; tries < TRIES; tries++) {
      try {
        if (this.#sockets.get(family)?.send(announcement, this.#options.port, destination) !== false) return undefined;
        failure = "EAGAIN";
      } catch (error) {
        failure = error;
      }
    }
    return failure;
  }

  /** A host without a route for the limited broadcast serves its networks by their own broadcast addresses. */
  #needless({ destination }: Link): boolean {
    if (destination !== LIMITED_BROADCAST) return false;
    for (const [key, { family }] of this.#links) {
      if (family === "IPv4" && key !== LIMITED_BROADCAST && !this.#failed.has(key)) return true;
    }
    return false;
  }

  #report(what: string, where: string, message: string, code: string, cause?: unknown): void {
    if (this.#closed || this.#reported.get(what) === code) return;
    this.#reported.set(what, code);
    this.#options.onError(new DiscoveryError(where, `${message}: ${code}`, { code, cause }));
  }
}
