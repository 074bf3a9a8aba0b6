/** The limits of sources as other threads than the workers check them: on the tables that the packets use. */
import { describe, expect, test } from "bun:test";
import { H_LANES_AT, LANE_SIZE, LANE_SLOTS } from "../../assembly/layout.ts";
import { SourceLimiter } from "../../src/engine/index.ts";
import { Harness, UNLIMITED } from "../support/harness.ts";
import { announcement, ascii, query } from "../support/packets.ts";

const v4 = (...bytes: number[]) => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...bytes);
const v6 = (hex: string) => Uint8Array.fromHex(hex.padEnd(32, "0"));
const HOST = v4(192, 0, 2, 1);
const NODE = ascii("NODE");

function withLimiter(backend: "wasm" | "ts", options: ConstructorParameters<typeof Harness>[1]) {
  const h = new Harness(backend, { ...UNLIMITED, lanes: 2, ...options });
  const limiter = new SourceLimiter(h.memory, 1);
  /** How many of `count` requests pass. */
  const passed = (count: number, source: Uint8Array, limit: Parameters<SourceLimiter["passes"]>[1] = "queries") => {
    let passed = 0;
    for (let i = 0; i < count; i++) if (limiter.passes(source, limit, h.now)) passed++;
    return passed;
  };
  return { h, limiter, passed };
}

describe.each(["wasm", "ts"] as const)("a source's requests, beside the packets of the %s engine,", (backend) => {
  test("share its bucket: what packets took is gone for requests, and the other way round", () => {
    const { h, passed } = withLimiter(backend, { source: { rate: 10, burst: 5 } });
    expect(h.count("unknown", 3, () => query(NODE))).toBe(3);
    expect(passed(10, HOST)).toBe(2);
    expect(h.send(query(NODE)).verdict).toBe("limited-source");
    expect(h.send(query(NODE), "192.0.2.2").verdict).toBe("unknown");
    h.now += 200;
    expect(passed(1, HOST)).toBe(1);
    expect(h.send(query(NODE)).verdict).toBe("unknown");
    expect(passed(1, HOST)).toBe(0);
    h.now += 100;
    expect(passed(10, HOST)).toBe(1);
  });

  test("share the bucket of its network, IPv4 /24 or IPv6 /48, and the reserve", () => {
    const { h, passed } = withLimiter(backend, { source: { rate: 1, burst: 10 } });
    // The network may send 320 at once, and its sources together 32 more from their reserves.
    for (let host = 2; host < 34; host++) expect(passed(11, v4(192, 0, 2, host))).toBe(10);
    expect(h.count("unknown", 10, () => query(NODE))).toBe(5);
    expect(passed(10, v4(192, 0, 2, 34))).toBe(5);
    expect(passed(10, v4(192, 0, 3, 1))).toBe(10);
    for (let net = 0; net < 32; net++) expect(passed(11, v6(`20010db80000${(256 + net).toString(16)}0`))).toBe(10);
    const neighbor = "2001:db8:0:ffff::1";
    const queries = h.count(
      "unknown",
      10,
      () => query(NODE),
      () => neighbor,
    );
    expect(queries).toBe(5);
  });

  test("are counted by limit: queries, announcements, and new nodes", () => {
    const { h, passed } = withLimiter(backend, { source: { rate: 1, burst: 4 }, new: { rate: 1, burst: 2 } });
    expect(passed(10, HOST, "new")).toBe(2);
    expect(h.send(announcement(NODE, 1)).verdict).toBe("limited-new");
    expect(passed(10, HOST, "announcements")).toBe(3);
    expect(h.send(announcement(NODE, 1)).verdict).toBe("limited-source");
    expect(passed(10, HOST)).toBe(4);
  });

  test("pass without a charge from an exempt network", () => {
    const allow = [{ address: HOST, prefix: 128 }];
    const { h, passed } = withLimiter(backend, { source: { rate: 1, burst: 1 }, allow });
    expect(passed(100, HOST)).toBe(100);
    expect(passed(10, v4(192, 0, 2, 2))).toBe(1);
    // The /24 may send 32 at once, of which one was charged, and 32 more from the reserves.
    const neighbor = (i: number) => `192.0.2.${10 + i}`;
    expect(h.count("unknown", 200, () => query(NODE), neighbor)).toBe(31 + 32);
  });

  test("pass in a dry run", () => {
    const { h, passed } = withLimiter(backend, { source: { rate: 1, burst: 3 }, dryRun: true });
    expect(passed(100, HOST)).toBe(100);
    expect(h.send(query(NODE)).verdict).toBe("unknown");
    expect(h.control.counters().dryRun["limited-source"]).toBe(1);
  });

  test("pass if the limit is turned off", () => {
    const { passed } = withLimiter(backend, { new: { rate: 1, burst: 1 } });
    expect(passed(1000, HOST)).toBe(1000);
    expect(passed(1000, HOST, "announcements")).toBe(1000);
    expect(passed(1000, HOST, "new")).toBe(1);
  });
});

test("of a lane only its slots are written, and no counter", () => {
  const { h, passed } = withLimiter("wasm", { source: { rate: 1, burst: 3 } });
  const lane = h.u32[H_LANES_AT >>> 2]! + LANE_SIZE;
  const before = h.bytes.slice(lane, lane + LANE_SLOTS);
  passed(10, HOST);
  expect(h.bytes.slice(lane, lane + LANE_SLOTS)).toEqual(before);
  expect(h.control.counters().received).toBe(0);
});

test("a source that is not 16 bytes is an error, not another source", () => {
  const { limiter, h } = withLimiter("wasm", {});
  for (const length of [0, 4, 17]) {
    expect(() => limiter.passes(new Uint8Array(length), "queries", h.now)).toThrow(
      new RangeError(`a source has 16 bytes, not ${length}`),
    );
  }
});
