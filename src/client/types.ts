/** What a discoverer is told, and what it tells. */

/** Where a node is. */
export interface NodeAddress {
  /** As text: `192.0.2.1`, `2001:db8::1` (RFC 5952), `fe80::1%eth0`. */
  readonly ip: string;
  /** 1 to 65535. */
  readonly port: number;
  /** Who said so: `lan`, or the server as it was given. */
  readonly via: string;
  /** When it was heard, in milliseconds since 1970. */
  readonly seenAt: number;
}

/** A node of the LAN. */
export interface LanNode extends NodeAddress {
  /** Any bytes: `nodeIdToText` of `whereabouts/codec` gives their text, if they are one. */
  readonly nodeId: Uint8Array;
  /** It said so itself. */
  readonly via: "lan";
}

/** A change on the LAN: a node is new, has another address, or was not heard of for 90 s. */
export interface LanEvent extends LanNode {
  /** New, at another address, or not heard of for 90 s: its address is then the last. */
  readonly type: "node" | "moved" | "gone";
}

/** What is to come at which times, in milliseconds. What is left out is as the protocol has it. */
export interface Timings {
  /** Between two announcements on the LAN: 30 s. */
  readonly lanInterval: number;
  /** How long a node of the LAN is remembered: 90 s. */
  readonly lanRetention: number;
  /** How often interfaces are looked at: 2 s. */
  readonly interfaces: number;
  /** Between two announcements to a server: 30 min. */
  readonly serverInterval: number;
  /** The first wait after an announcement that could not be sent: 1 s. It doubles from then on. */
  readonly retryFirst: number;
  /** The longest such wait: 5 min. */
  readonly retryLongest: number;
  /** How long an answer is kept: 5 min. */
  readonly found: number;
  /** How long it is kept that there was none: 1 min. */
  readonly notFound: number;
}

/**
 * What a discoverer is told at its start. Whatever is left out has its default.
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
  /** The own NodeID, text (UTF-8) or bytes. Needed to announce. */
  readonly nodeId?: string | Uint8Array;
  /** The port to announce; 0, the default, announces nothing: to look and to listen only. */
  readonly port?: number;
  /** Discovery servers: `host`, `host:port`, `[v6]:port`. The port is 22025 by default. */
  readonly servers?: readonly string[];
  /** Whether to listen and to announce on the LAN. Default true. */
  readonly lan?: boolean;
  /** UDP port of the LAN, 21025 by default. */
  readonly lanPort?: number;
  /** Other times than the protocol's: for tests, or for a network that wants them. */
  readonly timings?: Partial<Timings>;
}

/** How a look-up is to go. */
export interface LookupOptions {
  /** Gives up when it is aborted: the look-up rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Milliseconds, 5,000 by default. */
  readonly timeout?: number;
}

export const DEFAULT_TIMINGS: Timings = {
  lanInterval: 30_000,
  lanRetention: 90_000,
  interfaces: 2_000,
  serverInterval: 1_800_000,
  retryFirst: 1_000,
  retryLongest: 300_000,
  found: 300_000,
  notFound: 60_000,
};
