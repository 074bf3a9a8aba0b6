/** Lists entries for the journal in order of announcement, and merges entries from a journal or from HTTPS. */
import { isLinkLocal } from "./address";
import { entryAt, isAuthenticated, isFull, nextField, shardAt } from "./entries";
import { clearPadding, hashId, spread } from "./hash";
import {
  CURSOR_CONFIRM,
  CURSOR_CONFIRM_ALL,
  CURSOR_RESTART_WALK,
  CURSOR_REWIND,
  ENTRY_ADDRESS,
  ENTRY_ID,
  ENTRY_META,
  ENTRY_NEXT,
  ENTRY_TIME,
  EVICT_STEPS,
  EXCHANGE_ENTRIES,
  H_EXCHANGE_AT,
  H_MAX_ID,
  H_MERGE_AHEAD,
  H_MERGE_FULL,
  H_MERGED,
  H_SHARD_MASK,
  H_STRIDE,
  LIST_BATCH,
  LIST_BUSY,
  LIST_MORE,
  MAX_CLOCK_SKEW,
  META_AUTHENTICATED,
  META_CONFIRMED,
  META_FROM_JOURNAL,
  META_LENGTH,
  SHARD_LISTED,
  SHARD_LOCK,
  SHARD_SAVED,
  SHARD_TAIL,
  SHARD_WALKED,
} from "./layout";
import { tryLock, unlock } from "./lock";
import {
  confirm,
  evictExpired,
  findLive,
  insert,
  isLive,
  makeRoom,
  refresh,
  shardOf,
  sweep,
  tryLockShardAndPool,
  unlockShardAndPool,
} from "./registry";

/**
 * Copies entries of `shard` to the exchange area, oldest announcement first, and moves a cursor past them. Without
 * `walk`: entries announced to this server since the last call. With `walk`: all entries announced before `until` that
 * the current walk has not reached yet. Authenticated entries are passed, but not copied. Reads at most LIST_BATCH entries.
 *
 * Returns the number of copied entries, plus LIST_MORE if it had read LIST_BATCH entries before the end of the queue. If
 * the shard stays locked, returns LIST_BUSY.
 */
export function collect(shard: u32, walk: bool, until: f64): u32 {
  if (shard > load<u32>(H_SHARD_MASK)) return 0;
  const from = shardAt(shard);
  if (!tryLock(from + SHARD_LOCK)) return LIST_BUSY;
  const cursor = from + (walk ? SHARD_WALKED : SHARD_LISTED);
  const stride = load<u32>(H_STRIDE);
  let to: usize = load<u32>(H_EXCHANGE_AT);
  let last = load<u32>(cursor);
  let entry = load<u32>(nextField(shard, last));
  let count: u32 = 0;
  let left: u32 = LIST_BATCH;
  const skipped: u32 = walk ? META_AUTHENTICATED : META_AUTHENTICATED | META_FROM_JOURNAL;
  for (; entry !== 0 && left !== 0; left--) {
    const at = entryAt(entry);
    if (walk && load<f64>(at, ENTRY_TIME) >= until) break;
    if ((load<u32>(at, ENTRY_META) & skipped) === 0) {
      memory.copy(to, at, stride);
      to += stride;
      count++;
    }
    last = entry;
    entry = load<u32>(at, ENTRY_NEXT);
  }
  store<u32>(cursor, last);
  unlock(from + SHARD_LOCK);
  return entry !== 0 && left === 0 ? count | LIST_MORE : count;
}

/**
 * Moves the cursors of `shard` as a CURSOR command says. Returns false, without a change, if the shard stays locked.
 */
export function moveCursor(shard: u32, what: u32): bool {
  if (shard > load<u32>(H_SHARD_MASK)) return false;
  const from = shardAt(shard);
  if (!tryLock(from + SHARD_LOCK)) return false;
  if (what === <u32>CURSOR_RESTART_WALK) {
    store<u32>(from, 0, SHARD_WALKED);
  } else if (what === <u32>CURSOR_CONFIRM) {
    store<u32>(from, load<u32>(from, SHARD_LISTED), SHARD_SAVED);
  } else {
    if (what !== <u32>CURSOR_REWIND) {
      store<u32>(from, what === <u32>CURSOR_CONFIRM_ALL ? load<u32>(from, SHARD_TAIL) : 0, SHARD_SAVED);
    }
    store<u32>(from, load<u32>(from, SHARD_SAVED), SHARD_LISTED);
  }
  unlock(from + SHARD_LOCK);
  return true;
}

/**
 * Merges entries `first` to `count` - 1 of the exchange area into the registry. Uses only their time, meta, address and
 * NodeID. Skips entries that are invalid or expired, entries that do not replace the known announcement of their
 * node, and new nodes for which a full registry has no room. A time that is too far in the future becomes `now`. Fast for
 * entries sorted by time, in either direction.
 *
 * An authenticated announcement replaces one that is not, even a later one, and never the other way round. Apart from that
 * the later one wins. If two have the same time, the one with the higher address wins, and if that is equal too, the one with
 * the higher port. So all servers choose the same one.
 *
 * Returns `count`, or the position of the first entry that could not be merged yet because its shard stays locked.
 */
export function merge(first: u32, count: u32, now: f64): u32 {
  const stride = load<u32>(H_STRIDE);
  const end = min<u32>(count, EXCHANGE_ENTRIES);
  for (let place = first; place < end; place++) {
    if (!mergeOne(load<u32>(H_EXCHANGE_AT) + place * stride, now)) return place;
  }
  return count;
}

/** Returns false if the entry's shard stays locked. */
function mergeOne(from: usize, now: f64): bool {
  const meta = load<u32>(from, ENTRY_META);
  const length = meta & META_LENGTH;
  if (length === 0 || length > load<u32>(H_MAX_ID) || meta >>> 16 === 0) return true;
  if (isLinkLocal(from + ENTRY_ADDRESS)) return true;
  let time = load<f64>(from, ENTRY_TIME);
  const ahead = time > now + MAX_CLOCK_SKEW;
  if (ahead) time = now;
  if (!isLive(time, now)) return true;
  const id = from + ENTRY_ID;
  clearPadding(id, length);
  hashId(id, length);
  if (isFull()) sweep(now);
  const shard = shardOf(spread);
  if (!tryLockShardAndPool(shard)) return false;
  evictExpired(shard, now, EVICT_STEPS);
  const entry = findLive(shard, id, length, now);
  const authenticated = isAuthenticated(from);
  const fields = authenticated ? meta : meta | META_FROM_JOURNAL;
  let outcome: usize = H_MERGED;
  if (entry === 0) {
    const room = makeRoom(shard, (meta & META_CONFIRMED) !== 0 ? Infinity : time);
    if (!room || !insert(shard, id, length, fields, from + ENTRY_ADDRESS, time)) outcome = H_MERGE_FULL;
  } else {
    const at = entryAt(entry);
    const comparable = isAuthenticated(at) === authenticated;
    if (comparable ? isLater(from, time, at) : authenticated) {
      // Further apart than clocks may differ: another announcement, not the same one again.
      const again = time - load<f64>(at, ENTRY_TIME) > MAX_CLOCK_SKEW ? META_CONFIRMED : 0;
      refresh(shard, entry, fields | again, from + ENTRY_ADDRESS, time);
    } else {
      outcome = 0;
      // An announcement without a certificate may be of anyone, so it does not confirm a device.
      if (comparable && (meta & META_CONFIRMED) !== 0) confirm(entry);
    }
  }
  unlockShardAndPool(shard);
  if (outcome !== 0) increment(outcome);
  if (outcome === H_MERGED && ahead) increment(H_MERGE_AHEAD);
  return true;
}

function increment(counter: usize): void {
  store<u32>(counter, load<u32>(counter) + 1);
}

/** Whether the announcement at `from`, made at `time`, is later than the known one of the same node, the entry at `at`. */
function isLater(from: usize, time: f64, at: usize): bool {
  const known = load<f64>(at, ENTRY_TIME);
  if (time !== known) return time > known;
  for (let word = 0; word < 16; word += 4) {
    const one = load<u32>(from + word, ENTRY_ADDRESS);
    const other = load<u32>(at + word, ENTRY_ADDRESS);
    if (one !== other) return one > other;
  }
  return load<u32>(from, ENTRY_META) >>> 16 > load<u32>(at, ENTRY_META) >>> 16;
}
