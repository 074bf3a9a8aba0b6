/** What a packet engine is told when its memory is made. */

/** A rate limit: a bucket that holds `burst` packets and gains `rate` a second. Rate 0: no limit. */
export interface Limit {
  /** Packets a second in the long run. */
  readonly rate: number;
  /** Packets that may come at once. */
  readonly burst: number;
}

/** A network: 16 bytes of IPv6 address (IPv4 as ::ffff:a.b.c.d), and how many bits of them count (0 to 128). */
export interface Network {
  /** 16 bytes, IPv4 as ::ffff:a.b.c.d. */
  readonly address: Uint8Array;
  /** How many bits of it count, 0 to 128: 96 more than in the notation of IPv4. */
  readonly prefix: number;
}

export interface EngineOptions {
  /** Batches that can be under way at once: one for each worker. */
  readonly lanes: number;
  /** Nodes that the registry holds at most. */
  readonly capacity: number;
  /** Longest NodeID that is taken, in bytes: 1 to 1008. */
  readonly maxIdLength: number;
  /** How long an announcement holds, in milliseconds. */
  readonly retentionMs: number;
  /** Packets per source: IPv4 /32 and, 32 times as much, /24; IPv6 /64 and, 4 times as much, /48. */
  readonly source: Limit;
  /** Queries per NodeID. */
  readonly node: Limit;
  /** Announcements per source of NodeIDs that are not registered yet; networks as with `source`. */
  readonly new: Limit;
  /** Sources that no limit holds for. */
  readonly allow: readonly Network[];
  /** Count what the limits would stop, and let it pass. */
  readonly dryRun: boolean;
  /** Sets of five slots in each table of the limiter: a power of two. Default 4096. */
  readonly limiterSets?: number;
  /** Parts that the registry is locked by: a power of two. Default: by the capacity, 64 at most. */
  readonly shards?: number;
  /** Key of the hash, 1040 bytes. Default: random. For tests only: who knows it can aim at the tables. */
  readonly key?: Uint8Array;
}

/** The default of every option. docs/limits.md tells why the limits are what they are. */
export function defaultEngineOptions(): EngineOptions {
  return {
    lanes: 1,
    capacity: 1_000_000,
    maxIdLength: 64,
    retentionMs: 3_600_000,
    source: { rate: 250, burst: 300 },
    node: { rate: 100, burst: 300 },
    new: { rate: 2, burst: 1000 },
    allow: [],
    dryRun: false,
  };
}
