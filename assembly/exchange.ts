/** What a journal needs: entries listed by the time of their announcement, and entries from elsewhere merged. */
import { entryAt, exhausted, shardAt } from "./entries";
import { clearPadding, hashId, spread } from "./hash";
import {
  ENTRY_ADDRESS,
  ENTRY_ID,
  ENTRY_META,
  ENTRY_PREVIOUS,
  ENTRY_TAG,
  ENTRY_TIME,
  EXCHANGE,
  H_CURSOR,
  H_CURSOR_SHARD,
  H_CURSOR_TAG,
  H_CURSOR_TIME,
  H_EXCHANGE_AT,
  H_MAX_ID,
  H_RETENTION,
  H_STRIDE,
  LOCKED,
  META_ELSEWHERE,
  META_LENGTH,
  SHARD_LOCK,
  SHARD_TAIL,
} from "./layout";
import { tryLock, unlock } from "./lock";
import { holds, insert, leaveShard, refresh, shardOf, sweep, tend, tryShard } from "./registry";

/**
 * Copies entries of `shard` announced at `since` or later to the exchange area, the latest first, EXCHANGE at most, and
 * returns how many. When the area is full, `resume` goes on behind them; should the entry it ended at have moved in the
 * meantime, from the start again: an entry may come twice, none is left out. LOCKED if the shard stays locked for long.
 */
export function collect(shard: u32, since: f64, resume: bool): u32 {
  const stride = load<u32>(H_STRIDE);
  let to: usize = load<u32>(H_EXCHANGE_AT);
  let count: u32 = 0;
  if (!tryLock(shardAt(shard) + SHARD_LOCK)) return LOCKED;
  let entry = load<u32>(shardAt(shard), SHARD_TAIL);
  if (resume && isCursor(shard, load<u32>(H_CURSOR))) entry = load<u32>(entryAt(load<u32>(H_CURSOR)), ENTRY_PREVIOUS);
  while (entry !== 0 && count < <u32>EXCHANGE) {
    const at = entryAt(entry);
    if (load<f64>(at, ENTRY_TIME) < since) break;
    memory.copy(to, at, stride);
    store<u32>(H_CURSOR, entry);
    store<u32>(H_CURSOR_SHARD, shard);
    store<u32>(H_CURSOR_TAG, load<u32>(at, ENTRY_TAG));
    store<f64>(H_CURSOR_TIME, load<f64>(at, ENTRY_TIME));
    to += stride;
    count++;
    entry = load<u32>(at, ENTRY_PREVIOUS);
  }
  unlock(shardAt(shard) + SHARD_LOCK);
  return count;
}

/** Whether `entry` still stands where the last listing, of the same shard, ended. */
function isCursor(shard: u32, entry: u32): bool {
  const at = entryAt(entry);
  return (
    shard === load<u32>(H_CURSOR_SHARD) &&
    load<u32>(at, ENTRY_META) !== 0 &&
    load<u32>(at, ENTRY_TAG) === load<u32>(H_CURSOR_TAG) &&
    load<f64>(at, ENTRY_TIME) === load<f64>(H_CURSOR_TIME)
  );
}

/**
 * Merges the first `count` entries of the exchange area, of which time, meta, address and NodeID count, and returns how many
 * it took. In ascending or descending order of time each takes its place at once; else it is looked for from the queue's
 * end. Left out are those that make no sense, whose time is over, that are not later than what is known, or that find no
 * room. A time to come counts as `now`. LOCKED if a lock stays held for long: merging all of them again does no harm.
 */
export function merge(count: u32, now: f64): u32 {
  const stride = load<u32>(H_STRIDE);
  let from: usize = load<u32>(H_EXCHANGE_AT);
  let taken: u32 = 0;
  for (let left = min<u32>(count, EXCHANGE); left !== 0; left--, from += stride) {
    const one = mergeOne(from, now);
    if (one === <u32>LOCKED) return LOCKED;
    taken += one;
  }
  return taken;
}

/** 1 if it took the entry, 0 or LOCKED. */
function mergeOne(from: usize, now: f64): u32 {
  const meta = load<u32>(from, ENTRY_META);
  const length = meta & META_LENGTH;
  if (length === 0 || length > load<u32>(H_MAX_ID) || meta >>> 16 === 0) return 0;
  const time = min<f64>(load<f64>(from, ENTRY_TIME), now);
  if (!(now - time < load<f64>(H_RETENTION))) return 0;
  const id = from + ENTRY_ID;
  clearPadding(id, length);
  hashId(id, length);
  if (exhausted()) sweep(now);
  const shard = shardOf(spread);
  if (!tryShard(shard)) return LOCKED;
  tend(shard, now, 2);
  const entry = holds(shard, id, length, now);
  let taken = true;
  if (entry === 0) taken = insert(shard, id, length, meta | META_ELSEWHERE, from + ENTRY_ADDRESS, time);
  else if (load<f64>(entryAt(entry), ENTRY_TIME) < time) {
    refresh(shard, entry, meta | META_ELSEWHERE, from + ENTRY_ADDRESS, time);
  } else taken = false;
  leaveShard(shard);
  return taken ? 1 : 0;
}
