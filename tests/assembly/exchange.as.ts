import { entryAt, shardAt } from "../../assembly/entries";
import { collect, merge } from "../../assembly/exchange";
import { hashId, spread } from "../../assembly/hash";
import {
  ENTRY_ADDRESS,
  ENTRY_ID,
  ENTRY_META,
  ENTRY_TIME,
  EXCHANGE,
  H_EXCHANGE_AT,
  H_POOL_USED,
  SHARD_LOCK,
} from "../../assembly/layout";
import { shardOf } from "../../assembly/registry";
import { hexOf, ID, ipv4, put, take, takeLong } from "./support/bytes";
import { checksum, layOut, OURS, RETENTION, SCRATCH } from "./support/memory";
import { announce, announceLength, drop, entryOf, FROM, flaw, portOf, queue, TO } from "./support/registry";

const NOW: f64 = 1760000000000;
const STRIDE: u32 = 104;
const ELSEWHERE: u32 = 0x8000;

/** Place number `i` of the exchange area. */
function place(i: u32): usize {
  return load<u32>(H_EXCHANGE_AT) + i * STRIDE;
}

/** The numbers of the NodeIDs of the first `count` places: "3 1 2". */
function listed(count: u32): string {
  let list = "";
  for (let i: u32 = 0; i < count; i++) {
    if (i !== 0) list += " ";
    list += load<u32>(place(i) + ENTRY_ID).toString();
  }
  return list;
}

/** Writes an entry from elsewhere to place `i`, as a journal does: its links and hash are not known. */
function fill(i: u32, n: u32, port: u32, time: f64): void {
  const at = place(i);
  memory.fill(at, 0xff, STRIDE);
  store<f64>(at, time, ENTRY_TIME);
  store<u32>(at, (port << 16) | 4, ENTRY_META);
  ipv4(at + ENTRY_ADDRESS, 10, 9, 8, n & 255);
  store<u32>(at, n, ENTRY_ID);
}

function mergeOne(n: u32, port: u32, time: f64, now: f64): u32 {
  fill(0, n, port, time);
  return merge(1, now);
}

function timeOf(n: u32): f64 {
  return load<f64>(entryAt(entryOf(n)), ENTRY_TIME);
}

function metaOf(n: u32): u32 {
  return load<u32>(entryAt(entryOf(n)), ENTRY_META);
}

/** Announces a NodeID of `length` bytes in hexadecimal. */
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

  test("of an empty shard has no entries and writes none", () => {
    const before = checksum(0, OURS);
    expect<u32>(collect(0, 0, false)).toBe(0);
    expect<u64>(checksum(0, OURS)).toBe(before);
  });

  test("has the entry announced last first", () => {
    for (let n: u32 = 1; n <= 4; n++) announce(n, n, NOW + n);
    announce(2, 2, NOW + 9);
    expect<u32>(collect(0, 0, false)).toBe(4);
    expect<string>(listed(4)).toBe("2 4 3 1");
  });

  test("has what was announced since a time, that time included", () => {
    for (let n: u32 = 1; n <= 4; n++) announce(n, n, NOW + n);
    expect<u32>(collect(0, NOW + 3, false)).toBe(2);
    expect<string>(listed(2)).toBe("4 3");
    expect<u32>(collect(0, NOW + 4.5, false)).toBe(0);
    expect<u32>(collect(0, NOW + 1, false)).toBe(4);
  });

  test("holds whole entries: time, meta, address and NodeID up to its last byte", () => {
    takeLong(5, 64);
    announceLength(64, 22000, NOW);
    expect<u32>(collect(0, 0, false)).toBe(1);
    expect<f64>(load<f64>(place(0) + ENTRY_TIME)).toBe(NOW);
    expect<u32>(load<u32>(place(0) + ENTRY_META)).toBe((22000 << 16) | 64);
    expect<string>(hexOf(place(0) + ENTRY_ADDRESS, 16)).toBe("00000000 00000000 0000ffff 0a000001");
    expect<u64>(checksum(place(0) + ENTRY_ID, place(0) + STRIDE)).toBe(checksum(ID, ID + 64));
  });

  test("is of one shard", () => {
    layOut(100, 64, 4, 64, 1);
    for (let n: u32 = 1; n <= 40; n++) announce(n, 1, NOW);
    let all: u32 = 0;
    for (let shard: u32 = 0; shard < 4; shard++) {
      const count = collect(shard, 0, false);
      all += count;
      for (let i: u32 = 0; i < count; i++) {
        take(load<u32>(place(i) + ENTRY_ID));
        expect<u32>(shardOf(spread)).toBe(shard);
      }
      expect<u32>(load<u32>(shardAt(shard), SHARD_LOCK)).toBe(0);
    }
    expect<u32>(all).toBe(40);
  });

  test("changes nothing in the registry", () => {
    for (let n: u32 = 1; n <= 10; n++) announce(n, n, NOW + n);
    const before = checksum(shardAt(0), SCRATCH);
    collect(0, 0, false);
    collect(0, 0, true);
    expect<u64>(checksum(shardAt(0), SCRATCH)).toBe(before);
  });
});

describe("a listing that does not fit", () => {
  beforeEach(() => {
    layOut(600, 64, 1, 1300, 1);
    for (let n: u32 = 1; n <= 600; n++) announce(n, 1, NOW + n);
  });

  test("goes on where it ended, until each entry came once", () => {
    const seen = new StaticArray<u8>(601);
    const counts: u32[] = [256, 256, 88, 0];
    for (let part = 0; part < 4; part++) {
      const count = collect(0, 0, part !== 0);
      expect<u32>(count).toBe(counts[part]);
      for (let i: u32 = 0; i < count; i++) seen[load<u32>(place(i) + ENTRY_ID)]++;
    }
    for (let n = 1; n <= 600; n++) if (seen[n] !== 1) expect<i32>(n).toBe(0, "left out, or came twice");
  });

  test("writes nothing behind the exchange area", () => {
    const end = place(EXCHANGE);
    const before = checksum(end, SCRATCH);
    collect(0, 0, false);
    expect<u64>(checksum(end, SCRATCH)).toBe(before);
  });

  test("ends at its time in a later part as well", () => {
    expect<u32>(collect(0, NOW + 300, false)).toBe(256);
    expect<u32>(collect(0, NOW + 300, true)).toBe(45);
    expect<u32>(load<u32>(place(44) + ENTRY_ID)).toBe(300);
  });

  test("starts again when it is to go on in another shard", () => {
    layOut(600, 64, 2, 650, 1);
    for (let n: u32 = 1; n <= 600; n++) announce(n, 1, NOW + n);
    expect<u32>(collect(0, 0, false)).toBe(256);
    expect<u32>(collect(1, 0, true)).toBe(256);
    let wrong: u32 = 0;
    for (let i: u32 = 0; i < 256; i++) {
      take(load<u32>(place(i) + ENTRY_ID));
      if (shardOf(spread) !== 1) wrong++;
    }
    expect<u32>(wrong).toBe(0);
    // And goes on there.
    expect<u32>(collect(1, 0, true)).toBeLessThan(100);
  });

  test("starts again when asked not to go on", () => {
    collect(0, 0, false);
    collect(0, 0, false);
    expect<u32>(load<u32>(place(0) + ENTRY_ID)).toBe(600);
  });

  test("starts again when the entry it ended at was announced anew", () => {
    collect(0, 0, false);
    const last = load<u32>(place(255) + ENTRY_ID);
    expect<u32>(last).toBe(345);
    announce(last, 1, NOW + 700);
    expect<u32>(collect(0, 0, true)).toBe(256);
    expect<u32>(load<u32>(place(0) + ENTRY_ID)).toBe(last);
  });

  test("starts again when the entry it ended at was let go", () => {
    collect(0, 0, false);
    drop(345, NOW + 345 + RETENTION);
    expect<u32>(load<u32>(H_POOL_USED)).toBe(599);
    expect<u32>(collect(0, 0, true)).toBe(256);
    expect<u32>(load<u32>(place(0) + ENTRY_ID)).toBe(600);
  });

  test("starts again when the place of the entry it ended at is another node's, be it of the same time", () => {
    collect(0, 0, false);
    const entry = entryOf(345);
    store<f64>(entryAt(entry), 1, ENTRY_TIME);
    drop(345, NOW);
    expect<u32>(mergeOne(9999, 1, NOW + 345, NOW + 600)).toBe(1);
    expect<u32>(entryOf(9999)).toBe(entry);
    expect<u32>(collect(0, 0, true)).toBe(256);
    expect<u32>(load<u32>(place(0) + ENTRY_ID)).toBe(600);
  });

  test("leaves none out when entries it has not come to were announced anew", () => {
    const seen = new StaticArray<u8>(601);
    let count = collect(0, 0, false);
    for (let i: u32 = 0; i < count; i++) seen[load<u32>(place(i) + ENTRY_ID)]++;
    // Those go to the end of the queue, behind where the listing began: the next listing since then has them.
    announce(10, 1, NOW + 700);
    announce(344, 1, NOW + 701);
    for (let part = 0; part < 2; part++) {
      count = collect(0, 0, true);
      for (let i: u32 = 0; i < count; i++) seen[load<u32>(place(i) + ENTRY_ID)]++;
    }
    count = collect(0, NOW + 600, false);
    for (let i: u32 = 0; i < count; i++) seen[load<u32>(place(i) + ENTRY_ID)]++;
    for (let n = 1; n <= 600; n++) if (seen[n] === 0) expect<i32>(n).toBe(0, "left out");
  });
});

describe("a merge", () => {
  beforeEach(() => {
    layOut(10, 64, 1, 32, 1);
    ipv4(FROM, 10, 0, 0, 1);
  });

  test("takes a node that was not known, with its time, port and address", () => {
    expect<u32>(mergeOne(1, 22000, NOW - 10, NOW)).toBe(1);
    expect<u32>(portOf(1, NOW)).toBe(22000);
    expect<string>(hexOf(TO, 16)).toBe("00000000 00000000 0000ffff 0a090801");
    expect<f64>(timeOf(1)).toBe(NOW - 10);
    expect<u32>(portOf(1, NOW - 10 + RETENTION)).toBe(0);
    expect<string>(flaw()).toBe("");
  });

  test("marks what it took as from elsewhere, until it is announced here", () => {
    mergeOne(1, 22000, NOW, NOW);
    expect<u32>(metaOf(1)).toBe((22000 << 16) | ELSEWHERE | 4);
    announce(1, 22001, NOW + 1);
    expect<u32>(metaOf(1)).toBe((22001 << 16) | 4);
    mergeOne(1, 22002, NOW + 2, NOW + 2);
    expect<u32>(metaOf(1)).toBe((22002 << 16) | ELSEWHERE | 4);
  });

  test("lets the later announcement win", () => {
    announce(1, 1, NOW);
    expect<u32>(mergeOne(1, 2, NOW + 1, NOW + 5)).toBe(1);
    expect<u32>(portOf(1, NOW + 5)).toBe(2);
    expect<string>(hexOf(TO, 16)).toBe("00000000 00000000 0000ffff 0a090801");
    expect<f64>(timeOf(1)).toBe(NOW + 1);
    expect<u32>(load<u32>(H_POOL_USED)).toBe(1);
  });

  test("leaves what is as late or earlier: merging twice does no harm", () => {
    announce(1, 1, NOW);
    const before = checksum(shardAt(0), SCRATCH);
    expect<u32>(mergeOne(1, 2, NOW, NOW + 5)).toBe(0);
    expect<u32>(mergeOne(1, 2, NOW - 1, NOW + 5)).toBe(0);
    expect<u64>(checksum(shardAt(0), SCRATCH)).toBe(before);
  });

  test("takes a time to come for now", () => {
    expect<u32>(mergeOne(1, 1, NOW + 1000000, NOW)).toBe(1);
    expect<f64>(timeOf(1)).toBe(NOW);
    announce(2, 2, NOW);
    expect<u32>(mergeOne(2, 3, NOW + 1, NOW)).toBe(0);
    expect<u32>(portOf(2, NOW)).toBe(2);
  });

  test("leaves out what is over, to the millisecond", () => {
    expect<u32>(mergeOne(1, 1, NOW - RETENTION, NOW)).toBe(0);
    expect<u32>(mergeOne(1, 1, NOW - RETENTION + 1, NOW)).toBe(1);
    expect<u32>(load<u32>(H_POOL_USED)).toBe(1);
  });

  test("leaves out what makes no sense: no time, no port, no NodeID or one that is too long", () => {
    expect<u32>(mergeOne(1, 1, NaN, NOW)).toBe(0);
    expect<u32>(mergeOne(1, 1, -Infinity, NOW)).toBe(0);
    expect<u32>(mergeOne(1, 0, NOW, NOW)).toBe(0);
    fill(0, 1, 1, NOW);
    store<u32>(place(0), 1 << 16, ENTRY_META);
    expect<u32>(merge(1, NOW)).toBe(0);
    store<u32>(place(0), (1 << 16) | 65, ENTRY_META);
    expect<u32>(merge(1, NOW)).toBe(0);
    store<u32>(place(0), (1 << 16) | 0x7fff, ENTRY_META);
    expect<u32>(merge(1, NOW)).toBe(0);
    expect<u32>(load<u32>(H_POOL_USED)).toBe(0);
    expect<string>(flaw()).toBe("");
    store<u32>(place(0), (1 << 16) | 64, ENTRY_META);
    expect<u32>(merge(1, NOW)).toBe(1);
  });

  test("keeps the queue in order of time, in whatever order entries come", () => {
    const order: u32[] = [3, 1, 5, 2, 4];
    for (let i = 0; i < 5; i++) fill(i, order[i], 1, NOW - 10 + order[i]);
    expect<u32>(merge(5, NOW)).toBe(5);
    expect<string>(queue(0)).toBe("1 2 3 4 5");
    mergeOne(2, 1, NOW - 10 + 4.5, NOW);
    expect<string>(queue(0)).toBe("1 3 4 2 5");
    mergeOne(5, 1, NOW, NOW);
    mergeOne(1, 1, NOW - 10 + 3.5, NOW);
    expect<string>(queue(0)).toBe("3 1 4 2 5");
    expect<string>(flaw()).toBe("");
  });

  test("of five announcements ends in the same state in each of their 120 orders", () => {
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
      merge(5, NOW);
      expect<u32>(portOf(1, NOW)).toBe(102);
      expect<u32>(portOf(2, NOW)).toBe(104);
      expect<string>(queue(0)).toBe("2 1");
      expect<string>(flaw()).toBe("");
    }
  });

  test("leaves out what finds no room, and says how many it took", () => {
    for (let i: u32 = 0; i < 15; i++) fill(i, i, 1, NOW - 20 + i);
    expect<u32>(merge(15, NOW)).toBe(10);
    expect<u32>(load<u32>(H_POOL_USED)).toBe(10);
    expect<u32>(portOf(9, NOW)).toBe(1);
    expect<u32>(portOf(10, NOW)).toBe(0);
    expect<string>(flaw()).toBe("");
  });

  test("finds room when the time of others is over, in other shards too", () => {
    layOut(10, 64, 4, 32, 1);
    for (let n: u32 = 100; n < 110; n++) announce(n, 1, NOW);
    for (let i: u32 = 0; i < 10; i++) fill(i, i, 1, NOW + RETENTION - 10 + i);
    expect<u32>(merge(10, NOW + RETENTION - 1)).toBe(0);
    expect<u32>(merge(10, NOW + RETENTION)).toBe(10);
    expect<string>(flaw()).toBe("");
  });

  test("ignores what pads a NodeID", () => {
    announceLong("61626364 65000000", 5, 7);
    fill(0, 0, 8, NOW + 1);
    store<u32>(place(0), (8 << 16) | 5, ENTRY_META);
    put(place(0) + ENTRY_ID, "61626364 65ffeedd");
    expect<u32>(merge(1, NOW + 1)).toBe(1);
    expect<u32>(load<u32>(H_POOL_USED)).toBe(1);
    expect<string>(hexOf(entryAt(1) + ENTRY_ID, 8)).toBe("61626364 65000000");
    expect<u32>(load<u32>(entryAt(1), ENTRY_META) >>> 16).toBe(8);
  });

  test("reads no further than the exchange area, whatever the count", () => {
    layOut(600, 64, 1, 1300, 1);
    for (let i: u32 = 0; i < <u32>EXCHANGE; i++) fill(i, i, 1, NOW);
    expect<u32>(merge(0xffffffff, NOW)).toBe(EXCHANGE);
    expect<u32>(load<u32>(H_POOL_USED)).toBe(EXCHANGE);
  });

  test("reads as many entries as it is told", () => {
    for (let i: u32 = 0; i < 5; i++) fill(i, i, 1, NOW);
    expect<u32>(merge(0, NOW)).toBe(0);
    expect<u32>(merge(3, NOW)).toBe(3);
    expect<u32>(portOf(3, NOW)).toBe(0);
  });

  test("of what one registry listed fills another, of other shards, and finds no news in the first", () => {
    layOut(300, 64, 1, 700, 1);
    ipv4(FROM, 10, 0, 0, 1);
    for (let n: u32 = 1; n <= 200; n++) announce(n, n, NOW + n);
    expect<u32>(collect(0, 0, false)).toBe(200);
    expect<u32>(merge(200, NOW + 200)).toBe(0);
    const size = 200 * STRIDE;
    const kept = changetype<usize>(new ArrayBuffer(size));
    memory.copy(kept, place(0), size);
    layOut(300, 64, 4, 200, 1);
    memory.copy(place(0), kept, size);
    expect<u32>(merge(200, NOW + 200)).toBe(200);
    expect<string>(flaw()).toBe("");
    let wrong: u32 = 0;
    for (let n: u32 = 1; n <= 200; n++) {
      if (portOf(n, NOW + 200) !== n || load<u32>(TO + 12) !== 0x0100000a || timeOf(n) !== NOW + n) wrong++;
    }
    expect<u32>(wrong).toBe(0);
    expect<u32>(merge(200, NOW + 200)).toBe(0);
  });
});
