/** The options of a server. The flags of `whereabouts server` have the same names. */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defaultEngineOptions, type EngineBackend, type EngineOptions, type Network } from "../engine/index.ts";
import { DEFAULT_PREFIX, stateFolder } from "../journal/index.ts";
import { DEFAULT_RECEIVE_BUFFER } from "../transport/socket.ts";
import { xdpQueues } from "../transport/xdp/interface.ts";

/** The largest receive buffer that can be requested: Linux doubles the size, and the result must fit into 31 bits. */
export const MAX_RECEIVE_BUFFER = 2 ** 30 - 1;

/** UDP port 22025: the original server's port, to which its clients still send. */
export const DEFAULT_PORT = 22025;

/** The names of the transports. */
export const TRANSPORTS = ["udp", "mmsg", "xdp"] as const;
/**
 * How datagrams are received and sent: `udp` uses Bun.udpSocket, `mmsg` uses recvmmsg and sendmmsg, `xdp` uses AF_XDP.
 */
export type TransportName = (typeof TRANSPORTS)[number];

/** The most workers that a server can have. */
export const MAX_WORKERS = 256;
/** The longest sleep after a batch that is not full, in microseconds: as long as an idle worker waits for a packet. */
export const MAX_COALESCE = 100_000;
/** The most Syncthing devices that a server can store: their table has less than 4 GiB, of which only the used part takes memory. */
export const MAX_HTTPS_CAPACITY = 5_000_000;
/** Number of spare lanes. A worker whose thread cannot be terminated keeps its lane, so its replacement needs another. */
export const SPARE_LANES = 8;

/**
 * Options of a server. `DiscoveryServer.start` takes any part of them and uses {@link defaultServerOptions} for the rest.
 *
 * @example
 * ```ts
 * const options: Partial<ServerOptions> = { capacity: 10_000, retention: 600, allow: ["192.0.2.0/24"] };
 * await using server = await DiscoveryServer.start({ ...options, host: "127.0.0.1", port: 0 });
 * server.options.capacity; // => 10000
 * server.options.maxIdLength; // => 64
 * ```
 */
export interface ServerOptions {
  /**
   * Address or name to listen on, or several. Default `::`, every interface, IPv6 and IPv4; if the kernel has no IPv6, the
   * default is `0.0.0.0`, with a warning in the log. An IPv6 address may have brackets. A link-local one needs its interface,
   * as in `fe80::1%eth0`.
   */
  readonly host: string | readonly string[];
  /** UDP port, 22025 by default, the same for all hosts; 0 takes a free one. */
  readonly port: number;
  /**
   * Also start if another server of the same user has the port. Both then get a share of the packets, until one is stopped:
   * so a server is replaced without a pause. Default `false`: a port in use is an error.
   */
  readonly sharePort: boolean;
  /**
   * Descriptors of bound UDP sockets, all on one port, that are used instead of `host` and `port`: for instance those of
   * systemd's socket activation. The server never closes them. It reads them with the transport `mmsg`, or with `xdp`. Default: none.
   */
  readonly sockets: readonly number[];
  /**
   * Threads that handle packets, 1 to 256. Default `auto`: on Linux the number of processors minus 1, and at least 1; 1
   * elsewhere. With the transport `xdp` the number of queues of its interface.
   */
  readonly workers: number | "auto";
  /**
   * How datagrams are received and sent. Default `udp`, Bun.udpSocket; on Linux also `mmsg`, recvmmsg and sendmmsg, and `xdp`, which
   * goes round the kernel's network stack for one `interface`, and is `mmsg` for all other packets.
   */
  readonly transport: TransportName;
  /** The network interface of the transport `xdp`, such as `eth0`. Only that transport uses it, and needs it. */
  readonly interface: string | undefined;
  /**
   * Whether a server with the transport `xdp` starts if the interface or one of its queues cannot be used: `mmsg` does its work then.
   * Default `true`. A server that has started always goes on.
   */
  readonly fallback: boolean;
  /**
   * How long a worker sleeps after a batch of packets that is not full, in microseconds, so that the next batch has more: replies cost
   * less, and come later. 0: it does not sleep. Default `auto`: 200 with the transport `xdp`, 0 with `mmsg`. `udp` never sleeps.
   */
  readonly coalesce: number | "auto";
  /** Receive buffer of each worker's socket, and with the transport `xdp` also of its queue, in bytes. Default 8 MiB. */
  readonly receiveBuffer: number;
  /**
   * The packet engine. Default `wasm`; `ts` is the same engine in TypeScript. Given several, the first worker uses the first,
   * the second worker the second, and so on in turn. All engines work on the same registry.
   */
  readonly engine: EngineBackend | readonly EngineBackend[];
  /**
   * The most nodes that are stored, 1,000,000 by default. Beyond that, a new node takes the place of one that was announced
   * only once.
   */
  readonly capacity: number;
  /** Longest accepted NodeID, in bytes: 1 to 1008, 64 by default. */
  readonly maxIdLength: number;
  /** How long an announcement is valid, in seconds: 3600 by default. */
  readonly retention: number;
  /**
   * Queries per second from one source, and announcements per second from one source. For this and the other rates, 0 means
   * no limit.
   */
  readonly sourceRate: number;
  /** Queries at once from one source, and announcements at once unless `newBurst` is more. */
  readonly sourceBurst: number;
  /** Queries per second for one NodeID. One source gets a thousandth of it, or 1 if that is more. */
  readonly nodeRate: number;
  /** Queries at once for one NodeID. One source gets a thousandth of it, or 5 if that is more. */
  readonly nodeBurst: number;
  /** New NodeIDs, and new addresses of known ones, per second from one source. */
  readonly newRate: number;
  /** New NodeIDs, and new addresses of known ones, at once from one source. */
  readonly newBurst: number;
  /** Networks without limits: in CIDR notation as {@link parseNetwork} reads it, such as `192.0.2.0/24`, or parsed. */
  readonly allow: readonly (string | Network)[];
  /** Count packets above a limit, but handle them. */
  readonly limitDryRun: boolean;
  /**
   * Where announcements are kept across restarts: `memory` (the default of this class: not kept), `sqlite` (the default of
   * the command: a file in the user's state folder), `sqlite:PATH`, or the URL of a Redis or Valkey that several servers
   * share.
   */
  readonly journal: string;
  /** Prefix of the keys in Redis, `whereabouts` by default. */
  readonly journalPrefix: string;
  /**
   * Where to serve Syncthing's global discovery over HTTPS, as `HOST:PORT`, with an IPv6 address in brackets; or `off`, the
   * default. Port 0 takes a free one. docs/syncthing.md says more.
   */
  readonly https: string;
  /**
   * File of the certificate for HTTPS, in PEM. Default: `https-cert.pem` in the folder of the default journal; it is made with
   * its key if both are missing.
   */
  readonly httpsCert: string;
  /** File of the key for HTTPS, in PEM. Default: `https-key.pem` in the same folder. */
  readonly httpsKey: string;
  /** The same service over HTTP, behind a proxy that speaks TLS, as `HOST:PORT`; or `off`, the default. Needs `trustProxy`. */
  readonly http: string;
  /** Networks of the proxies whose headers are believed: the certificate and the address of the client. Default: none. */
  readonly trustProxy: readonly (string | Network)[];
  /**
   * The header in which those proxies pass a client's certificate on. They must not pass it on as a client sent it. Default
   * `auto`: the headers of nginx, Caddy and Traefik, of which a request may have only one.
   */
  readonly proxyHeader: string;
  /** Whether nodes that announced themselves over UDP, without a proof, are found over HTTPS too. Default `false`. */
  readonly httpsUnverified: boolean;
  /**
   * The most Syncthing devices that are stored, 100,000 by default. Beyond that, a new one takes the place of one that was
   * announced only once.
   */
  readonly httpsCapacity: number;
}

/** The options of a running server: complete, with hosts without brackets, `auto` replaced and networks parsed. */
export interface ResolvedServerOptions extends ServerOptions {
  /** Threads that handle packets. */
  readonly workers: number;
  /** How long a worker sleeps after a batch of packets that is not full, in microseconds. */
  readonly coalesce: number;
  /** Networks without limits; {@link formatNetwork} writes them in CIDR notation. */
  readonly allow: readonly Network[];
  /** Networks of the proxies whose headers are believed. */
  readonly trustProxy: readonly Network[];
}

/**
 * The default of every option. docs/limits.md explains the limits.
 *
 * @returns a new object
 * @example
 * ```ts
 * const { host, port, retention } = defaultServerOptions();
 * [host, port, retention]; // => ["::", 22025, 3600]
 * ```
 */
export function defaultServerOptions(): ServerOptions {
  const engine = defaultEngineOptions();
  return {
    host: "::",
    port: DEFAULT_PORT,
    sharePort: false,
    sockets: [],
    workers: "auto",
    transport: "udp",
    interface: undefined,
    fallback: true,
    coalesce: "auto",
    receiveBuffer: DEFAULT_RECEIVE_BUFFER,
    engine: "wasm",
    capacity: engine.capacity,
    maxIdLength: engine.maxIdLength,
    retention: engine.retentionMs / 1000,
    sourceRate: engine.source.rate,
    sourceBurst: engine.source.burst,
    nodeRate: engine.node.rate,
    nodeBurst: engine.node.burst,
    newRate: engine.new.rate,
    newBurst: engine.new.burst,
    allow: engine.allow,
    limitDryRun: engine.dryRun,
    journal: "memory",
    journalPrefix: DEFAULT_PREFIX,
    https: "off",
    httpsCert: join(stateFolder(), "https-cert.pem"),
    httpsKey: join(stateFolder(), "https-key.pem"),
    http: "off",
    trustProxy: [],
    proxyHeader: "auto",
    httpsUnverified: false,
    httpsCapacity: 100_000,
  };
}

/** Whether the system spreads datagrams to one port over all sockets that share it. Elsewhere one socket gets them all. */
export function sharesPort(platform: string): boolean {
  return platform === "linux";
}

export function workerCount(
  { workers, ...where }: Pick<ServerOptions, "workers"> & Partial<Pick<ServerOptions, "transport" | "interface">>,
  platform: string = process.platform,
): number {
  if (workers !== "auto") return workers;
  const queues = where.transport === "xdp" ? xdpQueues(where.interface!) : undefined;
  if (queues !== undefined) return Math.min(MAX_WORKERS, queues);
  return sharesPort(platform) ? Math.min(MAX_WORKERS, Math.max(1, availableParallelism() - 1)) : 1;
}

/** Number of threads that answer requests over HTTP and HTTPS: one per processor. Handshakes take long, look-ups do not. */
export function directoryThreads({ https, http }: Pick<ServerOptions, "https" | "http">): number {
  return https === "off" && http === "off" ? 0 : Math.min(MAX_WORKERS, availableParallelism());
}

/**
 * With the transport xdp a worker is faster than most loads. Without sleeping it would wake up for every few packets, and that costs more
 * than to answer them (`bench:xdp --coalesce 0,200`).
 */
const XDP_COALESCE_US = 200;

export function coalesceTime({ coalesce, transport }: Pick<ServerOptions, "coalesce" | "transport">): number {
  if (coalesce !== "auto") return coalesce;
  return transport === "xdp" ? XDP_COALESCE_US : 0;
}

/**
 * The options of the packet engine. Lanes: one per worker, some spare ones, one per thread for HTTP and HTTPS, and the last for
 * the control thread.
 */
export function engineOptions(options: ResolvedServerOptions): EngineOptions {
  return {
    lanes: options.workers + SPARE_LANES + directoryThreads(options) + 1,
    capacity: options.capacity,
    maxIdLength: options.maxIdLength,
    retentionMs: options.retention * 1000,
    source: { rate: options.sourceRate, burst: options.sourceBurst },
    node: { rate: options.nodeRate, burst: options.nodeBurst },
    new: { rate: options.newRate, burst: options.newBurst },
    allow: options.allow,
    dryRun: options.limitDryRun,
  };
}
