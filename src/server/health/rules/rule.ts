/** What the monitor looks at, and what it expects of each rule. */
import type { EngineCounters } from "../../../engine/index.ts";
import type { XdpStatus } from "../../../transport/xdp/status.ts";
import type { Limited, Problem } from "../../inspect.ts";
import type { HttpsStats, JournalStats } from "../../stats.ts";

/** A server at one moment. Counters count since its start. */
export interface Sample {
  readonly counters: EngineCounters;
  readonly nodes: number;
  readonly capacity: number;
  /** Packets that the kernel dropped, from receive buffers and from queues of the transport xdp; undefined if unknown. */
  readonly kernelDrops: number | undefined;
  /** Undefined with another transport. */
  readonly xdp: XdpStatus | undefined;
  readonly journal: JournalStats;
  /** Whether the journal was read. */
  readonly restored: boolean;
  readonly workers: number;
  /** Numbers of the workers that are being replaced or have no heartbeat. */
  readonly missing: readonly number[];
  readonly replaced: number;
  readonly https: HttpsStats;
  /** Number of threads for requests that are not running. */
  readonly httpsMissing: number;
  /** In bytes, as granted by the system and as asked for. */
  readonly receiveBuffer: { readonly granted: number | undefined; readonly asked: number };
  /** Whether systemd has opened the sockets. */
  readonly socketsGiven: boolean;
  readonly dryRun: boolean;
  /** The source, network or NodeID of which limits stop the most packets now. */
  readonly mostLimited: () => Limited | undefined;
  /** The system's clock minus one that does not step, in ms; undefined if it could not be read. */
  readonly clock: number | undefined;
}

/** One thing that may be wrong. */
export interface Rule {
  readonly code: Problem["code"];
  /** False if the log has lines of its own about it. */
  readonly logs?: false;
  /** Called once a second. @returns undefined if nothing is wrong. */
  look(sample: Sample): Finding | undefined;
  /** The line for the log when it is over. Without it there is none. */
  over?(sample: Sample): string;
}

export interface Finding {
  readonly severity: Problem["severity"];
  readonly text: string;
  /** Whether it has happened once more, so that the log must say it again. */
  readonly again?: boolean;
}
