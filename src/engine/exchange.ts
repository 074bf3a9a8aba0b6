/** Twin of assembly/exchange.ts: entries listed by the time of their announcement, and entries from elsewhere merged. */
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
} from "../../assembly/layout.ts";
import { entryAt, exhausted, shardAt } from "./entries.ts";
import { clearPadding, hashId } from "./hash.ts";
import { tryLock, unlock } from "./lock.ts";
import { holds, insert, leaveShard, refresh, shardOf, sweep, tend, tryShard } from "./registry.ts";
import type { EngineState } from "./state.ts";

/**
 * Copies entries of `shard` announced at `since` or later to the exchange area, the latest first, EXCHANGE at most, and
 * returns how many. When the area is full, `resume` goes on behind them; should the entry it ended at have moved in the
 * meantime, from the start again: an entry may come twice, none is left out. LOCKED if the shard stays locked for long.
 */
export function collect(m: EngineState, shard: number, since: number, resume: boolean): number {
  const stride = m.u32[H_STRIDE >>> 2]!;
  let to = m.u32[H_EXCHANGE_AT >>> 2]!;
  let count = 0;
  if (!tryLock(m, shardAt(m, shard) + SHARD_LOCK)) return LOCKED;
  let entry = m.u32[(shardAt(m, shard) + SHARD_TAIL) >>> 2]!;
  const cursor = m.u32[H_CURSOR >>> 2]!;
  if (resume && isCursor(m, shard, cursor)) entry = m.u32[(entryAt(m, cursor) + ENTRY_PREVIOUS) >>> 2]!;
  while (entry !== 0 && count < EXCHANGE) {
    const at = entryAt(m, entry);
    if (m.f64[(at + ENTRY_TIME) >>> 3]! < since) break;
    m.u8.copyWithin(to, at, at + stride);
    m.u32[H_CURSOR >>> 2] = entry;
    m.u32[H_CURSOR_SHARD >>> 2] = shard;
    m.i32[H_CURSOR_TAG >>> 2] = m.i32[(at + ENTRY_TAG) >>> 2]!;
    m.f64[H_CURSOR_TIME >>> 3] = m.f64[(at + ENTRY_TIME) >>> 3]!;
    to += stride;
    count++;
    entry = m.u32[(at + ENTRY_PREVIOUS) >>> 2]!;
  }
  unlock(m, shardAt(m, shard) + SHARD_LOCK);
  return count;
}

/** Whether `entry` still stands where the last listing, of the same shard, ended. */
function isCursor(m: EngineState, shard: number, entry: number): boolean {
  const at = entryAt(m, entry);
  return (
    shard === m.u32[H_CURSOR_SHARD >>> 2] &&
    m.u32[(at + ENTRY_META) >>> 2] !== 0 &&
    m.i32[(at + ENTRY_TAG) >>> 2] === m.i32[H_CURSOR_TAG >>> 2] &&
    m.f64[(at + ENTRY_TIME) >>> 3] === m.f64[H_CURSOR_TIME >>> 3]
  );
}

/**
 * Merges the first `count` entries of the exchange area, of which time, meta, address and NodeID count, and returns how many
 * it took. In ascending or descending order of time each takes its place at once; else it is looked for from the queue's
 * end. Left out are those that make no sense, whose time is over, that are not later than what is known, or that find no
 * room. A time to come counts as `now`. LOCKED if a lock stays held for long: merging all of them again does no harm.
 */
export function merge(m: EngineState, count: number, now: number): number {
  const stride = m.u32[H_STRIDE >>> 2]!;
  let from = m.u32[H_EXCHANGE_AT >>> 2]!;
  let taken = 0;
  for (let left = Math.min(count >>> 0, EXCHANGE); left !== 0; left--, from += stride) {
    const one = mergeOne(m, from, now);
    if (one === LOCKED) return LOCKED;
    taken += one;
  }
  return taken;
}

/** 1 if it took the entry, 0 or LOCKED. */
function mergeOne(m: EngineState, from: number, now: number): number {
  const meta = m.u32[(from + ENTRY_META) >>> 2]!;
  const length = meta & META_LENGTH;
  if (length === 0 || length > m.u32[H_MAX_ID >>> 2]! || meta >>> 16 === 0) return 0;
  const time = Math.min(m.f64[(from + ENTRY_TIME) >>> 3]!, now);
  if (!(now - time < m.f64[H_RETENTION >>> 3]!)) return 0;
  const id = from + ENTRY_ID;
  clearPadding(m, id, length);
  hashId(m, id, length);
  if (exhausted(m)) sweep(m, now);
  const shard = shardOf(m, m.spread);
  if (!tryShard(m, shard)) return LOCKED;
  tend(m, shard, now, 2);
  const entry = holds(m, shard, id, length, now);
  let taken = true;
  if (entry === 0) taken = insert(m, shard, id, length, meta | META_ELSEWHERE, from + ENTRY_ADDRESS, time);
  else if (m.f64[(entryAt(m, entry) + ENTRY_TIME) >>> 3]! < time) {
    refresh(m, shard, entry, meta | META_ELSEWHERE, from + ENTRY_ADDRESS, time);
  } else taken = false;
  leaveShard(m, shard);
  return taken ? 1 : 0;
}
