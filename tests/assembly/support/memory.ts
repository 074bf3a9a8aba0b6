/**
 * The memory under test. The modules address their header at 0, so the low megabyte is theirs: `memoryBase` in
 * as-pect.asconfig.json keeps what as-pect itself needs above it. Laid out as src/engine/memory.ts does it, but small.
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
  LIMIT_INTERVAL,
  LIMIT_NEW,
  LIMIT_NEW_NETWORK,
  LIMIT_NODE,
  LIMIT_SIZE,
  LIMIT_SOURCE,
  LIMIT_SOURCE_NETWORK,
  LIMIT_TOLERANCE,
  LIMITS,
  SET_SIZE,
  SHARD_SIZE,
} from "../../../assembly/layout";
import { attachLane } from "../../../assembly/lock";

/** Where the engine's memory ends and as-pect's begins. */
export const ENGINE_END: usize = 0x100000;
/** Room for packets, NodeIDs and addresses, all ones: what reads or writes past its end shows. */
export const SCRATCH: usize = 0xe0000;
export const DIRT: u8 = 0xff;

export const LANES: u32 = 2;
export const ALLOWED: u32 = 4;
export const RETENTION: f64 = 1000;

/** An empty registry without limits. Slots is the size of one shard's index, sets that of one limiter's table. */
export function layOut(capacity: u32, maxId: u32, shards: u32, slots: u32, sets: u32): void {
  const stride: u32 = (ENTRY_ID + maxId + 7) & ~7;
  memory.fill(0, 0, SCRATCH);
  memory.fill(SCRATCH, DIRT, ENGINE_END - SCRATCH);
  let size: u32 = line(HEADER_SIZE);
  size = region(H_LANES_AT, size, LANES * LANE_SIZE);
  size = region(H_EXCHANGE_AT, size, EXCHANGE_ENTRIES * stride);
  size = region(H_ALLOWED_AT, size, ALLOWED * ALLOWED_SIZE);
  size = region(H_SHARDS_AT, size, shards * SHARD_SIZE);
  size = region(H_LIMITERS_AT, size, LIMITS * sets * SET_SIZE);
  size = region(H_INDEX_AT, size, shards * slots * INDEX_SIZE);
  size = region(H_ENTRIES_AT, size, (capacity + 1) * stride);
  assert(size <= <u32>SCRATCH, "the memory under test is too large");
  // Dirt behind the last entry: what goes beyond the capacity shows.
  memory.fill(size, DIRT, SCRATCH - size);
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

/** Word n of the key is n + 1 times the golden ratio: the hashes that hash.as.ts expects were computed elsewhere under it. */
function writeKey(): void {
  for (let word: u32 = 0; word < <u32>KEY_SIZE / 4; word++) setKey(word, 0x9e3779b9 * (word + 1));
}

export function setKey(word: u32, value: u32): void {
  store<u32>(H_KEY + word * 4, value);
}

/** Limits by source, by NodeID asked for and by source of new NodeIDs; a rate of 0 is no limit. */
export function limitSources(rate: f64, burst: f64): void {
  setLimit(LIMIT_SOURCE, rate, burst);
  setLimit(LIMIT_SOURCE_NETWORK, rate * 32, burst * 32);
  setLimit(LIMIT_SOURCE_NETWORK + 1, rate * 4, burst * 4);
}

export function limitNodes(rate: f64, burst: f64): void {
  setLimit(LIMIT_NODE, rate, burst);
}

export function limitNew(rate: f64, burst: f64): void {
  setLimit(LIMIT_NEW, rate, burst);
  setLimit(LIMIT_NEW_NETWORK, rate * 32, burst * 32);
  setLimit(LIMIT_NEW_NETWORK + 1, rate * 4, burst * 4);
}

export function setLimit(limit: u32, rate: f64, burst: f64): void {
  const interval = rate === 0 ? 0 : 1000 / rate;
  store<f64>(H_LIMITS + limit * LIMIT_SIZE, interval, LIMIT_INTERVAL);
  store<f64>(H_LIMITS + limit * LIMIT_SIZE, (burst - 1) * interval, LIMIT_TOLERANCE);
}

/** Words of memory as one number: equal before and after when nothing was written (like FNV-1a, 64 bits). */
export function checksum(from: usize, to: usize): u64 {
  let sum: u64 = 20121025;
  for (; from < to; from += 4) sum = (sum ^ load<u32>(from)) * 0x100000001b3;
  return sum;
}
