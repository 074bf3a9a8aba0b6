import { entryAt, shardAt } from "../../assembly/entries";
import { collect, merge, moveCursor } from "../../assembly/exchange";
import { hashId, spread } from "../../assembly/hash";
import {
  CURSOR_CONFIRM,
  CURSOR_CONFIRM_ALL,
  CURSOR_RESET,
  CURSOR_RESTART_WALK,
  CURSOR_REWIND,
  ENTRY_ADDRESS,
  ENTRY_ID,
  ENTRY_META,
  ENTRY_TIME,
  EXCHANGE_ENTRIES,
  H_EXCHANGE_AT,
  H_MERGE_AHEAD,
  H_MERGE_FULL,
  H_MERGED,
  H_POOL_USED,
  H_RETENTION,
  H_STRIDE,
  LIST_BATCH,
  LIST_BUSY,
  LIST_MORE,
  MAX_CLOCK_SKEW,
  META_AUTHENTICATED,
  META_CONFIRMED,
  META_FROM_JOURNAL,
  SHARD_LOCK,
  TIME_STEP,
} from "../../assembly/layout";
import { shardOf } from "../../assembly/registry";
import { hexOf, ID, ipv4, put, useId, useLongId } from "./support/bytes";
import { checksum, ENGINE_END, layOut, RETENTION, SCRATCH } from "./support/memory";
import {
  announce,
  announceLength,
  confirm,
  entryOf,
  evictIfExpired,
  FROM,
  portOf,
  queue,
  registryError,
  TO,
} from "./support/registry";

const NOW: f64 = 1760000000000;
const STRIDE: u32 = 104;
const ELSEWHERE: u32 = 0x8000;
const DEVICE: u32 = META_AUTHENTICATED | META_CONFIRMED;

/** Address of position `i` in the exchange area. */
function place(i: u32): usize {
  return load<u32>(H_EXCHANGE_AT) + i * STRIDE;
}

/** Numbers of the NodeIDs at the first `count` positions: "3 1 2". */
function listed(count: u32): string {
  let list = "";
  for (let i: u32 = 0; i < count; i++) {
    if (i !== 0) list += " ";
    list += load<u32>(place(i) + ENTRY_ID).toString();
  }
  return list;
}

/** Writes an entry to position `i` as a journal does, without links and hash. */
function fill(i: u32, n: u32, port: u32, time: f64): void {
  const at = place(i);
  memory.fill(at, 0xff, STRIDE);
  store<f64>(at, time, ENTRY_TIME);
  store<u32>(at, (port << 16) | 4, ENTRY_META);
  ipv4(at + ENTRY_ADDRESS, 10, 9, 8, n & 255);
  store<u32>(at, n, ENTRY_ID);
}

/** Merges the first `count` entries. Returns how many were new or later. */
function mergeAll(count: u32, now: f64): u32 {
  const before = load<u32>(H_MERGED);
  expect<u32>(merge(0, count, now)).toBe(count);
  return load<u32>(H_MERGED) - before;
}

function mergeOne(n: u32, port: u32, time: f64, now: f64): u32 {
  fill(0, n, port, time);
  return mergeAll(1, now);
}

/** Merges an authenticated entry, as the server does for a device. */
function mergeDevice(n: u32, port: u32, time: f64, now: f64): u32 {
  fill(0, n, port, time);
  store<u32>(place(0), load<u32>(place(0), ENTRY_META) | DEVICE, ENTRY_META);
  return mergeAll(1, now);
}

function timeOf(n: u32): f64 {
  return load<f64>(entryAt(entryOf(n)), ENTRY_TIME);
}

function metaOf(n: u32): u32 {
  return load<u32>(entryAt(entryOf(n)), ENTRY_META);
}

/** Announces a NodeID of `length` bytes, given in hexadecimal. */
function announceLong(id: string, length: u32, port: u32): void {
  put(ID, id);
  hashId(ID, length);
  announceLength(length, port, NOW);
}

describe("a listing", () => {
  beforeEach(() => {
    layOut(100, 64, 1, 256, 1);
    ipv4(FROM, 10, 0, 0, 1);
  });

  test("of an empty shard returns 0 and writes nothing", () => {
    const before = checksum(0, ENGINE_END);
    expect<u32>(collect(0, false, 0)).toBe(0);
    expect<u32>(collect(0, true, Infinity)).toBe(0);
    expect<u64>(checksum(0, ENGINE_END)).toBe(before);
  });

  test("starts with the oldest announcement", () => {
    for (let n: u32 = 1; n <= 4; n++) announce(n, n, NOW + n);
    announce(2, 2, NOW + 9);
    expect<u32>(collect(0, false, 0)).toBe(4);
    expect<string>(listed(4)).toBe("1 3 4 2");
  });

  test("contains what was announced since the last listing", () => {
    for (let n: u32 = 1; n <= 4; n++) announce(n, n, NOW + n);
    expect<u32>(collect(0, false, 0)).toBe(4);
    expect<u32>(collect(0, false, 0)).toBe(0);
    announce(2, 2, NOW + 5);
    announce(5, 2, NOW + 5);
    expect<u32>(collect(0, false, 0)).toBe(2);
    expect<string>(listed(2)).toBe("2 5");
    expect<u32>(collect(0, false, 0)).toBe(0);
  });

  test("contains the queue's last node again when it is announced again, even in the same millisecond", () => {
    announce(1, 1, NOW);
    announce(2, 2, NOW);
    collect(0, false, 0);
    announce(2, 3, NOW);
    expect<u32>(collect(0, false, 0)).toBe(1);
    expect<u32>(load<u32>(place(0) + ENTRY_META) >>> 16).toBe(3);
    announce(2, 4, NOW - 5);
    expect<u32>(collect(0, false, 0)).toBe(1);
    expect<u32>(load<u32>(place(0) + ENTRY_META) >>> 16).toBe(4);
  });

  test("contains the announcement of a worker that read its clock earlier", () => {
    announce(1, 1, NOW + 5);
    collect(0, false, 0);
    announce(2, 2, NOW);
    expect<u32>(collect(0, false, 0)).toBe(1);
    expect<u32>(load<u32>(place(0) + ENTRY_ID)).toBe(2);
  });

  test("continues correctly when the last listed entry is evicted or replaced by a merge", () => {
    for (let n: u32 = 1; n <= 3; n++) announce(n, n, NOW + n);
    collect(0, false, 0);
    evictIfExpired(3, NOW + 3 + RETENTION);
    announce(4, 4, NOW + 4);
    expect<u32>(collect(0, false, 0)).toBe(1);
    expect<u32>(load<u32>(place(0) + ENTRY_ID)).toBe(4);
    mergeOne(4, 9, NOW + 9, NOW + 9);
    announce(5, 5, NOW + 10);
    expect<u32>(collect(0, false, 0)).toBe(1);
    expect<u32>(load<u32>(place(0) + ENTRY_ID)).toBe(5);
  });

  test("omits entries from a journal, wherever they are in the queue", () => {
    announce(1, 1, NOW);
    collect(0, false, 0);
    announce(2, 2, NOW + 2);
    mergeOne(3, 3, NOW + 1, NOW + 5);
    mergeOne(4, 4, NOW + 3, NOW + 5);
    mergeOne(5, 5, NOW - 3, NOW + 5);
    expect<string>(queue(0)).toBe("5 1 3 2 4");
    expect<u32>(collect(0, false, 0)).toBe(1);
    expect<u32>(load<u32>(place(0) + ENTRY_ID)).toBe(2);
  });

  test("omits authenticated entries, also those that replaced an announcement which was not listed yet", () => {
    for (let n: u32 = 1; n <= 4; n++) announce(n, n, NOW + n);
    mergeDevice(2, 2, NOW + 2.5, NOW + 9);
    mergeDevice(4, 4, NOW, NOW + 9);
    mergeDevice(5, 5, NOW + 9, NOW + 9);
    expect<string>(queue(0)).toBe("4 1 2 3 5");
    expect<u32>(collect(0, false, 0)).toBe(2);
    expect<string>(listed(2)).toBe("1 3");
    moveCursor(0, CURSOR_RESET);
    expect<u32>(collect(0, false, 0)).toBe(2);
  });

  test("contains complete entries: time, meta, address and NodeID up to its last byte", () => {
    useLongId(5, 64);
    announceLength(64, 22000, NOW);
    expect<u32>(collect(0, false, 0)).toBe(1);
    expect<f64>(load<f64>(place(0) + ENTRY_TIME)).toBe(NOW);
    expect<u32>(load<u32>(place(0) + ENTRY_META)).toBe((22000 << 16) | 64);
    expect<string>(hexOf(place(0) + ENTRY_ADDRESS, 16)).toBe("00000000 00000000 0000ffff 0a000001");
    expect<u64>(checksum(place(0) + ENTRY_ID, place(0) + STRIDE)).toBe(checksum(ID, ID + 64));
  });

  test("contains one shard only, and nothing for a shard that does not exist", () => {
    layOut(100, 64, 4, 64, 1);
    for (let n: u32 = 1; n <= 40; n++) announce(n, 1, NOW);
    let all: u32 = 0;
    for (let shard: u32 = 0; shard < 4; shard++) {
      const count = collect(shard, false, 0);
      all += count;
      for (let i: u32 = 0; i < count; i++) {
        useId(load<u32>(place(i) + ENTRY_ID));
        expect<u32>(shardOf(spread)).toBe(shard);
      }
      expect<u32>(load<u32>(shardAt(shard), SHARD_LOCK)).toBe(0);
    }
    expect<u32>(all).toBe(40);
    expect<u32>(collect(4, false, 0)).toBe(0);
    expect<u32>(collect(0xffffffff, true, Infinity)).toBe(0);
    expect<bool>(moveCursor(4, CURSOR_CONFIRM)).toBe(false);
  });

  test("returns LIST_BUSY and changes nothing while the shard is locked", () => {
    announce(1, 1, NOW);
    store<u32>(shardAt(0), 9, SHARD_LOCK);
    expect<u32>(collect(0, false, 0)).toBe(LIST_BUSY);
    expect<bool>(moveCursor(0, CURSOR_CONFIRM)).toBe(false);
    store<u32>(shardAt(0), 0, SHARD_LOCK);
    expect<u32>(collect(0, false, 0)).toBe(1);
  });

  test("changes nothing in the registry except its cursor", () => {
    for (let n: u32 = 1; n <= 10; n++) announce(n, n, NOW + n);
    const before = checksum(shardAt(0), SCRATCH);
    collect(0, false, 0);
    moveCursor(0, CURSOR_REWIND);
    expect<u64>(checksum(shardAt(0), SCRATCH)).toBe(before);
  });

  test("reads at most 32 entries per call and reports that more follow, and lists each entry once", () => {
    layOut(200, 64, 1, 500, 1);
    for (let n: u32 = 1; n <= 86; n++) announce(n, 1, NOW + n);
    const counts: u32[] = [LIST_BATCH | LIST_MORE, LIST_BATCH | LIST_MORE, 22, 0];
    let next: u32 = 1;
    for (let part = 0; part < 4; part++) {
      const got = collect(0, false, 0);
      expect<u32>(got).toBe(counts[part]);
      for (let i: u32 = 0; i < (got & 0xffff); i++) expect<u32>(load<u32>(place(i) + ENTRY_ID)).toBe(next++);
    }
  });

  test("skips 32 entries from a journal, returns none, and reports that more follow", () => {
    layOut(200, 64, 1, 500, 1);
    for (let n: u32 = 1; n <= 50; n++) mergeOne(n, 1, NOW + n, NOW + 50);
    announce(51, 1, NOW + 51);
    expect<u32>(collect(0, false, 0)).toBe(LIST_MORE);
    expect<u32>(collect(0, false, 0)).toBe(1);
  });

  test("writes nothing after its last entry", () => {
    layOut(200, 1008, 1, 500, 1);
    for (let n: u32 = 1; n <= 70; n++) announce(n, 1, NOW + n);
    const end = load<u32>(H_EXCHANGE_AT) + LIST_BATCH * load<u32>(H_STRIDE);
    const before = checksum(end, shardAt(0));
    collect(0, false, 0);
    expect<u64>(checksum(end, shardAt(0))).toBe(before);
  });
});

describe("what was listed", () => {
  beforeEach(() => {
    layOut(100, 64, 1, 256, 1);
    ipv4(FROM, 10, 0, 0, 1);
    for (let n: u32 = 1; n <= 3; n++) announce(n, n, NOW + n);
    collect(0, false, 0);
  });

  test("is listed again, with newer announcements, after a rewind", () => {
    announce(4, 4, NOW + 4);
    expect<bool>(moveCursor(0, CURSOR_REWIND)).toBe(true);
    expect<u32>(collect(0, false, 0)).toBe(4);
  });

  test("is not listed again after it was confirmed", () => {
    moveCursor(0, CURSOR_CONFIRM);
    announce(4, 4, NOW + 4);
    collect(0, false, 0);
    moveCursor(0, CURSOR_REWIND);
    expect<u32>(collect(0, false, 0)).toBe(1);
    expect<string>(listed(1)).toBe("4");
  });

  test("is listed again after a reset, even if it was confirmed", () => {
    moveCursor(0, CURSOR_CONFIRM);
    moveCursor(0, CURSOR_RESET);
    expect<u32>(collect(0, false, 0)).toBe(3);
  });

  test("is not listed after confirm-all, even if it had not been listed yet", () => {
    announce(4, 4, NOW + 4);
    moveCursor(0, CURSOR_CONFIRM_ALL);
    expect<u32>(collect(0, false, 0)).toBe(0);
    moveCursor(0, CURSOR_REWIND);
    announce(5, 5, NOW + 5);
    expect<u32>(collect(0, false, 0)).toBe(1);
    expect<string>(listed(1)).toBe("5");
  });

  test("is listed again if it was announced again before the confirmation", () => {
    announce(2, 9, NOW + 5);
    announce(3, 9, NOW + 6);
    moveCursor(0, CURSOR_CONFIRM);
    moveCursor(0, CURSOR_REWIND);
    expect<u32>(collect(0, false, 0)).toBe(2);
    expect<string>(listed(2)).toBe("2 3");
  });

  test("is listed once, and dated no earlier than those before it, if its worker read the clock earlier", () => {
    moveCursor(0, CURSOR_CONFIRM);
    announce(4, 4, NOW - 500);
    expect<u32>(collect(0, false, 0)).toBe(1);
    expect<f64>(load<f64>(place(0) + ENTRY_TIME)).toBe(NOW + 3);
  });
});

describe("a walk", () => {
  beforeEach(() => {
    layOut(200, 64, 1, 500, 1);
    ipv4(FROM, 10, 0, 0, 1);
    for (let n: u32 = 1; n <= 86; n++) {
      if (n % 2 === 0) announce(n, n, NOW + n);
      else mergeOne(n, n, NOW + n, NOW + n);
    }
  });

  test("contains all entries, announced here or merged, listed or not", () => {
    while ((collect(0, false, 0) & LIST_MORE) !== 0) {}
    expect<u32>(collect(0, true, Infinity)).toBe(LIST_BATCH | LIST_MORE);
    expect<u32>(collect(0, true, Infinity)).toBe(LIST_BATCH | LIST_MORE);
    expect<u32>(collect(0, true, Infinity)).toBe(22);
    expect<u32>(load<u32>(place(21) + ENTRY_ID)).toBe(86);
    expect<u32>(collect(0, true, Infinity)).toBe(0);
  });

  test("passes authenticated entries, but does not contain them", () => {
    mergeDevice(1, 1, NOW + 1.5, NOW + 86);
    mergeDevice(2, 2, NOW + 2, NOW + 86);
    mergeDevice(7, 7, NOW - 1, NOW + 86);
    expect<u32>(collect(0, true, NOW + 11)).toBe(7);
    expect<string>(listed(7)).toBe("3 4 5 6 8 9 10");
    for (let n: u32 = 11; n <= 70; n++) mergeDevice(n, n, NOW + n, NOW + 86);
    expect<u32>(collect(0, true, Infinity)).toBe(LIST_MORE);
    expect<u32>(collect(0, true, Infinity)).toBe(4 | LIST_MORE);
    expect<string>(listed(4)).toBe("71 72 73 74");
    expect<u32>(collect(0, true, Infinity)).toBe(12);
    expect<u32>(collect(0, true, Infinity)).toBe(0);
  });

  test("ends before the given time and continues from there", () => {
    expect<u32>(collect(0, true, NOW + 11)).toBe(10);
    expect<u32>(collect(0, true, NOW + 11)).toBe(0);
    expect<u32>(collect(0, true, NOW + 13)).toBe(2);
    expect<string>(listed(2)).toBe("11 12");
  });

  test("starts again after restart-walk", () => {
    collect(0, true, Infinity);
    moveCursor(0, CURSOR_RESTART_WALK);
    expect<u32>(collect(0, true, NOW + 3)).toBe(2);
    expect<string>(listed(2)).toBe("1 2");
  });

  test("and a listing do not affect each other", () => {
    expect<u32>(collect(0, true, NOW + 11)).toBe(10);
    expect<u32>(collect(0, false, 0) & 0xffff).toBe(16);
    expect<u32>(collect(0, true, NOW + 13)).toBe(2);
    moveCursor(0, CURSOR_RESET);
    expect<u32>(collect(0, true, NOW + 15)).toBe(2);
    moveCursor(0, CURSOR_RESTART_WALK);
    expect<u32>(collect(0, false, 0) & 0xffff).toBe(16);
  });
});

describe("a merge", () => {
  beforeEach(() => {
    layOut(10, 64, 1, 32, 1);
    ipv4(FROM, 10, 0, 0, 1);
  });

  test("inserts an unknown node with its time, port and address", () => {
    expect<u32>(mergeOne(1, 22000, NOW - 10, NOW)).toBe(1);
    expect<u32>(portOf(1, NOW)).toBe(22000);
    expect<string>(hexOf(TO, 16)).toBe("00000000 00000000 0000ffff 0a090801");
    expect<f64>(timeOf(1)).toBe(NOW - 10);
    expect<u32>(portOf(1, NOW - 10 + RETENTION)).toBe(0);
    expect<string>(registryError()).toBe("");
  });

  test("flags merged entries as from a journal until they are announced here", () => {
    mergeOne(1, 22000, NOW, NOW);
    expect<u32>(metaOf(1)).toBe((22000 << 16) | ELSEWHERE | 4);
    announce(1, 22001, NOW + 1);
    expect<u32>(metaOf(1)).toBe((22001 << 16) | 4);
    mergeOne(1, 22002, NOW + 2, NOW + 2);
    expect<u32>(metaOf(1)).toBe((22002 << 16) | ELSEWHERE | 4);
  });

  test("replaces an earlier announcement by a later one", () => {
    announce(1, 1, NOW);
    expect<u32>(mergeOne(1, 2, NOW + 1, NOW + 5)).toBe(1);
    expect<u32>(portOf(1, NOW + 5)).toBe(2);
    expect<string>(hexOf(TO, 16)).toBe("00000000 00000000 0000ffff 0a090801");
    expect<f64>(timeOf(1)).toBe(NOW + 1);
    expect<u32>(load<u32>(H_POOL_USED)).toBe(1);
  });

  test("ignores the same or an earlier announcement, so merging twice is harmless", () => {
    announce(1, 1, NOW);
    const before = checksum(shardAt(0), SCRATCH);
    fill(0, 1, 1, NOW);
    memory.copy(place(0) + ENTRY_ADDRESS, FROM, 16);
    expect<u32>(mergeAll(1, NOW + 5)).toBe(0);
    expect<u32>(mergeOne(1, 2, NOW - 1, NOW + 5)).toBe(0);
    expect<u64>(checksum(shardAt(0), SCRATCH)).toBe(before);
  });

  test("replaces a time beyond the allowed clock skew by the current time, and counts it", () => {
    expect<u32>(mergeOne(1, 1, NOW + MAX_CLOCK_SKEW + 1, NOW)).toBe(1);
    expect<f64>(timeOf(1)).toBe(NOW);
    expect<u32>(load<u32>(H_MERGE_AHEAD)).toBe(1);
    announce(2, 2, NOW);
    expect<u32>(mergeOne(2, 1, NOW + MAX_CLOCK_SKEW + 1, NOW)).toBe(1);
    expect<f64>(timeOf(2)).toBe(NOW);
  });

  test("keeps a time within the allowed clock skew, and a new local announcement is later still", () => {
    expect<u32>(mergeOne(1, 1, NOW + MAX_CLOCK_SKEW, NOW)).toBe(1);
    expect<f64>(timeOf(1)).toBe(NOW + MAX_CLOCK_SKEW);
    expect<u32>(load<u32>(H_MERGE_AHEAD)).toBe(0);
    announce(1, 2, NOW + 1);
    expect<f64>(timeOf(1)).toBe(NOW + MAX_CLOCK_SKEW + TIME_STEP);
    announce(2, 2, NOW + 2);
    expect<f64>(timeOf(2)).toBe(NOW + MAX_CLOCK_SKEW + TIME_STEP);
    expect<u32>(mergeOne(1, 1, NOW + MAX_CLOCK_SKEW, NOW + 3)).toBe(0);
    expect<u32>(portOf(1, NOW + 3)).toBe(2);
    expect<string>(registryError()).toBe("");
  });

  test("of two announcements with one time keeps the higher address, then the higher port, in any order", () => {
    for (let order = 0; order < 2; order++) {
      layOut(10, 64, 1, 32, 1);
      for (let i = 0; i < 4; i++) {
        const which = order === 0 ? i : 3 - i;
        fill(i, 1, which < 2 ? 500 : 100 + which, NOW);
        ipv4(place(i) + ENTRY_ADDRESS, 10, 9, 8, which < 2 ? which : 7);
      }
      mergeAll(4, NOW);
      expect<u32>(portOf(1, NOW)).toBe(103);
      expect<string>(hexOf(TO + 12, 4)).toBe("0a090807");
    }
  });

  test("stops at an entry whose shard is locked, and can continue from there", () => {
    for (let i: u32 = 0; i < 3; i++) fill(i, i, 1, NOW);
    store<u32>(shardAt(0), 9, SHARD_LOCK);
    expect<u32>(merge(0, 3, NOW)).toBe(0);
    store<u32>(shardAt(0), 0, SHARD_LOCK);
    expect<u32>(merge(1, 3, NOW)).toBe(3);
    expect<u32>(load<u32>(H_MERGED)).toBe(2);
  });

  test("a node announced twice in a millisecond expires at the end of that millisecond", () => {
    announce(1, 1, NOW);
    announce(1, 2, NOW);
    expect<f64>(timeOf(1)).toBe(NOW + TIME_STEP);
    expect<u32>(portOf(1, NOW + RETENTION - 1)).toBe(2);
    expect<u32>(portOf(1, NOW + RETENTION)).toBe(0);
  });

  test("ignores expired entries, exact to the millisecond", () => {
    expect<u32>(mergeOne(1, 1, NOW - RETENTION, NOW)).toBe(0);
    expect<u32>(mergeOne(1, 1, NOW - RETENTION + 1, NOW)).toBe(1);
    expect<u32>(load<u32>(H_POOL_USED)).toBe(1);
  });

  test("ignores invalid entries: no time, no port, no NodeID or one that is too long", () => {
    expect<u32>(mergeOne(1, 1, NaN, NOW)).toBe(0);
    expect<u32>(mergeOne(1, 1, -Infinity, NOW)).toBe(0);
    expect<u32>(mergeOne(1, 0, NOW, NOW)).toBe(0);
    fill(0, 1, 1, NOW);
    store<u32>(place(0), 1 << 16, ENTRY_META);
    expect<u32>(mergeAll(1, NOW)).toBe(0);
    store<u32>(place(0), (1 << 16) | 65, ENTRY_META);
    expect<u32>(mergeAll(1, NOW)).toBe(0);
    store<u32>(place(0), (1 << 16) | 0x7fff, ENTRY_META);
    expect<u32>(mergeAll(1, NOW)).toBe(0);
    expect<u32>(load<u32>(H_POOL_USED)).toBe(0);
    expect<string>(registryError()).toBe("");
    store<u32>(place(0), (1 << 16) | 64, ENTRY_META);
    expect<u32>(mergeAll(1, NOW)).toBe(1);
  });

  test("keeps the queue sorted by time, in whatever order entries arrive", () => {
    const order: u32[] = [3, 1, 5, 2, 4];
    for (let i = 0; i < 5; i++) fill(i, order[i], 1, NOW - 10 + order[i]);
    expect<u32>(mergeAll(5, NOW)).toBe(5);
    expect<string>(queue(0)).toBe("1 2 3 4 5");
    mergeOne(2, 1, NOW - 10 + 4.5, NOW);
    expect<string>(queue(0)).toBe("1 3 4 2 5");
    mergeOne(5, 1, NOW, NOW);
    mergeOne(1, 1, NOW - 10 + 3.5, NOW);
    expect<string>(queue(0)).toBe("3 1 4 2 5");
    expect<string>(registryError()).toBe("");
  });

  test("of five announcements gives the same result in each of their 120 orders", () => {
    // Two nodes, announced three times and twice.
    const nodes: u32[] = [1, 1, 1, 2, 2];
    const times: f64[] = [-5, -3, -1, -4, -2];
    for (let order = 0; order < 120; order++) {
      layOut(10, 64, 1, 32, 1);
      const left: i32[] = [0, 1, 2, 3, 4];
      let rest = order;
      for (let i = 0; i < 5; i++) {
        const which = left.splice(rest % (5 - i), 1)[0];
        rest /= 5 - i;
        fill(i, nodes[which], 100 + which, NOW + times[which]);
      }
      mergeAll(5, NOW);
      expect<u32>(portOf(1, NOW)).toBe(102);
      expect<u32>(portOf(2, NOW)).toBe(104);
      expect<string>(queue(0)).toBe("2 1");
      expect<string>(registryError()).toBe("");
    }
  });

  test("drops and counts entries for which there is no room: those that are older than all others", () => {
    for (let i: u32 = 0; i < 15; i++) fill(i, i, 1, NOW - 20 - i);
    expect<u32>(mergeAll(15, NOW)).toBe(10);
    expect<u32>(load<u32>(H_MERGE_FULL)).toBe(5);
    expect<u32>(load<u32>(H_POOL_USED)).toBe(10);
    expect<u32>(portOf(9, NOW)).toBe(1);
    expect<u32>(portOf(10, NOW)).toBe(0);
    expect<string>(registryError()).toBe("");
  });

  test("makes room by removing the oldest entries that are not confirmed", () => {
    for (let n: u32 = 100; n < 110; n++) {
      announce(n, 1, NOW + n);
      if (n < 105) confirm(n);
    }
    for (let i: u32 = 0; i < 3; i++) fill(i, i, 1, NOW + 500 + i);
    expect<u32>(mergeAll(3, NOW + 600)).toBe(3);
    expect<u32>(load<u32>(H_MERGE_FULL)).toBe(0);
    for (let n: u32 = 100; n < 110; n++) {
      const gone = n >= 105 && n < 108;
      expect<u32>(portOf(n, NOW + 600)).toBe(gone ? 0 : 1);
    }
    for (let i: u32 = 0; i < 3; i++) expect<u32>(portOf(i, NOW + 600)).toBe(1);
    expect<string>(registryError()).toBe("");
  });

  test("makes room for an old entry only if it is confirmed, and never by removing a confirmed one", () => {
    for (let n: u32 = 100; n < 110; n++) {
      announce(n, 1, NOW + n);
      if (n !== 104) confirm(n);
    }
    fill(0, 0, 1, NOW);
    expect<u32>(mergeAll(1, NOW + 600)).toBe(0);
    store<u32>(place(0), load<u32>(place(0), ENTRY_META) | META_CONFIRMED, ENTRY_META);
    expect<u32>(mergeAll(1, NOW + 600)).toBe(1);
    expect<u32>(portOf(104, NOW + 600)).toBe(0);
    fill(0, 1, 1, NOW + 600);
    store<u32>(place(0), load<u32>(place(0), ENTRY_META) | META_CONFIRMED, ENTRY_META);
    expect<u32>(mergeAll(1, NOW + 600)).toBe(0);
    expect<u32>(load<u32>(H_MERGE_FULL)).toBe(2);
    expect<string>(registryError()).toBe("");
  });

  test("confirms a known node by an older entry that is confirmed, and by a later announcement", () => {
    announce(1, 1, NOW);
    fill(0, 1, 2, NOW - 1);
    expect<u32>(mergeAll(1, NOW + 1)).toBe(0);
    expect<u32>(load<u32>(entryAt(entryOf(1)), ENTRY_META)).toBe((1 << 16) | 4);
    store<u32>(place(0), load<u32>(place(0), ENTRY_META) | META_CONFIRMED, ENTRY_META);
    expect<u32>(mergeAll(1, NOW + 1)).toBe(0);
    expect<u32>(load<u32>(entryAt(entryOf(1)), ENTRY_META)).toBe((1 << 16) | META_CONFIRMED | 4);
    store<f64>(H_RETENTION, 1000000);
    announce(2, 1, NOW);
    fill(0, 2, 1, NOW + MAX_CLOCK_SKEW);
    expect<u32>(mergeAll(1, NOW + 5000)).toBe(1);
    expect<u32>(load<u32>(entryAt(entryOf(2)), ENTRY_META) & META_CONFIRMED).toBe(0);
    fill(0, 2, 1, NOW + 2 * MAX_CLOCK_SKEW + 1);
    expect<u32>(mergeAll(1, NOW + 5000)).toBe(1);
    expect<u32>(load<u32>(entryAt(entryOf(2)), ENTRY_META) & META_CONFIRMED).toBe(META_CONFIRMED);
    expect<string>(registryError()).toBe("");
  });

  test("keeps the flag of a confirmed node, whether the journal's entry or the known one has it", () => {
    announce(1, 1, NOW);
    confirm(1);
    fill(0, 1, 2, NOW + 1);
    expect<u32>(mergeAll(1, NOW + 1)).toBe(1);
    expect<u32>(load<u32>(entryAt(entryOf(1)), ENTRY_META)).toBe((2 << 16) | META_FROM_JOURNAL | META_CONFIRMED | 4);
    announce(2, 1, NOW);
    fill(0, 2, 2, NOW + 1);
    store<u32>(place(0), load<u32>(place(0), ENTRY_META) | META_CONFIRMED, ENTRY_META);
    expect<u32>(mergeAll(1, NOW + 1)).toBe(1);
    expect<u32>(load<u32>(entryAt(entryOf(2)), ENTRY_META)).toBe((2 << 16) | META_FROM_JOURNAL | META_CONFIRMED | 4);
  });

  test("replaces an announcement by an authenticated one of any time, and keeps the queue sorted", () => {
    for (let n: u32 = 1; n <= 4; n++) announce(n, n, NOW + n);
    // The last entry of the queue, one in the middle, the first one, and one that stays the last.
    expect<u32>(mergeDevice(4, 104, NOW + 1.5, NOW + 9)).toBe(1);
    expect<string>(queue(0)).toBe("1 4 2 3");
    expect<u32>(mergeDevice(2, 102, NOW + 0.5, NOW + 9)).toBe(1);
    expect<string>(queue(0)).toBe("2 1 4 3");
    expect<u32>(mergeDevice(1, 101, NOW + 9, NOW + 9)).toBe(1);
    expect<string>(queue(0)).toBe("2 4 3 1");
    expect<u32>(mergeDevice(3, 103, NOW + 3, NOW + 9)).toBe(1);
    expect<string>(queue(0)).toBe("2 4 3 1");
    for (let n: u32 = 1; n <= 4; n++) {
      expect<u32>(portOf(n, NOW + 9)).toBe(100 + n);
      expect<u32>(load<u32>(TO + 12)).toBe(0x0008090a | (n << 24));
      expect<u32>(metaOf(n)).toBe(((100 + n) << 16) | DEVICE | 4);
    }
    expect<f64>(timeOf(4)).toBe(NOW + 1.5);
    expect<string>(registryError()).toBe("");
  });

  test("keeps the queue's only entry, and its last one, sorted when it becomes an earlier authenticated one", () => {
    announce(1, 1, NOW + 5);
    collect(0, false, 0);
    expect<u32>(mergeDevice(1, 2, NOW, NOW + 5)).toBe(1);
    expect<string>(queue(0)).toBe("1");
    expect<f64>(timeOf(1)).toBe(NOW);
    announce(2, 2, NOW + 1);
    announce(3, 3, NOW + 5);
    collect(0, false, 0);
    expect<u32>(mergeDevice(3, 4, NOW + 1, NOW + 5)).toBe(1);
    expect<string>(queue(0)).toBe("1 2 3");
    announce(4, 4, NOW + 2);
    expect<u32>(collect(0, false, 0)).toBe(1);
    expect<string>(listed(1)).toBe("4");
    expect<string>(registryError()).toBe("");
  });

  test("never replaces or confirms an authenticated entry by one that is not", () => {
    fill(0, 1, 1, NOW);
    store<u32>(place(0), load<u32>(place(0), ENTRY_META) | META_AUTHENTICATED, ENTRY_META);
    expect<u32>(mergeAll(1, NOW)).toBe(1);
    const before = checksum(shardAt(0), SCRATCH);
    fill(0, 1, 2, NOW + 500);
    store<u32>(place(0), load<u32>(place(0), ENTRY_META) | META_CONFIRMED, ENTRY_META);
    expect<u32>(mergeAll(1, NOW + 500)).toBe(0);
    expect<u64>(checksum(shardAt(0), SCRATCH)).toBe(before);
    expect<u32>(load<u32>(H_MERGE_FULL)).toBe(0);
    expect<u32>(mergeOne(1, 2, NOW + RETENTION, NOW + RETENTION)).toBe(1);
    expect<u32>(metaOf(1)).toBe((2 << 16) | META_FROM_JOURNAL | 4);
  });

  test("of two authenticated announcements keeps the later one, and its flags but for confirmed", () => {
    expect<u32>(mergeDevice(1, 1, NOW, NOW)).toBe(1);
    expect<u32>(mergeDevice(1, 2, NOW - 1, NOW)).toBe(0);
    expect<u32>(mergeDevice(1, 1, NOW, NOW)).toBe(0);
    fill(0, 1, 3, NOW + 1);
    store<u32>(place(0), load<u32>(place(0), ENTRY_META) | META_AUTHENTICATED | META_FROM_JOURNAL, ENTRY_META);
    expect<u32>(mergeAll(1, NOW + 1)).toBe(1);
    expect<u32>(metaOf(1)).toBe((3 << 16) | DEVICE | META_FROM_JOURNAL | 4);
    expect<u32>(mergeDevice(1, 4, NOW + 2, NOW + 2)).toBe(1);
    expect<u32>(metaOf(1)).toBe((4 << 16) | DEVICE | 4);
  });

  test("keeps a node confirmed when its authenticated announcement is not flagged as that", () => {
    announce(1, 1, NOW);
    confirm(1);
    fill(0, 1, 2, NOW - 1);
    store<u32>(place(0), load<u32>(place(0), ENTRY_META) | META_AUTHENTICATED, ENTRY_META);
    expect<u32>(mergeAll(1, NOW)).toBe(1);
    expect<u32>(metaOf(1)).toBe((2 << 16) | DEVICE | 4);
  });

  test("skips authenticated entries that are expired, too long or link-local like any other, and cuts a time ahead", () => {
    announce(1, 1, NOW);
    expect<u32>(mergeDevice(1, 2, NOW - RETENTION, NOW)).toBe(0);
    fill(0, 1, 2, NOW);
    store<u32>(place(0), (2 << 16) | DEVICE | 65, ENTRY_META);
    expect<u32>(mergeAll(1, NOW)).toBe(0);
    store<u32>(place(0), (2 << 16) | DEVICE, ENTRY_META);
    expect<u32>(mergeAll(1, NOW)).toBe(0);
    store<u32>(place(0), (2 << 16) | DEVICE | 4, ENTRY_META);
    put(place(0) + ENTRY_ADDRESS, "fe800000 00000000 00000000 00000001");
    expect<u32>(mergeAll(1, NOW)).toBe(0);
    expect<u32>(portOf(1, NOW)).toBe(1);
    expect<u32>(mergeDevice(1, 2, NOW + MAX_CLOCK_SKEW + 1, NOW)).toBe(1);
    expect<f64>(timeOf(1)).toBe(NOW);
    expect<u32>(load<u32>(H_MERGE_AHEAD)).toBe(1);
  });

  test("of authenticated announcements and others gives the same result in each of their 120 orders", () => {
    const device: bool[] = [false, true, false, true, false];
    for (let order = 0; order < 120; order++) {
      layOut(10, 64, 1, 32, 1);
      const left: i32[] = [0, 1, 2, 3, 4];
      let rest = order;
      for (let i = 0; i < 5; i++) {
        const which = left.splice(rest % (5 - i), 1)[0];
        rest /= 5 - i;
        fill(i, 1, 100 + which, NOW - 5 + which);
        if (device[which]) store<u32>(place(i), load<u32>(place(i), ENTRY_META) | DEVICE, ENTRY_META);
      }
      mergeAll(5, NOW);
      expect<u32>(metaOf(1)).toBe((103 << 16) | DEVICE | 4);
      expect<f64>(timeOf(1)).toBe(NOW - 2);
      expect<string>(registryError()).toBe("");
    }
  });

  test("skips link-local addresses", () => {
    fill(0, 0, 1, NOW);
    put(place(0) + ENTRY_ADDRESS, "fe800000 00000000 00000000 00000001");
    fill(1, 1, 1, NOW);
    put(place(1) + ENTRY_ADDRESS, "00000000 00000000 0000ffff a9fe0101");
    expect<u32>(mergeAll(2, NOW)).toBe(0);
    expect<u32>(load<u32>(H_POOL_USED)).toBe(0);
  });

  test("makes room by evicting expired entries, also from other shards", () => {
    layOut(10, 64, 4, 32, 1);
    for (let n: u32 = 100; n < 110; n++) {
      announce(n, 1, NOW);
      confirm(n);
    }
    for (let i: u32 = 0; i < 10; i++) fill(i, i, 1, NOW + RETENTION - 10 + i);
    expect<u32>(mergeAll(10, NOW + RETENTION - 1)).toBe(0);
    expect<u32>(mergeAll(10, NOW + RETENTION)).toBe(10);
    expect<string>(registryError()).toBe("");
  });

  test("ignores the padding of a NodeID", () => {
    announceLong("61626364 65000000", 5, 7);
    fill(0, 0, 8, NOW + 1);
    store<u32>(place(0), (8 << 16) | 5, ENTRY_META);
    put(place(0) + ENTRY_ID, "61626364 65ffeedd");
    expect<u32>(mergeAll(1, NOW + 1)).toBe(1);
    expect<u32>(load<u32>(H_POOL_USED)).toBe(1);
    expect<string>(hexOf(entryAt(1) + ENTRY_ID, 8)).toBe("61626364 65000000");
    expect<u32>(load<u32>(entryAt(1), ENTRY_META) >>> 16).toBe(8);
  });

  test("does not read past the exchange area, whatever the count", () => {
    layOut(600, 64, 1, 1300, 1);
    for (let i: u32 = 0; i < <u32>EXCHANGE_ENTRIES; i++) fill(i, i, 1, NOW);
    expect<u32>(mergeAll(0xffffffff, NOW)).toBe(EXCHANGE_ENTRIES);
    expect<u32>(load<u32>(H_POOL_USED)).toBe(EXCHANGE_ENTRIES);
    expect<u32>(merge(0xfffffff0, 0xffffffff, NOW)).toBe(0xffffffff);
    expect<u32>(merge(7, 3, NOW)).toBe(3);
  });

  test("reads as many entries as the count says", () => {
    for (let i: u32 = 0; i < 5; i++) fill(i, i, 1, NOW);
    expect<u32>(mergeAll(0, NOW)).toBe(0);
    expect<u32>(mergeAll(3, NOW)).toBe(3);
    expect<u32>(portOf(3, NOW)).toBe(0);
  });

  test("of one registry's listing fills another registry with other shards, and changes nothing in the first", () => {
    layOut(300, 64, 1, 700, 1);
    ipv4(FROM, 10, 0, 0, 1);
    for (let n: u32 = 1; n <= 200; n++) announce(n, n, NOW + n);
    const size = 200 * STRIDE;
    const kept = changetype<usize>(new ArrayBuffer(size));
    for (let to: u32 = 0; to < 200; ) {
      const count = collect(0, false, 0) & 0xffff;
      memory.copy(kept + to * STRIDE, place(0), count * STRIDE);
      to += count;
    }
    memory.copy(place(0), kept, size);
    expect<u32>(mergeAll(200, NOW + 200)).toBe(0);
    layOut(300, 64, 4, 200, 1);
    memory.copy(place(0), kept, size);
    expect<u32>(mergeAll(200, NOW + 200)).toBe(200);
    expect<string>(registryError()).toBe("");
    let wrong: u32 = 0;
    for (let n: u32 = 1; n <= 200; n++) {
      if (portOf(n, NOW + 200) !== n || load<u32>(TO + 12) !== 0x0100000a || timeOf(n) !== NOW + n) wrong++;
    }
    expect<u32>(wrong).toBe(0);
    expect<u32>(mergeAll(200, NOW + 200)).toBe(0);
  });
});
