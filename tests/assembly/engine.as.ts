import { attach, process } from "../../assembly/engine";
import { entryAt, shardAt } from "../../assembly/entries";
import {
  ALLOWED_SIZE,
  COUNTER_DISPLACED,
  COUNTER_DRY_NEW,
  COUNTER_DRY_NODE,
  COUNTER_DRY_SOURCE,
  COUNTER_RECEIVED,
  ENTRY_META,
  H_ALLOWED,
  H_ALLOWED_AT,
  H_DRY_RUN,
  H_LANES_AT,
  H_POOL_USED,
  LANE_COUNTERS,
  LANE_SEQUENCE,
  LANE_SIZE,
  LANE_SLOTS,
  LIMIT_ANNOUNCEMENTS,
  LIMIT_NEW,
  LIMIT_NODE,
  LIMIT_QUERIES,
  LIMIT_SHARED,
  META_AUTHENTICATED,
  META_CONFIRMED,
  SHARD_LOCK,
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
  VERDICTS,
} from "../../assembly/layout";
import { lockShard, unlockShard } from "../../assembly/registry";
import { ipv4, ipv6, put, useId } from "./support/bytes";
import {
  checksum,
  ENGINE_END,
  FILLER,
  layOut,
  limitNew,
  limitNodes,
  limitSources,
  RETENTION,
  setLimit,
} from "./support/memory";
import { registryError } from "./support/registry";

const NOW: f64 = 1760000000000;
/** Announcement of "abcde" at port 22024, and a query for it. */
const ANNOUNCE = "20121025 56080000 00000005 61626364 65000000 00000000";
const ASK = "19760309 00000005 61626364 65000000";

/** Slot `i` of lane 0. */
function slot(i: u32): usize {
  return load<u32>(H_LANES_AT) + LANE_SLOTS + i * SLOT_SIZE;
}

/** Writes a packet from 10.0.0.`host` into slot `i`, and fills the rest of the slot with 0xff. */
function receive(i: u32, host: u32, hex: string): void {
  memory.fill(slot(i), FILLER, SLOT_SIZE);
  store<u16>(slot(i) + SLOT_SOURCE + SOURCE_PORT, 0x1234);
  ipv4(slot(i) + SLOT_SOURCE + SOURCE_ADDRESS, 10, 0, 0, host);
  store<u32>(slot(i), put(slot(i) + SLOT_PACKET, hex), SLOT_LENGTH);
}

/** Processes a packet from 10.0.0.`host` and returns its verdict. */
function verdictOn(host: u32, hex: string, now: f64): u32 {
  receive(0, host, hex);
  process(0, 1, now);
  return load<u32>(slot(0), SLOT_VERDICT);
}

/** What slot 0 tells of the limit that its packet exceeded. */
function limitOf(): u32 {
  return load<u32>(slot(0), SLOT_LIMIT);
}

function replyLength(): u32 {
  return load<u32>(slot(0), SLOT_REPLY_LENGTH);
}

/** Expects this reply in slot 0. */
function expectReply(hex: string): void {
  const size = put(ENGINE_END - 256, hex);
  expect<u32>(replyLength()).toBe(size);
  expect<i32>(memory.compare(slot(0) + SLOT_REPLY, ENGINE_END - 256, size)).toBe(0, hex);
}

function counter(number: u32): f64 {
  return load<f64>(load<u32>(H_LANES_AT) + LANE_COUNTERS + number * 8);
}

/** Sum of the verdict counters. It must equal COUNTER_RECEIVED. */
function verdictSum(): f64 {
  let total: f64 = 0;
  for (let verdict: u32 = 0; verdict < <u32>VERDICTS; verdict++) total += counter(verdict);
  return total;
}

describe("the engine's verdict", () => {
  beforeEach(() => {
    layOut(10, 64, 2, 32, 16);
    attach(0);
  });

  afterEach(() => {
    expect<f64>(verdictSum()).toBe(counter(COUNTER_RECEIVED));
    expect<string>(registryError()).toBe("");
  });

  test("is stored for a first announcement, refreshed for the next, and answered for a query", () => {
    expect<u32>(verdictOn(1, ASK, NOW)).toBe(VERDICT_UNKNOWN);
    expect<u32>(verdictOn(1, ANNOUNCE, NOW)).toBe(VERDICT_STORED);
    expect<u32>(verdictOn(1, ASK, NOW)).toBe(VERDICT_ANSWERED);
    expect<u32>(verdictOn(1, ANNOUNCE, NOW)).toBe(VERDICT_REFRESHED);
    expect<f64>(counter(VERDICT_ANSWERED)).toBe(1);
    expect<f64>(counter(COUNTER_RECEIVED)).toBe(4);
  });

  test('"refreshed" keeps a node for another retention, with its new address and port', () => {
    verdictOn(1, ANNOUNCE, NOW);
    verdictOn(2, "20121025 56090000 00000005 61626364 65000000 00000000", NOW + RETENTION - 1);
    expect<u32>(verdictOn(1, ASK, NOW + 2 * RETENTION - 2)).toBe(VERDICT_ANSWERED);
    expectReply("20121025 56090000 00000005 61626364 65000000 00000004 0a000002");
    expect<u32>(verdictOn(1, ASK, NOW + 2 * RETENTION - 1)).toBe(VERDICT_UNKNOWN);
  });

  test("after the retention is unknown for a query and stored for an announcement", () => {
    verdictOn(1, ANNOUNCE, NOW);
    expect<u32>(verdictOn(1, ASK, NOW + RETENTION - 1)).toBe(VERDICT_ANSWERED);
    expect<u32>(verdictOn(1, ASK, NOW + RETENTION)).toBe(VERDICT_UNKNOWN);
    expect<u32>(verdictOn(1, ANNOUNCE, NOW + RETENTION)).toBe(VERDICT_STORED);
  });

  test("is malformed for invalid packets and for packets that are too long", () => {
    expect<u32>(verdictOn(1, "", NOW)).toBe(VERDICT_MALFORMED);
    expect<u32>(verdictOn(1, "00000000", NOW)).toBe(VERDICT_MALFORMED);
    expect<u32>(verdictOn(1, "19760309 00000005 61626364 65", NOW)).toBe(VERDICT_MALFORMED);
    receive(0, 1, ASK);
    store<u32>(slot(0), 0xffffffff, SLOT_LENGTH);
    process(0, 1, NOW);
    expect<u32>(load<u32>(slot(0), SLOT_VERDICT)).toBe(VERDICT_MALFORMED);
  });

  test("is the usual one for the longest valid packet, and malformed for a longer one, without parsing it", () => {
    layOut(3, 1008, 1, 8, 1);
    receive(0, 1, "20121025 56080000 000003f0");
    memory.fill(slot(0) + SLOT_PACKET + 12, 0x61, 1008);
    put(slot(0) + SLOT_PACKET + 1020, "00000010 20010db8 00000000 00000000 00000001");
    store<u32>(slot(0), 1040, SLOT_LENGTH);
    process(0, 1, NOW);
    expect<u32>(load<u32>(slot(0), SLOT_VERDICT)).toBe(VERDICT_STORED);
    receive(0, 1, "20121025 56080000 000003f4");
    memory.fill(slot(0) + SLOT_PACKET + 12, 0x61, 1012);
    put(slot(0) + SLOT_PACKET + 1024, "00000010 20010db8 00000000 00000000 00000001");
    store<u32>(slot(0), 1044, SLOT_LENGTH);
    process(0, 1, NOW);
    expect<u32>(load<u32>(slot(0), SLOT_VERDICT)).toBe(VERDICT_MALFORMED);
  });

  test("is refused-id for an empty NodeID and for one longer than allowed", () => {
    expect<u32>(verdictOn(1, "19760309 00000000", NOW)).toBe(VERDICT_REFUSED_ID);
    expect<u32>(verdictOn(1, "20121025 56080000 00000000 00000000", NOW)).toBe(VERDICT_REFUSED_ID);
    layOut(10, 4, 2, 32, 16);
    expect<u32>(verdictOn(1, ASK, NOW)).toBe(VERDICT_REFUSED_ID);
    expect<u32>(verdictOn(1, ANNOUNCE, NOW)).toBe(VERDICT_REFUSED_ID);
    expect<u32>(verdictOn(1, "19760309 00000004 61626364", NOW)).toBe(VERDICT_UNKNOWN);
  });

  test("is refused-port for an announced port of 0 and for a source port of 0", () => {
    expect<u32>(verdictOn(1, "20121025 00000000 00000004 61626364 00000000", NOW)).toBe(VERDICT_REFUSED_PORT);
    receive(0, 1, ASK);
    store<u16>(slot(0) + SLOT_SOURCE + SOURCE_PORT, 0);
    process(0, 1, NOW);
    expect<u32>(load<u32>(slot(0), SLOT_VERDICT)).toBe(VERDICT_REFUSED_PORT);
  });

  test("is full for a new node in a registry that is full of confirmed nodes, until they expire", () => {
    for (let n: u32 = 0; n < 10; n++) {
      receive(n, 1, "20121025 56080000 00000004 00000000 00000000");
      store<u32>(slot(n) + SLOT_PACKET + 12, n);
    }
    process(0, 10, NOW);
    expect<f64>(counter(VERDICT_STORED)).toBe(10);
    process(0, 10, NOW);
    expect<f64>(counter(VERDICT_REFRESHED)).toBe(10);
    expect<u32>(verdictOn(1, ANNOUNCE, NOW + RETENTION - 1)).toBe(VERDICT_FULL);
    expect<u32>(verdictOn(1, ANNOUNCE, NOW + RETENTION)).toBe(VERDICT_STORED);
    expect<u32>(load<u32>(H_POOL_USED)).toBe(1);
  });

  test("is stored for a new node in a full registry if another was announced only once: the oldest one gives way", () => {
    for (let n: u32 = 0; n < 10; n++) {
      receive(n, 1, "20121025 56080000 00000004 00000000 00000000");
      store<u32>(slot(n) + SLOT_PACKET + 12, n);
    }
    process(0, 10, NOW);
    expect<u32>(verdictOn(1, ANNOUNCE, NOW + 1)).toBe(VERDICT_STORED);
    expect<f64>(counter(COUNTER_DISPLACED)).toBe(1);
    expect<u32>(load<u32>(H_POOL_USED)).toBe(10);
    expect<u32>(verdictOn(1, ASK, NOW + 1)).toBe(VERDICT_ANSWERED);
  });

  test("is refused-source for an announcement from a link-local address, but not for a query", () => {
    receive(0, 1, ANNOUNCE);
    put(slot(0) + SLOT_SOURCE + SOURCE_ADDRESS, "fe800000 00000000 00000000 00000001");
    receive(1, 1, ANNOUNCE);
    put(slot(1) + SLOT_SOURCE + SOURCE_ADDRESS, "febfffff 00000000 00000000 00000001");
    receive(2, 1, ANNOUNCE);
    put(slot(2) + SLOT_SOURCE + SOURCE_ADDRESS, "00000000 00000000 0000ffff a9fe0001");
    receive(3, 1, ANNOUNCE);
    put(slot(3) + SLOT_SOURCE + SOURCE_ADDRESS, "fec00000 00000000 00000000 00000001");
    receive(4, 1, ASK);
    put(slot(4) + SLOT_SOURCE + SOURCE_ADDRESS, "fe800000 00000000 00000000 00000001");
    process(0, 5, NOW);
    for (let i: u32 = 0; i < 3; i++) expect<u32>(load<u32>(slot(i), SLOT_VERDICT)).toBe(VERDICT_REFUSED_SOURCE);
    expect<u32>(load<u32>(slot(3), SLOT_VERDICT)).toBe(VERDICT_STORED);
    expect<u32>(load<u32>(slot(4), SLOT_VERDICT)).toBe(VERDICT_ANSWERED);
  });

  test("is refused-device for any announcement of an authenticated node, which stays as it is until it expires", () => {
    verdictOn(1, ANNOUNCE, NOW);
    const meta = entryAt(1) + ENTRY_META;
    store<u32>(meta, load<u32>(meta) | META_AUTHENTICATED);
    const before = checksum(shardAt(0), ENGINE_END - 256);
    expect<u32>(verdictOn(1, ANNOUNCE, NOW + 1)).toBe(VERDICT_REFUSED_DEVICE);
    expect<u32>(replyLength()).toBe(0);
    expect<u32>(verdictOn(2, ANNOUNCE, NOW + 1)).toBe(VERDICT_REFUSED_DEVICE);
    expect<u32>(verdictOn(1, "20121025 56090000 00000005 61626364 65000000 00000000", NOW + 1)).toBe(
      VERDICT_REFUSED_DEVICE,
    );
    expect<u64>(checksum(shardAt(0), ENGINE_END - 256)).toBe(before);
    expect<u32>(verdictOn(1, ASK, NOW + RETENTION - 1)).toBe(VERDICT_ANSWERED);
    expectReply("20121025 56080000 00000005 61626364 65000000 00000004 0a000001");
    expect<f64>(counter(VERDICT_REFUSED_DEVICE)).toBe(3);
    expect<u32>(verdictOn(2, ANNOUNCE, NOW + RETENTION)).toBe(VERDICT_STORED);
    expect<u32>(load<u32>(meta)).toBe((22024 << 16) | 5);
  });

  test("of an announcement for an authenticated node counts against the source's announcements, not its new nodes", () => {
    verdictOn(1, ANNOUNCE, NOW);
    const meta = entryAt(1) + ENTRY_META;
    store<u32>(meta, load<u32>(meta) | META_AUTHENTICATED | META_CONFIRMED);
    limitSources(1, 3);
    limitNew(1, 1);
    expect<u32>(verdictOn(2, ANNOUNCE, NOW)).toBe(VERDICT_REFUSED_DEVICE);
    expect<u32>(verdictOn(2, ANNOUNCE, NOW)).toBe(VERDICT_REFUSED_DEVICE);
    expect<u32>(verdictOn(2, "20121025 56080000 00000004 61626364 00000000", NOW)).toBe(VERDICT_STORED);
    expect<u32>(verdictOn(2, ANNOUNCE, NOW)).toBe(VERDICT_LIMITED_SOURCE);
    store<u32>(H_DRY_RUN, 1);
    expect<u32>(verdictOn(2, ANNOUNCE, NOW)).toBe(VERDICT_REFUSED_DEVICE);
    expect<f64>(counter(COUNTER_DRY_SOURCE)).toBe(1);
    expect<f64>(counter(COUNTER_DRY_NEW)).toBe(0);
  });

  test("is limited-source for a source over its limit, but not for its neighbor or an exempt network", () => {
    limitSources(1, 2);
    expect<u32>(verdictOn(1, ASK, NOW)).toBe(VERDICT_UNKNOWN);
    expect<u32>(verdictOn(1, ASK, NOW)).toBe(VERDICT_UNKNOWN);
    expect<u32>(verdictOn(1, ASK, NOW)).toBe(VERDICT_LIMITED_SOURCE);
    // Announcements are counted apart.
    expect<u32>(verdictOn(1, ANNOUNCE, NOW)).toBe(VERDICT_STORED);
    expect<u32>(verdictOn(1, ANNOUNCE, NOW)).toBe(VERDICT_REFRESHED);
    expect<u32>(verdictOn(1, ANNOUNCE, NOW)).toBe(VERDICT_LIMITED_SOURCE);
    expect<u32>(verdictOn(2, ASK, NOW)).toBe(VERDICT_ANSWERED);
    expect<u32>(verdictOn(2, ASK, NOW)).toBe(VERDICT_ANSWERED);
    put(load<u32>(H_ALLOWED_AT), "00000000 00000000 0000ffff 0a000001");
    memory.fill(load<u32>(H_ALLOWED_AT) + 16, 0xff, ALLOWED_SIZE - 16);
    store<u32>(H_ALLOWED, 1);
    expect<u32>(verdictOn(1, ASK, NOW)).toBe(VERDICT_ANSWERED);
    expect<u32>(verdictOn(2, ASK, NOW)).toBe(VERDICT_LIMITED_SOURCE);
  });

  test("is limited-node for a NodeID queried too often, known or unknown, but not for other NodeIDs", () => {
    limitNodes(1, 2);
    verdictOn(1, ASK, NOW);
    verdictOn(1, ASK, NOW);
    expect<u32>(verdictOn(1, ASK, NOW)).toBe(VERDICT_LIMITED_NODE);
    expect<u32>(verdictOn(2, ASK, NOW)).toBe(VERDICT_UNKNOWN);
    expect<u32>(verdictOn(1, "19760309 00000005 61626364 66000000", NOW)).toBe(VERDICT_UNKNOWN);
  });

  test("is limited-new for too many new nodes from one source, but not for nodes that it refreshes", () => {
    limitNew(1, 1);
    expect<u32>(verdictOn(1, ANNOUNCE, NOW)).toBe(VERDICT_STORED);
    expect<u32>(verdictOn(1, "20121025 56080000 00000001 61000000 00000000", NOW)).toBe(VERDICT_LIMITED_NEW);
    expect<u32>(verdictOn(1, ANNOUNCE, NOW)).toBe(VERDICT_REFRESHED);
    expect<u32>(verdictOn(2, "20121025 56080000 00000001 61000000 00000000", NOW)).toBe(VERDICT_STORED);
  });

  test("is limited-new for too many changes of addresses from one source, which change nothing", () => {
    limitNew(1, 2);
    expect<u32>(verdictOn(1, ANNOUNCE, NOW)).toBe(VERDICT_STORED);
    expect<u32>(verdictOn(2, ANNOUNCE, NOW)).toBe(VERDICT_REFRESHED);
    expect<u32>(verdictOn(2, ANNOUNCE, NOW)).toBe(VERDICT_REFRESHED);
    expect<u32>(verdictOn(1, ANNOUNCE, NOW)).toBe(VERDICT_REFRESHED);
    expect<u32>(verdictOn(2, ANNOUNCE, NOW)).toBe(VERDICT_REFRESHED);
    expect<u32>(verdictOn(1, ANNOUNCE, NOW)).toBe(VERDICT_LIMITED_NEW);
    expect<u32>(verdictOn(2, ANNOUNCE, NOW)).toBe(VERDICT_REFRESHED);
  });

  test("in a dry run is the verdict without limits, and packets over a limit are counted", () => {
    limitSources(1, 1);
    limitNodes(1, 1);
    limitNew(1, 1);
    store<u32>(H_DRY_RUN, 1);
    expect<u32>(verdictOn(1, ANNOUNCE, NOW)).toBe(VERDICT_STORED);
    expect<u32>(verdictOn(1, "20121025 56080000 00000001 61000000 00000000", NOW)).toBe(VERDICT_STORED);
    expect<f64>(counter(COUNTER_DRY_NEW)).toBe(1);
    expect<f64>(counter(COUNTER_DRY_SOURCE)).toBe(1);
    expect<u32>(verdictOn(1, ASK, NOW)).toBe(VERDICT_ANSWERED);
    expect<f64>(counter(COUNTER_DRY_SOURCE)).toBe(1);
    expect<f64>(counter(COUNTER_DRY_NODE)).toBe(0);
    expect<u32>(verdictOn(1, ASK, NOW)).toBe(VERDICT_ANSWERED);
    expect<f64>(counter(COUNTER_DRY_NODE)).toBe(1);
    expect<f64>(counter(COUNTER_DRY_SOURCE)).toBe(2);
  });
});

describe("the slot of a packet", () => {
  beforeEach(() => {
    layOut(10, 64, 2, 32, 16);
    attach(0);
  });

  test("says which limit of its source the packet exceeded, and 0 for a packet within limits", () => {
    limitSources(1, 1);
    limitNew(1, 1);
    verdictOn(1, ASK, NOW);
    expect<u32>(limitOf()).toBe(0);
    verdictOn(1, ASK, NOW);
    expect<u32>(limitOf()).toBe(1 + LIMIT_QUERIES);
    verdictOn(1, ANNOUNCE, NOW);
    expect<u32>(limitOf()).toBe(0);
    verdictOn(1, ANNOUNCE, NOW);
    expect<u32>(limitOf()).toBe(1 + LIMIT_ANNOUNCEMENTS);
    verdictOn(1, "20121025 56080000 00000001 61000000 00000000", NOW + 999);
    expect<u32>(limitOf()).toBe(1 + LIMIT_ANNOUNCEMENTS);
    limitSources(0, 1);
    verdictOn(1, "20121025 56080000 00000001 61000000 00000000", NOW + 999);
    expect<u32>(limitOf()).toBe(1 + LIMIT_NEW);
    verdictOn(1, "00000000", NOW);
    expect<u32>(limitOf()).toBe(0);
  });

  test("says that the limit of a network was exceeded, if a source of it has also used up its reserve", () => {
    limitSources(1000, 1000);
    setLimit(LIMIT_QUERIES + LIMIT_SHARED, 1, 1);
    setLimit(LIMIT_QUERIES + LIMIT_SHARED + 1, 1, 1);
    verdictOn(1, ASK, NOW);
    // The network has room for one more, from a reserve.
    verdictOn(1, ASK, NOW);
    expect<u32>(limitOf()).toBe(0);
    verdictOn(2, ASK, NOW);
    expect<u32>(limitOf()).toBe(1 + LIMIT_QUERIES + LIMIT_SHARED);
    for (let i = 0; i < 3; i++) {
      receive(0, 1, ASK);
      put(slot(0) + SLOT_SOURCE + SOURCE_ADDRESS, "20010db8 00000000 00000000 00000001");
      process(0, 1, NOW);
    }
    expect<u32>(limitOf()).toBe(1 + LIMIT_QUERIES + LIMIT_SHARED + 1);
  });

  test("tells the limit of a NodeID from that of a source and a NodeID together", () => {
    limitNodes(1, 1);
    verdictOn(1, ASK, NOW);
    verdictOn(1, ASK, NOW);
    expect<u32>(limitOf()).toBe(1 + LIMIT_NODE);
    setLimit(LIMIT_NODE + LIMIT_SHARED, 1, 1);
    verdictOn(2, ASK, NOW);
    verdictOn(3, ASK, NOW);
    expect<u32>(limitOf()).toBe(1 + LIMIT_NODE + LIMIT_SHARED);
  });

  test("says it in a dry run, too: the first limit that the packet exceeded", () => {
    limitSources(1, 1);
    limitNodes(1, 1);
    store<u32>(H_DRY_RUN, 1);
    expect<u32>(verdictOn(1, ANNOUNCE, NOW)).toBe(VERDICT_STORED);
    expect<u32>(verdictOn(1, ASK, NOW)).toBe(VERDICT_ANSWERED);
    expect<u32>(limitOf()).toBe(0);
    expect<u32>(verdictOn(1, ASK, NOW)).toBe(VERDICT_ANSWERED);
    expect<f64>(counter(COUNTER_DRY_NODE)).toBe(1);
    expect<u32>(limitOf()).toBe(1 + LIMIT_QUERIES);
    limitSources(0, 1);
    expect<u32>(verdictOn(1, ASK, NOW)).toBe(VERDICT_ANSWERED);
    expect<u32>(limitOf()).toBe(1 + LIMIT_NODE);
  });
});

describe("the engine's reply", () => {
  beforeEach(() => {
    layOut(10, 64, 2, 32, 16);
  });

  test("is the announcement with the IPv4 address that it came from", () => {
    verdictOn(7, ANNOUNCE, NOW);
    expect<u32>(replyLength()).toBe(0);
    verdictOn(1, ASK, NOW);
    expectReply("20121025 56080000 00000005 61626364 65000000 00000004 0a000007");
  });

  test("is the announcement with the IPv6 address that it came from", () => {
    receive(0, 1, ANNOUNCE);
    ipv6(slot(0) + SLOT_SOURCE + SOURCE_ADDRESS, 1, 2, 3);
    process(0, 1, NOW);
    verdictOn(1, ASK, NOW);
    expectReply("20121025 56080000 00000005 61626364 65000000 00000010 20010db8 00010002 00000000 00000003");
  });

  test("contains 16 bytes for an address that only resembles an IPv4-mapped one", () => {
    const strangers: string[] = [
      "00000000 00000000 00000000 00000001",
      "00000000 00000000 0000fffe 0a000001",
      "00000000 00000001 0000ffff 0a000001",
      "00000001 00000000 0000ffff 0a000001",
    ];
    for (let i = 0; i < strangers.length; i++) {
      receive(0, 1, ANNOUNCE);
      put(slot(0) + SLOT_SOURCE + SOURCE_ADDRESS, strangers[i]);
      process(0, 1, NOW);
      verdictOn(1, ASK, NOW);
      expectReply(`20121025 56080000 00000005 61626364 65000000 00000010 ${strangers[i]}`);
    }
  });

  test("does not contain the IP that the announcement claimed", () => {
    verdictOn(7, "20121025 56080000 00000005 61626364 65000000 00000004 c0a80001", NOW);
    verdictOn(1, ASK, NOW);
    expectReply("20121025 56080000 00000005 61626364 65000000 00000004 0a000007");
  });

  test("is padded with zeros, whatever the padding of announcement and query", () => {
    verdictOn(7, "20121025 56080000 00000005 61626364 65ffeedd 00000000", NOW);
    expect<u32>(verdictOn(1, "19760309 00000005 61626364 65010203", NOW)).toBe(VERDICT_ANSWERED);
    expectReply("20121025 56080000 00000005 61626364 65000000 00000004 0a000007");
  });

  test("is sent only for a query with the verdict answered", () => {
    const silent: string[] = ["", "19760309", ANNOUNCE, "19760309 00000001 62000000", "19760309 00000000"];
    for (let i = 0; i < silent.length; i++) {
      verdictOn(1, silent[i], NOW);
      expect<u32>(replyLength()).toBe(0, silent[i]);
    }
  });
});

describe("a lane", () => {
  test("is written into the locks that its instance holds", () => {
    layOut(10, 64, 1, 32, 16);
    attach(1);
    useId(1);
    const shard = lockShard(NOW);
    expect<u32>(load<u32>(shardAt(shard), SHARD_LOCK)).toBe(2);
    unlockShard(shard);
  });
});

describe("a batch", () => {
  beforeEach(() => {
    layOut(10, 64, 2, 32, 16);
  });

  test("is processed in order, each datagram in its slot, and the number of replies is returned", () => {
    receive(0, 1, ASK);
    receive(1, 1, ANNOUNCE);
    receive(2, 1, ASK);
    receive(3, 1, "ff");
    receive(4, 1, ASK);
    receive(5, 1, ASK);
    expect<u32>(process(0, 5, NOW)).toBe(2);
    const verdicts: u32[] = [VERDICT_UNKNOWN, VERDICT_STORED, VERDICT_ANSWERED, VERDICT_MALFORMED, VERDICT_ANSWERED];
    for (let i: u32 = 0; i < 5; i++) expect<u32>(load<u32>(slot(i), SLOT_VERDICT)).toBe(verdicts[i]);
    expect<u32>(load<u32>(slot(5), SLOT_VERDICT)).toBe(0xffffffff);
    expect<f64>(counter(COUNTER_RECEIVED)).toBe(5);
  });

  test("increases the lane's sequence counter by two", () => {
    const sequence = load<u32>(H_LANES_AT) + LANE_SEQUENCE;
    receive(0, 1, ASK);
    process(0, 1, NOW);
    expect<u32>(load<u32>(sequence)).toBe(2);
    process(0, 0, NOW);
    expect<u32>(load<u32>(sequence)).toBe(4);
  });

  test("of more than 64 datagrams or in a missing lane is not processed", () => {
    for (let i: u32 = 0; i < 64; i++) receive(i, 1, ASK);
    const before = checksum(0, ENGINE_END);
    expect<u32>(process(0, 65, NOW)).toBe(0);
    expect<u32>(process(2, 1, NOW)).toBe(0);
    expect<u32>(process(0xffffffff, 1, NOW)).toBe(0);
    expect<u64>(checksum(0, ENGINE_END)).toBe(before);
    process(0, 64, NOW);
    expect<f64>(counter(VERDICT_UNKNOWN)).toBe(64);
  });

  test("in the last lane changes only that lane's counters", () => {
    attach(1);
    receive(0, 1, ANNOUNCE);
    const first: usize = load<u32>(H_LANES_AT);
    memory.copy(first + LANE_SIZE + LANE_SLOTS, slot(0), SLOT_SIZE);
    const before = checksum(first, first + LANE_SIZE);
    process(1, 1, NOW);
    expect<u64>(checksum(first, first + LANE_SIZE)).toBe(before);
    expect<f64>(load<f64>(first + LANE_SIZE + LANE_COUNTERS + VERDICT_STORED * 8)).toBe(1);
    expect<u32>(load<u32>(shardAt(0), SHARD_LOCK) | load<u32>(shardAt(1), SHARD_LOCK)).toBe(0);
  });
});
