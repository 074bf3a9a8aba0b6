import { allocate, entryAt, isFull, link, release, shardAt, unlink } from "../../assembly/entries";
import {
  ENTRY_NEXT,
  ENTRY_PREVIOUS,
  ENTRY_TIME,
  H_ENTRIES_AT,
  H_POOL_FREE,
  H_POOL_LOCK,
  H_POOL_TOP,
  H_POOL_USED,
  H_SHARDS_AT,
  H_STRIDE,
  SHARD_HEAD,
  SHARD_INSERT_HINT,
  SHARD_LISTED,
  SHARD_SAVED,
  SHARD_SIZE,
  SHARD_TAIL,
  SHARD_WALKED,
} from "../../assembly/layout";
import { layOut } from "./support/memory";

const CAPACITY: u32 = 5;

/** Adds an entry to shard 1's queue. */
function enqueue(entry: u32, time: f64): void {
  store<f64>(entryAt(entry), time, ENTRY_TIME);
  link(1, entry, entryAt(entry), time);
}

/** Shard 1's queue from the head and, after "|", from the tail. */
function queueBothWays(): string {
  let list = "";
  let entry = load<u32>(shardAt(1), SHARD_HEAD);
  for (; entry !== 0; entry = load<u32>(entryAt(entry), ENTRY_NEXT)) list += entry.toString();
  list += "|";
  entry = load<u32>(shardAt(1), SHARD_TAIL);
  for (; entry !== 0; entry = load<u32>(entryAt(entry), ENTRY_PREVIOUS)) list += entry.toString();
  return list;
}

describe("addresses", () => {
  test("entry 0 is at the start of the entries, and each further entry one stride later", () => {
    layOut(CAPACITY, 64, 2, 16, 1);
    expect<usize>(entryAt(0)).toBe(load<u32>(H_ENTRIES_AT));
    expect<usize>(entryAt(5)).toBe(load<u32>(H_ENTRIES_AT) + 5 * 104);
    expect<u32>(load<u32>(H_STRIDE)).toBe(104);
  });

  test("each shard takes one cache line", () => {
    layOut(CAPACITY, 64, 2, 16, 1);
    expect<usize>(shardAt(0)).toBe(load<u32>(H_SHARDS_AT));
    expect<usize>(shardAt(1)).toBe(load<u32>(H_SHARDS_AT) + SHARD_SIZE);
  });
});

describe("the pool of entries", () => {
  beforeEach(() => {
    layOut(CAPACITY, 64, 2, 16, 1);
  });

  test("allocates each entry once, from 1 to the capacity, then returns 0", () => {
    for (let entry: u32 = 1; entry <= CAPACITY; entry++) {
      expect<bool>(isFull()).toBe(false);
      expect<u32>(allocate()).toBe(entry);
    }
    expect<bool>(isFull()).toBe(true);
    expect<u32>(allocate()).toBe(0);
    expect<u32>(allocate()).toBe(0);
  });

  test("counts the entries in use and those ever used", () => {
    allocate();
    allocate();
    expect<u32>(load<u32>(H_POOL_USED)).toBe(2);
    release(1, entryAt(1));
    expect<u32>(load<u32>(H_POOL_USED)).toBe(1);
    expect<u32>(load<u32>(H_POOL_TOP)).toBe(2);
    for (let i = 0; i < 10; i++) allocate();
    expect<u32>(load<u32>(H_POOL_USED)).toBe(CAPACITY);
    expect<u32>(load<u32>(H_POOL_TOP)).toBe(CAPACITY);
  });

  test("reuses the entry released last before it uses new memory", () => {
    for (let i = 0; i < 3; i++) allocate();
    release(2, entryAt(2));
    release(1, entryAt(1));
    release(3, entryAt(3));
    expect<u32>(allocate()).toBe(3);
    expect<u32>(allocate()).toBe(1);
    expect<u32>(allocate()).toBe(2);
    expect<u32>(load<u32>(H_POOL_FREE)).toBe(0);
    expect<u32>(allocate()).toBe(4);
  });

  test("is no longer full after one entry is released", () => {
    for (let i = 0; i < 5; i++) allocate();
    release(4, entryAt(4));
    expect<bool>(isFull()).toBe(false);
    expect<u32>(allocate()).toBe(4);
    expect<u32>(allocate()).toBe(0);
  });

  test("is unlocked after each operation, full or not", () => {
    for (let i = 0; i < 7; i++) {
      allocate();
      expect<u32>(load<u32>(H_POOL_LOCK)).toBe(0);
    }
    release(1, entryAt(1));
    expect<u32>(load<u32>(H_POOL_LOCK)).toBe(0);
  });
});

describe("a queue", () => {
  beforeEach(() => {
    layOut(CAPACITY, 64, 2, 16, 1);
  });

  test("with one entry has it as head and tail", () => {
    enqueue(3, 10);
    expect<string>(queueBothWays()).toBe("3|3");
  });

  test("is sorted by time, whatever the order of arrival", () => {
    enqueue(1, 20);
    enqueue(2, 40);
    enqueue(3, 10);
    enqueue(4, 30);
    enqueue(5, 50);
    expect<string>(queueBothWays()).toBe("31425|52413");
  });

  test("puts an entry after all entries of the same time", () => {
    enqueue(1, 10);
    enqueue(2, 20);
    enqueue(3, 10);
    enqueue(4, 10);
    expect<string>(queueBothWays()).toBe("1342|2431");
  });

  test("is sorted in each of the 120 orders in which five entries, two of one time, can arrive", () => {
    const times: f64[] = [10, 20, 30, 30, 40];
    for (let order = 0; order < 120; order++) {
      layOut(CAPACITY, 64, 2, 16, 1);
      const left: i32[] = [0, 1, 2, 3, 4];
      let rest = order;
      let third: u32 = 0;
      for (let i = 0; i < 5; i++) {
        const which = left.splice(rest % (5 - i), 1)[0];
        rest /= 5 - i;
        if (third === 0 && (which === 2 || which === 3)) third = which + 1;
        enqueue(which + 1, times[which]);
      }
      expect<string>(queueBothWays()).toBe(third === 3 ? "12345|54321" : "12435|53421");
    }
  });

  test("remembers the last entry inserted before the tail as the insert hint", () => {
    enqueue(1, 10);
    enqueue(2, 90);
    enqueue(3, 20);
    expect<u32>(load<u32>(shardAt(1), SHARD_INSERT_HINT)).toBe(3);
    enqueue(4, 30);
    expect<u32>(load<u32>(shardAt(1), SHARD_INSERT_HINT)).toBe(4);
    enqueue(5, 15);
    expect<string>(queueBothWays()).toBe("15342|24351");
    unlink(1, entryAt(5));
    expect<u32>(load<u32>(shardAt(1), SHARD_INSERT_HINT)).toBe(1);
    unlink(1, entryAt(1));
    expect<u32>(load<u32>(shardAt(1), SHARD_INSERT_HINT)).toBe(0);
    enqueue(5, 25);
    expect<string>(queueBothWays()).toBe("3542|2453");
  });

  test("moves a cursor to the previous entry when its entry leaves, and to 0 from the head", () => {
    for (let entry: u32 = 1; entry <= 3; entry++) enqueue(entry, entry);
    store<u32>(shardAt(1), 2, SHARD_SAVED);
    store<u32>(shardAt(1), 3, SHARD_LISTED);
    store<u32>(shardAt(1), 2, SHARD_WALKED);
    unlink(1, entryAt(2));
    expect<u32>(load<u32>(shardAt(1), SHARD_SAVED)).toBe(1);
    expect<u32>(load<u32>(shardAt(1), SHARD_LISTED)).toBe(3);
    expect<u32>(load<u32>(shardAt(1), SHARD_WALKED)).toBe(1);
    unlink(1, entryAt(1));
    expect<u32>(load<u32>(shardAt(1), SHARD_SAVED)).toBe(0);
  });

  test("can remove its head, its tail, a middle entry and its only entry", () => {
    for (let entry: u32 = 1; entry <= 4; entry++) enqueue(entry, entry);
    unlink(1, entryAt(2));
    expect<string>(queueBothWays()).toBe("134|431");
    unlink(1, entryAt(1));
    expect<string>(queueBothWays()).toBe("34|43");
    unlink(1, entryAt(4));
    expect<string>(queueBothWays()).toBe("3|3");
    unlink(1, entryAt(3));
    expect<string>(queueBothWays()).toBe("|");
  });

  test("belongs to its shard only", () => {
    enqueue(1, 10);
    expect<u32>(load<u32>(shardAt(0), SHARD_HEAD)).toBe(0);
    expect<u32>(load<u32>(shardAt(0), SHARD_TAIL)).toBe(0);
  });
});
