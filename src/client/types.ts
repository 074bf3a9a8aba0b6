/** What a discoverer is told, and what it tells. */

/** Where a node is. */
export interface NodeAddress {
  /** As text: `192.0.2.1`, `2001:db8::1` (RFC 5952), `fe80::1%eth0`. */
  readonly ip: string;
  readonly port: number;
  /** Who said so: `lan`, or the server as it was given. */
  readonly via: string;
  /** When it was heard, in milliseconds since 1970. */
  readonly seenAt: number;
}

/** A node of the LAN. */
export interface LanNode extends NodeAddress {
  readonly nodeId: Uint8Array;
  readonly via: "lan";
}

/** A change on the LAN: a node is new, has another address, or was not heard of for 90 s. */
export interface LanEvent extends LanNode {
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
  /** The first and the longest wait after an announcement that could not be sent: 1 s and 5 min. */
  readonly retryFirst: number;
  readonly retryLongest: number;
  /** How long an answer is kept: 5 min, and that there was none: 1 min. */
  readonly found: number;
  readonly notFound: number;
}

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
  readonly timings?: Partial<Timings>;
}

export interface LookupOptions {
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
