/** Options of a packet engine, fixed when its memory is created. */
import { KEY_SIZE, MAX_ID_LENGTH, MAX_LANES } from "../../assembly/layout.ts";

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

/** Sets per limiter table, five slots each. 20,000 keys can exceed their rate at once before keys share slots. */
export const LIMITER_SETS = 4096;

/**
 * One packet in 11 days, and one thousand million at once. Above some 250,000 packets a second a limit on networks has no
 * effect, because doubles are too imprecise for so short intervals, and above 8,000,000 none has.
 */
const MIN_RATE = 1e-6;
const MAX_LIMIT = 1e9;

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

/** Checks each option by itself. @throws as {@link createEngineMemory} does */
export function checkValues(options: EngineOptions): void {
  const whole = (name: string, value: number, least: number, most: number) => {
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new RangeError(`${name} must be a whole number from ${least} to ${most}, not ${value}`);
    }
  };
  whole("lanes", options.lanes, 1, MAX_LANES);
  whole("capacity", options.capacity, 1, 2 ** 32);
  whole("maxIdLength", options.maxIdLength, 1, MAX_ID_LENGTH);
  if (!(options.retentionMs > 0 && Number.isFinite(options.retentionMs))) {
    throw new RangeError(`retentionMs must be a number of milliseconds above 0, not ${options.retentionMs}`);
  }
  for (const name of ["source", "node", "new"] as const) {
    const { rate, burst } = options[name];
    if (rate !== 0 && !(rate >= MIN_RATE && rate <= MAX_LIMIT)) {
      throw new RangeError(`${name}.rate must be 0 or from ${MIN_RATE} to ${MAX_LIMIT}, not ${rate}`);
    }
    if (!(burst >= 1 && burst <= MAX_LIMIT))
      throw new RangeError(`${name}.burst must be from 1 to ${MAX_LIMIT}, not ${burst}`);
  }
  for (const { address, prefix } of options.allow) {
    if (!(address instanceof Uint8Array) || address.length !== 16) {
      throw new TypeError(
        "each network in allow must have an address of 16 bytes (Uint8Array); IPv4 is written as ::ffff:a.b.c.d",
      );
    }
    whole("the prefix of a network in allow", prefix, 0, 128);
  }
  powerOfTwo("limiterSets", options.limiterSets ?? LIMITER_SETS, 2 ** 20);
  powerOfTwo("shards", options.shards ?? 1, 2 ** 10);
  if (options.key !== undefined && options.key.length !== KEY_SIZE) {
    throw new RangeError(`key must be ${KEY_SIZE} bytes long, not ${options.key.length}`);
  }
}

function powerOfTwo(name: string, value: number, most: number): void {
  if (!Number.isInteger(value) || !Number.isInteger(Math.log2(value)) || value > most) {
    throw new RangeError(`${name} must be a power of two up to ${most}, not ${value}`);
  }
}
