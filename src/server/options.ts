/** What a server can be told: the flags of `whereabouts server`, by the same names. */
import { availableParallelism } from "node:os";
import { defaultEngineOptions, type EngineBackend, type EngineOptions, type Network } from "../engine/index.ts";
import { checkJournal, DEFAULT_PREFIX } from "../journal/index.ts";
import { DEFAULT_RECEIVE_BUFFER } from "../transport/socket.ts";

/** Linux counts twice what it is asked for, in 31 bits. */
export const MOST_RECEIVE_BUFFER = 2 ** 30 - 1;

/** UDP port 22025: where the original server listened, and its clients still ask. */
export const DEFAULT_PORT = 22025;

/** The names of the transports. */
export const TRANSPORTS = ["udp", "mmsg"] as const;
/** How datagrams come and go: `udp` by Bun.udpSocket, `mmsg` by recvmmsg and sendmmsg. */
export type TransportName = (typeof TRANSPORTS)[number];

/** The most workers that a server can be told to have. */
export const MAX_WORKERS = 256;
/** Lanes beside those of the workers, for workers whose predecessor's thread cannot be ended. */
const SPARE_LANES = 8;

/**
 * What a server is told. `DiscoveryServer.start` takes any part of it; {@link defaultServerOptions} is the rest.
 *
 * @example
 * ```ts
 * const options: Partial<ServerOptions> = { capacity: 10_000, retention: 600, sourceRate: 50 };
 * await using server = await DiscoveryServer.start({ ...options, host: "127.0.0.1", port: 0 });
 * server.options.capacity; // => 10000
 * server.options.maxIdLength; // => 64
 * ```
 */
export interface ServerOptions {
  /** Address or name to listen on. Default `::`, every interface, IPv6 and IPv4. */
  readonly host: string;
  /** UDP port, 22025 by default; 0 takes a free one. */
  readonly port: number;
  /** Threads that handle packets, 1 to 256. Default `auto`: one less than there are processors, at least 1; 1 where not Linux. */
  readonly workers: number | "auto";
  /** How datagrams come and go. Default `udp`, Bun.udpSocket; `mmsg` is recvmmsg and sendmmsg, on Linux. */
  readonly transport: TransportName;
  /** Bytes for datagrams that wait, for each worker. Default 8 MiB. */
  readonly receiveBuffer: number;
  /** Default `wasm`; `ts` is its TypeScript twin. Of several, the workers have them in turn: the twins work side by side. */
  readonly engine: EngineBackend | readonly EngineBackend[];
  /** Nodes held at most, 1,000,000 by default. A new NodeID beyond that is refused. */
  readonly capacity: number;
  /** Longest NodeID taken, in bytes: 1 to 1008, 64 by default. */
  readonly maxIdLength: number;
  /** Seconds that an announcement holds, 3600 by default. */
  readonly retention: number;
  /** Packets a second per source. Here as below, a rate of 0 turns a limit off. */
  readonly sourceRate: number;
  /** Packets per source that are taken at once. */
  readonly sourceBurst: number;
  /** Queries a second per NodeID. */
  readonly nodeRate: number;
  /** Queries per NodeID that are answered at once. */
  readonly nodeBurst: number;
  /** New NodeIDs a second per source. */
  readonly newRate: number;
  /** New NodeIDs per source that are taken at once. */
  readonly newBurst: number;
  /** Networks that no limit holds for. */
  readonly allow: readonly Network[];
  /** Count what the limits would stop, and let it pass. */
  readonly limitDryRun: boolean;
  /**
   * What outlives the process: `memory` (the default here: nothing), `sqlite` (the command's default: a file in the user's state
   * folder), `sqlite:PATH`, or the URL of a Redis or Valkey that several servers share.
   */
  readonly journal: string;
  /** What the keys in Redis begin with, `whereabouts` by default. */
  readonly journalPrefix: string;
}

/**
 * Every option's default; those of the limits are argued for in docs/limits.md.
 *
 * @returns an object of its own
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
    workers: "auto",
    transport: "udp",
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
  };
}

/** Whether datagrams to one port are spread over the sockets that share it; elsewhere one socket is given all of them. */
export function sharesOut(platform: string): boolean {
  return platform === "linux";
}

export function workerCount({ workers }: Pick<ServerOptions, "workers">, platform: string = process.platform): number {
  if (workers !== "auto") return workers;
  return sharesOut(platform) ? Math.min(MAX_WORKERS, Math.max(1, availableParallelism() - 1)) : 1;
}

/** The engine's part of it. Lanes: one a worker, some to spare, and the last for the control thread. */
export function engineOptions(options: ServerOptions): EngineOptions {
  return {
    lanes: workerCount(options) + SPARE_LANES + 1,
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

/** @throws {TypeError} or {RangeError} that names the option as it is named here. What only the engine knows, it checks. */
export function checkServerOptions(options: ServerOptions): void {
  if (typeof options.host !== "string" || options.host === "") {
    throw new TypeError(`host must be an address or a name, not ${Bun.inspect(options.host)}`);
  }
  if (typeof options.limitDryRun !== "boolean") {
    throw new TypeError(`limitDryRun must be true or false, not ${Bun.inspect(options.limitDryRun)}`);
  }
  checkJournal(options.journal, options.journalPrefix);
  if (!Array.isArray(options.allow)) throw new TypeError("allow must be an array of networks");
  if (options.workers !== "auto") whole("workers", options.workers, 1, MAX_WORKERS, ' or "auto"');
  if (!TRANSPORTS.includes(options.transport)) {
    throw new RangeError(`transport must be "udp" or "mmsg", not "${options.transport}"`);
  }
  const engines = [options.engine].flat();
  for (const engine of engines) {
    if (engine !== "wasm" && engine !== "ts") throw new RangeError(`engine must be "wasm" or "ts", not "${engine}"`);
  }
  if (engines.length === 0) throw new RangeError("engine must name one engine at least");
  whole("port", options.port, 0, 65535);
  whole("receiveBuffer", options.receiveBuffer, 1, MOST_RECEIVE_BUFFER);
  if (!(options.retention > 0 && options.retention <= 1e9)) {
    throw new RangeError(`retention must be seconds above 0, not ${options.retention}`);
  }
  for (const name of ["sourceRate", "nodeRate", "newRate"] as const) {
    const rate = options[name];
    if (rate !== 0 && !(rate >= 1e-6 && rate <= 1e9))
      throw new RangeError(`${name} must be 0 or 0.000001 to 1000000000, not ${rate}`);
  }
  for (const name of ["sourceBurst", "nodeBurst", "newBurst"] as const) {
    const burst = options[name];
    if (!(burst >= 1 && burst <= 1e9)) throw new RangeError(`${name} must be 1 to 1000000000, not ${burst}`);
  }
}

function whole(name: string, value: number, least: number, most: number, other = ""): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${name} must be a whole number from ${least} to ${most}${other}, not ${value}`);
  }
}
