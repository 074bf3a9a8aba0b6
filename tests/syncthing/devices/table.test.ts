import { expect, test } from "bun:test";
import {
  DEVICE_RETENTION_MS,
  type JournalDevice,
  MAX_DEVICE_ADDRESSES,
  MAX_DEVICE_BYTES,
} from "../../../src/journal/device.ts";
import { createDeviceMemory, DeviceReader, DeviceTable } from "../../../src/syncthing/devices/index.ts";

const NOW = 1_800_000_000_000;

function id(n: number): Uint8Array {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(28, n);
  return bytes;
}

function device(n: number, announcedAt = NOW, ...addresses: string[]): JournalDevice {
  const urls = addresses.length === 0 ? [`tcp://192.0.2.1:${n}`] : addresses;
  return { id: id(n), confirmed: false, addresses: urls.map((address) => ({ address, announcedAt })) };
}

function create(capacity = 100) {
  const memory = createDeviceMemory(capacity);
  return { table: new DeviceTable(memory), reader: new DeviceReader(memory) };
}

test("a device that was merged is read, and another one is unknown", () => {
  const { table, reader } = create();
  expect(table.merge(device(1, NOW, "tcp://192.0.2.7:22000", "quic://[2001:db8::1]:22000"), true, NOW)).toBe("new");
  expect(reader.read(id(1), NOW)).toEqual({
    addresses: ["tcp://192.0.2.7:22000", "quic://[2001:db8::1]:22000"],
    announcedAt: NOW,
  });
  expect(reader.read(id(2), NOW)).toBeUndefined();
  expect([table.size, table.addresses]).toEqual([1, 2]);
});

test("an announcement adds addresses to the earlier ones, and each expires by itself", () => {
  const { table, reader } = create();
  table.merge(device(1, NOW, "tcp://192.0.2.1:1", "tcp://192.0.2.2:2"), true, NOW);
  const later = NOW + 60_000;
  expect(table.merge(device(1, later, "tcp://192.0.2.3:3", "tcp://192.0.2.2:2"), true, later)).toBe("known");
  expect(reader.read(id(1), later)).toEqual({
    addresses: ["tcp://192.0.2.3:3", "tcp://192.0.2.2:2", "tcp://192.0.2.1:1"],
    announcedAt: later,
  });
  expect(table.addresses).toBe(3);
  const both = { addresses: ["tcp://192.0.2.3:3", "tcp://192.0.2.2:2"], announcedAt: later };
  expect(reader.read(id(1), NOW + DEVICE_RETENTION_MS - 1)).toHaveProperty("addresses.length", 3);
  expect(reader.read(id(1), NOW + DEVICE_RETENTION_MS)).toEqual(both);
  expect(reader.read(id(1), later + DEVICE_RETENTION_MS - 1)).toEqual(both);
  expect(reader.read(id(1), later + DEVICE_RETENTION_MS)).toBeUndefined();
});

test("addresses that come late from a journal do not replace later ones, and expired ones are dropped", () => {
  const { table, reader } = create();
  table.merge(device(1, NOW, "tcp://192.0.2.1:1"), true, NOW);
  table.merge(device(1, NOW - 1000, "tcp://192.0.2.1:1", "tcp://192.0.2.2:2"), false, NOW);
  expect(reader.read(id(1), NOW)).toEqual({
    addresses: ["tcp://192.0.2.1:1", "tcp://192.0.2.2:2"],
    announcedAt: NOW,
  });
  expect(table.merge(device(2, NOW - DEVICE_RETENTION_MS), false, NOW)).toBe("expired");
  expect(table.size).toBe(1);
});

test("a time from the future becomes the time now, but for a second of difference between two clocks", () => {
  const { table, reader } = create();
  table.merge(device(1, NOW + 1000), false, NOW);
  table.merge(device(2, NOW + 1001), false, NOW);
  expect(reader.read(id(1), NOW)).toHaveProperty("announcedAt", NOW + 1000);
  expect(reader.read(id(2), NOW)).toHaveProperty("announcedAt", NOW);
});

test("the number and the bytes of addresses are bounded: the latest ones stay", () => {
  const { table, reader } = create(3);
  for (let i = 0; i < MAX_DEVICE_ADDRESSES + 5; i++)
    table.merge(device(1, NOW + i, `tcp://192.0.2.1:${i}`), true, NOW + i);
  const last = NOW + MAX_DEVICE_ADDRESSES + 4;
  const many = reader.read(id(1), last);
  expect(many).toHaveProperty("addresses.length", MAX_DEVICE_ADDRESSES);
  expect(many).toHaveProperty("addresses[0]", `tcp://192.0.2.1:${MAX_DEVICE_ADDRESSES + 4}`);
  const long = Array.from({ length: 10 }, (_, i) => `relay://192.0.2.1:${i}/?id=`.padEnd(1000, "A"));
  for (const [i, address] of long.entries()) table.merge(device(2, NOW + i, address), true, NOW + i);
  const kept = Math.floor(MAX_DEVICE_BYTES / 1000);
  expect(reader.read(id(2), NOW + 10)).toHaveProperty("addresses", long.slice(-kept).reverse());
});

test("a full table gives the place of a device that was announced once to a new one", () => {
  const { table, reader } = create(3);
  for (const n of [1, 2, 3]) table.merge(device(n), true, NOW);
  table.merge(device(1), true, NOW + 1);
  expect(table.merge(device(4), true, NOW + 2)).toBe("new");
  expect(reader.read(id(2), NOW + 2)).toBeUndefined();
  for (const n of [1, 3, 4]) expect(reader.read(id(n), NOW + 2)).toBeObject();
  expect([table.size, table.displaced]).toEqual([3, 1]);
  for (const n of [3, 4]) table.merge(device(n), true, NOW + 3);
  expect(table.merge(device(5), true, NOW + 4)).toBe("full");
  expect(table.merge(device(4, NOW + 5, "tcp://192.0.2.9:9"), true, NOW + 5)).toBe("known");
  expect(reader.read(id(5), NOW + 5)).toBeUndefined();
  expect(table.size).toBe(3);
});

test("what the journal repeats is not a second announcement", () => {
  const { table } = create(1);
  table.merge(device(1), true, NOW);
  table.merge(device(1), false, NOW);
  expect(table.merge(device(2), true, NOW)).toBe("new");
  table.merge({ ...device(2), confirmed: true }, false, NOW);
  expect(table.merge(device(3), true, NOW)).toBe("full");
});

test("devices with many addresses leave room for others, or give way", () => {
  const { table, reader } = create(8);
  const addresses = Array.from({ length: 4 }, (_, i) => `relay://192.0.2.1:${i}/`.padEnd(1024, "A"));
  for (let n = 1; n <= 8; n++) expect(table.merge(device(n, NOW, ...addresses), true, NOW)).toBe("new");
  expect(table.size).toBeLessThan(8);
  expect(reader.read(id(8), NOW)).toHaveProperty("addresses", addresses);
  expect(table.size + table.displaced).toBe(8);
});

test("a walk visits all devices and removes the expired ones", () => {
  const { table, reader } = create(50);
  for (let n = 1; n <= 40; n++) table.merge(device(n, NOW - (n % 2) * 60_000), true, NOW);
  const now = NOW + DEVICE_RETENTION_MS - 60_000;
  const seen = new Set<number>();
  for (let step = 0; step < 12; step++) table.walk(4, now, ({ id }) => seen.add(id[31]!));
  expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => 2 * (i + 1)));
  expect([table.size, table.addresses]).toEqual([20, 20]);
  for (let n = 1; n <= 40; n++) expect(reader.read(id(n), now) === undefined).toBe(n % 2 === 1);
  table.walk(100, NOW + DEVICE_RETENTION_MS, () => seen.clear());
  expect(table.size).toBe(0);
  table.walk(100, NOW, () => seen.clear());
  expect(seen.size).toBe(20);
});

test("announcements to this server are listed for the journal until they are in it", () => {
  const { table } = create();
  const numbers = (devices: Iterable<JournalDevice>) => [...devices].map(({ id }) => id[31]);
  for (const n of [1, 2, 3]) table.merge(device(n), true, NOW);
  table.merge(device(4), false, NOW);
  table.merge(device(1), true, NOW + 1);
  expect(numbers(table.all(NOW)).length).toBe(4);
  const first = table.takeChanged(2, NOW);
  expect(numbers(first)).toEqual([2, 3]);
  expect(numbers(table.takeChanged(2, NOW))).toEqual([1]);
  expect(table.takeChanged(2, NOW)).toEqual([]);
  table.restoreChanged(first);
  expect(numbers(table.takeChanged(9, NOW))).toEqual([2, 3]);
  // Announced to another server since: what this server heard must still get into the journal.
  table.merge(device(1, NOW + 2), true, NOW + 2);
  table.merge(device(1, NOW + 5000), false, NOW + 5000);
  expect(numbers(table.takeChanged(9, NOW + 5000))).toEqual([1]);
  table.merge(device(3, NOW + 5000), false, NOW + 5000);
  table.markAllChanged();
  expect(numbers(table.takeChanged(9, NOW + 5000))).toEqual([2]);
});

test("an announcement that is not in the journal yet stays listed for it when the journal tells another one", () => {
  const { table } = create();
  table.merge(device(1, NOW, "tcp://192.0.2.1:1"), true, NOW);
  table.merge(device(1, NOW + 1, "tcp://192.0.2.2:2"), false, NOW + 1);
  const addresses = table.takeChanged(9, NOW + 1).map((one) => one.addresses.map(({ address }) => address));
  expect(addresses).toEqual([["tcp://192.0.2.2:2", "tcp://192.0.2.1:1"]]);
  expect(table.takeChanged(9, NOW + 1)).toEqual([]);
});

test("a device from the journal does not take the place of one that was announced later", () => {
  const { table, reader } = create(3);
  // As the journal is read at a start: the latest announcements first.
  const merged = [1, 2, 3, 4, 5].map((n) => table.merge(device(n, NOW - n), false, NOW));
  expect(merged).toEqual(["new", "new", "new", "full", "full"]);
  for (const n of [1, 2, 3]) expect(reader.read(id(n), NOW)).toBeObject();
  expect([table.size, table.displaced]).toEqual([3, 0]);
  expect(table.merge(device(6, NOW), false, NOW)).toBe("new");
});

test("it holds the same as a Map after many random changes, and loses no block", () => {
  const capacity = 100;
  const { table, reader } = create(capacity);
  const known = new Map<number, Map<string, number>>();
  let [now, seed] = [NOW, 12345];
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  for (let step = 0; step < 30_000; step++) {
    now += random(20_000);
    const n = random(capacity);
    if (random(4) === 0) table.walk(20, now, () => {});
    const given = Array.from({ length: 1 + random(4) }, () => {
      const port = random(8);
      return `tcp://192.0.2.1:${port}`.padEnd(18 + 5 * port, "/");
    });
    table.merge(device(n, now, ...new Set(given)), random(2) === 0, now);
    const all = known.get(n) ?? new Map<string, number>();
    for (const [address, time] of all) if (time <= now - DEVICE_RETENTION_MS) all.delete(address);
    for (const address of given) all.set(address, now);
    known.set(n, all);
    const found = reader.read(id(n), now);
    if (found === undefined || found === "busy") throw new Error(`step ${step}: ${found}`);
    expect(found.addresses.toSorted()).toEqual([...all.keys()].sort());
  }
  expect(table.displaced).toBe(0);
  for (let round = 0; round < 3; round++) table.walk(capacity, now + DEVICE_RETENTION_MS, () => {});
  expect([table.size, table.addresses]).toEqual([0, 0]);
  const addresses = Array.from({ length: 5 }, (_, i) => `tcp://192.0.2.1:${i}`.padEnd(100, "/"));
  for (let n = 0; n < capacity; n++) expect(table.merge(device(n, now, ...addresses), true, now)).toBe("new");
  expect([table.size, table.displaced]).toEqual([capacity, 0]);
});
