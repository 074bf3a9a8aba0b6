/** Options of a packet engine, fixed when its memory is created. */

/** A rate limit: a bucket of `burst` packets that refills at `rate` packets per second. Rate 0: no limit. */
export interface Limit {
  /** Packets per second in the long run; 0: no limit. */
  readonly rate: number;
  /** Packets allowed at once. */
  readonly burst: number;
}

/** A network: an address and the number of its leading bits that count. */
export interface Network {
  /** 16 bytes of IPv6 address; IPv4 as ::ffff:a.b.c.d. */
  readonly address: Uint8Array;
  /** Number of leading bits, 0 to 128. For IPv4 add 96 to the usual prefix length. */
  readonly prefix: number;
}

export interface EngineOptions {
  /** Number of lanes: one per worker, plus one for the control thread if it uses an engine too. */
  readonly lanes: number;
  /** Most nodes that the registry holds. */
  readonly capacity: number;
  /** Longest accepted NodeID, in bytes: 1 to 1008. */
  readonly maxIdLength: number;
  /** How long an announcement is valid, in milliseconds. */
  readonly retentionMs: number;
  /**
   * Queries per source, and announcements per source, each counted apart. Of announcements as many are allowed at once as
   * of `new`, if that is more. Sources are IPv4 /32 and IPv6 /64. An IPv4 /24 or an IPv6 /48 may send 32 times as much.
   */
  readonly source: Limit;
  /**
   * Queries per NodeID. One source may use a thousandth of it; where that is less than 1 a second or 5 at once, it may use as
   * much as that, if the limit allows it.
   */
  readonly node: Limit;
  /** Announcements of unknown NodeIDs, or of new addresses, per source. Networks are as in `source`. */
  readonly new: Limit;
  /** Networks that are exempt from all limits. */
  readonly allow: readonly Network[];
  /** Count packets that exceed a limit, but let them pass. */
  readonly dryRun: boolean;
  /** Sets per limiter table, five slots each: a power of two. Default 4096. */
  readonly limiterSets?: number;
  /** Number of parts of the registry with a lock each: a power of two. Default: depends on the capacity, at most 64. */
  readonly shards?: number;
  /**
   * Key of the hash, 1040 bytes. Default: random. For tests only: anyone who knows it can flood chosen places of the
   * tables.
   */
  readonly key?: Uint8Array;
}

/** The default of every option. docs/limits.md explains the limits. */
export function defaultEngineOptions(): EngineOptions {
  return {
    lanes: 1,
    capacity: 1_000_000,
    maxIdLength: 64,
    retentionMs: 3_600_000,
    source: { rate: 250, burst: 300 },
    node: { rate: 100_000, burst: 100_000 },
    new: { rate: 2, burst: 1000 },
    allow: [],
    dryRun: false,
  };
}
