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

  test("a held lock contains its lane plus 1", () => {
    for (let lane: u32 = 0; lane < 1024; lane += 341) {
      attachLane(lane);
      lock(LOCK);
      expect<u32>(load<u32>(LOCK)).toBe(lane + 1);
      unlock(LOCK);
    }
  });

  test("an unlocked lock contains 0 and can be locked again, also by another lane", () => {
    lock(LOCK);
    unlock(LOCK);
    expect<u32>(load<u32>(LOCK)).toBe(0);
    attachLane(6);
    lock(LOCK);
    expect<u32>(load<u32>(LOCK)).toBe(7);
  });

  test("a free lock is taken at the first attempt, with the lane's number", () => {
    attachLane(3);
    expect<bool>(tryLock(LOCK)).toBe(true);
    expect<u32>(load<u32>(LOCK)).toBe(4);
  });

  test("tryLock gives up on a lock that stays held, and does not change it", () => {
    store<u32>(LOCK, 9);
    expect<bool>(tryLock(LOCK)).toBe(false);
    expect<u32>(load<u32>(LOCK)).toBe(9);
    store<u32>(LOCK, 1);
    expect<bool>(tryLock(LOCK)).toBe(false);
  });

  test("holdsLock is true only while this instance holds the lock", () => {
    expect<bool>(holdsLock(LOCK)).toBe(false);
    lock(LOCK);
    expect<bool>(holdsLock(LOCK)).toBe(true);
    attachLane(1);
    expect<bool>(holdsLock(LOCK)).toBe(false);
  });

  test("a lock does not change the neighboring words", () => {
    store<u32>(LOCK - 4, 0xffffffff);
    store<u32>(LOCK + 4, 0xffffffff);
    lock(LOCK);
    unlock(LOCK);
    expect<u32>(load<u32>(LOCK - 4)).toBe(0xffffffff);
    expect<u32>(load<u32>(LOCK + 4)).toBe(0xffffffff);
  });

  test("a sequence counter is odd during a write, and two higher after it", () => {
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

  test("a read is consistent if nothing was written since its start", () => {
    store<u32>(SEQUENCE, 4);
    const seen = beginRead(SEQUENCE);
    expect<u32>(seen).toBe(4);
    expect<bool>(unchanged(SEQUENCE, seen)).toBe(true);
  });

  test("a read is not consistent if a write started or happened since its start", () => {
    const seen = beginRead(SEQUENCE);
    beginWrite(SEQUENCE);
    expect<bool>(unchanged(SEQUENCE, seen)).toBe(false);
    endWrite(SEQUENCE);
    expect<bool>(unchanged(SEQUENCE, seen)).toBe(false);
  });

  test("a reader changes nothing, even where it writes back what it read", () => {
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
