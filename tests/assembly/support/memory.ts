/**
 * The memory under test. The modules expect their header at address 0, so the lowest megabyte is theirs; `memoryBase`
 * in as-pect.asconfig.json keeps as-pect's own data above it. The layout is that of src/engine/memory.ts, but small.
 */
import {
  ALLOWED_SIZE,
  ENTRY_ID,
  EXCHANGE_ENTRIES,
  H_ALLOWED_AT,
  H_CAPACITY,
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
  H_MAX_ID,
  H_RETENTION,
  H_SET_MASK,
  H_SHARD_MASK,
  H_SHARDS_AT,
  H_STRIDE,
  HEADER_SIZE,
  INDEX_SIZE,
  KEY_SIZE,
  LANE_SIZE,
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
} from "../../../assembly/layout";
import { attachLane } from "../../../assembly/lock";

/** End of the engine's memory and start of as-pect's. */
export const ENGINE_END: usize = 0x100000;
/** Scratch area for packets, NodeIDs and addresses, filled with 0xff to reveal accesses beyond their ends. */
export const SCRATCH: usize = 0xe0000;
export const FILLER: u8 = 0xff;

const LANES: u32 = 2;
const ALLOWED: u32 = 4;
export const RETENTION: f64 = 1000;

/** Lays out an empty registry without limits. `slots`: index slots per shard; `sets`: sets per limiter table. */
export function layOut(capacity: u32, maxId: u32, shards: u32, slots: u32, sets: u32): void {
  const stride: u32 = (ENTRY_ID + maxId + 7) & ~7;
  memory.fill(0, 0, SCRATCH);
  memory.fill(SCRATCH, FILLER, ENGINE_END - SCRATCH);
  let size: u32 = line(HEADER_SIZE);
  size = region(H_LANES_AT, size, LANES * LANE_SIZE);
  size = region(H_EXCHANGE_AT, size, EXCHANGE_ENTRIES * stride);
  size = region(H_ALLOWED_AT, size, ALLOWED * ALLOWED_SIZE);
  size = region(H_SHARDS_AT, size, shards * SHARD_SIZE);
  size = region(H_LIMITERS_AT, size, LIMITS * sets * SET_SIZE);
  size = region(H_INDEX_AT, size, shards * slots * INDEX_SIZE);
  size = region(H_ENTRIES_AT, size, (capacity + 1) * stride);
  assert(size <= <u32>SCRATCH, "the memory under test is too large");
  // A write to an entry beyond the capacity would overwrite this.
  memory.fill(size, FILLER, SCRATCH - size);
  store<u32>(H_LANES, LANES);
  store<u32>(H_CAPACITY, capacity);
  store<u32>(H_MAX_ID, maxId);
  store<u32>(H_STRIDE, stride);
  store<u32>(H_SHARD_MASK, shards - 1);
  store<u32>(H_INDEX_SLOTS, slots);
  store<u32>(H_SET_MASK, sets - 1);
  store<f64>(H_RETENTION, RETENTION);
  store<f64>(H_LAST_SWEEP, -1);
  writeKey();
  attachLane(0);
}

function region(pointer: usize, at: u32, bytes: u32): u32 {
  store<u32>(pointer, at);
  return at + line(bytes);
}

function line(bytes: u32): u32 {
  return (bytes + 63) & ~63;
}

/** Word n of the key is n + 1 times the golden ratio. The hashes expected in hash.as.ts were computed with this key. */
function writeKey(): void {
  for (let word: u32 = 0; word < <u32>KEY_SIZE / 4; word++) setKey(word, 0x9e3779b9 * (word + 1));
}

export function setKey(word: u32, value: u32): void {
  store<u32>(H_KEY + word * 4, value);
}

/** Limits per source, per queried NodeID, and per source of new NodeIDs. Rate 0: no limit. */
export function limitSources(rate: f64, burst: f64): void {
  limit(LIMIT_QUERIES, rate, burst);
  limit(LIMIT_ANNOUNCEMENTS, rate, burst);
}

export function limitNew(rate: f64, burst: f64): void {
  limit(LIMIT_NEW, rate, burst);
}

/** `rate` and `burst` are for one source and one NodeID; all sources together may send 32 times as much. */
export function limitNodes(rate: f64, burst: f64): void {
  limit(LIMIT_NODE, rate, burst);
}

function limit(own: u32, rate: f64, burst: f64): void {
  setLimit(own, rate, burst);
  setLimit(own + LIMIT_SHARED, rate * 32, burst * 32);
  setLimit(own + LIMIT_SHARED + 1, rate * 32, burst * 32);
  setLimit(own + LIMIT_RESERVE, 1, 5);
}

export function setLimit(limit: u32, rate: f64, burst: f64): void {
  const interval = rate === 0 ? 0 : 1000 / rate;
  store<f64>(H_LIMITS + limit * LIMIT_SIZE, interval, LIMIT_INTERVAL);
  store<f64>(H_LIMITS + limit * LIMIT_SIZE, (burst - 1) * interval, LIMIT_TOLERANCE);
}

/** Checksum of memory (like FNV-1a, 64 bits): unchanged if nothing was written. */
export function checksum(from: usize, to: usize): u64 {
  let sum: u64 = 20121025;
  for (; from < to; from += 4) sum = (sum ^ load<u32>(from)) * 0x100000001b3;
  return sum;
}
