import { entryAt, shardAt } from "../../assembly/entries";
import { hashId, spread, tag } from "../../assembly/hash";
import {
  COUNTER_DISPLACED,
  ENTRY_ADDRESS,
  ENTRY_ID,
  ENTRY_META,
  ENTRY_PREVIOUS,
  ENTRY_TAG,
  ENTRY_TIME,
  H_DAMAGED,
  H_INDEX_AT,
  H_INDEX_SLOTS,
  H_LAST_SWEEP,
  H_POOL_LOCK,
  H_POOL_USED,
  H_SHARDS_AT,
  INDEX_ENTRY,
  INDEX_SIZE,
  INDEX_TAG,
  LANE_COUNTERS,
  META_AUTHENTICATED,
  META_CONFIRMED,
  META_FROM_JOURNAL,
  SHARD_COUNT,
  SHARD_INSERT_HINT,
  SHARD_LOCK,
  SHARD_SEQUENCE,
  SHARD_TAIL,
} from "../../assembly/layout";
import { attachLane, lane } from "../../assembly/lock";
import { findLive, lockShard, lookUp, makeRoom, shardOf, sweep, unlockShard } from "../../assembly/registry";
import { hexOf, ID, ipv4, ipv6, useId, useLongId } from "./support/bytes";
import { checksum, layOut, RETENTION, SCRATCH } from "./support/memory";
import {
  announce,
  announceLength,
  confirm,
  entryOf,
  evictIfExpired,
  FROM,
  homeSlot,
  idAt,
  insertAt,
  portOf,
  queue,
  registryError,
  TO,
} from "./support/registry";

const NOW: f64 = 1760000000000;

/** Announces NodeID number `n` as the engine does in a full registry. */
function squeeze(n: u32): bool {
  return makeRoom(0, Infinity) && announce(n, 1, NOW + 100);
}

/** The entry in index slot `slot` of shard 0. */
function inSlot(slot: u32): u32 {
  return load<u32>(load<u32>(H_INDEX_AT) + slot * INDEX_SIZE, INDEX_ENTRY);
}

describe("a lookup", () => {
  beforeEach(() => {
    layOut(100, 64, 1, 256, 1);
    ipv4(FROM, 10, 0, 0, 1);
  });

  test("finds nothing in an empty registry", () => {
    expect<u32>(portOf(1, NOW)).toBe(0);
  });

  test("finds the announced port and address", () => {
    announce(1, 22000, NOW);
    ipv6(FROM, 1, 2, 3);
    announce(2, 65535, NOW);
    expect<u32>(portOf(1, NOW)).toBe(22000);
    expect<string>(hexOf(TO, 20)).toBe("00000000 00000000 0000ffff 0a000001 ffffffff");
    expect<u32>(portOf(2, NOW)).toBe(65535);
    expect<string>(hexOf(TO, 16)).toBe("20010db8 00010002 00000000 00000003");
    expect<u32>(portOf(3, NOW)).toBe(0);
  });

  test("finds NodeIDs of every length, and distinguishes them by length", () => {
    for (let length: u32 = 1; length <= 64; length++) {
      useLongId(7, length);
      expect<bool>(announceLength(length, 1000 + length, NOW)).toBe(true);
    }
    for (let length: u32 = 1; length <= 64; length++) {
      useLongId(7, length);
      expect<u32>(lookUp(ID, length, NOW, TO)).toBe(1000 + length);
    }
    expect<string>(registryError()).toBe("");
  });

  test('treats "a" and "a\\0" as two nodes', () => {
    memory.fill(ID, 0, 8);
    store<u8>(ID, 0x61);
    for (let length: u32 = 1; length <= 4; length++) {
      hashId(ID, length);
      announceLength(length, length, NOW);
    }
    for (let length: u32 = 1; length <= 4; length++) {
      hashId(ID, length);
      expect<u32>(lookUp(ID, length, NOW, TO)).toBe(length);
    }
  });

  test("compares all bytes of a NodeID, not only its hash", () => {
    const lengths: u32[] = [1, 2, 3, 4, 5, 8, 9, 12, 13, 16, 60, 64];
    for (let i = 0; i < lengths.length; i++) {
      const length = lengths[i];
      useLongId(3, length);
      announceLength(length, 1, NOW);
      const entry = entryAt(findLive(0, ID, length, NOW));
      let found: u32 = 0;
      for (let byte: u32 = 0; byte < length; byte++) {
        // Simulates another NodeID with the same hash.
        store<u8>(entry + ENTRY_ID + byte, load<u8>(ID + byte) ^ 0x40);
        if (lookUp(ID, length, NOW, TO) !== 0) found++;
        store<u8>(entry + ENTRY_ID + byte, load<u8>(ID + byte));
      }
      expect<u32>(found).toBe(0);
      expect<u32>(lookUp(ID, length, NOW, TO)).toBe(1);
    }
  });

  test("compares the length of a NodeID, not only its hash", () => {
    announce(1, 22000, NOW);
    const meta = entryAt(entryOf(1)) + ENTRY_META;
    store<u32>(meta, (22000 << 16) | 3);
    expect<u32>(portOf(1, NOW)).toBe(0);
    store<u32>(meta, (22000 << 16) | 5);
    expect<u32>(portOf(1, NOW)).toBe(0);
    // No flag is part of the length.
    store<u32>(meta, (22000 << 16) | META_AUTHENTICATED | META_CONFIRMED | META_FROM_JOURNAL | 4);
    expect<u32>(portOf(1, NOW)).toBe(22000);
  });

  test("finds a node until its retention ends, exact to the millisecond", () => {
    announce(1, 22000, NOW);
    expect<u32>(portOf(1, NOW + RETENTION - 1)).toBe(22000);
    expect<u32>(portOf(1, NOW + RETENTION)).toBe(0);
    expect<u32>(portOf(1, NOW + RETENTION * 1000)).toBe(0);
  });

  test("finds a node whose announcement time is in the future", () => {
    announce(1, 22000, NOW);
    expect<u32>(portOf(1, NOW - 5 * RETENTION)).toBe(22000);
  });

  test("changes nothing, whether it finds a node, an expired one, or none", () => {
    announce(1, 22000, NOW);
    const before = checksum(0, SCRATCH);
    portOf(1, NOW);
    portOf(1, NOW + RETENTION);
    portOf(2, NOW);
    expect<u64>(checksum(0, SCRATCH)).toBe(before);
  });

  test("finds each node of an index without an empty slot, and terminates if it finds none", () => {
    layOut(8, 64, 1, 8, 1);
    // All have the same home slot. The last one is furthest from it, past the end of the index.
    for (let n: u32 = 0; n < 8; n++) insertAt(idAt(5, n), n + 1, NOW);
    for (let n: u32 = 0; n < 8; n++) expect<u32>(portOf(idAt(5, n), NOW)).toBe(n + 1);
    expect<u32>(portOf(idAt(5, 8), NOW)).toBe(0);
  });
});

describe("an announcement", () => {
  beforeEach(() => {
    layOut(100, 64, 1, 256, 1);
    ipv4(FROM, 10, 0, 0, 1);
  });

  test("of a known node updates port, address and time in its entry", () => {
    announce(1, 22000, NOW);
    const entry = entryOf(1);
    ipv4(FROM, 10, 0, 0, 2);
    announce(1, 22001, NOW + 500);
    expect<u32>(entryOf(1)).toBe(entry);
    expect<f64>(load<f64>(entryAt(entry), ENTRY_TIME)).toBe(NOW + 500);
    expect<string>(hexOf(entryAt(entry) + ENTRY_ADDRESS, 16)).toBe("00000000 00000000 0000ffff 0a000002");
    expect<u32>(portOf(1, NOW + 500 + RETENTION - 1)).toBe(22001);
    expect<u32>(portOf(1, NOW + 500 + RETENTION)).toBe(0);
    expect<u32>(load<u32>(H_POOL_USED)).toBe(1);
  });

  test("moves a node to the end of the queue, from its head, its middle and its end", () => {
    for (let n: u32 = 1; n <= 4; n++) announce(n, 1, NOW + n);
    expect<string>(queue(0)).toBe("1 2 3 4");
    announce(1, 1, NOW + 5);
    expect<string>(queue(0)).toBe("2 3 4 1");
    announce(3, 1, NOW + 6);
    expect<string>(queue(0)).toBe("2 4 1 3");
    announce(3, 1, NOW + 7);
    expect<string>(queue(0)).toBe("2 4 1 3");
    expect<string>(registryError()).toBe("");
  });

  test("of an expired node inserts it again", () => {
    announce(1, 22000, NOW);
    announce(1, 22001, NOW + RETENTION);
    expect<u32>(portOf(1, NOW + RETENTION)).toBe(22001);
    expect<u32>(load<u32>(H_POOL_USED)).toBe(1);
    expect<string>(registryError()).toBe("");
  });

  test("writes nothing after the padding of a NodeID, in its entry or the next", () => {
    layOut(3, 8, 1, 8, 1);
    memory.fill(entryAt(1), 0xff, 3 * 48);
    useLongId(1, 8);
    memory.fill(ID + 8, 0x77, 8);
    announceLength(8, 1, NOW);
    expect<string>(hexOf(entryAt(1) + ENTRY_ID, 12)).toBe(`${hexOf(ID, 8)} ffffffff`);
    useLongId(2, 3);
    memory.fill(ID + 4, 0x77, 8);
    announceLength(3, 2, NOW);
    expect<string>(hexOf(entryAt(2) + ENTRY_ID, 12)).toBe(`${hexOf(ID, 4)} ffffffff ffffffff`);
  });

  test("fills the registry up to its capacity, then is refused", () => {
    layOut(10, 64, 2, 16, 1);
    for (let n: u32 = 0; n < 10; n++) expect<bool>(announce(n, n + 1, NOW)).toBe(true);
    const registry: usize = load<u32>(H_SHARDS_AT);
    const before = checksum(registry, SCRATCH - 64);
    expect<bool>(announce(10, 1, NOW)).toBe(false);
    expect<u64>(checksum(registry, SCRATCH - 64)).toBe(before);
    for (let n: u32 = 0; n < 10; n++) expect<u32>(portOf(n, NOW)).toBe(n + 1);
    expect<u32>(portOf(10, NOW)).toBe(0);
    expect<bool>(announce(3, 99, NOW + 1)).toBe(true);
    expect<u32>(portOf(3, NOW + 1)).toBe(99);
    expect<string>(registryError()).toBe("");
  });

  test("finds room again when two other entries expire", () => {
    layOut(4, 64, 1, 16, 1);
    announce(1, 1, NOW);
    announce(2, 1, NOW);
    announce(3, 1, NOW + 1);
    announce(4, 1, NOW + 1);
    expect<bool>(announce(5, 1, NOW + RETENTION - 1)).toBe(false);
    expect<bool>(announce(5, 1, NOW + RETENTION)).toBe(true);
    expect<bool>(announce(6, 1, NOW + RETENTION)).toBe(true);
    expect<bool>(announce(7, 1, NOW + RETENTION)).toBe(false);
    expect<string>(queue(0)).toBe("3 4 5 6");
    expect<string>(registryError()).toBe("");
  });
});

describe("a locked shard", () => {
  beforeEach(() => {
    layOut(100, 64, 4, 64, 1);
  });

  test("contains its lane plus 1 as lock, until it is unlocked", () => {
    attachLane(1);
    useId(1);
    const shard = lockShard(NOW);
    expect<u32>(shard).toBe(spread & 3);
    expect<u32>(load<u32>(shardAt(shard), SHARD_LOCK)).toBe(2);
    unlockShard(shard);
    expect<u32>(load<u32>(shardAt(shard), SHARD_LOCK)).toBe(0);
  });

  test("is the NodeID's own: other shards are neither locked nor written", () => {
    for (let n: u32 = 0; n < 40; n++) {
      useId(n);
      const mine = shardOf(spread);
      const count = load<u32>(shardAt(mine), SHARD_COUNT);
      let others: u64 = 0;
      for (let shard: u32 = 0; shard < 4; shard++) {
        if (shard !== mine) others += checksum(shardAt(shard), shardAt(shard) + 64);
      }
      announce(n, 1, NOW);
      for (let shard: u32 = 0; shard < 4; shard++) {
        if (shard !== mine) others -= checksum(shardAt(shard), shardAt(shard) + 64);
      }
      expect<u64>(others).toBe(0);
      expect<u32>(load<u32>(shardAt(mine), SHARD_COUNT)).toBe(count + 1);
    }
    expect<string>(registryError()).toBe("");
  });

  test("evicts two expired entries, and no more", () => {
    layOut(100, 64, 1, 256, 1);
    for (let n: u32 = 1; n <= 5; n++) announce(n, 1, NOW);
    useId(99);
    unlockShard(lockShard(NOW + RETENTION - 1));
    expect<string>(queue(0)).toBe("1 2 3 4 5");
    useId(99);
    unlockShard(lockShard(NOW + RETENTION));
    expect<string>(queue(0)).toBe("3 4 5");
    expect<string>(registryError()).toBe("");
  });

  test("has an even sequence counter afterwards, two higher per change", () => {
    layOut(100, 64, 1, 256, 1);
    announce(1, 1, NOW);
    expect<u32>(load<u32>(shardAt(0), SHARD_SEQUENCE)).toBe(2);
    announce(1, 2, NOW);
    expect<u32>(load<u32>(shardAt(0), SHARD_SEQUENCE)).toBe(4);
    evictIfExpired(1, NOW + RETENTION);
    expect<u32>(load<u32>(shardAt(0), SHARD_SEQUENCE)).toBe(6);
    portOf(1, NOW);
    evictIfExpired(1, NOW);
    expect<u32>(load<u32>(shardAt(0), SHARD_SEQUENCE)).toBe(6);
  });
});

describe("an expired entry", () => {
  beforeEach(() => {
    layOut(100, 64, 1, 256, 1);
  });

  test("is evicted when findLive finds it, exact to the millisecond", () => {
    announce(1, 1, NOW);
    const entry = entryOf(1);
    useId(1);
    expect<u32>(findLive(0, ID, 4, NOW + RETENTION - 1)).toBe(entry);
    expect<u32>(findLive(0, ID, 4, NOW + RETENTION)).toBe(0);
    expect<u32>(findLive(0, ID, 4, NOW)).toBe(0);
    expect<u32>(load<u32>(H_POOL_USED)).toBe(0);
    expect<u32>(load<u32>(entryAt(entry), ENTRY_META)).toBe(0);
    expect<string>(registryError()).toBe("");
  });

  test("is evicted alone: its neighbors in the queue stay", () => {
    for (let n: u32 = 1; n <= 5; n++) insertAt(n, n, NOW + n);
    store<f64>(entryAt(entryOf(3)), NOW - RETENTION, ENTRY_TIME);
    evictIfExpired(3, NOW);
    expect<string>(queue(0)).toBe("1 2 4 5");
    expect<string>(registryError()).toBe("");
  });

  test("is reused for the next new node", () => {
    announce(1, 1, NOW);
    announce(2, 2, NOW + 1);
    const first = entryOf(1);
    evictIfExpired(1, NOW + RETENTION);
    announce(3, 3, NOW + 2);
    expect<u32>(entryOf(3)).toBe(first);
    expect<u32>(portOf(2, NOW + 2)).toBe(2);
    expect<string>(registryError()).toBe("");
  });
});

describe("the gap that a removed entry leaves in the index", () => {
  beforeEach(() => {
    layOut(8, 64, 1, 8, 1);
  });

  test("is closed by entries that could not be at their home slot", () => {
    const a = idAt(2, 0);
    const b = idAt(2, 1);
    const c = idAt(2, 2);
    insertAt(a, 1, 0);
    insertAt(b, 2, NOW);
    insertAt(c, 3, NOW);
    evictIfExpired(a, RETENTION);
    expect<u32>(inSlot(2)).toBe(entryOf(b));
    expect<u32>(inSlot(3)).toBe(entryOf(c));
    expect<u32>(inSlot(4)).toBe(0);
    expect<u32>(portOf(b, NOW)).toBe(2);
    expect<u32>(portOf(c, NOW)).toBe(3);
  });

  test("is not closed by an entry at its home slot, but by a later one", () => {
    const a = idAt(2, 0);
    const athome = idAt(3, 0);
    const b = idAt(2, 1);
    insertAt(a, 1, 0);
    insertAt(athome, 2, NOW);
    insertAt(b, 3, NOW);
    evictIfExpired(a, RETENTION);
    expect<u32>(inSlot(2)).toBe(entryOf(b));
    expect<u32>(inSlot(3)).toBe(entryOf(athome));
    expect<u32>(inSlot(4)).toBe(0);
  });

  test("is closed across the end of the index", () => {
    const a = idAt(7, 0);
    const b = idAt(7, 1);
    const c = idAt(0, 0);
    const d = idAt(6, 0);
    const e = idAt(6, 1);
    insertAt(d, 4, NOW);
    insertAt(a, 1, 0);
    insertAt(b, 2, NOW);
    insertAt(c, 3, NOW);
    insertAt(e, 5, NOW);
    // Slot 6: d, 7: a, 0: b, 1: c, 2: e.
    expect<u32>(inSlot(0)).toBe(entryOf(b));
    expect<u32>(inSlot(2)).toBe(entryOf(e));
    evictIfExpired(a, RETENTION);
    expect<u32>(inSlot(6)).toBe(entryOf(d));
    expect<u32>(inSlot(7)).toBe(entryOf(b));
    expect<u32>(inSlot(0)).toBe(entryOf(c));
    expect<u32>(inSlot(1)).toBe(entryOf(e));
    expect<u32>(inSlot(2)).toBe(0);
    expect<string>(registryError()).toBe("");
  });

  test("is closed in each of the 16,384 ways in which four entries can collide in eight slots", () => {
    const ids = new StaticArray<u32>(32);
    for (let slot: u32 = 0; slot < 8; slot++) {
      for (let nth: u32 = 0; nth < 4; nth++) ids[slot * 4 + nth] = idAt(slot, nth);
    }
    for (let way: u32 = 0; way < 4096; way++) {
      for (let gone: u32 = 0; gone < 4; gone++) {
        forget();
        for (let i: u32 = 0; i < 4; i++) {
          insertAt(ids[((way >> (3 * i)) & 7) * 4 + i], 10 + i, i === gone ? 0 : NOW);
        }
        evictIfExpired(ids[((way >> (3 * gone)) & 7) * 4 + gone], RETENTION);
        let wrong = registryError();
        for (let i: u32 = 0; i < 4; i++) {
          const port = portOf(ids[((way >> (3 * i)) & 7) * 4 + i], NOW);
          if (port !== (i === gone ? 0 : 10 + i)) wrong = "a node cannot be looked up";
        }
        if (wrong.length !== 0) expect<u32>(way * 4 + gone).toBe(0xffffffff, wrong);
      }
    }
  });
});

/** Makes an empty registry of eight slots. Faster than laying out the whole memory. */
function forget(): void {
  memory.fill(load<u32>(H_INDEX_AT), 0, 8 * INDEX_SIZE);
  memory.fill(shardAt(0), 0, 64);
  memory.fill(entryAt(0), 0, 9 * 104);
  memory.fill(128, 0, 16);
}

describe("the home slot of a hash", () => {
  test("is its fraction of the slots: with any number of slots all are used, first to last", () => {
    layOut(1, 64, 1, 7, 1);
    let first: u32 = 0;
    let last: u32 = 0;
    for (let n: u32 = 0; n < 200; n++) {
      forget();
      insertAt(n, 1, 0);
      useId(n);
      expect<u32>(inSlot(homeSlot(tag))).toBe(1);
      if (homeSlot(tag) === 0) first++;
      if (homeSlot(tag) === 6) last++;
      evictIfExpired(n, RETENTION);
    }
    expect<u32>(first).toBeGreaterThan(10);
    expect<u32>(last).toBeGreaterThan(10);
    expect<u32>(load<u32>(H_INDEX_SLOTS)).toBe(7);
  });
});

describe("a full registry", () => {
  beforeEach(() => {
    layOut(5, 64, 1, 32, 1);
    ipv4(FROM, 10, 0, 0, 1);
    for (let n: u32 = 1; n <= 5; n++) announce(n, 1, NOW + n);
  });

  test("gives up its entries one by one, oldest first, as long as they are not confirmed", () => {
    confirm(2);
    confirm(4);
    expect<bool>(squeeze(6)).toBe(true);
    expect<string>(queue(0)).toBe("2 3 4 5 6");
    expect<bool>(squeeze(7)).toBe(true);
    expect<string>(queue(0)).toBe("2 4 5 6 7");
    expect<bool>(squeeze(8)).toBe(true);
    expect<string>(queue(0)).toBe("2 4 6 7 8");
    expect<string>(registryError()).toBe("");
  });

  test("never gives up a confirmed entry", () => {
    for (let n: u32 = 1; n <= 5; n++) confirm(n);
    expect<bool>(squeeze(6)).toBe(false);
    expect<string>(queue(0)).toBe("1 2 3 4 5");
    expect<f64>(load<f64>(lane + COUNTER_DISPLACED * 8, LANE_COUNTERS)).toBe(0);
  });

  test("gives up nothing that was not announced before the given time", () => {
    expect<bool>(makeRoom(0, NOW + 1)).toBe(false);
    expect<bool>(makeRoom(0, NOW + 1.5)).toBe(true);
    expect<string>(queue(0)).toBe("2 3 4 5");
  });

  test("finds an entry that was merged before confirmed ones that the search has passed", () => {
    for (let n: u32 = 1; n <= 5; n++) confirm(n);
    expect<bool>(makeRoom(0, Infinity)).toBe(false);
    evictIfExpired(3, NOW + 3 + RETENTION);
    insertAt(9, 1, NOW + 2.5);
    expect<string>(queue(0)).toBe("1 2 9 4 5");
    expect<bool>(makeRoom(0, Infinity)).toBe(true);
    expect<string>(queue(0)).toBe("1 2 4 5");
    expect<string>(registryError()).toBe("");
  });

  test("needs no long search if nodes were confirmed one after another", () => {
    layOut(3000, 64, 1, 6200, 1);
    for (let n: u32 = 1; n <= 3000; n++) {
      announce(n, 1, NOW);
      if (n !== 2500) confirm(n);
    }
    expect<bool>(makeRoom(0, Infinity)).toBe(true);
    expect<u32>(portOf(2500, NOW)).toBe(0);
  });

  test("continues a long search where it ended", () => {
    layOut(3000, 64, 1, 6200, 1);
    for (let n: u32 = 1; n <= 3000; n++) announce(n, 1, NOW);
    for (let n: u32 = 1; n <= 3000; n++) if (n !== 2500) confirm(n);
    expect<bool>(makeRoom(0, Infinity)).toBe(false);
    expect<bool>(makeRoom(0, Infinity)).toBe(false);
    expect<bool>(makeRoom(0, Infinity)).toBe(true);
    expect<u32>(portOf(2500, NOW)).toBe(0);
  });
});

describe("a damaged registry is reported, and no loop runs forever", () => {
  beforeEach(() => {
    layOut(7, 64, 1, 8, 1);
    ipv4(FROM, 10, 0, 0, 1);
  });

  test("when a queue is a circle", () => {
    for (let n: u32 = 1; n <= 5; n++) announce(n, 1, NOW + n);
    // The search goes back from the tail and from the hint. Both are caught in a circle of entries that are too late.
    const last = load<u32>(shardAt(0), SHARD_TAIL);
    const before = load<u32>(entryAt(last), ENTRY_PREVIOUS);
    store<u32>(entryAt(before), last, ENTRY_PREVIOUS);
    store<u32>(shardAt(0), last, SHARD_INSERT_HINT);
    insertAt(6, 1, NOW + 2);
    expect<u32>(load<u32>(H_DAMAGED)).toBe(1);
  });

  test("when an index has no empty slot", () => {
    for (let slot: u32 = 0; slot < 8; slot++) store<u32>(load<u32>(H_INDEX_AT) + slot * INDEX_SIZE, 1, INDEX_ENTRY);
    expect<bool>(announce(1, 1, NOW)).toBe(false);
    expect<u32>(load<u32>(H_DAMAGED)).toBe(1);
  });

  test("when a gap in a full index is to be closed", () => {
    announce(1, 1, NOW);
    const tag = load<u32>(entryAt(1), ENTRY_TAG);
    for (let slot: u32 = 0; slot < 8; slot++) {
      const at = load<u32>(H_INDEX_AT) + slot * INDEX_SIZE;
      if (load<u32>(at, INDEX_ENTRY) === 0) store<u32>(at, 2, INDEX_ENTRY);
      store<u32>(at, tag, INDEX_TAG);
    }
    evictIfExpired(1, NOW + RETENTION);
    expect<u32>(load<u32>(H_DAMAGED)).toBe(1);
  });

  test("when an entry that expires is not in the index", () => {
    announce(1, 1, NOW);
    memory.fill(load<u32>(H_INDEX_AT), 0, 8 * INDEX_SIZE);
    sweep(NOW + RETENTION);
    expect<u32>(load<u32>(H_DAMAGED)).toBe(1);
  });
});

describe("a sweep", () => {
  beforeEach(() => {
    layOut(600, 64, 4, 512, 1);
  });

  test("evicts all expired entries in all shards, and returns how many", () => {
    for (let n: u32 = 0; n < 40; n++) announce(n, 1, NOW + n);
    expect<u32>(sweep(NOW + RETENTION - 1)).toBe(0);
    expect<u32>(sweep(NOW + RETENTION)).toBe(1);
    expect<u32>(sweep(NOW + RETENTION + 29)).toBe(29);
    expect<u32>(load<u32>(H_POOL_USED)).toBe(10);
    expect<u32>(sweep(NOW + RETENTION + 1000)).toBe(10);
    expect<string>(registryError()).toBe("");
  });

  test("evicts at most 64 entries per shard and call, and continues in the same millisecond", () => {
    layOut(600, 64, 1, 1024, 1);
    for (let n: u32 = 0; n < 150; n++) announce(n, 1, NOW);
    expect<u32>(sweep(NOW + RETENTION)).toBe(64);
    expect<u32>(sweep(NOW + RETENTION)).toBe(64);
    expect<u32>(sweep(NOW + RETENTION)).toBe(22);
    expect<u32>(sweep(NOW + RETENTION)).toBe(0);
    expect<string>(registryError()).toBe("");
  });

  test("runs once per millisecond if it evicted everything expired", () => {
    announce(1, 1, NOW);
    expect<u32>(sweep(NOW + RETENTION - 1)).toBe(0);
    expect<f64>(load<f64>(H_LAST_SWEEP)).toBe(NOW + RETENTION - 1);
    store<f64>(H_LAST_SWEEP, NOW + RETENTION);
    expect<u32>(sweep(NOW + RETENTION)).toBe(0);
    expect<u32>(load<u32>(H_POOL_USED)).toBe(1);
    expect<u32>(sweep(NOW + RETENTION + 1)).toBe(1);
  });

  test("skips a shard that stays locked, and evicts its entries later in the same millisecond", () => {
    for (let n: u32 = 0; n < 40; n++) announce(n, 1, NOW);
    const held = load<u32>(shardAt(2), SHARD_COUNT);
    expect<u32>(held).toBeGreaterThan(0);
    store<u32>(shardAt(2), 9, SHARD_LOCK);
    expect<u32>(sweep(NOW + RETENTION)).toBe(40 - held);
    expect<u32>(load<u32>(shardAt(2), SHARD_LOCK)).toBe(9);
    store<u32>(shardAt(2), 0, SHARD_LOCK);
    expect<u32>(sweep(NOW + RETENTION)).toBe(held);
    expect<string>(registryError()).toBe("");
  });

  test("does nothing while the pool stays locked, and leaves no shard locked", () => {
    for (let n: u32 = 0; n < 40; n++) announce(n, 1, NOW);
    store<u32>(H_POOL_LOCK, 9);
    expect<u32>(sweep(NOW + RETENTION)).toBe(0);
    for (let shard: u32 = 0; shard < 4; shard++) expect<u32>(load<u32>(shardAt(shard), SHARD_LOCK)).toBe(0);
    store<u32>(H_POOL_LOCK, 0);
    expect<u32>(sweep(NOW + RETENTION)).toBe(40);
    expect<string>(registryError()).toBe("");
  });

  test("leaves no shard locked", () => {
    for (let n: u32 = 0; n < 40; n++) announce(n, 1, NOW);
    sweep(NOW + RETENTION);
    for (let shard: u32 = 0; shard < 4; shard++) expect<u32>(load<u32>(shardAt(shard), SHARD_LOCK)).toBe(0);
  });
});

describe("the registry", () => {
  test("behaves like a simple list over 20,000 random announcements, lookups, removals and sweeps", () => {
    layOut(24, 64, 2, 24, 1);
    ipv4(FROM, 10, 0, 0, 1);
    const ports = new StaticArray<u32>(40);
    const times = new StaticArray<f64>(40);
    let state: u32 = 20121025;
    let now = NOW;
    let stored: u32 = 0;
    let refused: u32 = 0;
    let wrong = "";
    for (let step: u32 = 1; step <= 20000 && wrong.length === 0; step++) {
      state = state * 1664525 + 1013904223;
      now += (state >>> 12) & 31;
      const n = (state >>> 18) % 40;
      const known = ports[n] !== 0 && now - times[n] < RETENTION;
      const kind = state >>> 28;
      if (kind < 9) {
        if (announce(n, step, now)) {
          stored++;
          ports[n] = step & 0xffff;
          times[n] = now;
        } else {
          refused++;
          if (known) wrong = "a known node was refused";
        }
      } else if (kind < 15) {
        const port = portOf(n, now);
        if (port !== (known ? ports[n] : 0)) wrong = "a lookup was wrong";
      } else {
        while (sweep(now) !== 0) {}
        let live: u32 = 0;
        for (let i = 0; i < 40; i++) if (ports[i] !== 0 && now - times[i] < RETENTION) live++;
        if (load<u32>(H_POOL_USED) !== live) wrong = "a sweep left too many or too few";
      }
      const broken = registryError();
      if (broken.length !== 0) wrong = broken;
      if (wrong.length !== 0) expect<u32>(step).toBe(0, wrong);
    }
    // Both outcomes were common.
    expect<u32>(stored).toBeGreaterThan(1000);
    expect<u32>(refused).toBeGreaterThan(100);
  });
});
