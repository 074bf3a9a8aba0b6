/** Creates the memory of a packet engine and writes its header. */
import {
  ALLOWED_SIZE,
  ENTRY_ID,
  EXCHANGE_ENTRIES,
  H_ALLOWED,
  H_ALLOWED_AT,
  H_CAPACITY,
  H_DRY_RUN,
  H_ENTRIES_AT,
  H_EXCHANGE_AT,
  H_INDEX_AT,
  H_INDEX_SLOTS,
  H_KEY,
  H_LANES,
  H_LANES_AT,
  H_LAST_SWEEP,
  H_LIMITERS_AT,
  H_LIMITS,
  H_MAGIC,
  H_MAX_ID,
  H_RETENTION,
  H_SET_MASK,
  H_SHARD_MASK,
  H_SHARDS_AT,
  H_STOP,
  H_STRIDE,
  H_VERSION,
  H_WEAK_ORDERING,
  HEADER_SIZE,
  INDEX_SIZE,
  KEY_SIZE,
  LANE_SIZE,
  LAYOUT_MAGIC,
  LAYOUT_VERSION,
  LIMIT_ANNOUNCEMENTS,
  LIMIT_INTERVAL,
  LIMIT_NEW,
  LIMIT_NODE,
  LIMIT_QUERIES,
  LIMIT_RESERVE,
  LIMIT_SHARED,
  LIMIT_SIZE,
  LIMIT_TOLERANCE,
  LIMITS,
  SET_SIZE,
  SHARD_SIZE,
} from "../../assembly/layout.ts";
import { checkValues, type EngineOptions, LIMITER_SETS, type Limit, type Network } from "./options.ts";

/**
 * The shared memory of an engine: a `WebAssembly.Memory`, of which only the buffer matters here. Published declarations
 * must not name `WebAssembly`: a project without the types of the DOM does not have that name.
 */
export interface EngineMemory {
  readonly buffer: ArrayBuffer;
}

/** Each region starts on a cache line. */
const CACHE_LINE = 64;
/** Size of a WebAssembly page, in bytes. */
const PAGE = 65536;
/** Number of pages that 32-bit addresses can reach. */
const MAX_PAGES = 65536;
/** A network's limit as a multiple of its hosts' limit: IPv4 /24 and IPv6 /48. */
const NETWORK_FACTOR = 32;
/** The part of a NodeID's limit that one source may use. */
const SOURCE_SHARE = 0.001;
/** What a source may send even if others use up the limit that it shares with them. */
const RESERVE: Limit = { rate: 1, burst: 5 };
/** Fewest nodes per shard. With fewer, random variation fills shards too unevenly for their share of the index. */
const SHARD_NODES = 4096;
const MAX_SHARDS = 64;
/** Index slots per node. At a load of one half a hit reads 1.5 slots on average, and a miss 2.5. */
const SLOTS_PER_NODE = 2;

/** Sizes and addresses of all regions, in bytes, and their numbers of elements. */
interface Plan {
  stride: number;
  shards: number;
  slots: number;
  sets: number;
  lanesAt: number;
  exchangeAt: number;
  allowedAt: number;
  shardsAt: number;
  limitersAt: number;
  indexAt: number;
  entriesAt: number;
  size: number;
}

function plan(options: EngineOptions): Plan {
  const stride = (ENTRY_ID + options.maxIdLength + 7) & ~7;
  const shards = options.shards ?? defaultShards(options.capacity);
  const share = Math.ceil(options.capacity / shards);
  // The last two terms are room for shards that randomly get more than their share of the nodes.
  const slots = share * SLOTS_PER_NODE + 8 * Math.ceil(Math.sqrt(share)) + 64;
  const sets = options.limiterSets ?? LIMITER_SETS;
  let size = 0;
  const region = (bytes: number) => {
    const at = size;
    size += Math.ceil(bytes / CACHE_LINE) * CACHE_LINE;
    return at;
  };
  region(HEADER_SIZE);
  const lanesAt = region(options.lanes * LANE_SIZE);
  const exchangeAt = region(EXCHANGE_ENTRIES * stride);
  const allowedAt = region(options.allow.length * ALLOWED_SIZE);
  const shardsAt = region(shards * SHARD_SIZE);
  const limitersAt = region(LIMITS * sets * SET_SIZE);
  const indexAt = region(shards * slots * INDEX_SIZE);
  const entriesAt = region((options.capacity + 1) * stride);
  return {
    stride,
    shards,
    slots,
    sets,
    lanesAt,
    exchangeAt,
    allowedAt,
    shardsAt,
    limitersAt,
    indexAt,
    entriesAt,
    size,
  };
}

function defaultShards(capacity: number): number {
  let shards = 1;
  while (shards < MAX_SHARDS && shards * 2 * SHARD_NODES <= capacity) shards *= 2;
  return shards;
}

function checkedPlan(options: EngineOptions): Plan {
  checkValues(options);
  const p = plan(options);
  if (p.size <= MAX_PAGES * PAGE) return p;
  throw new RangeError(
    `${needs(options, p)}, more than the maximum of 4 GiB: lower the capacity to ${mostCapacity(options)} or the maximum length of NodeIDs`,
  );
}

function needs({ capacity, maxIdLength }: EngineOptions, { size }: Plan): string {
  const gib = (size / 2 ** 30).toFixed(1);
  return `a capacity of ${capacity} nodes with NodeIDs of up to ${maxIdLength} bytes needs ${gib} GiB of memory`;
}

/** Creates a memory of fixed size, or throws an error that says what is too large. */
function createMemory(pages: number, options: EngineOptions, p: Plan): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`${needs(options, p)}, which this system does not grant: lower the capacity`);
  }
}

/** The largest capacity that fits into a memory, other options being as they are. */
function mostCapacity(options: EngineOptions): number {
  let [fits, exceeds] = [0, options.capacity];
  while (exceeds - fits > 1) {
    const capacity = Math.floor((fits + exceeds) / 2);
    if (plan({ ...options, capacity }).size <= MAX_PAGES * PAGE) fits = capacity;
    else exceeds = capacity;
  }
  return fits;
}

/** Checks options without creating a memory. @throws as {@link createEngineMemory} does. */
export function checkEngineOptions(options: EngineOptions): void {
  checkedPlan(options);
}

/**
 * Creates the memory of a packet engine and writes its header. The memory never grows. The operating system provides
 * its pages when they are first used.
 *
 * @param options see {@link EngineOptions}; `defaultEngineOptions()` has a value for each.
 * @returns a shared memory; workers attach to it with `createWasmEngine` or `createTsEngine`.
 * @throws {RangeError} if an option is out of range, or if all of them together need more than 4 GiB.
 * @throws {TypeError} if an address in `allow` is not a Uint8Array of 16 bytes.
 */
export function createEngineMemory(options: EngineOptions): EngineMemory {
  const p = checkedPlan(options);
  const pages = Math.ceil(p.size / PAGE);
  const memory = createMemory(pages, options, p);
  const u32 = new Uint32Array(memory.buffer);
  const f64 = new Float64Array(memory.buffer);
  const word = (at: number, value: number) => {
    u32[at >>> 2] = value;
  };
  word(H_MAGIC, LAYOUT_MAGIC);
  word(H_VERSION, LAYOUT_VERSION);
  word(H_LANES, options.lanes);
  word(H_CAPACITY, options.capacity);
  word(H_MAX_ID, options.maxIdLength);
  word(H_STRIDE, p.stride);
  word(H_SHARD_MASK, p.shards - 1);
  word(H_INDEX_SLOTS, p.slots);
  word(H_SET_MASK, p.sets - 1);
  word(H_DRY_RUN, options.dryRun ? 1 : 0);
  word(H_STOP, 0);
  word(H_WEAK_ORDERING, process.arch === "x64" ? 0 : 1);
  word(H_LANES_AT, p.lanesAt);
  word(H_EXCHANGE_AT, p.exchangeAt);
  word(H_ALLOWED_AT, p.allowedAt);
  word(H_SHARDS_AT, p.shardsAt);
  word(H_LIMITERS_AT, p.limitersAt);
  word(H_INDEX_AT, p.indexAt);
  word(H_ENTRIES_AT, p.entriesAt);
  f64[H_RETENTION >>> 3] = options.retentionMs;
  f64[H_LAST_SWEEP >>> 3] = -1;
  writeLimits(f64, options);
  writeAllowed(memory, p.allowedAt, options.allow);
  word(H_ALLOWED, options.allow.length);
  // getRandomValues does not accept shared memory.
  const key = options.key ?? crypto.getRandomValues(new Uint8Array(KEY_SIZE));
  new Uint8Array(memory.buffer, H_KEY, KEY_SIZE).set(key);
  return memory;
}

function writeLimits(f64: Float64Array, { source, node, new: unknown }: EngineOptions): void {
  const write = (limit: number, own: Limit, shared: Limit) => {
    writeLimit(f64, limit, own);
    writeLimit(f64, limit + LIMIT_SHARED, shared);
    writeLimit(f64, limit + LIMIT_SHARED + 1, shared);
    writeLimit(f64, limit + LIMIT_RESERVE, RESERVE);
  };
  const ofNetwork = ({ rate, burst }: Limit) => ({ rate: rate * NETWORK_FACTOR, burst: burst * NETWORK_FACTOR });
  const part = (all: number, least: number) => Math.min(all, Math.max(all * SOURCE_SHARE, least));
  // As many nodes may announce themselves at once as may be new at once.
  const announcements = { rate: source.rate, burst: Math.max(source.burst, unknown.rate === 0 ? 1 : unknown.burst) };
  write(LIMIT_QUERIES, source, ofNetwork(source));
  write(LIMIT_ANNOUNCEMENTS, announcements, ofNetwork(announcements));
  write(LIMIT_NEW, unknown, ofNetwork(unknown));
  write(LIMIT_NODE, { rate: part(node.rate, RESERVE.rate), burst: part(node.burst, RESERVE.burst) }, node);
}

/** Writes a limit as GCRA needs it: the interval between packets, and how far a burst may run ahead of it. */
function writeLimit(f64: Float64Array, limit: number, { rate, burst }: Limit): void {
  const at = H_LIMITS + limit * LIMIT_SIZE;
  const interval = rate === 0 ? 0 : 1000 / rate;
  f64[(at + LIMIT_INTERVAL) >>> 3] = interval;
  f64[(at + LIMIT_TOLERANCE) >>> 3] = (burst - 1) * interval;
}

function writeAllowed(memory: EngineMemory, at: number, networks: readonly Network[]): void {
  const u8 = new Uint8Array(memory.buffer, at, networks.length * ALLOWED_SIZE);
  networks.forEach(({ address, prefix }, i) => {
    for (let byte = 0; byte < 16; byte++) {
      const mask = (0xff00 >> Math.min(8, Math.max(0, prefix - byte * 8))) & 0xff;
      u8[i * ALLOWED_SIZE + byte] = address[byte]! & mask;
      u8[i * ALLOWED_SIZE + 16 + byte] = mask;
    }
  });
}
