/** The LAN's sockets, and the network interfaces, which may change at any time. The caller decides when to check them. */
import type { DiscoveryError } from "../error.ts";
import { codeOf, type Family, type SharedSocket } from "../sockets/index.ts";
import { currentInterfaces, type Interfaces, inUse, LIMITED_BROADCAST, type Target, targets } from "./interfaces.ts";
import { Reports } from "./reports.ts";
import { REPEATS_EACH } from "./schedule.ts";
import { openLanSocket } from "./socket.ts";
import { Sources } from "./sources.ts";

export interface LanNetworkOptions {
  readonly port: number;
  /** The group of announcements by IPv6; its scope must be link-local. */
  readonly multicast: string;
  /** Whether one family is enough even if another program holds the port of the other one, which is then an error that is retried. */
  readonly oneFamily?: boolean;
  /** Names of the interfaces to use; undefined: all but those of containers. */
  readonly interfaces: readonly string[] | undefined;
  /** Is sent to each new target, before the announcement: asks the others to announce themselves. */
  readonly hello: Uint8Array | undefined;
  /** The packet to send; undefined: nothing is announced. */
  readonly announcement: Uint8Array | undefined;
  receive(datagram: Buffer, address: string): void;
  /** Called when there are new targets, to which hello and announcement are being sent. */
  onNewTargets(): void;
  /** A failure that will be retried. Each cause is reported once until it has worked again. */
  onError(error: DiscoveryError): void;
  /** Called for each announcement that was sent. */
  onAnnounced(address: string, bytes: number): void;
}

/**
 * Bun can drop a membership only by the interface's name, so the membership of a removed interface remains. The kernel
 * allows only some hundreds of memberships per socket. So with more stale ones than this, the socket is replaced.
 */
const MAX_STALE = 64;

/**
 * The list of interfaces that does not contain a datagram's source is read again if it is older, in ms: the host may just have
 * got its address. It is not read for each datagram of a flood, because that takes 0.1 ms.
 */
const LIST_AGE = 100;

/**
 * An announcement that fails is an error only after it has failed for this time, in ms. IPv6 cannot send while it checks a new
 * address for duplicates (RFC 4862 §5.4), which takes one to two seconds after an interface, or its cable, is new.
 */
const PATIENCE = 4_000;

export class LanNetwork {
  readonly #options: LanNetworkOptions;
  readonly #sockets = new Map<Family, SharedSocket>();
  readonly #opening = new Set<Family>();
  readonly #sources = new Sources();
  /** All interfaces of this host, when they were read, and those in use. */
  #all: Interfaces = {};
  #readAt = Number.NEGATIVE_INFINITY;
  #used: Interfaces = {};
  #targets = new Map<string, Target>();
  readonly #reports: Reports;
  /** Scopes of the present interfaces on which the socket has joined the IPv6 group. */
  #joined = new Set<string>();
  /** How often the socket has joined it, also on interfaces that were removed. */
  #joins = 0;
  #closed = false;

  constructor(options: LanNetworkOptions) {
    this.#options = options;
    this.#reports = new Reports((error) => {
      if (!this.#closed) options.onError(error);
    });
  }

  /** Opens the sockets, and throws as {@link Beacon.open} does. Announces nothing yet. */
  async open(): Promise<void> {
    const failures: DiscoveryError[] = [];
    for (const family of ["IPv4", "IPv6"] as const) {
      await this.#open(family).catch((error: DiscoveryError) => failures.push(error));
    }
    // One family is enough, unless another program holds the port.
    const fatal = failures.find(({ code }) => code === "EADDRINUSE" && !this.#options.oneFamily) ?? failures[1];
    if (fatal !== undefined) throw fatal;
  }

  /** Whether a datagram from this address may be of the LAN: see {@link Sources}. */
  believes(address: string, now: number): boolean {
    if (this.#sources.includes(address)) return true;
    if (now - this.#readAt < LIST_AGE) return false;
    this.#read(now);
    return this.#sources.includes(address);
  }

  /**
   * Checks the interfaces, and says hello and announces on new targets and on those where it failed last.
   *
   * @param on - where else: `young`: the same on targets that have not had all repeats yet; `all`: announces on the others
   * @returns resolves when all is sent or has failed
   */
  async refresh(now: number, on: "new" | "young" | "all"): Promise<void> {
    if (this.#closed) return;
    this.#read(now);
    const { interfaces, multicast, hello, announcement, onNewTargets } = this.#options;
    const old = this.#targets;
    this.#targets = this.#usable(targets(this.#used, multicast, interfaces === undefined));
    this.#join();
    const sends: Promise<void>[] = [];
    let isNew = false;
    for (const [key, found] of this.#targets) {
      const target = old.get(key) ?? found;
      this.#targets.set(key, target);
      const first = target.repeats === undefined;
      if (first) isNew = true;
      target.repeats ??= REPEATS_EACH;
      const repeat = !first && on === "young" && target.repeats > 0;
      if (repeat) target.repeats--;
      if (first || repeat || target.failedSince !== undefined) {
        sends.push(this.#send(target, [hello, announcement]));
      } else if (on === "all") sends.push(this.#send(target, [announcement]));
    }
    for (const [key, { name, destination }] of old) {
      if (this.#targets.has(key)) continue;
      this.#reports.solved(destination);
      this.#reports.solved(`join ${name}`);
    }
    if (isNew) onNewTargets();
    if (this.#targets.size > 0) this.#reports.solved("targets");
    else if (on === "all" && announcement !== undefined) {
      this.#reports.failed("targets", "lan", "there is no interface to announce on", "ENETDOWN");
    }
    await Promise.all(sends);
  }

  /** All targets are new for the next {@link refresh}. */
  forget(): void {
    for (const target of this.#targets.values()) target.repeats = undefined;
  }

  close(): void {
    this.#closed = true;
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  #read(now: number): void {
    this.#readAt = now;
    try {
      this.#all = currentInterfaces();
    } catch (error) {
      this.#reports.failed("list", "lan", "cannot list the network interfaces", error);
      return;
    }
    this.#reports.solved("list");
    const names = this.#options.interfaces;
    this.#used = inUse(this.#all, names);
    this.#sources.update(this.#all, this.#used);
    for (const name of names ?? []) {
      // It may come later.
      if (this.#used[name] !== undefined) this.#reports.solved(`interface ${name}`);
      else {
        const others = Object.keys(this.#all).join(", ");
        this.#reports.failed(`interface ${name}`, "lan", `there is no interface ${name}, only ${others}`, "ENODEV");
      }
    }
  }

  async #open(family: Family): Promise<void> {
    const { port, receive } = this.#options;
    const socket = await openLanSocket(family, port, receive, (error) => this.#reports.heard(error));
    if (this.#closed) return socket.close();
    const old = this.#sockets.get(family);
    this.#sockets.set(family, socket);
    if (family === "IPv6") {
      this.#joined = new Set();
      this.#joins = 0;
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
      this.#reports.solved(family);
      await this.refresh(performance.now(), "new");
    } catch (error) {
      // It is not an error if, for instance, the host has no IPv6. It is an error if another program holds the port.
      if (codeOf(error) === "EADDRINUSE") this.#reports.report(family, error as DiscoveryError);
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
    if (this.#joins - present.size > MAX_STALE) void this.#reopen("IPv6");
  }

  #joinOn(socket: SharedSocket, name: string): boolean {
    const { multicast } = this.#options;
    try {
      try {
        socket.addMembership(multicast, name);
      } catch (error) {
        if (codeOf(error) !== "EADDRINUSE") throw error;
        // The interface was removed and came back. The socket is still a member, but the interface may have left the
        // group. So the socket leaves and joins again.
        socket.dropMembership(multicast, name);
        socket.addMembership(multicast, name);
      }
      this.#joins++;
      this.#reports.solved(`join ${name}`);
      return true;
    } catch (error) {
      this.#reports.failed(`join ${name}`, name, `cannot listen to ${multicast}`, error);
      return false;
    }
  }

  /** Sends those packets that there are. */
  async #send(target: Target, packets: readonly (Uint8Array | undefined)[]): Promise<void> {
    const { family, name, destination } = target;
    const { port, announcement, onAnnounced } = this.#options;
    try {
      await Promise.all(packets.map((packet) => packet && this.#sockets.get(family)?.send(packet, port, destination)));
      if (this.#closed) return;
      target.failedSince = undefined;
      this.#reports.solved(destination);
      const address = `${family === "IPv6" ? `[${destination}]` : destination}:${port}`;
      if (announcement !== undefined) onAnnounced(address, announcement.length);
    } catch (error) {
      const now = performance.now();
      target.failedSince ??= now;
      if (now - target.failedSince >= PATIENCE && !this.#redundant(target)) {
        this.#reports.failed(destination, name, `cannot announce to ${destination}`, error);
      }
    }
  }

  /**
   * Whether the target is not needed: the limited broadcast fails on a host without a route for it, but the broadcast
   * addresses of its networks still work.
   */
  #redundant({ destination }: Target): boolean {
    if (destination !== LIMITED_BROADCAST) return false;
    for (const { family, destination, failedSince } of this.#targets.values()) {
      if (family === "IPv4" && destination !== LIMITED_BROADCAST && failedSince === undefined) return true;
    }
    return false;
  }
}
