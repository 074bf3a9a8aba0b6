/**
 * The packet engine: process() turns a batch of datagrams into verdicts and replies. It does no I/O and reads no clock.
 * All its state is in the imported memory (layout.ts), which the workers share.
 */
import { isIpv4, isLinkLocal } from "./address";
import { entryAt, isAuthenticated, isFull, lockPool, unlockPool } from "./entries";
import { clearPadding, hashId } from "./hash";
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
} from "./layout";
import { allowed, exceeded, passNode, passSource, setSource } from "./limiter";
import { attachLane, beginWrite, endWrite } from "./lock";
import { announcedPort, parse, writeAnnouncementHeader } from "./packet";
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
} from "./registry";
import { padded, readWord, writeWord } from "./xdr";

export { collect, merge, moveCursor } from "./exchange";
export { sweep } from "./registry";

/** Address of the counters of the lane that is being processed. */
let counters: usize = 0;

/** Sets the lane that this instance works for. The instance marks the locks it holds with this number. */
export function attach(lane: u32): void {
  attachLane(lane);
}

/**
 * Processes the first `count` datagrams in the slots of `lane` at time `now`, in ms of a clock that never steps. Returns
 * the number of replies.
 */
export function process(lane: u32, count: u32, now: f64): u32 {
  if (lane >= load<u32>(H_LANES) || count > <u32>BATCH) return 0;
  const at: usize = load<u32>(H_LANES_AT) + lane * LANE_SIZE;
  counters = at + LANE_COUNTERS;
  beginWrite(at + LANE_SEQUENCE);
  let replies: u32 = 0;
  let slot = at + LANE_SLOTS;
  for (let left = count; left !== 0; left--, slot += SLOT_SIZE) {
    store<u32>(slot, 0, SLOT_REPLY_LENGTH);
    store<u32>(slot, 0, SLOT_LIMIT);
    const verdict = handle(slot, now);
    store<u32>(slot, verdict, SLOT_VERDICT);
    addToCounter(verdict, 1);
    if (verdict === <u32>VERDICT_ANSWERED) replies++;
  }
  addToCounter(COUNTER_RECEIVED, count);
  endWrite(at + LANE_SEQUENCE);
  return replies;
}

function addToCounter(counter: u32, by: u32): void {
  store<f64>(counters + (counter << 3), load<f64>(counters + (counter << 3)) + <f64>by);
}

/**
 * Whether the packet in `slot`, which exceeds a limit, must be dropped. In a dry run it is only counted, and passes; then
 * it may exceed another limit, too.
 */
function isEnforced(slot: usize, counter: u32): bool {
  if (load<u32>(slot, SLOT_LIMIT) === 0) store<u32>(slot, exceeded + 1, SLOT_LIMIT);
  if (load<u32>(H_DRY_RUN) === 0) return true;
  addToCounter(counter, 1);
  return false;
}

/**
 * Handles the datagram in `slot`: decodes it, checks the limits, and updates or queries the registry. Returns the
 * verdict.
 */
function handle(slot: usize, now: f64): u32 {
  const size = load<u32>(slot, SLOT_LENGTH);
  const packet = slot + SLOT_PACKET;
  if (size > <u32>MAX_PACKET) return VERDICT_MALFORMED;
  const status = parse(packet, size);
  if (status >= <u32>STATUS_SHORT) return VERDICT_MALFORMED;
  const query = status === <u32>STATUS_QUERY;
  const length = readWord(packet + (query ? 4 : 8));
  if (length === 0 || length > load<u32>(H_MAX_ID)) return VERDICT_REFUSED_ID;
  if (load<u16>(slot, SLOT_SOURCE + SOURCE_PORT) === 0) return VERDICT_REFUSED_PORT;
  if (!query && announcedPort(packet) === 0) return VERDICT_REFUSED_PORT;
  const address = slot + SLOT_SOURCE + SOURCE_ADDRESS;
  if (!query && isLinkLocal(address)) return VERDICT_REFUSED_SOURCE;

  const exempt = load<u32>(H_ALLOWED) !== 0 && allowed(address);
  if (!exempt) {
    setSource(address);
    const limit = query ? LIMIT_QUERIES : LIMIT_ANNOUNCEMENTS;
    if (!passSource(limit, now) && isEnforced(slot, COUNTER_DRY_SOURCE)) return VERDICT_LIMITED_SOURCE;
  }
  const id = packet + (query ? QUERY_ID : ANNOUNCEMENT_ID);
  clearPadding(id, length);
  hashId(id, length);
  return query ? answer(slot, id, length, exempt, now) : announce(slot, id, length, exempt, now);
}

/** Handles a query. Writes the reply into the query's slot. */
function answer(slot: usize, id: usize, length: u32, exempt: bool, now: f64): u32 {
  if (!exempt && !passNode(now) && isEnforced(slot, COUNTER_DRY_NODE)) return VERDICT_LIMITED_NODE;
  const ip = id + padded(length) + 4;
  const port = lookUp(id, length, now, ip);
  if (port === 0) return VERDICT_UNKNOWN;
  let ipLength: u32 = 16;
  if (isIpv4(ip)) {
    store<u32>(ip, load<u32>(ip, 12));
    ipLength = 4;
  }
  writeWord(ip - 4, ipLength);
  writeAnnouncementHeader(slot + SLOT_REPLY, port, length);
  store<u32>(slot, ANNOUNCEMENT_ID + padded(length) + 4 + ipLength, SLOT_REPLY_LENGTH);
  return VERDICT_ANSWERED;
}

/**
 * Handles an announcement. A new node and a new address of a known node are both new to the source's limit. An
 * authenticated entry stays as it is: anyone can send its NodeID, but only its device has the certificate.
 */
function announce(slot: usize, id: usize, length: u32, exempt: bool, now: f64): u32 {
  const address = slot + SLOT_SOURCE + SOURCE_ADDRESS;
  if (isFull()) sweep(now);
  const meta = (announcedPort(slot + SLOT_PACKET) << 16) | length;
  const shard = lockShard(now);
  const entry = findLive(shard, id, length, now);
  if (entry !== 0 && isAuthenticated(entryAt(entry))) {
    unlockShard(shard);
    return VERDICT_REFUSED_DEVICE;
  }
  const repeated = entry !== 0 && isRepeated(entry, meta, address);
  // So that no other worker takes the place that is made here.
  const poolLocked = entry === 0 && isFull() && lockPool();
  let verdict: u32 = VERDICT_REFRESHED;
  if (!repeated && !exempt && !passSource(LIMIT_NEW, now) && isEnforced(slot, COUNTER_DRY_NEW)) {
    verdict = VERDICT_LIMITED_NEW;
  } else if (entry !== 0) {
    const time = announcementTime(shard, entry, now);
    refresh(shard, entry, meta | META_CONFIRMED, address, time);
  } else if (makeRoom(shard, Infinity) && insert(shard, id, length, meta, address, announcementTime(shard, 0, now))) {
    verdict = VERDICT_STORED;
  } else {
    verdict = VERDICT_FULL;
  }
  unlockPool(poolLocked);
  unlockShard(shard);
  return verdict;
}
