/** The counters of a server. */
import type { EngineCounters } from "../engine/index.ts";

/** Statistics of a server's journal, since the start of the server. */
export interface JournalStats {
  /** The journal, without secrets: `memory`, a path, or a URL without its password. */
  readonly where: string;
  /** Nodes that were restored from the journal at the start. */
  readonly restored: number;
  /** How long that took, in seconds. */
  readonly restoreSeconds: number;
  /** Announcements appended to the journal. */
  readonly appended: number;
  /** Announcements that were read from the journal and were newer than what the server knew. Includes those at the start. */
  readonly merged: number;
  /** Announcements in the journal that were dropped: the registry was full, or their NodeIDs were too long. */
  readonly noRoom: number;
  /** Announcements in the journal from further in the future than clocks may differ. They count as announced now. */
  readonly ahead: number;
  /** Invalid batches in the journal. */
  readonly bad: number;
  /** Lost connections, failed appends, and lost contents of the journal. */
  readonly errors: number;
  /** The longest that an announcement may have waited to be appended, in seconds. */
  readonly lag: number;
}

/** Statistics of a server. */
export interface ServerStats extends EngineCounters {
  /** Nodes in the registry. */
  readonly nodes: number;
  /** The most nodes that are stored. */
  readonly capacity: number;
  /** Workers that are running. */
  readonly workers: number;
  /** Workers that crashed or hung, and were replaced. */
  readonly replaced: number;
  /** Seconds since the start. */
  readonly uptime: number;
  /** Journal statistics. */
  readonly journal: JournalStats;
}
