/** The client: finds nodes on the LAN and through servers, and announces the own node to both. */
import { requireRuntime } from "./builtin.ts";
import { encodeAnnouncement } from "./codec.ts";
import type { DiscoveryError } from "./error.ts";
import type { Announced, Confirmed, DiscovererEvents } from "./events.ts";
import { Lan, NO_DATAGRAMS } from "./lan/lan.ts";
import { Lookups } from "./lookups.ts";
import { nodeIdKey } from "./node-id.ts";
import { lookupSettings, type Settings, startSettings, watchSettings } from "./options.ts";
import { Announcer } from "./servers/announcer.ts";
import { ServerLink } from "./servers/link.ts";
import { Session } from "./session.ts";
import type {
  DiscovererOptions,
  LanEvent,
  LanNode,
  LookupOptions,
  LookupResult,
  NodeAddress,
  ServerCounters,
  WatchOptions,
} from "./types.ts";

/** The counters of a discoverer since its start. */
export interface DiscovererStats {
  /**
   * Datagrams on the LAN's port. `received` counts all: `announcements` of nodes of the own group, `foreign` ones of other
   * groups, and all others as `ignored`.
   */
  readonly lan: {
    readonly received: number;
    readonly announcements: number;
    readonly foreign: number;
    readonly ignored: number;
  };
  /** By server, as given. */
  readonly servers: Readonly<Record<string, Readonly<ServerCounters>>>;
  /** How many `error` events there were, whether anything listened to them or not. */
  readonly errors: number;
  /** The last of them. */
  readonly lastError: DiscoveryError | undefined;
}

/**
 * Finds nodes on the LAN and through servers, and announces the own node so that others can find it.
 *
 * @example
 * ```ts
 * import { Discoverer } from "whereabouts/client";
 * import { DiscoveryServer } from "whereabouts/server";
 *
 * // A server for this example; servers on the internet are given by name: ["discovery.example"].
 * await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0 });
 * const servers = [`127.0.0.1:${server.port}`];
 *
 * // The node to be found. It announces itself at once and every 30 min after that. Without
 * // `lan: false` it would do so on the LAN, too.
 * await using theirs = await Discoverer.start({ nodeId: "THEIR-NODE", port: 22000, servers, lan: false });
 * await theirs.announce();
 *
 * // The node that looks for it.
 * await using mine = await Discoverer.start({ servers, lan: false });
 * const peer = await mine.lookup("THEIR-NODE");
 * `${peer?.ip}:${peer?.port}`; // => "127.0.0.1:22000"
 * ```
 */
export class Discoverer {
  /** The own NodeID, without the group. */
  readonly nodeId: Uint8Array;
  readonly #session = new Session<DiscovererEvents, LanEvent>(
    ["node", "moved", "gone", "error", "announced", "confirmed"],
    ({ nodeId }) => nodeIdKey(nodeId),
  );
  readonly #links: readonly ServerLink[];
  readonly #lookups: Lookups;
  readonly #announcers: readonly Announcer[];
  #lan: Lan | undefined;

  private constructor(
    { nodeId, wireId, port, group, servers, timings }: Settings,
    announcement: Uint8Array | undefined,
  ) {
    this.nodeId = nodeId;
    const onError = this.#session.failed;
    const onRoom = () => this.#lookups.proceed();
    this.#links = servers.map((server) => new ServerLink(server, { onError, onRoom }));
    this.#lookups = new Lookups(group, this.#links, timings);
    this.#announcers =
      announcement === undefined
        ? []
        : this.#links.map((link) => {
            const onAnnounced = (event: Announced) => this.#session.emit("announced", event);
            const onConfirmed = (event: Confirmed) => this.#session.emit("confirmed", event);
            const packet = announcement;
            return new Announcer({ link, nodeId: wireId, port, packet, timings, onError, onAnnounced, onConfirmed });
          });
  }

  /**
   * Starts a discoverer. If it has a port to announce, it announces at once and then at regular intervals.
   *
   * @param options - see {@link DiscovererOptions}
   * @returns the discoverer. It keeps the program running until it is closed, by `close()` or `await using`, or unref'd
   * @throws {TypeError} for an unknown option or a value of a wrong type; {RangeError} for a value out of range; the
   *   signal's reason if it is aborted; {Error} in a browser
   * @throws {DiscoveryError} if another program uses the LAN's port and does not share it: `code` is EADDRINUSE
   * @example
   * ```ts
   * // Without `port` it does not announce itself, but finds other nodes.
   * await using discoverer = await Discoverer.start({ servers: ["127.0.0.1"], lan: false });
   * discoverer.nodes(); // => []
   *
   * await Discoverer.start({ signal: AbortSignal.abort() }); // throws DOMException
   * await Discoverer.start({ servers: ["127.0.0.1:port"] }); // throws RangeError
   * ```
   */
  static async start(options: DiscovererOptions = {}): Promise<Discoverer> {
    requireRuntime();
    const settings = startSettings(options);
    const { signal, port } = settings;
    signal?.throwIfAborted();
    const announcement = port > 0 ? encodeAnnouncement(settings.wireId, port) : undefined;
    const discoverer = new Discoverer(settings, announcement);
    try {
      if (settings.lan) await discoverer.#openLan(settings, announcement);
    } catch (error) {
      await discoverer.close();
      throw error;
    }
    discoverer.#session.started(signal, () => discoverer.close());
    for (const announcer of discoverer.#announcers) void announcer.announce();
    return discoverer;
  }

  /**
   * Looks up a node: among the nodes of the LAN, then in the cache of earlier results, then on all servers at once.
   *
   * @param nodeId - text (UTF-8) or bytes, 1 to 1008 of them
   * @param options - `timeout` in ms (5,000); `signal` to cancel the lookup
   * @returns its address, or `undefined` if there was no reply in time
   * @throws {TypeError} or {RangeError} for wrong arguments; the signal's reason if it is aborted; {Error} if closed
   * @throws {DiscoveryError} if no server can be reached: at once, or with the LAN at the timeout
   * @example
   * ```ts
   * import { Discoverer } from "whereabouts/client";
   * import { DiscoveryServer } from "whereabouts/server";
   *
   * await using server = await DiscoveryServer.start({ host: "127.0.0.1", port: 0 });
   * await using discoverer = await Discoverer.start({ servers: [`127.0.0.1:${server.port}`], lan: false });
   *
   * // A server does not reply to a query for a node that it does not know.
   * await discoverer.lookup("NOBODY", { timeout: 100 }); // => undefined
   *
   * await discoverer.lookup("NOBODY", { signal: AbortSignal.timeout(50) }); // throws DOMException
   * await discoverer.lookup(""); // throws RangeError
   * ```
   */
  async lookup(nodeId: string | Uint8Array, options?: LookupOptions): Promise<NodeAddress | undefined> {
    return await this.#lookups.one(nodeId, lookupSettings(options, true));
  }

  /**
   * Looks up many nodes, thousands at a time.
   *
   * @param ids - NodeIDs as in {@link lookup}; an array or any other iterable, which may be endless
   * @param options - as in {@link lookup}, for each of the lookups; an aborted `signal` ends them all
   * @returns the results in the order of the replies. If `ids` throws an error, the results come first and then the error
   * @throws {TypeError} or {RangeError} for wrong arguments; {Error} if closed. A wrong NodeID ends the iteration with its error
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
    options?: LookupOptions,
  ): AsyncIterable<LookupResult> {
    return this.#lookups.many(ids, lookupSettings(options, false));
  }

  /**
   * Adds a listener. If the listener throws, the error becomes an uncaught exception of the program.
   *
   * @param event - the name of one of {@link DiscovererEvents}
   * @param listener - is called with each event
   * @returns a function that removes the listener
   * @throws {TypeError} for an unknown event, or a listener that is not a function
   * @example
   * ```ts
   * // Nothing listens on that port.
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
    return this.#session.on(event, listener);
  }

  /**
   * Streams the current nodes of the LAN and then each change. A slow reader gets only the latest event of each node.
   *
   * @param options - `signal` ends the stream. So does `close()`, and leaving the loop
   * @returns the events, without end
   * @throws {TypeError} for a wrong option
   * @example
   * ```ts
   * import { Discoverer } from "whereabouts/client";
   * import { nodeIdToText } from "whereabouts/codec";
   *
   * // Two nodes of one LAN, here in one program.
   * await using theirs = await Discoverer.start({ nodeId: "THEIR-NODE", port: 22001 });
   * await using mine = await Discoverer.start({ nodeId: "MY-NODE", port: 22000 });
   *
   * for await (const { type, nodeId, port } of mine.watch()) {
   *   [type, nodeIdToText(nodeId), port]; // => ["node", "THEIR-NODE", 22001]
   *   break;
   * }
   * ```
   */
  watch(options: WatchOptions = {}): AsyncIterable<LanEvent> {
    const { signal } = watchSettings(options);
    return this.#session.watch(
      this.nodes().map((node) => ({ ...node, type: "node" })),
      signal,
    );
  }

  /**
   * The nodes of the LAN that were heard within 90 s.
   *
   * @returns a new list, in no particular order
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
   * Announces now, to the LAN and to every server. Resolves when it is sent on the LAN, and each server has answered a query
   * for this node, or has not after eight attempts: within 6 s, if its name is resolved at once. Never rejects: failures are `error` events. Does nothing
   * without a port to announce.
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
    await Promise.all([this.#lan?.announce(), ...this.#announcers.map((announcer) => announcer.announce())]);
  }

  /**
   * The counters so far.
   *
   * @returns a copy, which later packets do not change
   * @example
   * ```ts
   * await using discoverer = await Discoverer.start({ servers: ["127.0.0.1"], lan: false });
   * discoverer.stats().lan.received; // => 0
   * discoverer.stats().servers["127.0.0.1"]; // => { queries: 0, replies: 0, ignored: 0 }
   * ```
   */
  stats(): DiscovererStats {
    return {
      lan: { ...NO_DATAGRAMS, ...this.#lan?.counters },
      servers: Object.fromEntries(this.#links.map(({ server, counters }) => [server, { ...counters }])),
      ...this.#session.failures,
    };
  }

  /**
   * Lets the program end while the discoverer is open, as `unref()` of timers and sockets does. The discoverer works as
   * before while something else keeps the program running.
   *
   * Pending promises of `lookup()` and `announce()`, and loops over `watch()` and `lookupMany()`, do not keep it running:
   * the program may end before they settle. A top-level `await` is an exception: Bun waits for its promise, and uses a
   * whole CPU core while it waits.
   *
   * @returns the discoverer
   * @example
   * ```ts
   * // This program ends after its last statement, although the discoverer is open.
   * const discoverer = await Discoverer.start({ servers: ["127.0.0.1"], lan: false });
   * discoverer.unref() === discoverer; // => true
   * ```
   */
  unref(): this {
    this.#session.unref();
    return this;
  }

  /**
   * Undoes {@link unref}: keeps the program running until the discoverer is closed, which is the default.
   *
   * @returns the discoverer
   * @example
   * ```ts
   * await using discoverer = await Discoverer.start({ servers: ["127.0.0.1"], lan: false });
   * discoverer.unref();
   * discoverer.ref() === discoverer; // => true
   * ```
   */
  ref(): this {
    this.#session.ref();
    return this;
  }

  /**
   * Closes all sockets and timers. Pending lookups are rejected; `lookupMany` ends with the results so far. May be called twice.
   *
   * @example
   * ```ts
   * const discoverer = await Discoverer.start({ servers: ["127.0.0.1"], lan: false });
   * await discoverer.close();
   *
   * await discoverer.lookup("THEIR-NODE"); // throws Error
   * ```
   */
  async close(): Promise<void> {
    if (!this.#session.close()) return;
    for (const announcer of this.#announcers) announcer.close();
    this.#lookups.close();
    for (const link of this.#links) link.close();
    this.#lan?.close();
  }

  /** Called at the end of an `await using` block: {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #openLan(settings: Settings, announcement: Uint8Array | undefined): Promise<void> {
    const { wireId, group, lanPort, interfaces, signal, timings } = settings;
    this.#lan = await new Lan({
      port: lanPort,
      interfaces,
      announcement,
      group,
      ownKey: nodeIdKey(wireId),
      timings,
      signal,
      onEvent: this.#session.changed,
      onHeard: (key) => this.#lookups.heardOnLan(key),
      onError: this.#session.failed,
      onAnnounced: (address, bytes) => this.#session.emit("announced", { where: "lan", address, bytes }),
    }).open();
    this.#lookups.lan = this.#lan;
  }
}
