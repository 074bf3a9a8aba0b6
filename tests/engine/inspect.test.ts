/** What the control thread reads of an engine's memory: nodes, and how full the limiter is. */
import { describe, expect, test } from "bun:test";
import {
  ENTRY_ID,
  ENTRY_META,
  H_LIMITERS_AT,
  H_SHARDS_AT,
  META_FROM_JOURNAL,
  SET_SIZE,
  SHARD_SEQUENCE,
} from "../../assembly/layout.ts";
import { LIMITER_TABLES, NodeReader, readTables } from "../../src/engine/index.ts";
import { Harness, UNLIMITED } from "../support/harness.ts";
import { announcement, ascii, query } from "../support/packets.ts";

function withReader(options: ConstructorParameters<typeof Harness>[1] = {}) {
  const h = new Harness("wasm", { ...UNLIMITED, lanes: 2, ...options });
  return { h, reader: new NodeReader(h.memory, 1) };
}

describe("a node's entry", () => {
  test("has the address, port and time of the last announcement, and whether it was the first", () => {
    const { h, reader } = withReader();
    for (const length of [1, 3, 4, 5, 64]) {
      const id = new Uint8Array(length).fill(length);
      expect(reader.read(id, h.now)).toBeUndefined();
      h.send(announcement(id, 1000 + length), "192.0.2.9");
      const address = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 9);
      const entry = {
        address,
        port: 1000 + length,
        time: h.now,
        confirmed: false,
        fromJournal: false,
        authenticated: false,
      };
      expect(reader.read(id, h.now)).toEqual(entry);
      h.now += 5;
      h.send(announcement(id, 1000 + length), "192.0.2.9");
      expect(reader.read(id, h.now)).toEqual({ ...entry, time: h.now, confirmed: true });
      expect(reader.read(id.slice(0, -1), h.now)).toBeUndefined();
    }
  });

  test("tells whether it came from a journal", () => {
    const { h, reader } = withReader();
    h.put(0, { nodeId: ascii("NODE"), address: "2001:db8::1", port: 7, time: h.now - 1000.5 });
    h.merge(1);
    const entry = reader.read(ascii("NODE"), h.now);
    expect(entry).toMatchObject({ port: 7, time: h.now - 1001, fromJournal: true });
  });

  test("tells whether it is a device that announced itself with its certificate, here or according to a journal", () => {
    const { h, reader } = withReader();
    const device = ascii("D".repeat(52));
    h.put(0, { nodeId: device, address: "192.0.2.7", port: 22000, time: h.now, confirmed: true, authenticated: true });
    h.merge(1);
    const entry = { port: 22000, confirmed: true, fromJournal: false, authenticated: true };
    expect(reader.read(device, h.now)).toMatchObject(entry);
    h.put(0, { nodeId: device, address: "192.0.2.7", port: 22000, time: h.now + 1, authenticated: true });
    h.u32[(h.idAt(0) - ENTRY_ID + ENTRY_META) >>> 2]! |= META_FROM_JOURNAL;
    h.merge(1);
    expect(reader.read(device, h.now)).toMatchObject({ ...entry, fromJournal: true });
  });

  test("is none if it has expired, or if the NodeID is empty or too long", () => {
    const { h, reader } = withReader({ maxIdLength: 8, retentionMs: 1000 });
    h.send(announcement(ascii("NODE"), 1));
    expect(reader.read(ascii("NODE"), h.now + 999)).toBeDefined();
    expect(reader.read(ascii("NODE"), h.now + 1000)).toBeUndefined();
    for (const length of [0, 9, 1008, 5000]) expect(reader.read(new Uint8Array(length), h.now)).toBeUndefined();
  });

  test("is not waited for if a worker has stopped in the middle of a change", () => {
    const { h, reader } = withReader({ shards: 1 });
    h.send(announcement(ascii("NODE"), 1));
    const sequence = (h.u32[H_SHARDS_AT >>> 2]! + SHARD_SEQUENCE) >>> 2;
    h.u32[sequence]!++;
    expect(reader.read(ascii("NODE"), h.now)).toBe("busy");
    expect(reader.read(ascii("OTHER"), h.now)).toBe("busy");
    h.u32[sequence]!++;
    expect(reader.read(ascii("NODE"), h.now)).toMatchObject({ port: 1 });
  });

  test("is read without a change to the memory that the engines share", () => {
    const { h, reader } = withReader();
    h.send(announcement(ascii("NODE"), 1));
    const shared = () => Buffer.from(h.bytes.slice(h.u32[H_SHARDS_AT >>> 2]!));
    const before = shared();
    reader.read(ascii("NODE"), h.now);
    reader.read(ascii("OTHER"), h.now);
    expect(shared().equals(before)).toBe(true);
  });
});

describe("the tables of the limiter", () => {
  const one = { rate: 1, burst: 10 };

  test("count the keys whose buckets are not empty, and the sets in which all are in use", () => {
    const h = new Harness("wasm", { ...UNLIMITED, source: one, limiterSets: 1 });
    const table = (key: string, now = h.now) =>
      readTables(h.memory, now).find((table) => table.limit === "queries" && table.key === key)!;
    expect(table("source")).toEqual({ limit: "queries", key: "source", slots: 5, used: 0, crowded: 0 });
    for (let i = 1; i <= 4; i++) h.send(query(ascii("A")), `192.0.${i}.1`);
    expect(table("source")).toMatchObject({ used: 4, crowded: 0 });
    expect(table("network-ipv4")).toMatchObject({ used: 4, crowded: 0 });
    expect(table("network-ipv6")).toMatchObject({ used: 0 });
    h.send(query(ascii("A")), "192.0.5.1");
    expect(table("source")).toMatchObject({ used: 5, crowded: 1 });
    // The bucket of a source is empty again a second later, that of a network after a 32nd of a second.
    expect(table("network-ipv4", h.now + 40)).toMatchObject({ used: 0, crowded: 0 });
    expect(table("source", h.now + 999)).toMatchObject({ used: 5, crowded: 1 });
    expect(table("source", h.now + 1000)).toMatchObject({ used: 0, crowded: 0 });
  });

  test("are those of the limits that are not turned off, and each is read at its own place", () => {
    const h = new Harness("wasm", { ...UNLIMITED, source: one, node: one, new: one, limiterSets: 4 });
    LIMITER_TABLES.forEach((table, number) => {
      if (table === undefined) return;
      const set = (h.u32[H_LIMITERS_AT >>> 2]! + (number * 4 + 3) * SET_SIZE) >>> 3;
      h.f64[set] = h.now + 1;
      const used = readTables(h.memory, h.now).filter(({ used }) => used > 0);
      expect(used).toEqual([{ ...table, slots: 20, used: 1, crowded: 0 }]);
      h.f64[set] = 0;
    });
    const off = new Harness("wasm", { ...UNLIMITED, node: one });
    const keys = readTables(off.memory, h.now).map(({ limit, key }) => `${limit} ${key}`);
    expect(keys).toEqual(["node source", "node node", "node reserve"]);
    expect(readTables(new Harness("wasm", UNLIMITED).memory, h.now)).toEqual([]);
  });
});
