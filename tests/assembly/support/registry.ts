/** Operations on the registry as the engine performs them, and a consistency check of the whole registry. */
import { entryAt, shardAt } from "../../../assembly/entries";
import { hashId, spread, tag } from "../../../assembly/hash";
import {
  ENTRY_ID,
  ENTRY_META,
  ENTRY_NEXT,
  ENTRY_PREVIOUS,
  ENTRY_TAG,
  ENTRY_TIME,
  H_CAPACITY,
  H_INDEX_AT,
  H_INDEX_SLOTS,
  H_POOL_FREE,
  H_POOL_LOCK,
  H_POOL_TOP,
  H_POOL_USED,
  H_SHARD_MASK,
  INDEX_ENTRY,
  INDEX_SIZE,
  INDEX_TAG,
  META_CONFIRMED,
  META_LENGTH,
  SHARD_COUNT,
  SHARD_HEAD,
  SHARD_LOCK,
  SHARD_SEQUENCE,
  SHARD_TAIL,
} from "../../../assembly/layout";
import {
  announcementTime,
  findLive,
  insert,
  lockShard,
  lookUp,
  refresh,
  shardOf,
  unlockShard,
} from "../../../assembly/registry";
import { ID, useId } from "./bytes";
import { SCRATCH } from "./memory";

/** Address from which announcements come, and buffer for the addresses that lookups return. */
export const FROM: usize = SCRATCH + 0x9000;
export const TO: usize = SCRATCH + 0x9100;

/** Announces the current NodeID, of `length` bytes, as the engine does. False if the registry is full. */
export function announceLength(length: u32, port: u32, now: f64): bool {
  const shard = lockShard(now);
  const entry = findLive(shard, ID, length, now);
  const time = announcementTime(shard, entry, now);
  let done = true;
  if (entry !== 0) refresh(shard, entry, (port << 16) | length, FROM, time);
  else done = insert(shard, ID, length, (port << 16) | length, FROM, time);
  unlockShard(shard);
  return done;
}

/** Announces NodeID number `n`. */
export function announce(n: u32, port: u32, now: f64): bool {
  useId(n);
  return announceLength(4, port, now);
}

/** Inserts NodeID number `n` with any time, even in the past. */
export function insertAt(n: u32, port: u32, time: f64): bool {
  useId(n);
  const shard = shardOf(spread);
  return insert(shard, ID, 4, (port << 16) | 4, FROM, time);
}

/** Evicts NodeID number `n` if it has expired at `now`, and no other. */
export function evictIfExpired(n: u32, now: f64): void {
  useId(n);
  findLive(shardOf(spread), ID, 4, now);
}

/** Marks NodeID number `n` as announced twice, without another announcement. */
export function confirm(n: u32): void {
  const at = entryAt(entryOf(n));
  store<u32>(at, load<u32>(at, ENTRY_META) | META_CONFIRMED, ENTRY_META);
}

/** Port of NodeID number `n`, or 0. */
export function portOf(n: u32, now: f64): u32 {
  useId(n);
  return lookUp(ID, 4, now, TO);
}

/** Entry of NodeID number `n`, or 0. */
export function entryOf(n: u32): u32 {
  useId(n);
  return findLive(shardOf(spread), ID, 4, 0);
}

export function homeSlot(word: u32): u32 {
  return <u32>((<u64>word * load<u32>(H_INDEX_SLOTS)) >> 32);
}

/** The `nth` NodeID whose home slot is `slot`. */
export function idAt(slot: u32, nth: u32): u32 {
  let n: u32 = 0;
  useId(n);
  while (homeSlot(tag) !== slot || nth-- !== 0) useId(++n);
  return n;
}

/** Numbers of the NodeIDs in a shard's queue, from head to tail: "3 1 2". */
export function queue(shard: u32): string {
  let list = "";
  let entry = load<u32>(shardAt(shard), SHARD_HEAD);
  while (entry !== 0) {
    if (list.length !== 0) list += " ";
    list += load<u32>(entryAt(entry), ENTRY_ID).toString();
    entry = load<u32>(entryAt(entry), ENTRY_NEXT);
  }
  return list;
}

/** Checks the whole registry. Returns the first inconsistency, or "". */
export function registryError(): string {
  let used: u32 = 0;
  for (let shard: u32 = 0; shard <= load<u32>(H_SHARD_MASK); shard++) {
    const from = shardAt(shard);
    if (load<u32>(from, SHARD_LOCK) !== 0) return "a shard is locked";
    if ((load<u32>(from, SHARD_SEQUENCE) & 1) !== 0) return "a sequence counter is odd";
    const count = load<u32>(from, SHARD_COUNT);
    used += count;
    const inQueue = queueError(shard, count);
    if (inQueue.length !== 0) return inQueue;
    const inIndex = indexError(shard, count);
    if (inIndex.length !== 0) return inIndex;
  }
  return poolError(used);
}

function queueError(shard: u32, count: u32): string {
  let previous: u32 = 0;
  let time: f64 = 0;
  let length: u32 = 0;
  let entry = load<u32>(shardAt(shard), SHARD_HEAD);
  for (; entry !== 0; entry = load<u32>(entryAt(entry), ENTRY_NEXT)) {
    const at = entryAt(entry);
    if (++length > count) return "a queue is longer than its shard's count";
    if (load<u32>(at, ENTRY_PREVIOUS) !== previous) return "a queue's links do not agree";
    if (load<f64>(at, ENTRY_TIME) < time) return "a queue is out of order";
    hashId(at + ENTRY_ID, load<u32>(at, ENTRY_META) & META_LENGTH);
    if (load<u32>(at, ENTRY_TAG) !== tag) return "an entry has another entry's hash";
    if (shardOf(spread) !== shard) return "an entry is in the wrong shard";
    if (!indexed(shard, entry)) return "an entry cannot be found from its home slot";
    time = load<f64>(at, ENTRY_TIME);
    previous = entry;
  }
  if (length !== count) return "a queue is shorter than its shard's count";
  if (load<u32>(shardAt(shard), SHARD_TAIL) !== previous) return "a queue's tail is not its last entry";
  return "";
}

function slotAt(shard: u32, slot: u32): usize {
  return load<u32>(H_INDEX_AT) + (shard * load<u32>(H_INDEX_SLOTS) + slot) * INDEX_SIZE;
}

/** Whether a search from the home slot reaches `entry`, with its hash, before an empty slot. */
function indexed(shard: u32, entry: u32): bool {
  const slots = load<u32>(H_INDEX_SLOTS);
  const hash = load<u32>(entryAt(entry), ENTRY_TAG);
  for (let step: u32 = 0; step < slots; step++) {
    const slot = slotAt(shard, (homeSlot(hash) + step) % slots);
    if (load<u32>(slot, INDEX_ENTRY) === 0) return false;
    if (load<u32>(slot, INDEX_ENTRY) === entry) return load<u32>(slot, INDEX_TAG) === hash;
  }
  return false;
}

/** All queued entries are known to be indexed. With as many filled slots as entries, each is indexed once. */
function indexError(shard: u32, count: u32): string {
  let taken: u32 = 0;
  for (let slot: u32 = 0; slot < load<u32>(H_INDEX_SLOTS); slot++) {
    if (load<u32>(slotAt(shard, slot), INDEX_ENTRY) !== 0) taken++;
    else if (load<u32>(slotAt(shard, slot), INDEX_TAG) !== 0) return "an empty slot has a hash";
  }
  return taken === count ? "" : "the index has more or fewer entries than the queue";
}

function poolError(used: u32): string {
  if (load<u32>(H_POOL_LOCK) !== 0) return "the pool is locked";
  if (load<u32>(H_POOL_USED) !== used) return "the pool's count differs from the sum of the shards";
  const top = load<u32>(H_POOL_TOP);
  if (top > load<u32>(H_CAPACITY)) return "more entries than the capacity were used";
  let free: u32 = 0;
  let entry = load<u32>(H_POOL_FREE);
  for (; entry !== 0; entry = load<u32>(entryAt(entry), ENTRY_NEXT)) {
    if (++free > top) return "the free list is circular";
    if (entry > top) return "a free entry was never used";
    if (load<u32>(entryAt(entry), ENTRY_META) !== 0) return "a free entry looks used";
  }
  return free + used === top ? "" : "an entry is lost";
}
