/** The client: finds nodes on the LAN and through servers, and lets the own node be found. */
import { createCodec } from "../codec/index.ts";
import type { DiscoveryError } from "./error.ts";
import { Lan } from "./lan/lan.ts";
import { nodeIdBytes, nodeIdKey } from "./node-id.ts";
import { Announcer } from "./servers/announcer.ts";
import { type ServerCounters, ServerLink } from "./servers/link.ts";
import { type LookupResult, Many } from "./servers/lookup-many.ts";
import { Lookups, Waiter } from "./servers/lookups.ts";
import {
  DEFAULT_TIMINGS,
  type DiscovererOptions,
  type LanEvent,
  type LanNode,
  type LookupOptions,
  type NodeAddress,
  type Timings,
} from "./types.ts";
import { Watch } from "./watch.ts";

/** The UDP port of the LAN, where every node announces itself and listens: 21025. */
export const LAN_PORT = 21025;
const LOOKUP_TIMEOUT_MS = 5_000;

/** An announcement that was sent. */
export interface Announced {
  /** `lan`, or the server as it was given. */
  readonly where: string;
  /** The address and port that it went to. */
  readonly address: string;
  /** Length of the datagram. */
  readonly bytes: number;
}

/** What can be listened for with {@link Discoverer.on}: the name of each event, and what a listener is given. */
export interface DiscovererEvents {
  /** A node of the LAN was heard that was not known, or had gone. */
  node: LanEvent;
  /** A node of the LAN announces another address or port than before. */
  moved: LanEvent;
  /** A node of the LAN was not heard for 90 s. */
  gone: LanEvent;
  /** Something did not work and will be tried again. */
  error: DiscoveryError;
  /** An announcement was sent. */
  announced: Announced;
}

/** Counters of one discoverer, from its start on. */
export interface DiscovererStats {
  /** Datagrams on the LAN's port: `received` is the announcements of other nodes, and whatever was ignored. */
  readonly lan: { readonly received: number; readonly announcements: number; readonly ignored: number };
  /** By server, as it was given. */
  readonly servers: Readonly<Record<string, Readonly<ServerCounters>>>;
}

const LAN_EVENTS = ["node", "moved", "gone"] as const;
const CLOSED = "the discoverer is closed";

type Listener<T> = (event: T) => void;

/**
 * A running discoverer: finds nodes, on the LAN and through servers, and lets the own node be found.
 *
 * @example
 * ```ts
 * import { Discoverer } from "whereabouts/client";
 * import { DiscoveryServer } from "whereabouts/server";
 *
 * // A server of our own; servers on the internet are named: ["discovery.example"].
 * await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0 });
 * const servers = [`127.0.0.1:${server.port}`];
 *
 * // The node that wants to be found. It announces itself from now on, every 30 min; without `lan: false` also on the LAN.
 * await using theirs = await Discoverer.start({ nodeId: "THEIR-NODE", port: 22000, servers, lan: false });
 * await theirs.announce();
 *
 * // The node that wants to find it.
 * await using mine = await Discoverer.start({ servers, lan: false });
 * const peer = await mine.lookup("THEIR-NODE");
 * `${peer?.ip}:${peer?.port}`; // => "127.0.0.1:22000"
 * ```
 */
export class Discoverer {
  readonly #listeners = new Map<keyof DiscovererEvents, Set<Listener<never>>>();
  readonly #links: ServerLink[];
  readonly #lookups: Lookups;
  readonly #announcers: Announcer[];
  readonly #watches = new Set<Watch>();
  readonly #many = new Set<Many>();
  #lan: Lan | undefined;
  /** What happened before anybody could listen: told when `start` has returned. */
  #early: (() => void)[] | undefined = [];
  #closed = false;

  private constructor(options: DiscovererOptions, timings: Timings, announcement: Uint8Array | undefined) {
    const codec = createCodec({ backend: "ts" });
    const onError = (error: DiscoveryError) => this.#emit("error", error);
    const servers = [...new Set(options.servers ?? [])];
    const onRoom = () => {
      for (const many of this.#many) many.proceed();
    };
    this.#links = servers.map((server) => new ServerLink(server, { codec, onError, onRoom }));
    this.#lookups = new Lookups(this.#links, timings);
    this.#announcers =
      announcement === undefined
        ? []
        : this.#links.map((link) => {
            const onAnnounced = (address: string) =>
              this.#emit("announced", { where: link.server, address, bytes: announcement.length });
            return new Announcer({ link, packet: announcement, timings, onError, onAnnounced });
          });
  }

  /**
   * Starts a discoverer. It announces at once, if it has a port to announce, and from then on by itself.
   *
   * @param options - see {@link DiscovererOptions}
   * @returns the discoverer; `close()` it, or have it closed by `await using`
   * @throws {TypeError} or {RangeError} for an option that makes no sense
   * @throws {DiscoveryError} if the LAN's port is held by a program that does not share it
   * @example
   * ```ts
   * // Looks and listens only: a node that is to be found has a `nodeId` and a `port`.
   * await using discoverer = await Discoverer.start({ servers: ["127.0.0.1"], lan: false });
   * discoverer.nodes(); // => []
   *
   * await Discoverer.start({ port: 22000 }); // throws TypeError
   * await Discoverer.start({ servers: ["127.0.0.1:port"] }); // throws RangeError
   * ```
   */
  static async start(options: DiscovererOptions = {}): Promise<Discoverer> {
    const timings = { ...DEFAULT_TIMINGS, ...options.timings };
    for (const [name, ms] of Object.entries(timings)) {
      if (!(ms > 0)) throw new RangeError(`timings.${name} must be milliseconds above 0, not ${ms}`);
    }
    const port = options.port ?? 0;
    if (!Number.isInteger(port) || port < 0 || port > 65535) {
      throw new RangeError(`port must be a whole number from 0 to 65535, not ${port}`);
    }
    const nodeId = options.nodeId === undefined ? undefined : nodeIdBytes(options.nodeId);
    if (port > 0 && nodeId === undefined) throw new TypeError("to announce a port takes a nodeId");
    const announcement =
      port > 0 && nodeId !== undefined
        ? createCodec({ backend: "ts" }).encode({ type: "announcement", nodeId, port, ip: new Uint8Array(0) })
        : undefined;
    const discoverer = new Discoverer(options, timings, announcement);
    if (options.lan ?? true) {
      discoverer.#lan = await Lan.open({
        port: options.lanPort ?? LAN_PORT,
        announcement,
        ownKey: nodeId && nodeIdKey(nodeId),
        timings,
        onEvent: (event) => discoverer.#onLan(event),
        onError: (error) => discoverer.#emit("error", error),
        onAnnounced: (address, bytes) => discoverer.#emit("announced", { where: "lan", address, bytes }),
      });
    }
    for (const announcer of discoverer.#announcers) void announcer.announce();
    setImmediate(() => {
      const early = discoverer.#early ?? [];
      discoverer.#early = undefined;
      for (const tell of early) tell();
    });
    return discoverer;
  }

  /**
   * Looks for a node: on the LAN, among what was found of late, then with all servers at once.
   *
   * @param nodeId - text (UTF-8) or bytes, 1 to 1008 of them
   * @param options - `timeout` in ms (5,000), queueing included; `signal` to give up early
   * @returns its address, or `undefined` if nobody answered in time
   * @throws {TypeError} or {RangeError} for what is no NodeID; the signal's reason when it is aborted; {Error} once closed
   * @example
   * ```ts
   * import { Discoverer } from "whereabouts/client";
   * import { DiscoveryServer } from "whereabouts/server";
   *
   * await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0 });
   * await using discoverer = await Discoverer.start({ servers: [`127.0.0.1:${server.port}`], lan: false });
   *
   * // A server says nothing of a node that it does not know.
   * await discoverer.lookup("NOBODY", { timeout: 100 }); // => undefined
   *
   * await discoverer.lookup("NOBODY", { signal: AbortSignal.timeout(50) }); // throws DOMException
   * await discoverer.lookup(""); // throws RangeError
   * ```
   */
  async lookup(nodeId: string | Uint8Array, options: LookupOptions = {}): Promise<NodeAddress | undefined> {
    const { signal, timeout = LOOKUP_TIMEOUT_MS } = options;
    const bytes = nodeIdBytes(nodeId);
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<NodeAddress | undefined>();
    const waiter = this.#begin(bytes, timeout, (_nodeId, address) => resolve(address));
    if (signal === undefined || waiter === undefined) return await promise;
    const abort = () => {
      if (waiter.cancelled) return;
      waiter.cancelled = true;
      waiter.search?.leave(waiter);
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /**
   * Looks for many nodes, thousands at a time.
   *
   * @param ids - NodeIDs as in {@link lookup}; may be endless
   * @param options - as in {@link lookup}, for each of them
   * @returns the answers in the order in which they come; an error of the source comes behind them
   * @throws {Error} once closed; what {@link lookup} throws comes out of the iteration
   * @example
   * ```ts
   * import { Discoverer } from "whereabouts/client";
   * import { nodeIdToText } from "whereabouts/codec";
   * import { DiscoveryServer } from "whereabouts/server";
   *
   * await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0 });
   * const servers = [`127.0.0.1:${server.port}`];
   * await using theirs = await Discoverer.start({ nodeId: "THEIR-NODE", port: 22000, servers, lan: false });
   * await theirs.announce();
   *
   * await using mine = await Discoverer.start({ servers, lan: false });
   * const found: string[] = [];
   * for await (const { nodeId, address } of mine.lookupMany(["NOBODY", "THEIR-NODE"], { timeout: 500 })) {
   *   found.push(`${nodeIdToText(nodeId)}: ${address?.port ?? "not found"}`);
   * }
   * found; // => ["THEIR-NODE: 22000", "NOBODY: not found"]
   * ```
   */
  lookupMany(
    ids: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>,
    options: LookupOptions = {},
  ): AsyncIterable<LookupResult> {
    const { signal, timeout = LOOKUP_TIMEOUT_MS } = options;
    if (this.#closed) throw new Error(CLOSED);
    const many = new Many(ids, {
      signal,
      begin: (nodeId, answered) => {
        const waiter = this.#begin(nodeIdBytes(nodeId), timeout, answered);
        return () => {
          if (waiter === undefined || waiter.cancelled) return;
          waiter.cancelled = true;
          waiter.search?.leave(waiter);
        };
      },
      busy: () => this.#links.some((link) => link.busy),
      onEnd: (many) => this.#many.delete(many),
    });
    if (!many.stream.ended) this.#many.add(many);
    return many.stream;
  }

  /**
   * Listens for events. What a listener throws ends up as an uncaught exception of the program.
   *
   * @param event - the name of one of {@link DiscovererEvents}
   * @param listener - is called with each event, one at a time
   * @returns a function that ends it
   * @example
   * ```ts
   * // Nobody listens on that port.
   * const options = { nodeId: "MY-NODE", port: 22000, servers: ["127.0.0.1:1"], lan: false };
   * await using discoverer = await Discoverer.start(options);
   *
   * const errors: string[] = [];
   * const stop = discoverer.on("error", ({ where, code }) => errors.push(`${where}: ${code}`));
   * await discoverer.announce();
   * stop();
   * errors[0]; // => "127.0.0.1:1: ECONNREFUSED"
   * ```
   */
  on<K extends keyof DiscovererEvents>(event: K, listener: (event: DiscovererEvents[K]) => void): () => void {
    let listeners = this.#listeners.get(event);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(event, listeners);
    }
    const set = listeners as Set<Listener<DiscovererEvents[K]>>;
    set.add(listener);
    return () => void set.delete(listener);
  }

  /**
   * The nodes of the LAN as they are known now, then each change. Of a node whose events nobody takes only the latest is kept.
   *
   * @param options - `signal` ends it, as `close()` does, and leaving the loop
   * @returns the events, without end
   * @example
   * ```ts
   * import { Discoverer } from "whereabouts/client";
   * import { nodeIdToText } from "whereabouts/codec";
   *
   * // Two nodes of one LAN; here in one program.
   * await using theirs = await Discoverer.start({ nodeId: "THEIR-NODE", port: 22001 });
   * await using mine = await Discoverer.start({ nodeId: "MY-NODE", port: 22000 });
   *
   * for await (const { type, nodeId, port } of mine.watch()) {
   *   [type, nodeIdToText(nodeId), port]; // => ["node", "THEIR-NODE", 22001]
   *   break;
   * }
   * ```
   */
  watch(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<LanEvent> {
    const { signal } = options;
    const end = () => watch.stream.end();
    const watch = new Watch(() => {
      for (const stop of off) stop();
      signal?.removeEventListener("abort", end);
      this.#watches.delete(watch);
    });
    const off = LAN_EVENTS.map((name) => this.on(name, (event) => watch.add(event)));
    for (const node of this.nodes()) watch.add({ ...node, type: "node" });
    signal?.addEventListener("abort", end, { once: true });
    this.#watches.add(watch);
    if (this.#closed || signal?.aborted) end();
    return watch.stream;
  }

  /**
   * The nodes of the LAN that were heard within 90 s.
   *
   * @returns a list of its own, in no particular order
   * @example
   * ```ts
   * await using theirs = await Discoverer.start({ nodeId: "THEIR-NODE", port: 22001 });
   * await using mine = await Discoverer.start({ nodeId: "MY-NODE", port: 22000 });
   *
   * await new Promise((resolve) => mine.on("node", resolve));
   * mine.nodes().map(({ port, via }) => `${port} via ${via}`); // => ["22001 via lan"]
   * ```
   */
  nodes(): LanNode[] {
    return this.#lan?.nodes() ?? [];
  }

  /**
   * Announces now, to the LAN and to every server; done when each server was sent to, and half a second has passed in which
   * nothing spoke against it. Never rejects: what goes wrong comes as an `error` event. Does nothing without a port.
   *
   * @example
   * ```ts
   * import { Discoverer } from "whereabouts/client";
   * import { DiscoveryServer } from "whereabouts/server";
   *
   * await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0 });
   * const servers = [`127.0.0.1:${server.port}`];
   * await using discoverer = await Discoverer.start({ nodeId: "MY-NODE", port: 22000, servers, lan: false });
   *
   * await discoverer.announce();
   * server.stats().nodes; // => 1
   * ```
   */
  async announce(): Promise<void> {
    this.#lan?.announce();
    await Promise.all(this.#announcers.map((announcer) => announcer.announce()));
  }

  /**
   * What it did so far.
   *
   * @returns the counters as they stand; they do not go on counting
   * @example
   * ```ts
   * await using discoverer = await Discoverer.start({ servers: ["127.0.0.1"], lan: false });
   * discoverer.stats().lan.received; // => 0
   * discoverer.stats().servers["127.0.0.1"]; // => { queries: 0, replies: 0, ignored: 0 }
   * ```
   */
  stats(): DiscovererStats {
    return {
      lan: { received: 0, announcements: 0, ignored: 0, ...this.#lan?.counters },
      servers: Object.fromEntries(this.#links.map(({ server, counters }) => [server, { ...counters }])),
    };
  }

  /**
   * Ends it: no socket, no timer and no promise is left. Look-ups under way end with `undefined`. May be called twice.
   *
   * @example
   * ```ts
   * const discoverer = await Discoverer.start({ servers: ["127.0.0.1"], lan: false });
   * const peer = discoverer.lookup("THEIR-NODE");
   * await discoverer.close();
   *
   * await peer; // => undefined
   * await discoverer.lookup("THEIR-NODE"); // throws Error
   * ```
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const announcer of this.#announcers) announcer.close();
    for (const many of [...this.#many]) many.stop();
    this.#lookups.close();
    for (const link of this.#links) link.close();
    this.#lan?.close();
    for (const many of [...this.#many]) many.stream.end();
    for (const { stream } of [...this.#watches]) stream.end();
    this.#listeners.clear();
  }

  /** What `await using` calls at the end: {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Answers at once with what is known, or searches; what it returns can still be called off. */
  #begin(nodeId: Uint8Array, timeout: number, answered: Waiter["answered"]): Waiter | undefined {
    if (this.#closed) throw new Error(CLOSED);
    if (!(timeout >= 0)) throw new RangeError(`timeout must be milliseconds, not ${timeout}`);
    const key = nodeIdKey(nodeId);
    const near = this.#lan?.get(key);
    const known = near === undefined ? this.#lookups.cached(key) : { address: addressOf(near) };
    if (known !== undefined || (this.#links.length === 0 && this.#lan === undefined)) {
      answered(nodeId, known?.address);
      return undefined;
    }
    const waiter = new Waiter(nodeId, answered);
    this.#lookups.search(key, waiter, timeout);
    return waiter;
  }

  #onLan(event: LanEvent): void {
    if (event.type !== "gone") this.#lookups.end(nodeIdKey(event.nodeId), addressOf(event));
    this.#emit(event.type, event);
  }

  #emit<K extends keyof DiscovererEvents>(name: K, event: DiscovererEvents[K]): void {
    if (this.#closed) return;
    if (this.#early !== undefined) {
      this.#early.push(() => this.#emit(name, event));
      return;
    }
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        (listener as Listener<DiscovererEvents[K]>)(event);
      } catch (error) {
        // Out of the receive loop, which would take it for an error of the socket's.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

function addressOf({ ip, port, via, seenAt }: LanNode): NodeAddress {
  return { ip, port, via, seenAt };
}
