/**
 * The replies of the admin server, as JSON. Times are ISO 8601 text in UTC (`2026-01-31T12:00:00.000Z`), durations are
 * seconds, counters count since the start of the server.
 */
import type { Limited, NodeInfo, Problem, Readiness, ServerStats, WorkerStats, XdpStatus } from "../server/index.ts";

/** `/api/stats`. */
export interface StatsReply extends Omit<ServerStats, "kernelDrops" | "receiveQueue" | "perWorker" | "xdp"> {
  readonly version: string;
  /** When the server started. */
  readonly startedAt: string;
  /** Time of this reply. */
  readonly at: string;
  /** The result of the last check for `/readyz`. */
  readonly ready: boolean;
  readonly problems: readonly ProblemReply[];
  /** UDP addresses that it listens on, with the port: `192.0.2.1:22025`. */
  readonly listening: readonly string[];
  readonly transport: string;
  /** null unless the transport is `xdp`. */
  readonly xdp: XdpReply | null;
  readonly perWorker: readonly WorkerReply[];
  /** null where the kernel does not report them. */
  readonly kernelDrops: number | null;
  readonly receiveQueue: number | null;
  readonly process: { readonly residentBytes: number; readonly cpuSeconds: number };
  /** Settings of the limits, as the flags have them. */
  readonly limits: Readonly<
    Record<"sourceRate" | "sourceBurst" | "nodeRate" | "nodeBurst" | "newRate" | "newBurst", number>
  > & { readonly dryRun: boolean };
}

interface WorkerReply extends Omit<WorkerStats, "cpuSeconds"> {
  /** null where the system does not report it. */
  readonly cpuSeconds: number | null;
}

/** What the transport `xdp` does now. */
export interface XdpReply extends Omit<XdpStatus, "mode" | "problem"> {
  /** null while the program is not attached. */
  readonly mode: NonNullable<XdpStatus["mode"]> | null;
  /** null if there is no problem. */
  readonly problem: string | null;
}

/** Something that is wrong now, in words. */
export interface ProblemReply extends Omit<Problem, "since"> {
  readonly since: string;
}

/** `/api/limited`: sources, networks and NodeIDs that a limit stops now, those with the most packets first. */
export interface LimitedReply {
  readonly at: string;
  readonly limited: readonly LimitedKey[];
}

export interface LimitedKey extends Omit<Limited, "network" | "nodeId" | "option" | "since"> {
  /** The source or the network in CIDR notation; null if the key is a NodeID. */
  readonly network: string | null;
  /** null unless the limit is one of NodeIDs. */
  readonly nodeId: NodeIdReply | null;
  /** The flag that sets the limit: `--source-rate`. */
  readonly flag: string;
  readonly since: string;
}

/** A NodeID as text, null if it is not UTF-8, and in hex. */
export interface NodeIdReply {
  readonly text: string | null;
  readonly hex: string;
}

/**
 * `/api/nodes/ID`, with status 200. For a node that the server does not know: status 404 and an {@link ErrorReply}. For a
 * text that is no NodeID: status 400. ID is the NodeID's text, percent-encoded, or `hex:` and its bytes in hex. The text of `.`,
 * `..` and of all that begins with `hex:` must be written in hex.
 */
export interface NodeReply extends Omit<NodeInfo, "nodeId" | "announcedAt" | "expiresAt"> {
  readonly nodeId: NodeIdReply;
  readonly announcedAt: string;
  readonly expiresAt: string;
}

/** `/api/history`: what was counted in each interval of the last hour, the oldest first. */
export interface HistoryReply {
  /** Length of an interval, in seconds. */
  readonly interval: number;
  /** End of the last interval. */
  readonly until: string;
  readonly verdictNames: readonly string[];
  /** Datagrams per verdict from the start of the server to `until`, in the order of `verdictNames`. */
  readonly totals: readonly number[];
  /**
   * Per interval: datagrams per verdict, in the order of `verdictNames`. Here and below null stands for an interval before
   * the start, or one in which the computer slept.
   */
  readonly verdicts: readonly (readonly number[] | null)[];
  /** Nodes at the end of each interval. */
  readonly nodes: readonly (number | null)[];
  /** Syncthing devices at the end of each interval. */
  readonly devices: readonly (number | null)[];
  /** The journal's lag at the end of each interval, in seconds. */
  readonly journalLag: readonly (number | null)[];
  /** Datagrams that the kernel dropped in each interval; null also where it does not report them. */
  readonly kernelDrops: readonly (number | null)[];
}

/** `/readyz`, with status 200 if the server is ready, else 503. */
export interface ReadyReply extends Readiness {
  /** Why it is not ready, in words; null if it is. The checks are none while the server starts or stops. */
  readonly reason: string | null;
}

/** `/api/events` (server-sent events): at once and then every second an event `stats` with this. */
export interface StatsEvent {
  readonly stats: StatsReply;
  readonly limited: readonly LimitedKey[];
}

/** The body of each reply with an error status. */
export interface ErrorReply {
  readonly error: string;
}
