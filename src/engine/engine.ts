/** Twin of assembly/engine.ts: process() turns a batch of datagrams into verdicts and replies. */
import {
  ANNOUNCEMENT_ID,
  BATCH,
  COUNTER_DRY_NEW,
  COUNTER_DRY_NODE,
  COUNTER_DRY_SOURCE,
  COUNTER_RECEIVED,
  H_ALLOWED,
  H_DRY_RUN,
  H_LANES,
  H_LANES_AT,
  H_MAX_ID,
  LANE_COUNTERS,
  LANE_SEQUENCE,
  LANE_SIZE,
  LANE_SLOTS,
  LIMIT_ANNOUNCEMENTS,
  LIMIT_NEW,
  LIMIT_QUERIES,
  MAX_PACKET,
  META_CONFIRMED,
  QUERY_ID,
  SLOT_LENGTH,
  SLOT_LIMIT,
  SLOT_PACKET,
  SLOT_REPLY,
  SLOT_REPLY_LENGTH,
  SLOT_SIZE,
  SLOT_SOURCE,
  SLOT_VERDICT,
  SOURCE_ADDRESS,
  SOURCE_PORT,
  STATUS_QUERY,
  STATUS_SHORT,
  VERDICT_ANSWERED,
  VERDICT_FULL,
  VERDICT_LIMITED_NEW,
  VERDICT_LIMITED_NODE,
  VERDICT_LIMITED_SOURCE,
  VERDICT_MALFORMED,
  VERDICT_REFRESHED,
  VERDICT_REFUSED_DEVICE,
  VERDICT_REFUSED_ID,
  VERDICT_REFUSED_PORT,
  VERDICT_REFUSED_SOURCE,
  VERDICT_STORED,
  VERDICT_UNKNOWN,
} from "../../assembly/layout.ts";
import { announcedPort, parse, writeAnnouncementHeader } from "../codec/packet.ts";
import { padded, readWord, writeWord } from "../codec/words.ts";
import { isIpv4, isLinkLocal } from "./address.ts";
import { entryAt, isAuthenticated, isFull, lockPool, unlockPool } from "./entries.ts";
import { clearPadding, hashId } from "./hash.ts";
import { allowed, passNode, passSource, setSource } from "./limiter.ts";
import { beginWrite, endWrite } from "./lock.ts";
import {
  announcementTime,
  findLive,
  insert,
  isRepeated,
  lockShard,
  lookUp,
  makeRoom,
  refresh,
  sweep,
  unlockShard,
} from "./registry.ts";
import type { EngineState } from "./state.ts";

/**
 * Processes the first `count` datagrams in the slots of `lane` at time `now`, in ms of a clock that never steps. Returns
 * the number of replies.
 */
export function process(m: EngineState, lane: number, count: number, now: number): number {
  // Convert to u32, as wasm does.
  lane >>>= 0;
  count >>>= 0;
  if (lane >= m.u32[H_LANES >>> 2]! || count > BATCH) return 0;
  const at = m.u32[H_LANES_AT >>> 2]! + lane * LANE_SIZE;
  m.counters = at + LANE_COUNTERS;
  beginWrite(m, at + LANE_SEQUENCE);
  let replies = 0;
  let slot = at + LANE_SLOTS;
  for (let left = count; left !== 0; left--, slot += SLOT_SIZE) {
    m.u32[(slot + SLOT_REPLY_LENGTH) >>> 2] = 0;
    m.u32[(slot + SLOT_LIMIT) >>> 2] = 0;
    const verdict = handle(m, slot, now);
    m.u32[(slot + SLOT_VERDICT) >>> 2] = verdict;
    addToCounter(m, verdict, 1);
    if (verdict === VERDICT_ANSWERED) replies++;
  }
  addToCounter(m, COUNTER_RECEIVED, count);
  endWrite(m, at + LANE_SEQUENCE);
  return replies;
}

function addToCounter(m: EngineState, counter: number, by: number): void {
  m.f64[(m.counters + (counter << 3)) >>> 3]! += by;
}

/**
 * Whether the packet in `slot`, which exceeds a limit, must be dropped. In a dry run it is only counted, and passes; then
 * it may exceed another limit, too.
 */
function isEnforced(m: EngineState, slot: number, counter: number): boolean {
  if (m.u32[(slot + SLOT_LIMIT) >>> 2] === 0) m.u32[(slot + SLOT_LIMIT) >>> 2] = m.exceeded + 1;
  if (m.u32[H_DRY_RUN >>> 2] === 0) return true;
  addToCounter(m, counter, 1);
  return false;
}

/**
 * Handles the datagram in `slot`: decodes it, checks the limits, and updates or queries the registry. Returns the
 * verdict.
 */
function handle(m: EngineState, slot: number, now: number): number {
  const size = m.u32[(slot + SLOT_LENGTH) >>> 2]!;
  const packet = slot + SLOT_PACKET;
  if (size > MAX_PACKET) return VERDICT_MALFORMED;
  const status = parse(m.u8, packet, size);
  if (status >= STATUS_SHORT) return VERDICT_MALFORMED;
  const query = status === STATUS_QUERY;
  const length = readWord(m.u8, packet + (query ? 4 : 8));
  if (length === 0 || length > m.u32[H_MAX_ID >>> 2]!) return VERDICT_REFUSED_ID;
  if (m.u16[(slot + SLOT_SOURCE + SOURCE_PORT) >>> 1] === 0) return VERDICT_REFUSED_PORT;
  if (!query && announcedPort(m.u8, packet) === 0) return VERDICT_REFUSED_PORT;
  const address = slot + SLOT_SOURCE + SOURCE_ADDRESS;
  if (!query && isLinkLocal(m, address)) return VERDICT_REFUSED_SOURCE;

  const exempt = m.u32[H_ALLOWED >>> 2] !== 0 && allowed(m, address);
  if (!exempt) {
    setSource(m, address);
    const limit = query ? LIMIT_QUERIES : LIMIT_ANNOUNCEMENTS;
    if (!passSource(m, limit, now) && isEnforced(m, slot, COUNTER_DRY_SOURCE)) return VERDICT_LIMITED_SOURCE;
  }
  const id = packet + (query ? QUERY_ID : ANNOUNCEMENT_ID);
  clearPadding(m, id, length);
  hashId(m, id, length);
  return query ? answer(m, slot, id, length, exempt, now) : announce(m, slot, id, length, exempt, now);
}

/** Handles a query. Writes the reply into the query's slot. */
function answer(m: EngineState, slot: number, id: number, length: number, exempt: boolean, now: number): number {
  if (!exempt && !passNode(m, now) && isEnforced(m, slot, COUNTER_DRY_NODE)) return VERDICT_LIMITED_NODE;
  const ip = id + padded(length) + 4;
  const port = lookUp(m, id, length, now, ip);
  if (port === 0) return VERDICT_UNKNOWN;
  let ipLength = 16;
  if (isIpv4(m, ip)) {
    m.i32[ip >>> 2] = m.i32[(ip + 12) >>> 2]!;
    ipLength = 4;
  }
  writeWord(m.u8, ip - 4, ipLength);
  writeAnnouncementHeader(m.u8, slot + SLOT_REPLY, port, length);
  m.u32[(slot + SLOT_REPLY_LENGTH) >>> 2] = ANNOUNCEMENT_ID + padded(length) + 4 + ipLength;
  return VERDICT_ANSWERED;
}

/**
 * Handles an announcement. A new node and a new address of a known node are both new to the source's limit. An
 * authenticated entry stays as it is: anyone can send its NodeID, but only its device has the certificate.
 */
function announce(m: EngineState, slot: number, id: number, length: number, exempt: boolean, now: number): number {
  const address = slot + SLOT_SOURCE + SOURCE_ADDRESS;
  if (isFull(m)) sweep(m, now);
  const meta = (announcedPort(m.u8, slot + SLOT_PACKET) << 16) | length;
  const shard = lockShard(m, now);
  const entry = findLive(m, shard, id, length, now);
  if (entry !== 0 && isAuthenticated(m, entryAt(m, entry))) {
    unlockShard(m, shard);
    return VERDICT_REFUSED_DEVICE;
  }
  const repeated = entry !== 0 && isRepeated(m, entry, meta, address);
  // So that no other worker takes the place that is made here.
  const poolLocked = entry === 0 && isFull(m) && lockPool(m);
  let verdict = VERDICT_REFRESHED;
  if (!repeated && !exempt && !passSource(m, LIMIT_NEW, now) && isEnforced(m, slot, COUNTER_DRY_NEW)) {
    verdict = VERDICT_LIMITED_NEW;
  } else if (entry !== 0) {
    const time = announcementTime(m, shard, entry, now);
    refresh(m, shard, entry, meta | META_CONFIRMED, address, time);
  } else if (
    makeRoom(m, shard, Number.POSITIVE_INFINITY) &&
    insert(m, shard, id, length, meta, address, announcementTime(m, shard, 0, now))
  ) {
    verdict = VERDICT_STORED;
  } else {
    verdict = VERDICT_FULL;
  }
  unlockPool(m, poolLocked);
  unlockShard(m, shard);
  return verdict;
}
