/** The types of a discoverer's options and results. */
import type { DiscoveryError } from "./error.ts";

/** Where a node is. */
export interface NodeAddress {
  /** As text: `192.0.2.1`, `2001:db8::1` (RFC 5952), `fe80::1%eth0`. */
  readonly ip: string;
  /** 1 to 65535. */
  readonly port: number;
  /** Where the address comes from: `lan`, or the server as given. */
  readonly via: string;
  /** When the announcement or the server's reply was received, in milliseconds since 1970. */
  readonly seenAt: number;
}

/** The result for one NodeID of {@link Discoverer.lookupMany}. */
export interface LookupResult {
  /** The NodeID's bytes; those of UTF-8 if it was passed as text. */
  readonly nodeId: Uint8Array;
  /** Where the node is; `undefined` if there was no reply in time. */
  readonly address: NodeAddress | undefined;
  /** Why nobody could be asked, if no server could be reached; then there is no `address`. */
  readonly error?: DiscoveryError | undefined;
}

/** A node of the LAN. */
export interface LanNode extends NodeAddress {
  /** Any bytes. If they are text, `nodeIdToText` of `whereabouts/codec` returns it. */
  readonly nodeId: Uint8Array;
  /** Always `lan`: the node announced itself there. */
  readonly via: "lan";
}

/** A change on the LAN: a node is new, has another address, or was silent for 90 s. */
export interface LanEvent extends LanNode {
  /** New, at another address, or silent for 90 s. The address of a node that is gone is its last one. */
  readonly type: "node" | "moved" | "gone";
}

/** Counters of one server. */
export interface ServerCounters {
  /** Queries sent, retries included. */
  queries: number;
  /** Replies to pending queries. */
  replies: number;
  /** Datagrams that were no such reply: malformed, to a query that is not pending, or to a socket that has asked nothing. */
  ignored: number;
}

/** The intervals and timeouts of a discoverer, in milliseconds. The defaults are the protocol's. */
export interface Timings {
  /** Between two announcements on the LAN: 30 s. */
  readonly lanInterval: number;
  /** How long a node of the LAN is kept after its last announcement: 90 s. */
  readonly lanRetention: number;
  /** How often to look for new network interfaces: 2 s. */
  readonly interfaces: number;
  /** Between two announcements to a server: 30 min. */
  readonly serverInterval: number;
  /** How often a server is asked whether it still knows the own node: 45 s. */
  readonly confirmInterval: number;
  /** The wait after a failed announcement to a server: 1 s. It doubles with each further failure. */
  readonly retryFirst: number;
  /** The longest such wait: 5 min. */
  readonly retryLongest: number;
  /** How long the address of a node is cached: 5 min. */
  readonly found: number;
  /** How long it is cached that a node is unknown: 1 min. */
  readonly notFound: number;
}

/**
 * The options of {@link Discoverer.start}. All have defaults: without any, it finds the nodes of the LAN.
 *
 * @example
 * ```ts
 * const options: DiscovererOptions = {
 *   nodeId: "MY-NODE",
 *   port: 22000, // where this node can be reached
 *   servers: ["discovery.example", "192.0.2.1:4000", "[2001:db8::1]:4000"],
 *   lan: false,
 *   timings: { serverInterval: 15 * 60_000 },
 * };
 * options.servers?.map((server) => parseServer(server).port); // => [22025, 4000, 4000]
 * ```
 */
export interface DiscovererOptions {
  /** The own NodeID, text (UTF-8) or bytes. Default: a random one, {@link Discoverer.nodeId}, so that several programs of a host differ. */
  readonly nodeId?: string | Uint8Array;
  /**
   * The name of the own program, say. Only nodes of the same group are seen, on the LAN and at the servers. Default: none,
   * which sees all nodes of the LAN.
   */
  readonly group?: string;
  /** The port to announce. With 0, the default, nothing is announced. */
  readonly port?: number;
  /** Discovery servers: `host`, `host:port` or `[v6]:port`. The port is 22025 by default. */
  readonly servers?: readonly string[];
  /** Whether to listen and to announce on the LAN. Default true. */
  readonly lan?: boolean;
  /** UDP port of the LAN, 21025 by default. */
  readonly lanPort?: number;
  /** Names of the network interfaces to use on the LAN. Default: all but those of container bridges. */
  readonly interfaces?: readonly string[];
  /** Closes the discoverer when it is aborted. */
  readonly signal?: AbortSignal;
  /** Intervals and timeouts other than the protocol's: for tests, or for a network that needs them. */
  readonly timings?: Partial<Timings>;
}

/** The options of a lookup. */
export interface LookupOptions {
  /** Cancels the lookup, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Milliseconds, 5,000 by default. */
  readonly timeout?: number;
  /** Asks again instead of using an earlier result, for instance when the address could not be dialled. Default false. */
  readonly fresh?: boolean;
  /**
   * Believes a server only if two sockets have got the same answer, which protects from forged ones. Default: true for
   * `lookup`, false for `lookupMany`.
   */
  readonly confirm?: boolean;
}

/** The options of {@link Discoverer.watch}. */
export interface WatchOptions {
  /** Ends the stream. */
  readonly signal?: AbortSignal;
}
