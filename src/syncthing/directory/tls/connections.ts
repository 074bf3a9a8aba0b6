/** The open connections of a listener, and which of them must go. */
import type { ConnectionCounters } from "../counters.ts";

/** Bytes of an IPv6 address that name a network: one client can use every address of a /64. */
const IPV6_NETWORK_BYTES = 8;

/** The counter of connections that are closed for this reason. */
type CloseReason = "failedHandshakes" | "slow" | "idle" | "crowded" | "invalid";

export interface ConnectionLimits {
  /** The most open connections. */
  readonly connections: number;
  /** The most open connections of an IPv4 address or an IPv6 /64. */
  readonly perSource: number;
  /**
   * How long a handshake together with the first request may take, each further request, and the pause between two of them, in
   * ms.
   */
  readonly timeoutMs: number;
}

/** The part of a socket that is used here. */
interface Socket {
  destroy(): void;
}

export class Connection<S extends Socket = Socket> {
  readonly socket: S;
  /** 16 bytes; IPv4 as ::ffff:a.b.c.d. */
  readonly address: Uint8Array;
  readonly port: number;
  readonly network: string;
  /** Time of the last begin or end of a request, in ms. */
  activeAt = 0;
  /** Whether the handshake is done. */
  secure = false;
  /** Whether a request was answered. */
  served = false;
  /** Requests that are not answered yet. */
  pending = 0;
  /** Requests in a row that were refused because of the client. */
  refused = 0;
  /** Replies of HTTP/1.1 that wait until those before them are sent. */
  waiting = 0;

  constructor(socket: S, address: Uint8Array, port: number) {
    this.socket = socket;
    this.address = address;
    this.port = port;
    this.network = networkOf(address);
  }
}

export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #counters: ConnectionCounters;
  readonly #now: () => number;
  /** In order of their last activity: the one that was idle longest comes first. */
  readonly #all = new Set<Connection>();
  readonly #byNetwork = new Map<string, Set<Connection>>();

  /** @param now - a clock that never goes back, in ms */
  constructor(limits: ConnectionLimits, counters: ConnectionCounters, now: () => number) {
    this.#limits = limits;
    this.#counters = counters;
    this.#now = now;
  }

  /** Adds a new connection, and closes the one that was idle longest if there are too many. */
  add(connection: Connection): void {
    const siblings = this.#byNetwork.get(connection.network);
    if (siblings !== undefined && siblings.size >= this.#limits.perSource) this.close(longestIdle(siblings), "crowded");
    if (this.#all.size >= this.#limits.connections) this.close(first(this.#all), "crowded");
    connection.activeAt = this.#now();
    this.#all.add(connection);
    // Not the set from above, which is gone if its only connection was closed.
    const network = this.#byNetwork.get(connection.network);
    if (network === undefined) this.#byNetwork.set(connection.network, new Set([connection]));
    else network.add(connection);
    this.#counters.open = this.#all.size;
  }

  /** A request begins or ends. */
  touch(connection: Connection): void {
    if (!this.#all.delete(connection)) return;
    this.#all.add(connection);
    connection.activeAt = this.#now();
  }

  remove(connection: Connection): void {
    if (!this.#all.delete(connection)) return;
    const siblings = this.#byNetwork.get(connection.network)!;
    siblings.delete(connection);
    if (siblings.size === 0) this.#byNetwork.delete(connection.network);
    this.#counters.open = this.#all.size;
  }

  /** Closes the connections whose time is over. */
  closeSlow(): void {
    const since = this.#now() - this.#limits.timeoutMs;
    for (const connection of this.#all) {
      if (connection.activeAt > since) break;
      this.close(connection, reasonOf(connection));
    }
  }

  /** Closes a connection and counts why. A connection that is closed already is not counted again. */
  close(connection: Connection, reason?: CloseReason): void {
    if (!this.#all.has(connection)) return;
    if (reason !== undefined) this.#counters[reason]++;
    this.remove(connection);
    connection.socket.destroy();
  }

  /** Closes all, or all that have no request in progress. */
  closeAll({ idleOnly }: { readonly idleOnly: boolean }): void {
    for (const connection of this.#all) {
      if (!idleOnly || connection.pending === 0) this.close(connection);
    }
  }

  get size(): number {
    return this.#all.size;
  }
}

/** The counter for a connection that is closed because its time is over. */
function reasonOf({ secure, served, pending }: Connection): CloseReason {
  if (!secure) return "failedHandshakes";
  return served && pending === 0 ? "idle" : "slow";
}

function first(connections: ReadonlySet<Connection>): Connection {
  return connections.values().next().value!;
}

function longestIdle(connections: ReadonlySet<Connection>): Connection {
  let longest = first(connections);
  for (const connection of connections) if (connection.activeAt < longest.activeAt) longest = connection;
  return longest;
}

/** The IPv4 address or IPv6 /64 of an address of 16 bytes. */
function networkOf(address: Uint8Array): string {
  const text = Buffer.from(address.buffer, address.byteOffset, address.byteLength).toString("latin1");
  return text.startsWith("\0\0\0\0\0\0\0\0\0\0\xff\xff") ? text : text.slice(0, IPV6_NETWORK_BYTES);
}
