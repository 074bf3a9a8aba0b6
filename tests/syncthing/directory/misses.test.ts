import { expect, test } from "bun:test";
import { createMissMemory, MISS_TABLE_BYTES, MissTable } from "../../../src/syncthing/directory/misses.ts";

function randomId(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(32));
}

test("the misses of a device are counted, by all tables of one memory together", () => {
  const memory = createMissMemory();
  const [one, other] = [new MissTable(memory), new MissTable(memory)];
  const id = randomId();
  expect([one.count(id), other.count(id), one.count(id)]).toEqual([1, 2, 3]);
});

test("an announcement starts the count of its device again", () => {
  const table = new MissTable(createMissMemory());
  const id = randomId();
  table.count(id);
  table.count(id);
  table.reset(id);
  expect(table.count(id)).toBe(1);
});

test("of two devices with one slot the later one is counted, and an announcement of the other changes nothing", () => {
  const table = new MissTable(createMissMemory());
  const id = randomId();
  table.count(id);
  let other: Uint8Array;
  do {
    other = randomId();
    table.count(other);
  } while (table.count(id) > 1);
  expect(table.count(id)).toBe(2);
  table.reset(other);
  expect(table.count(id)).toBe(3);
});

test("a count ends at 65535", () => {
  const table = new MissTable(createMissMemory());
  const id = randomId();
  for (let i = 0; i < 65_534; i++) table.count(id);
  expect([table.count(id), table.count(id), table.count(id)]).toEqual([65_535, 65_535, 65_535]);
});

test("a table of a fixed size takes any number of devices, most of which keep their counts while there are few", () => {
  const table = new MissTable(createMissMemory());
  const ids = Array.from({ length: 6_000 }, randomId);
  for (const id of ids) expect(table.count(id)).toBe(1);
  // One in eleven has lost its slot to another one.
  const kept = ids.filter((id) => table.count(id) === 2).length;
  expect(kept).toBeGreaterThan(4_800);
  for (let i = 0; i < 200_000; i++) table.count(randomId());
  expect(ids.filter((id) => table.count(id) > 1).length).toBeLessThan(1_500);
});

test("IDs that differ in one bit have places of their own, other ones with each key", () => {
  const table = new MissTable(createMissMemory());
  const ids = Array.from({ length: 256 }, (_, bit) => {
    const id = new Uint8Array(32);
    id[bit >> 3] = 1 << (bit & 7);
    return id;
  });
  for (const id of ids) table.count(id);
  expect(ids.filter((id) => table.count(id) === 2).length).toBeGreaterThan(230);
});

test("memory of another size is refused", () => {
  expect(() => new MissTable(new SharedArrayBuffer(MISS_TABLE_BYTES - 4))).toThrow(
    `the memory of a miss table must have ${MISS_TABLE_BYTES} bytes`,
  );
});
