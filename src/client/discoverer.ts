/** The client: finds nodes on the LAN and through servers, and lets the own node be found. */
import { createCodec } from "../codec/index.ts";
import { Announcer } from "./announcer.ts";
import type { DiscoveryError } from "./error.ts";
import { Lan } from "./lan.ts";
import { type LookupResult, Many } from "./lookup-many.ts";
import { Lookups, Waiter } from "./lookups.ts";
import { nodeIdBytes, nodeIdKey } from "./node-id.ts";
import { type ServerCounters, ServerLink } from "./server-link.ts";
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

export const LAN_PORT = 21025;
const LOOKUP_TIMEOUT_MS = 5_000;

/** An announcement that was sent. */
export interface Announced {
  /** `lan`, or the server as it was given. */
  readonly where: string;
  /** The address and port that it went to. */
  readonly address: string;
  readonly bytes: number;
}

/** What can be listened for with {@link Discoverer.on}. */
export interface DiscovererEvents {
  node: LanEvent;
  moved: LanEvent;
  gone: LanEvent;
  error: DiscoveryError;
  announced: Announced;
}

export interface DiscovererStats {
  readonly lan: { readonly received: number; readonly announcements: number; readonly ignored: number };
  readonly servers: Readonly<Record<string, Readonly<ServerCounters>>>;
}

const LAN_EVENTS = ["node", "moved", "gone"] as const;
const CLOSED = "the discoverer is closed";

type Listener<T> = (event: T) => void;

/**
 * A running discoverer.
 *
 * @example
 * ```ts
 * await using discoverer = await Discoverer.start({ nodeId: "MY-NODE", port: 22000, servers: ["discovery.example"] });
 * discoverer.on("node", ({ ip, port }) => console.log(`${ip}:${port}`));
 * const peer = await discoverer.lookup("THEIR-NODE"); // { ip, port, via, seenAt }, or undefined
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
   * @param options see {@link DiscovererOptions}.
   * @returns the discoverer; `close()` it, or have it closed by `await using`.
   * @throws {TypeError} or {RangeError} for an option that makes no sense.
   * @throws {DiscoveryError} if the LAN's port is held by a program that does not share it.
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
   * @param nodeId text (UTF-8) or bytes.
   * @param options `timeout` in ms (5,000), queueing included; `signal` to give up early.
   * @returns its address, or undefined if nobody answered in time.
   * @throws {TypeError} or {RangeError} for what is no NodeID; the signal's reason when it is aborted; {Error} once closed.
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
   * @param ids as in {@link lookup}; may be endless.
   * @returns the answers in the order in which they come; an error of the source comes behind them.
   * @throws as {@link lookup}.
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

  /** Listens; returns a function that ends it. What a listener throws ends up as an uncaught exception of the program. */
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

  /** The nodes of the LAN as they are known now, then each change, until `signal` or `close()` ends it. */
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

  /** The nodes of the LAN. */
  nodes(): LanNode[] {
    return this.#lan?.nodes() ?? [];
  }

  /** Announces now, to the LAN and to every server. What goes wrong comes as an `error` event. */
  async announce(): Promise<void> {
    this.#lan?.announce();
    await Promise.all(this.#announcers.map((announcer) => announcer.announce()));
  }

  stats(): DiscovererStats {
    return {
      lan: { received: 0, announcements: 0, ignored: 0, ...this.#lan?.counters },
      servers: Object.fromEntries(this.#links.map(({ server, counters }) => [server, { ...counters }])),
    };
  }

  /** Ends it: no socket, no timer and no promise is left. Look-ups under way end with undefined. May be called twice. */
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
