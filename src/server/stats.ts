/** The counters of a server. */
import type { EngineBackend, EngineCounters, LimiterTable } from "../engine/index.ts";
import type { RequestResult } from "../syncthing/directory/handler.ts";
import type { XdpStatus } from "../transport/xdp/status.ts";

/** How often values fell into each of some ranges, since the start. */
export interface Histogram {
  /** Upper bounds of the ranges, ascending. A value that equals a bound is in its range. */
  readonly bounds: readonly number[];
  /** Number of values per range. The last range, with one more number than there are bounds, has no upper bound. */
  readonly counts: readonly number[];
  /** Sum of all values. */
  readonly sum: number;
}

/** Statistics of one packet worker. A worker that replaces another one has its number and goes on with its counters. */
export interface WorkerStats {
  /** From 1 on. */
  readonly number: number;
  /** Whether it handles packets. */
  readonly running: boolean;
  /** Its packet engine. */
  readonly engine: EngineBackend;
  /** Datagrams processed. */
  readonly received: number;
  /** Its heartbeats. A worker that is alive has several a second, with and without traffic. */
  readonly heartbeats: number;
  /** Seconds since its last heartbeat was seen. */
  readonly silence: number;
  /** Processor time of its threads, in seconds; undefined where the system does not report it. */
  readonly cpuSeconds: number | undefined;
  /** How often it was replaced. */
  readonly replaced: number;
}

/** Statistics of a server's journal, since the start of the server. */
export interface JournalStats {
  /** The journal, without secrets: `memory`, a path, or a URL without its password. */
  readonly where: string;
  /** Whether the journal was read. A server that starts while Redis is away reads it later. */
  readonly read: boolean;
  /** Nodes that were restored from the journal at the start, devices that answer over UDP included. */
  readonly restored: number;
  /** Devices of Syncthing that were restored from the journal at the start. */
  readonly devicesRestored: number;
  /** How long that took, in seconds. */
  readonly restoreSeconds: number;
  /** Announcements appended to the journal, of nodes and of devices. */
  readonly appended: number;
  /**
   * Announcements that were read from the journal: of nodes, those that were newer than what the server knew, and of devices,
   * all. Includes those at the start.
   */
  readonly merged: number;
  /** Announcements in the journal that were dropped: the registry was full, or their NodeIDs were too long. */
  readonly noRoom: number;
  /** Announcements of devices of Syncthing in the journal that were dropped because there was no room for another device. */
  readonly devicesNoRoom: number;
  /** Announcements in the journal from further in the future than clocks may differ. They count as announced now. */
  readonly ahead: number;
  /** Invalid batches in the journal. */
  readonly bad: number;
  /** Lost connections, failed appends, and lost contents of the journal. */
  readonly errors: number;
  /** The longest that an announcement may have waited to be appended, in seconds. */
  readonly lag: number;
  /** How long appends took, in seconds. */
  readonly appends: Histogram;
}

/** Statistics of Syncthing's global discovery. Requests over HTTP count as those over HTTPS. */
export interface HttpsStats {
  /** Devices in the table. */
  readonly devices: number;
  /** Addresses of all devices. */
  readonly addresses: number;
  /** The most devices that are stored. */
  readonly capacity: number;
  /** Devices announced only once that gave way to new ones, because the table was full. */
  readonly displaced: number;
  /** Threads that answer requests; 0 if neither `https` nor `http` is on. */
  readonly threads: number;
  /** Threads that failed, and were replaced. */
  readonly replaced: number;
  /** Connections that are open now. */
  readonly connections: number;
  /** Requests by result. */
  readonly requests: Readonly<Record<RequestResult, number>>;
  /** TLS handshakes that succeeded. */
  readonly handshakes: number;
  /** TLS handshakes that failed or took too long. */
  readonly failedHandshakes: number;
  /** Connections that were closed because a request, its reply, or the first request took too long. */
  readonly slow: number;
  /** Connections that were closed because no further request came after one that was answered. */
  readonly idle: number;
  /** Connections that were closed to make room for others. */
  readonly crowded: number;
  /** Connections that were closed because of what they sent. */
  readonly invalid: number;
}

/** Statistics of a server. */
export interface ServerStats extends EngineCounters {
  /** Nodes in the registry. */
  readonly nodes: number;
  /** The most nodes that are stored. */
  readonly capacity: number;
  /** Workers that are running. */
  readonly workers: number;
  /** All workers, one after the other. The sum of their `received` is that of the server. */
  readonly perWorker: readonly WorkerStats[];
  /** Workers that crashed or hung, and were replaced. */
  readonly replaced: number;
  /** Seconds since the start. */
  readonly uptime: number;
  /** Numbers of datagrams that were processed at once. */
  readonly batches: Histogram;
  /**
   * Datagrams that the kernel dropped because a receive buffer was full, with the transport `xdp` those on the queues of its
   * interface included; undefined where it does not report them.
   */
  readonly kernelDrops: number | undefined;
  /** Statistics of the transport `xdp`; undefined with another one. */
  readonly xdp: XdpStatus | undefined;
  /** Bytes of datagrams that wait in receive buffers; undefined where the kernel does not report them. */
  readonly receiveQueue: number | undefined;
  /** The tables of the limiter. */
  readonly limiter: readonly LimiterTable[];
  /** Journal statistics. */
  readonly journal: JournalStats;
  /** Statistics of Syncthing's global discovery. */
  readonly https: HttpsStats;
}
