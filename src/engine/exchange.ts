/** Twin of assembly/exchange.ts: lists entries in order of announcement, and merges those from a journal or from HTTPS. */
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
} from "../../assembly/layout.ts";
import { isLinkLocal } from "./address.ts";
import { entryAt, isAuthenticated, isFull, nextField, shardAt } from "./entries.ts";
import { clearPadding, hashId } from "./hash.ts";
import { tryLock, unlock } from "./lock.ts";
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
} from "./registry.ts";
import type { EngineState } from "./state.ts";

/**
 * Copies entries of `shard` to the exchange area, oldest announcement first, and moves a cursor past them. Without
 * `walk`: entries announced to this server since the last call. With `walk`: all entries announced before `until` that
 * the current walk has not reached yet. Authenticated entries are passed, but not copied. Reads at most LIST_BATCH entries.
 *
 * Returns the number of copied entries, plus LIST_MORE if it had read LIST_BATCH entries before the end of the queue. If
 * the shard stays locked, returns LIST_BUSY.
 */
export function collect(m: EngineState, shard: number, walk: boolean, until: number): number {
  shard >>>= 0;
  if (shard > m.u32[H_SHARD_MASK >>> 2]!) return 0;
  const from = shardAt(m, shard);
  if (!tryLock(m, from + SHARD_LOCK)) return LIST_BUSY;
  const cursor = (from + (walk ? SHARD_WALKED : SHARD_LISTED)) >>> 2;
  const stride = m.u32[H_STRIDE >>> 2]!;
  let to = m.u32[H_EXCHANGE_AT >>> 2]!;
  let last = m.u32[cursor]!;
  let entry = m.u32[nextField(m, shard, last) >>> 2]!;
  let count = 0;
  let left = LIST_BATCH;
  const skipped = walk ? META_AUTHENTICATED : META_AUTHENTICATED | META_FROM_JOURNAL;
  for (; entry !== 0 && left !== 0; left--) {
    const at = entryAt(m, entry);
    if (walk && m.f64[(at + ENTRY_TIME) >>> 3]! >= until) break;
    if ((m.u32[(at + ENTRY_META) >>> 2]! & skipped) === 0) {
      m.u8.copyWithin(to, at, at + stride);
      to += stride;
      count++;
    }
    last = entry;
    entry = m.u32[(at + ENTRY_NEXT) >>> 2]!;
  }
  m.u32[cursor] = last;
  unlock(m, from + SHARD_LOCK);
  return entry !== 0 && left === 0 ? count | LIST_MORE : count;
}

/**
 * Moves the cursors of `shard` as a CURSOR command says. Returns false, without a change, if the shard stays locked.
 */
export function moveCursor(m: EngineState, shard: number, what: number): boolean {
  shard >>>= 0;
  if (shard > m.u32[H_SHARD_MASK >>> 2]!) return false;
  const from = shardAt(m, shard);
  if (!tryLock(m, from + SHARD_LOCK)) return false;
  if (what === CURSOR_RESTART_WALK) {
    m.u32[(from + SHARD_WALKED) >>> 2] = 0;
  } else if (what === CURSOR_CONFIRM) {
    m.u32[(from + SHARD_SAVED) >>> 2] = m.u32[(from + SHARD_LISTED) >>> 2]!;
  } else {
    if (what !== CURSOR_REWIND) {
      m.u32[(from + SHARD_SAVED) >>> 2] = what === CURSOR_CONFIRM_ALL ? m.u32[(from + SHARD_TAIL) >>> 2]! : 0;
    }
    m.u32[(from + SHARD_LISTED) >>> 2] = m.u32[(from + SHARD_SAVED) >>> 2]!;
  }
  unlock(m, from + SHARD_LOCK);
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
export function merge(m: EngineState, first: number, count: number, now: number): number {
  first >>>= 0;
  count >>>= 0;
  const stride = m.u32[H_STRIDE >>> 2]!;
  const end = Math.min(count, EXCHANGE_ENTRIES);
  for (let place = first; place < end; place++) {
    if (!mergeOne(m, m.u32[H_EXCHANGE_AT >>> 2]! + place * stride, now)) return place;
  }
  return count;
}

/** Returns false if the entry's shard stays locked. */
function mergeOne(m: EngineState, from: number, now: number): boolean {
  const meta = m.u32[(from + ENTRY_META) >>> 2]!;
  const length = meta & META_LENGTH;
  if (length === 0 || length > m.u32[H_MAX_ID >>> 2]! || meta >>> 16 === 0) return true;
  if (isLinkLocal(m, from + ENTRY_ADDRESS)) return true;
  let time = m.f64[(from + ENTRY_TIME) >>> 3]!;
  const ahead = time > now + MAX_CLOCK_SKEW;
  if (ahead) time = now;
  if (!isLive(m, time, now)) return true;
  const id = from + ENTRY_ID;
  clearPadding(m, id, length);
  hashId(m, id, length);
  if (isFull(m)) sweep(m, now);
  const shard = shardOf(m, m.spread);
  if (!tryLockShardAndPool(m, shard)) return false;
  evictExpired(m, shard, now, EVICT_STEPS);
  const entry = findLive(m, shard, id, length, now);
  const authenticated = isAuthenticated(m, from);
  const fields = authenticated ? meta : meta | META_FROM_JOURNAL;
  let outcome = H_MERGED;
  if (entry === 0) {
    const room = makeRoom(m, shard, (meta & META_CONFIRMED) !== 0 ? Number.POSITIVE_INFINITY : time);
    if (!room || !insert(m, shard, id, length, fields, from + ENTRY_ADDRESS, time)) outcome = H_MERGE_FULL;
  } else {
    const at = entryAt(m, entry);
    const comparable = isAuthenticated(m, at) === authenticated;
    if (comparable ? isLater(m, from, time, at) : authenticated) {
      // Further apart than clocks may differ: another announcement, not the same one again.
      const again = time - m.f64[(at + ENTRY_TIME) >>> 3]! > MAX_CLOCK_SKEW ? META_CONFIRMED : 0;
      refresh(m, shard, entry, fields | again, from + ENTRY_ADDRESS, time);
    } else {
      outcome = 0;
      // An announcement without a certificate may be of anyone, so it does not confirm a device.
      if (comparable && (meta & META_CONFIRMED) !== 0) confirm(m, entry);
    }
  }
  unlockShardAndPool(m, shard);
  if (outcome !== 0) increment(m, outcome);
  if (outcome === H_MERGED && ahead) increment(m, H_MERGE_AHEAD);
  return true;
}

function increment(m: EngineState, counter: number): void {
  m.u32[counter >>> 2]!++;
}

/** Whether the announcement at `from`, made at `time`, is later than the known one of the same node, the entry at `at`. */
function isLater(m: EngineState, from: number, time: number, at: number): boolean {
  const known = m.f64[(at + ENTRY_TIME) >>> 3]!;
  if (time !== known) return time > known;
  for (let word = 0; word < 16; word += 4) {
    const one = m.u32[(from + word + ENTRY_ADDRESS) >>> 2]!;
    const other = m.u32[(at + word + ENTRY_ADDRESS) >>> 2]!;
    if (one !== other) return one > other;
  }
  return m.u32[(from + ENTRY_META) >>> 2]! >>> 16 > m.u32[(at + ENTRY_META) >>> 2]! >>> 16;
}
