import { H_WEAK_ORDERING } from "../../assembly/layout";
import {
  attachLane,
  beginRead,
  beginWrite,
  endWrite,
  holdsLock,
  lock,
  tryLock,
  unchanged,
  unlock,
} from "../../assembly/lock";

const LOCK: usize = 64;
const SEQUENCE: usize = 68;

describe("lock", () => {
  beforeEach(() => {
    attachLane(0);
    memory.fill(0, 0, 256);
  });

  test("a lock that is held holds its lane and one", () => {
    for (let lane: u32 = 0; lane < 1024; lane += 341) {
      attachLane(lane);
      lock(LOCK);
      expect<u32>(load<u32>(LOCK)).toBe(lane + 1);
      unlock(LOCK);
    }
  });

  test("a lock that was let go holds 0 and can be taken again, by another lane too", () => {
    lock(LOCK);
    unlock(LOCK);
    expect<u32>(load<u32>(LOCK)).toBe(0);
    attachLane(6);
    lock(LOCK);
    expect<u32>(load<u32>(LOCK)).toBe(7);
  });

  test("a lock that is free is had at the first try, and signed", () => {
    attachLane(3);
    expect<bool>(tryLock(LOCK)).toBe(true);
    expect<u32>(load<u32>(LOCK)).toBe(4);
  });

  test("a lock that stays held is given up, and left to its holder", () => {
    store<u32>(LOCK, 9);
    expect<bool>(tryLock(LOCK)).toBe(false);
    expect<u32>(load<u32>(LOCK)).toBe(9);
    store<u32>(LOCK, 1);
    expect<bool>(tryLock(LOCK)).toBe(false);
  });

  test("a lock is known for one's own while one holds it", () => {
    expect<bool>(holdsLock(LOCK)).toBe(false);
    lock(LOCK);
    expect<bool>(holdsLock(LOCK)).toBe(true);
    attachLane(1);
    expect<bool>(holdsLock(LOCK)).toBe(false);
  });

  test("a lock that was taken from its holder, and is another's, stays that one's when the first lets go", () => {
    lock(LOCK);
    store<u32>(LOCK, 9);
    unlock(LOCK);
    expect<u32>(load<u32>(LOCK)).toBe(9);
  });

  test("a lock touches no word beside its own", () => {
    store<u32>(LOCK - 4, 0xffffffff);
    store<u32>(LOCK + 4, 0xffffffff);
    lock(LOCK);
    unlock(LOCK);
    expect<u32>(load<u32>(LOCK - 4)).toBe(0xffffffff);
    expect<u32>(load<u32>(LOCK + 4)).toBe(0xffffffff);
  });

  test("a sequence counter is odd while its holder writes, and even and two further afterwards", () => {
    store<u32>(SEQUENCE, 8);
    beginWrite(SEQUENCE);
    expect<u32>(load<u32>(SEQUENCE)).toBe(9);
    endWrite(SEQUENCE);
    expect<u32>(load<u32>(SEQUENCE)).toBe(10);
  });

  test("a sequence counter wraps from its highest even value to 0", () => {
    store<u32>(SEQUENCE, 0xfffffffe);
    beginWrite(SEQUENCE);
    expect<u32>(load<u32>(SEQUENCE)).toBe(0xffffffff);
    endWrite(SEQUENCE);
    expect<u32>(load<u32>(SEQUENCE)).toBe(0);
  });

  test("what was read holds when nobody has written since", () => {
    store<u32>(SEQUENCE, 4);
    const seen = beginRead(SEQUENCE);
    expect<u32>(seen).toBe(4);
    expect<bool>(unchanged(SEQUENCE, seen)).toBe(true);
  });

  test("what was read does not hold when a write began or came and went since", () => {
    const seen = beginRead(SEQUENCE);
    beginWrite(SEQUENCE);
    expect<bool>(unchanged(SEQUENCE, seen)).toBe(false);
    endWrite(SEQUENCE);
    expect<bool>(unchanged(SEQUENCE, seen)).toBe(false);
  });

  test("a reader changes nothing, also where it has to write what it read", () => {
    for (let weak: u32 = 0; weak <= 1; weak++) {
      store<u32>(H_WEAK_ORDERING, weak);
      store<u32>(SEQUENCE, 12);
      store<u32>(LOCK, 3);
      expect<bool>(unchanged(SEQUENCE, beginRead(SEQUENCE))).toBe(true);
      expect<bool>(unchanged(SEQUENCE, 10)).toBe(false);
      expect<u32>(load<u32>(SEQUENCE)).toBe(12);
      expect<u32>(load<u32>(LOCK)).toBe(3);
    }
  });
});
