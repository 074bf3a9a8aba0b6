import { describe, expect, test } from "bun:test";
import {
  CURSOR_CONFIRM,
  CURSOR_RESET,
  CURSOR_REWIND,
  H_ENTRIES_AT,
  H_INDEX_AT,
  H_POOL_TOP,
  LIMIT_ANNOUNCEMENTS,
  LIMIT_NEW,
  LIMIT_NODE,
  LIMIT_QUERIES,
  LIMIT_SHARED,
  LIST_BATCH,
} from "../../assembly/layout.ts";
import {
  createEngine,
  createEngineMemory,
  defaultEngineOptions,
  EngineControl,
  Lane,
  VERDICTS,
} from "../../src/engine/index.ts";
import { Harness, NO_LIMIT, UNLIMITED } from "../support/harness.ts";
import { checkInvariants } from "../support/invariants.ts";
import { announcement, ascii, query } from "../support/packets.ts";
import { Random } from "../support/random.ts";

const RETENTION = 3_600_000;
const node = (i: number | string) => ascii(`NODE-${i}`);
/** What an entry of an authenticated device has beside NodeID, port and time. */
const DEVICE = { address: "203.0.113.9", confirmed: true, authenticated: true };

for (const backend of ["wasm", "ts"] as const) {
  describe(`the ${backend} engine`, () => {
    test("is of the requested backend", () => {
      expect(new Harness(backend).engine.backend).toBe(backend);
    });

    test("answers a query with the NodeID, the announced port and the source's IPv4 address in 4 bytes", () => {
      const h = new Harness(backend);
      expect(h.send(announcement(node(1), 22000), "198.51.100.7").verdict).toBe("stored");
      const { verdict, reply } = h.send(query(node(1)));
      expect(verdict).toBe("answered");
      expect(reply).toEqual(announcement(node(1), 22000, Uint8Array.of(198, 51, 100, 7)));
    });

    test("answers with 16 bytes for an IPv6 address", () => {
      const h = new Harness(backend);
      h.send(announcement(node(1), 1), "2001:db8::5");
      const ip = Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5);
      expect(h.send(query(node(1))).reply).toEqual(announcement(node(1), 1, ip));
    });

    test("ignores the IP that an announcement contains", () => {
      const h = new Harness(backend);
      h.send(announcement(node(1), 22000, Uint8Array.of(6, 6, 6, 6)), "198.51.100.7");
      expect(h.send(query(node(1))).reply).toEqual(announcement(node(1), 22000, Uint8Array.of(198, 51, 100, 7)));
    });

    test("replaces an earlier announcement by the latest one", () => {
      const h = new Harness(backend);
      h.send(announcement(node(1), 1), "2001:db8::5");
      expect(h.send(announcement(node(1), 2), "198.51.100.8").verdict).toBe("refreshed");
      expect(h.send(query(node(1))).reply).toEqual(announcement(node(1), 2, Uint8Array.of(198, 51, 100, 8)));
      expect(h.control.nodes).toBe(1);
    });

    test("does not evict entries that a damaged index does not contain, and does not search for them forever", () => {
      const h = new Harness(backend, { shards: 1, ...UNLIMITED });
      for (let n = 0; n < 10; n++) h.send(announcement(node(n), 1));
      h.bytes.fill(0xff, h.u32[H_INDEX_AT >>> 2]!, h.u32[H_ENTRIES_AT >>> 2]!);
      h.now += 2 * RETENTION;
      expect(h.engine.sweep(h.now)).toBe(0);
      expect(h.control.nodes).toBe(10);
    });

    test("does not reply to queries of unknown NodeIDs, announcements and malformed packets", () => {
      const h = new Harness(backend);
      expect(h.send(query(node(1)))).toEqual({ verdict: "unknown", reply: undefined });
      expect(h.send(announcement(node(1), 1))).toEqual({ verdict: "stored", reply: undefined });
      for (const bad of [new Uint8Array(0), ascii("GET / HTTP/1.1\r\n\r\n"), query(node(1)).subarray(0, 11)]) {
        expect(h.send(bad)).toEqual({ verdict: "malformed", reply: undefined });
      }
    });

    test("accepts NodeIDs of any bytes from 1 byte up to the maximum length, and refuses others", () => {
      const random = new Random(1);
      for (const maxIdLength of [64, 1, 1008]) {
        const h = new Harness(backend, { maxIdLength, ...UNLIMITED });
        for (let length = 1; length <= maxIdLength; length += length < 70 ? 1 : 37) {
          const id = random.bytes(length);
          expect(h.send(announcement(id, 7)).verdict).toBe("stored");
          expect(h.send(query(id)).reply).toEqual(announcement(id, 7, Uint8Array.of(192, 0, 2, 1)));
        }
        for (const length of [0, maxIdLength + 1]) {
          expect(h.send(announcement(random.bytes(length), 7)).verdict).toBe("refused-id");
          expect(h.send(query(random.bytes(length))).verdict).toBe("refused-id");
        }
        checkInvariants(h.bytes);
      }
    });

    test("distinguishes NodeIDs that differ in their last byte or in trailing zeros", () => {
      const h = new Harness(backend, UNLIMITED);
      const ids = [Uint8Array.of(97), Uint8Array.of(97, 0), Uint8Array.of(97, 0, 0, 0), Uint8Array.of(97, 0, 0, 0, 0)];
      ids.push(ascii(`${"A".repeat(51)}B`), ascii(`${"A".repeat(51)}C`), ascii("A".repeat(51)));
      ids.forEach((id, i) => void h.send(announcement(id, i + 1)));
      ids.forEach((id, i) => {
        expect(h.send(query(id)).reply).toEqual(announcement(id, i + 1, Uint8Array.of(192, 0, 2, 1)));
      });
    });

    test("ignores the padding of a NodeID and replies with zeros as padding", () => {
      const h = new Harness(backend);
      const dirty = announcement(node(1), 9);
      dirty.fill(0xff, 12 + node(1).length, 12 + Math.ceil(node(1).length / 4) * 4);
      expect(dirty).not.toEqual(announcement(node(1), 9));
      h.send(dirty);
      const asked = query(node(1));
      asked.fill(0xee, 8 + node(1).length);
      expect(h.send(asked).reply).toEqual(announcement(node(1), 9, Uint8Array.of(192, 0, 2, 1)));
    });

    test("refuses an announced port of 0 and a source port of 0, because no node can be reached there", () => {
      const h = new Harness(backend);
      expect(h.send(announcement(node(1), 0)).verdict).toBe("refused-port");
      expect(h.send(announcement(node(1), 5), "192.0.2.1", 0).verdict).toBe("refused-port");
      h.send(announcement(node(1), 5));
      expect(h.send(query(node(1)), "192.0.2.1", 0)).toEqual({ verdict: "refused-port", reply: undefined });
    });

    test("rejects a datagram longer than the longest packet (the original stored the first 1024 bytes)", () => {
      const h = new Harness(backend);
      const long = new Uint8Array(1041);
      long.set(announcement(node(1), 5));
      expect(h.send(long).verdict).toBe("malformed");
      expect(h.send(new Uint8Array(65507)).verdict).toBe("malformed");
      expect(h.send(announcement(new Uint8Array(1008).fill(65), 5, new Uint8Array(16))).verdict).toBe("refused-id");
    });

    test("answers until 1 ms before the retention ends, and not later", () => {
      const h = new Harness(backend);
      const start = h.now;
      h.send(announcement(node(1), 5));
      h.now = start + RETENTION - 1;
      expect(h.send(query(node(1))).verdict).toBe("answered");
      h.now = start + RETENTION;
      expect(h.send(query(node(1))).verdict).toBe("unknown");
      h.now = start + RETENTION + 1;
      expect(h.send(query(node(1))).verdict).toBe("unknown");
    });

    test("counts the retention from the latest announcement", () => {
      const h = new Harness(backend);
      const start = h.now;
      h.send(announcement(node(1), 5));
      h.now = start + RETENTION - 1;
      expect(h.send(announcement(node(1), 5)).verdict).toBe("refreshed");
      h.now = start + 2 * RETENTION - 2;
      expect(h.send(query(node(1))).verdict).toBe("answered");
      h.now = start + 2 * RETENTION - 1;
      expect(h.send(query(node(1))).verdict).toBe("unknown");
    });

    test("treats an announcement after the retention as new", () => {
      const h = new Harness(backend);
      h.send(announcement(node(1), 5));
      h.now += RETENTION;
      expect(h.send(announcement(node(1), 5)).verdict).toBe("stored");
      expect(h.control.nodes).toBe(1);
      checkInvariants(h.bytes);
    });

    test("when full of nodes that were announced twice, refuses new NodeIDs and refreshes known ones", () => {
      const h = new Harness(backend, { capacity: 5, ...UNLIMITED });
      for (let i = 0; i < 5; i++) expect(h.send(announcement(node(i), 5)).verdict).toBe("stored");
      for (let i = 0; i < 5; i++) expect(h.send(announcement(node(i), 5)).verdict).toBe("refreshed");
      expect(h.send(announcement(node(5), 5)).verdict).toBe("full");
      expect(h.send(query(node(5))).verdict).toBe("unknown");
      for (let i = 0; i < 5; i++) expect(h.send(announcement(node(i), 6)).verdict).toBe("refreshed");
      expect(h.send(announcement(node(5), 5)).verdict).toBe("full");
      expect(h.control.nodes).toBe(5);
      expect(h.control.counters().displaced).toBe(0);
    });

    test("when full, gives the place of the oldest node that was announced only once to a new one", () => {
      const h = new Harness(backend, { capacity: 5, ...UNLIMITED });
      for (let i = 0; i < 5; i++) h.send(announcement(node(i), 5));
      h.send(announcement(node(0), 5));
      // A node with addresses of both families may announce itself from either.
      h.send(announcement(node(1), 5), "2001:db8::1");
      for (let i = 5; i < 9; i++) expect(h.send(announcement(node(i), 5)).verdict).toBe("stored");
      const found = (i: number) => h.send(query(node(i))).verdict === "answered";
      expect([0, 1, 2, 3, 4, 5, 6, 7, 8].filter(found)).toEqual([0, 1, 6, 7, 8]);
      expect(h.control.nodes).toBe(5);
      expect(h.control.counters().displaced).toBe(4);
      checkInvariants(h.bytes);
    });

    test("finds every node that was announced twice during a flood of new NodeIDs, and a new one that is announced twice", () => {
      const h = new Harness(backend, { capacity: 20_000, ...UNLIMITED });
      for (let i = 0; i < 200; i++) h.send(announcement(node(i % 100), 5));
      const flood = (from: number) => h.count("stored", 15_000, (i) => announcement(node(`flood ${from + i}`), 5));
      expect(flood(0) + flood(15_000) + flood(30_000)).toBe(45_000);
      expect(h.send(announcement(node("new"), 6)).verdict).toBe("stored");
      flood(45_000);
      expect(h.send(announcement(node("new"), 6)).verdict).toBe("refreshed");
      flood(60_000);
      flood(75_000);
      expect(h.count("answered", 100, (i) => query(node(i)))).toBe(100);
      expect(h.send(query(node("new"))).verdict).toBe("answered");
      checkInvariants(h.bytes);
    });

    test("gets all nodes that were announced twice from a journal, in either order, beside a flood that fills it", () => {
      for (const newestFirst of [true, false]) {
        const h = new Harness(backend, { capacity: 6000, shards: 1, ...UNLIMITED });
        // Every third entry is of a node that was announced twice.
        const entries = Array.from({ length: 15_000 }, (_, i) => ({
          ...{ nodeId: node(i), address: "192.0.2.1", port: 1, time: h.now - 15_000 + i },
          confirmed: i % 3 === 0,
        }));
        if (newestFirst) entries.reverse();
        for (const entry of entries) {
          h.put(0, entry);
          h.merge(1);
        }
        expect(h.count("answered", 5000, (i) => query(node(3 * i)))).toBe(5000);
        expect(h.control.nodes).toBe(6000);
        checkInvariants(h.bytes);
      }
    });

    test("holds exactly its capacity across many shards, and has room again as soon as entries expire", () => {
      const capacity = 20_000;
      const h = new Harness(backend, { capacity, ...UNLIMITED });
      for (let i = 0; i < capacity; i++) h.send(announcement(node(i), 5));
      for (let i = 0; i < capacity; i++) h.send(announcement(node(i), 5));
      expect(h.control.nodes).toBe(capacity);
      expect(h.count("full", 500, (i) => announcement(node(capacity + i), 5))).toBe(500);
      h.now += RETENTION - 1;
      expect(h.send(announcement(node("late"), 5)).verdict).toBe("full");
      h.now += 1;
      expect(h.count("stored", 2000, (i) => announcement(node(`new ${i}`), 5))).toBe(2000);
      checkInvariants(h.bytes);
      while (h.engine.sweep(h.now) > 0);
      expect(h.control.nodes).toBe(2000);
      checkInvariants(h.bytes);
    });

    test("stores no announcement from a link-local address, and keeps the known address", () => {
      const h = new Harness(backend, UNLIMITED);
      h.send(announcement(node(1), 5), "2001:db8::1");
      for (const address of ["fe80::1", "febf::1", "169.254.0.1", "169.254.255.255"]) {
        expect(h.send(announcement(node(1), 6), address).verdict).toBe("refused-source");
        expect(h.send(query(node(1)), address).verdict).toBe("answered");
      }
      for (const address of ["fec0::1", "fe7f::1", "169.253.0.1", "169.255.0.1", "::a9fe:1"]) {
        expect(h.send(announcement(node(address), 6), address).verdict).toBe("stored");
      }
      expect(h.send(query(node(1))).reply).toEqual(
        announcement(node(1), 5, Uint8Array.fromHex("20010db8000000000000000000000001")),
      );
    });

    test("lets a source send its burst at once and then its rate", () => {
      const h = new Harness(backend, { ...UNLIMITED, source: { rate: 10, burst: 25 } });
      expect(h.count("unknown", 100, () => query(node(1)))).toBe(25);
      h.now += 99;
      expect(h.send(query(node(1))).verdict).toBe("limited-source");
      h.now += 1;
      expect(h.count("unknown", 10, () => query(node(1)))).toBe(1);
      h.now += 1000;
      expect(h.count("unknown", 100, () => query(node(1)))).toBe(10);
      expect(h.send(query(node(1)), "203.0.113.1").verdict).toBe("unknown");
    });

    test("allows a /24 and a /48 32 times as much as one of its sources, and its light sources a second's worth more", () => {
      const h = new Harness(backend, { ...UNLIMITED, source: { rate: 1, burst: 10 } });
      const v4 = (i: number) => `192.0.2.${i % 256}`;
      expect(h.count("unknown", 5000, () => query(node(1)), v4)).toBe(320 + 32);
      const v6 = (i: number) => `2001:db8:0:${(i % 256).toString(16)}::${i.toString(16)}`;
      expect(h.count("unknown", 5000, () => query(node(1)), v6)).toBe(320 + 32);
    });

    test("beside sixty neighbors of a /48 that send all they can answers every query of one that sends one a second", () => {
      const h = new Harness(backend, { ...UNLIMITED, source: { rate: 250, burst: 300 } });
      h.send(announcement(node(1), 1));
      const neighbor = (i: number) => `2001:db8:0:${(i % 60).toString(16)}::1`;
      let answered = 0;
      for (let tick = 0; tick < 3000; tick++) {
        h.now += 10;
        h.count("answered", 180, () => query(node(1)), neighbor);
        if (tick % 100 === 50)
          answered += h.count(
            "answered",
            1,
            () => query(node(1)),
            () => "2001:db8:0:ffff::1",
          );
      }
      expect(answered).toBe(30);
      expect(h.control.counters().verdicts["limited-source"]).toBeGreaterThan(100_000);
    });

    test("counts announcements apart from queries, and has room for as many at once as may be new at once", () => {
      const h = new Harness(backend, { ...UNLIMITED, source: { rate: 1, burst: 10 }, new: { rate: 1, burst: 50 } });
      expect(h.count("unknown", 100, () => query(node("x")))).toBe(10);
      expect(h.count("stored", 100, (i) => announcement(node(i), 1))).toBe(50);
      expect(h.send(announcement(node(1), 1)).verdict).toBe("limited-source");
      h.now += 1000;
      expect(h.count("refreshed", 100, (i) => announcement(node(i % 50), 1))).toBe(1);
    });

    test("treats all sources of a /64 as one", () => {
      const h = new Harness(backend, { ...UNLIMITED, source: { rate: 1, burst: 10 } });
      const v6 = (i: number) => `2001:db8::${i.toString(16)}:1`;
      expect(h.count("unknown", 500, () => query(node(1)), v6)).toBe(10);
    });

    test("limits the queries for one NodeID from all sources together, and leaves each its reserve", () => {
      const h = new Harness(backend, { ...UNLIMITED, node: { rate: 2, burst: 40 } });
      const anywhere = (i: number) => `198.${i % 256}.${(i * 7) % 256}.1`;
      h.send(announcement(node(1), 1));
      expect(h.count("answered", 500, () => query(node(1)), anywhere)).toBe(40 + 2);
      expect(h.send(query(node(1))).verdict).toBe("limited-node");
      expect(h.send(query(node(2))).verdict).toBe("unknown");
    });

    test("gives one source a thousandth of the answers for one NodeID, or 1 a second and 5 at once", () => {
      const h = new Harness(backend, { ...UNLIMITED, node: { rate: 10_000, burst: 20_000 } });
      expect(h.count("unknown", 500, () => query(node(1)))).toBe(20);
      h.now += 1000;
      expect(h.count("unknown", 500, () => query(node(1)))).toBe(10);
      expect(h.count("unknown", 500, () => query(node(2)))).toBe(20);
      const small = new Harness(backend, { ...UNLIMITED, node: { rate: 50, burst: 100 } });
      expect(small.count("unknown", 500, () => query(node(1)))).toBe(5);
      small.now += 1000;
      expect(small.count("unknown", 500, () => query(node(1)))).toBe(1);
    });

    test("answers sources that ask for a NodeID once a second, although others have used up its limit", () => {
      const h = new Harness(backend, { ...UNLIMITED, node: { rate: 1000, burst: 1000 } });
      h.send(announcement(node(1), 1));
      const heavy = (i: number) => `198.51.${i % 200}.${i % 7}`;
      let light = 0;
      for (let tick = 0; tick < 2000; tick++) {
        h.now += 10;
        h.count(
          "answered",
          200,
          (_) => query(node(1)),
          (i) => heavy(i + tick),
        );
        const { verdict } = h.send(query(node(1)), `203.0.${tick % 200}.1`);
        if (verdict === "answered") light++;
      }
      expect(light).toBe(2000);
      expect(h.control.counters().verdicts["limited-node"]).toBeGreaterThan(100_000);
    });

    test("with the default limits answers others beside 32 sources that ask for one NodeID as often as they can", () => {
      const h = new Harness(backend);
      h.send(announcement(node(1), 1));
      const heavy = (i: number) => `198.51.${i % 32}.1`;
      for (let tick = 0; tick < 2000; tick++) {
        h.now += 10;
        h.count("answered", 96, () => query(node(1)), heavy);
        expect(h.send(query(node(1)), `203.0.${tick % 250}.1`).verdict).toBe("answered");
      }
    });

    test("limits the new NodeIDs of a source, but not the nodes that it refreshes", () => {
      const h = new Harness(backend, { ...UNLIMITED, new: { rate: 1, burst: 30 } });
      expect(h.count("stored", 100, (i) => announcement(node(i), 1))).toBe(30);
      expect(h.send(announcement(node("x"), 1)).verdict).toBe("limited-new");
      expect(h.count("refreshed", 100, (i) => announcement(node(i % 30), 1))).toBe(100);
      expect(h.send(announcement(node("y"), 1), "203.0.113.1").verdict).toBe("stored");
    });

    test("counts a change of a node's address or port as a new NodeID", () => {
      const h = new Harness(backend, { ...UNLIMITED, new: { rate: 1, burst: 30 } });
      for (let i = 0; i < 60; i++) h.send(announcement(node(i), 1), i < 30 ? "203.0.113.1" : "203.0.113.2");
      expect(h.count("refreshed", 60, (i) => announcement(node(i), 1))).toBe(30);
      expect(h.send(announcement(node(59), 1)).verdict).toBe("limited-new");
      expect(h.send(query(node(59))).reply).toEqual(announcement(node(59), 1, Uint8Array.of(203, 0, 113, 2)));
      expect(h.send(announcement(node(0), 2)).verdict).toBe("limited-new");
      h.now += 1000;
      expect(h.send(announcement(node(0), 2)).verdict).toBe("refreshed");
    });

    test("says which limit a packet exceeded", () => {
      const one = { rate: 1, burst: 1 };
      const limit = (h: Harness, packet: Uint8Array, address?: string) => {
        h.send(packet, address);
        return h.lane.limit(0);
      };
      const queries = new Harness(backend, { ...UNLIMITED, source: one });
      expect(limit(queries, query(node(1)))).toBe(0);
      expect(limit(queries, query(node(1)))).toBe(1 + LIMIT_QUERIES);
      // A /24 may send 32 at once, and 32 more in a second from the reserves of its sources.
      const neighbors = Array.from({ length: 64 }, (_, i) => limit(queries, query(node(1)), `192.0.2.${i + 2}`));
      expect(neighbors).toEqual([...new Array(63).fill(0), 1 + LIMIT_QUERIES + LIMIT_SHARED]);
      const announced = new Harness(backend, { ...UNLIMITED, source: one });
      limit(announced, announcement(node(1), 1));
      expect(limit(announced, announcement(node(1), 1))).toBe(1 + LIMIT_ANNOUNCEMENTS);
      const fresh = new Harness(backend, { ...UNLIMITED, new: one });
      expect(limit(fresh, announcement(node(1), 1))).toBe(0);
      expect(limit(fresh, announcement(node(2), 1))).toBe(1 + LIMIT_NEW);
      expect(limit(fresh, announcement(node(1), 1))).toBe(0);
      for (const dryRun of [false, true]) {
        const nodes = new Harness(backend, { ...UNLIMITED, node: one, dryRun });
        limit(nodes, query(node(1)));
        expect(limit(nodes, query(node(1)))).toBe(1 + LIMIT_NODE);
        expect(VERDICTS[nodes.lane.verdict(0)]).toBe(dryRun ? "unknown" : "limited-node");
        // All sources together may ask once, and once more in a second from the reserves.
        const others = [2, 3].map((n) => limit(nodes, query(node(1)), `203.0.${n}.1`));
        expect(others).toEqual([0, 1 + LIMIT_NODE + LIMIT_SHARED]);
      }
    });

    test("does not charge a packet that it drops", () => {
      const h = new Harness(backend, { ...UNLIMITED, source: { rate: 10, burst: 1 } });
      h.send(query(node(1)));
      for (let i = 0; i < 99; i++) {
        h.now += 1;
        expect(h.send(query(node(1))).verdict).toBe("limited-source");
      }
      h.now += 1;
      expect(h.send(query(node(1))).verdict).toBe("unknown");
    });

    test("keeps limiting an offender, and gives no fresh bursts, during a flood of invented sources", () => {
      const h = new Harness(backend, { ...UNLIMITED, source: { rate: 1, burst: 20 }, limiterSets: 4 });
      const offender = () => h.send(query(node(1)), "192.0.2.66").verdict;
      for (let i = 0; i < 40; i++) offender();
      const random = new Random(3);
      const invented = () => `${1 + random.below(220)}.${random.below(256)}.${random.below(256)}.${random.below(256)}`;
      for (let i = 0; i < 10_000; i++) {
        h.send(query(node(1)), invented());
        if (i % 100 === 0) expect(offender()).toBe("limited-source");
      }
    });

    test("does not limit exempt networks", () => {
      const allow = [
        { address: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 1, 0, 0), prefix: 112 },
        { address: Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), prefix: 33 },
      ];
      const one = { rate: 1, burst: 1 };
      const h = new Harness(backend, { source: one, node: one, new: one, allow });
      for (const [address, allowed] of [
        ["10.1.255.3", true],
        ["10.2.0.1", false],
        ["2001:db8:7fff::1", true],
        ["2001:db8:8000::1", false],
      ] as const) {
        expect(
          h.count(
            "unknown",
            20,
            () => query(node(address)),
            () => address,
          ),
        ).toBe(allowed ? 20 : 1);
      }
    });

    test("in a dry run counts packets over a limit and lets them pass", () => {
      const h = new Harness(backend, {
        source: { rate: 1, burst: 10 },
        node: { rate: 1, burst: 5 },
        new: { rate: 1, burst: 3 },
        dryRun: true,
      });
      expect(h.count("stored", 10, (i) => announcement(node(i), 1))).toBe(10);
      expect(h.count("answered", 30, () => query(node(1)))).toBe(30);
      const { dryRun, verdicts, received } = h.control.counters();
      expect(dryRun).toEqual({ "limited-source": 20, "limited-node": 25, "limited-new": 7 });
      expect(verdicts).toMatchObject({ "limited-source": 0, "limited-node": 0, "limited-new": 0 });
      expect(received).toBe(40);
    });

    test("does not limit when the rate is 0", () => {
      const h = new Harness(backend, { ...UNLIMITED, capacity: 5000 });
      expect(h.count("stored", 5000, (i) => announcement(node(i), 1))).toBe(5000);
      expect(h.count("answered", 5000, () => query(node(1)))).toBe(5000);
    });

    test("with the default limits serves a site of 1,000 nodes behind one IPv4 address", () => {
      const h = new Harness(backend, { capacity: 10_000 });
      const random = new Random(4);
      // After a power cut all nodes start within 5 s. Then each looks up 5 nodes a minute and announces every 30 min.
      const events: { at: number; packet: Uint8Array }[] = [];
      for (let i = 0; i < 1000; i++) {
        const start = random.below(5000);
        for (let at = start; at < RETENTION; at += 1_800_000) events.push({ at, packet: announcement(node(i), 22000) });
        for (let at = start + 5000 + random.below(60_000); at < RETENTION; at += 60_000) {
          for (let peer = 0; peer < 5; peer++) events.push({ at, packet: query(node(random.below(1000))) });
        }
      }
      events.sort((a, b) => a.at - b.at);
      const start = h.now;
      for (const { at, packet } of events) {
        h.now = start + at;
        h.send(packet, "198.51.100.1");
      }
      const { verdicts, received } = h.control.counters();
      expect(received).toBe(events.length);
      expect(verdicts["limited-source"] + verdicts["limited-node"] + verdicts["limited-new"]).toBe(0);
      expect(verdicts.stored).toBe(1000);
      expect(verdicts.unknown).toBe(0);
    });

    test("with the default limits answers one source 300 packets at once, and no more", () => {
      const h = new Harness(backend);
      for (let i = 0; i < 100; i++) h.send(announcement(node(i), 1), "203.0.113.1");
      const answered = h.count("answered", 100_000, (i) => query(node(i % 100)));
      expect(answered).toBe(300);
    });

    test("takes a time that is earlier than another thread's: queues stay sorted, and far too full buckets are empty", () => {
      const h = new Harness(backend, { ...UNLIMITED, source: { rate: 10, burst: 5 } });
      for (let i = 0; i < 20; i++) h.send(announcement(node(i % 5), 1));
      h.now -= 5;
      expect(h.send(announcement(node(1), 1)).verdict).toBe("limited-source");
      h.now -= 86_400_000;
      expect(h.send(announcement(node(1), 2)).verdict).toBe("refreshed");
      h.send(announcement(node("a"), 2), "203.0.113.1");
      checkInvariants(h.bytes);
      expect(h.send(query(node(1)), "203.0.113.2").verdict).toBe("answered");
    });

    test("counts every datagram once as received and once as a verdict", () => {
      const h = new Harness(backend);
      const random = new Random(5);
      for (let i = 0; i < 3000; i++) h.send(random.once(3) ? random.bytes(random.below(80)) : query(node(i % 50)));
      const { received, verdicts } = h.control.counters();
      expect(received).toBe(3000);
      expect(Object.values(verdicts).reduce((a, b) => a + b)).toBe(3000);
    });

    test("processes a batch in order", () => {
      const h = new Harness(backend);
      const packets = [query(node(1)), announcement(node(1), 3), query(node(1)), ascii("junk")];
      packets.forEach((packet, slot) => {
        h.lane.fill(slot, packet);
        h.lane.setPort(slot, 1000);
      });
      expect(h.engine.process(0, 4, h.now)).toBe(1);
      expect(packets.map((_, slot) => h.lane.verdict(slot))).toEqual([1, 2, 0, 4]);
      expect(packets.map((_, slot) => h.lane.reply(slot) !== undefined)).toEqual([false, false, true, false]);
    });

    test("lists any number of announcements since the last listing, in order", () => {
      const h = new Harness(backend, { ...UNLIMITED, shards: 1, capacity: 2000 });
      for (let i = 0; i < 1000; i++) {
        h.now++;
        h.send(announcement(node(i), i + 1));
      }
      expect(h.list().map(({ port }) => port)).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
      expect(h.list()).toEqual([]);
      h.send(announcement(node(7), 70));
      expect(h.list()).toMatchObject([{ port: 70, time: h.now }]);
    });

    test("lists again what was not confirmed after a rewind, all local entries after a reset, and all entries in a walk", () => {
      const h = new Harness(backend, { ...UNLIMITED, shards: 1 });
      for (let i = 0; i < 300; i++) h.send(announcement(node(i), i + 1));
      expect(h.list()).toHaveLength(300);
      h.engine.moveCursor(0, CURSOR_CONFIRM);
      h.put(0, { nodeId: node("there"), address: "203.0.113.9", port: 9, time: h.now - 1 });
      h.engine.merge(0, 1, h.now);
      h.now++;
      h.send(announcement(node(0), 1));
      expect(h.list()).toHaveLength(1);
      h.engine.moveCursor(0, CURSOR_REWIND);
      expect(h.list()).toHaveLength(1);
      h.engine.moveCursor(0, CURSOR_RESET);
      expect(h.list()).toHaveLength(300);
      expect(h.list(h.now)).toHaveLength(300);
      expect(h.list(h.now + 1)).toHaveLength(1);
    });

    test("lists every entry even if some are refreshed between two calls", () => {
      const h = new Harness(backend, { ...UNLIMITED, shards: 1 });
      for (let i = 0; i < 600; i++) {
        h.now++;
        h.send(announcement(node(i), i + 1));
      }
      const seen = new Set<number>();
      h.engine.collect(0, false, 0);
      for (let i = 0; i < LIST_BATCH; i++) seen.add(h.take(i).port);
      h.now++;
      for (const i of [LIST_BATCH - 1, LIST_BATCH, 500]) h.send(announcement(node(i), i + 1));
      const rest = h.list();
      for (const { port } of rest) seen.add(port);
      expect(seen.size).toBe(600);
      expect(rest.slice(-3).map(({ port }) => port)).toEqual([LIST_BATCH, LIST_BATCH + 1, 501]);
    });

    test("lists the announcement of a worker that read its clock earlier than another", () => {
      const h = new Harness(backend, { ...UNLIMITED, shards: 1 });
      h.send(announcement(node("a"), 1));
      expect(h.list()).toHaveLength(1);
      h.now -= 40;
      h.send(announcement(node("b"), 2));
      h.send(announcement(node("a"), 3));
      expect(h.list().map(({ port }) => port)).toEqual([2, 3]);
      checkInvariants(h.bytes);
    });

    test("merges journal entries: the later announcement wins and keeps its time", () => {
      const h = new Harness(backend, UNLIMITED);
      const start = h.now;
      h.send(announcement(node("here"), 1));
      const entry = (name: string, port: number, time: number) => ({
        nodeId: node(name),
        address: "203.0.113.9",
        port,
        time,
      });
      h.put(0, entry("here", 2, start - 1));
      h.put(1, entry("there", 3, start - 1000));
      h.put(2, entry("expired", 4, start - RETENTION));
      h.put(3, entry("future", 5, start + 99_999));
      h.put(4, entry("no port", 0, start));
      h.put(5, entry("not a time", 6, Number.NaN));
      expect(h.merge(6)).toBe(2);
      expect(h.send(query(node("here"))).reply).toEqual(announcement(node("here"), 1, Uint8Array.of(192, 0, 2, 1)));
      expect(h.send(query(node("there"))).reply).toEqual(announcement(node("there"), 3, Uint8Array.of(203, 0, 113, 9)));
      for (const name of ["expired", "no port", "not a time"])
        expect(h.send(query(node(name))).verdict).toBe("unknown");
      h.now = start + 5;
      h.put(0, entry("here", 7, start + 1));
      expect(h.merge(1)).toBe(1);
      expect(h.send(query(node("here"))).reply).toEqual(announcement(node("here"), 7, Uint8Array.of(203, 0, 113, 9)));
      h.now = start - 1000 + RETENTION;
      expect(h.send(query(node("there"))).verdict).toBe("unknown");
      expect(h.send(query(node("future"))).verdict).toBe("answered");
      checkInvariants(h.bytes);
    });

    test("refuses the announcements of a device that is authenticated, and answers with the device's address", () => {
      const h = new Harness(backend, { ...UNLIMITED, new: { rate: 1, burst: 2 } });
      const start = h.now;
      const device = ascii("7".repeat(52));
      const address = Uint8Array.of(203, 0, 113, 9);
      expect(h.send(announcement(device, 1)).verdict).toBe("stored");
      h.put(0, { ...DEVICE, nodeId: device, port: 22000, time: start - 1000 });
      expect(h.merge(1)).toBe(1);
      h.now = start + 500;
      // The same address and port as the device's, another port, another address, and the announcement that was replaced.
      for (const [port, source] of [
        [22000, "203.0.113.9"],
        [22001, "203.0.113.9"],
        [22000, "198.51.100.1"],
        [1, "192.0.2.1"],
      ] as const) {
        expect(h.send(announcement(device, port), source)).toEqual({ verdict: "refused-device", reply: undefined });
        expect(h.send(query(device)).reply).toEqual(announcement(device, 22000, address));
      }
      // None of them counted as new to its source.
      expect(h.count("stored", 3, (i) => announcement(node(i), 1))).toBe(1);
      expect(
        h.count(
          "stored",
          3,
          (i) => announcement(node(`other ${i}`), 1),
          () => "203.0.113.9",
        ),
      ).toBe(2);
      h.now = start - 1000 + RETENTION - 1;
      expect(h.send(query(device)).reply).toEqual(announcement(device, 22000, address));
      expect(h.send(announcement(device, 2)).verdict).toBe("refused-device");
      h.now++;
      expect(h.send(query(device)).verdict).toBe("unknown");
      expect(h.send(announcement(device, 2)).verdict).toBe("stored");
      expect(h.send(query(device)).reply).toEqual(announcement(device, 2, Uint8Array.of(192, 0, 2, 1)));
      expect(h.control.counters().verdicts["refused-device"]).toBe(5);
      checkInvariants(h.bytes);
    });

    test("replaces any announcement by that of an authenticated device, and only a later such one replaces that", () => {
      const h = new Harness(backend, { ...UNLIMITED, shards: 1 });
      const start = h.now;
      for (let i = 0; i < 20; i++, h.now++) h.send(announcement(node(i), 1));
      // Each gets the time of one that is ten places earlier or later.
      for (let i = 0; i < 20; i++)
        h.put(i, { ...DEVICE, nodeId: node(i), port: 100 + i, time: start + ((i + 10) % 20) });
      expect(h.merge(20)).toBe(20);
      checkInvariants(h.bytes);
      for (let i = 0; i < 20; i++) {
        const time = start + ((i + 10) % 20);
        h.put(2 * i, { ...DEVICE, nodeId: node(i), port: 300, time: i % 2 === 0 ? time + 1 : time - 1 });
        h.put(2 * i + 1, { ...DEVICE, nodeId: node(i), port: 400, time: start + 900, authenticated: false });
      }
      expect(h.merge(40)).toBe(10);
      checkInvariants(h.bytes);
      for (let i = 0; i < 20; i++) {
        const port = i % 2 === 0 ? 300 : 100 + i;
        expect(h.send(query(node(i))).reply).toEqual(announcement(node(i), port, Uint8Array.of(203, 0, 113, 9)));
      }
    });

    test("lists no authenticated device for the journal, neither as new nor in a walk", () => {
      const h = new Harness(backend, { ...UNLIMITED, shards: 1 });
      for (let i = 0; i < 100; i++) h.send(announcement(node(i), 1 + i));
      for (let i = 0; i < 100; i++) h.put(i, { ...DEVICE, nodeId: node(50 + i), port: 1, time: h.now - (i % 7) });
      expect(h.merge(100)).toBe(100);
      const ports = Array.from({ length: 50 }, (_, i) => 1 + i);
      expect(h.list().map(({ port }) => port)).toEqual(ports);
      expect(h.list(h.now + 1).map(({ port }) => port)).toEqual(ports);
      h.engine.moveCursor(0, CURSOR_RESET);
      expect(h.list().map(({ port }) => port)).toEqual(ports);
      expect(h.control.nodes).toBe(150);
    });

    test("when full keeps a confirmed device, and makes room for it", () => {
      const h = new Harness(backend, { capacity: 5, ...UNLIMITED });
      for (let i = 0; i < 5; i++) h.send(announcement(node(i), 1));
      h.put(0, { ...DEVICE, nodeId: node("device"), port: 22000, time: h.now - RETENTION + 1 });
      expect(h.merge(1)).toBe(1);
      expect(h.count("stored", 50, (i) => announcement(node(100 + i), 1))).toBe(50);
      expect(h.send(query(node("device"))).verdict).toBe("answered");
      checkInvariants(h.bytes);
    });

    test("gives the same result when entries are merged twice or in any order", () => {
      const random = new Random(6);
      const h = new Harness(backend, UNLIMITED);
      const latest = new Map<number, number>();
      for (let round = 0; round < 200; round++) {
        for (let slot = 0; slot < 8; slot++) {
          const which = random.below(40);
          const time = h.now - random.below(100_000);
          latest.set(which, Math.max(latest.get(which) ?? 0, time));
          h.put(slot, { nodeId: node(which), address: "203.0.113.9", port: (time % 60_000) + 1, time });
        }
        h.merge(8);
        expect(h.merge(8)).toBe(0);
      }
      checkInvariants(h.bytes);
      for (const [which, time] of latest) {
        const { reply } = h.send(query(node(which)));
        expect(reply).toEqual(announcement(node(which), (time % 60_000) + 1, Uint8Array.of(203, 0, 113, 9)));
      }
    });

    test("merges entries in descending order, and ignores their padding", () => {
      const h = new Harness(backend, { ...UNLIMITED, shards: 1 });
      for (let i = 0; i < 200; i++) {
        const nodeId = node(`m${i}`);
        h.put(i, { nodeId, address: "203.0.113.9", port: 1 + i, time: h.now - i });
        h.bytes.fill(0xff, h.idAt(i) + nodeId.length, h.idAt(i) + Math.ceil(nodeId.length / 4) * 4);
      }
      expect(h.merge(200)).toBe(200);
      checkInvariants(h.bytes);
      for (let i = 0; i < 200; i++) expect(h.send(query(node(`m${i}`))).verdict).toBe("answered");
    });

    test("works on addresses above 2 GiB", () => {
      const h = new Harness(backend, { ...UNLIMITED, capacity: 30_000_000 });
      expect(h.memory.buffer.byteLength).toBeGreaterThan(3 * 2 ** 30);
      h.u32[H_POOL_TOP >>> 2] = 29_000_000;
      for (let i = 0; i < 2000; i++) expect(h.send(announcement(node(i), i + 1)).verdict).toBe("stored");
      for (let i = 0; i < 2000; i++) {
        expect(h.send(query(node(i))).reply).toEqual(announcement(node(i), i + 1, Uint8Array.of(192, 0, 2, 1)));
      }
      h.now += RETENTION;
      while (h.engine.sweep(h.now) > 0);
      expect(h.control.nodes).toBe(0);
    });

    test("ignores lanes, shards and counts that are out of range", () => {
      const h = new Harness(backend);
      expect(h.engine.process(1, 1, h.now)).toBe(0);
      expect(h.engine.process(0, 65, h.now)).toBe(0);
      for (const wrong of [-1, 2 ** 31]) {
        expect(h.engine.process(wrong, 1, h.now)).toBe(0);
        expect(h.engine.process(0, wrong, h.now)).toBe(0);
      }
      expect(h.engine.process(0, Number.NaN, h.now)).toBe(0);
      expect(h.engine.merge(0, 0.5, h.now)).toBeLessThan(1);
      expect(h.engine.collect(-1, true, h.now)).toBe(0);
      expect(h.engine.moveCursor(2 ** 31, CURSOR_CONFIRM)).toBe(false);
      expect(h.control.counters().received).toBe(0);
      expect(() => createEngine(backend, h.memory, 1)).toThrow(RangeError);
      expect(() => createEngine(backend, new WebAssembly.Memory({ initial: 1 }))).toThrow(TypeError);
    });
  });
}

describe("an engine's memory", () => {
  test("takes less than 128 MB for 1,000,000 nodes with 52-byte NodeIDs, including limiter and slots", () => {
    const memory = createEngineMemory({ ...defaultEngineOptions(), ...UNLIMITED, capacity: 1_000_000 });
    const engine = createEngine("wasm", memory);
    const lane = new Lane(memory, 0);
    const before = process.memoryUsage.rss();
    const packet = announcement(ascii("N".repeat(52)), 1);
    const view = new DataView(packet.buffer);
    const addresses = new DataView(lane.bytes.buffer);
    for (let i = 0; i < 1_000_000; ) {
      for (let slot = 0; slot < 64; slot++, i++) {
        view.setUint32(12, i);
        lane.fill(slot, packet);
        addresses.setUint32(lane.addressAt(slot) + 12, (10 << 24) | i);
        lane.setPort(slot, 1);
      }
      engine.process(0, 64, 1_400_000_000_000 + i);
    }
    expect(new EngineControl(memory).nodes).toBe(1_000_000);
    expect(memory.buffer.byteLength).toBeLessThan(128e6);
    // The resident size of the process must agree, apart from garbage of this test.
    Bun.gc(true);
    expect(process.memoryUsage.rss() - before).toBeLessThan(160e6);
  });

  test("is not created for invalid options, and the error says what is wrong", () => {
    const make = (options: object) => () => createEngineMemory({ ...defaultEngineOptions(), ...options });
    expect(make({ capacity: 0 })).toThrow("capacity must be a whole number from 1 to 4294967296, not 0");
    expect(make({ maxIdLength: 1009 })).toThrow("maxIdLength must be a whole number from 1 to 1008, not 1009");
    expect(make({ retentionMs: 0 })).toThrow("retentionMs must be a number of milliseconds above 0, not 0");
    expect(make({ source: { rate: -1, burst: 1 } })).toThrow("source.rate must be 0 or from");
    expect(make({ source: { rate: 1e-300, burst: 1 } })).toThrow("source.rate must be 0 or from");
    expect(make({ new: { rate: 1, burst: 0 } })).toThrow("new.burst must be from 1 to");
    expect(make({ limiterSets: 0.5 })).toThrow("limiterSets must be a power of two");
    expect(make({ shards: 3 })).toThrow("shards must be a power of two");
    const allow = (address: Uint8Array, prefix: number) => make({ allow: [{ address, prefix }] });
    expect(allow(new Uint8Array(4), 8)).toThrow("an address of 16 bytes");
    expect(allow(new Uint8Array(16), Number.NaN)).toThrow("from 0 to 128, not NaN");
    expect(make({ capacity: 2 ** 31 })).toThrow(/needs \d+\.\d GiB of memory, more than the maximum of 4 GiB/);
    expect(make({ node: NO_LIMIT })).not.toThrow();
  });
});
