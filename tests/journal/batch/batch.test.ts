import { describe, expect, test } from "bun:test";
import { Batch, BatchError, BatchWriter, type JournalEntry } from "../../../src/journal/index.ts";
import { asVersion, withChecksum } from "../../support/old-batches.ts";
import { ascii } from "../../support/packets.ts";
import { Random } from "../../support/random.ts";

/** Two nodes. */
const VERSION_2 =
  "57484a02992dcc2e020000000102030405060708000400cc829c794206c0f055c00002074e4f44452d310000001000cc829c7942020001000102030405060708090a0b0c0d0e0f104e320000";
const ORIGIN = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

function entry(random: Random, announcedAt: number): JournalEntry {
  const address = random.bytes(16);
  if (random.once(2)) address.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);
  const nodeId = random.bytes(random.pick([1, 2, 3, 4, 5, 52, 63, 64, 1008]));
  return { nodeId, address, port: 1 + random.below(65535), announcedAt, confirmed: random.once(2) };
}

function seal(...entries: JournalEntry[]): Uint8Array<ArrayBuffer> {
  const writer = new BatchWriter(ORIGIN);
  for (const one of entries) writer.addEntry(one);
  return writer.seal().bytes;
}

function all(batch: Batch): JournalEntry[] {
  return Array.from({ length: batch.count }, (_, i) => batch.entry(i));
}

/** Changes a word of a batch and corrects the checksum, as an attacker could. */
function forged(bytes: Uint8Array, word: number, value: number): Uint8Array {
  const copy = bytes.slice();
  new DataView(copy.buffer).setUint32(word * 4, value, true);
  return withChecksum(copy);
}

/** The header, in bytes. */
const HEADER = 24;

const SIMPLE: JournalEntry = {
  nodeId: ascii("NODE-1"),
  address: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 7),
  port: 22000,
  announcedAt: 1_760_000_000_000.25,
  confirmed: true,
};

describe("a batch", () => {
  test("returns the entries that were added, in order of time, and its origin", () => {
    const random = new Random(1);
    for (let round = 0; round < 200; round++) {
      const entries = Array.from({ length: random.below(60) }, () =>
        entry(random, 1.76e12 + random.below(4_000_000) / 8),
      );
      const writer = new BatchWriter(ORIGIN);
      for (const one of entries) writer.addEntry(one);
      const sealed = writer.seal();
      const sorted = entries.toSorted((a, b) => Math.floor(a.announcedAt) - Math.floor(b.announcedAt));
      expect(sealed.count).toBe(entries.length);
      expect(sealed.newest).toBe(Math.max(Number.NEGATIVE_INFINITY, ...entries.map((one) => one.announcedAt)));
      const batch = Batch.parse(sealed.bytes);
      expect(batch.origin).toBe("0102030405060708");
      expect(all(batch).map((one) => Math.floor(one.announcedAt))).toEqual(
        sorted.map((one) => Math.floor(one.announcedAt)),
      );
      const key = (one: JournalEntry) =>
        `${one.nodeId.toHex()} ${one.address.toHex()} ${one.port} ${one.announcedAt} ${one.confirmed}`;
      expect(all(batch).map(key).sort()).toEqual(entries.map(key).sort());
    }
  });

  test("takes 68 bytes for a NodeID of 52 bytes and an IPv4 address", () => {
    const one = { ...SIMPLE, nodeId: ascii("N".repeat(52)) };
    expect(seal(one, one).length - seal(one).length).toBe(68);
  });

  test("is full at 8192 entries or about 1 MB, and the writer is empty after sealing it", () => {
    const writer = new BatchWriter(ORIGIN);
    while (!writer.full) writer.addEntry(SIMPLE);
    expect(writer.count).toBe(8192);
    // A listing of the registry may exceed that before the batch is sealed.
    for (let i = 0; i < 256; i++) writer.addEntry({ ...SIMPLE, port: 1 + i });
    const sealed = Batch.parse(writer.seal().bytes);
    expect(sealed.count).toBe(8192 + 256);
    expect(sealed.entry(8192 + 255).port).toBe(256);
    expect(writer.count).toBe(0);
    const long = { ...SIMPLE, nodeId: new Uint8Array(1008) };
    while (!writer.full) writer.addEntry(long);
    expect(writer.seal().bytes.length).toBeLessThan(1.1 * 2 ** 20);
  });

  test("starts with the earliest entry even if its times span more than the sort keys can hold", () => {
    const far = [1, 5e15, 1e12, -1e12].map((announcedAt) => ({ ...SIMPLE, announcedAt }));
    expect(all(Batch.parse(seal(...far))).map((one) => one.announcedAt)[0]).toBe(-1e12);
    expect(Batch.parse(seal(...far)).count).toBe(4);
  });

  test("can be parsed at any offset of a buffer", () => {
    const bytes = seal(SIMPLE);
    for (const offset of [0, 1, 2, 3, 4]) {
      const buffer = new Uint8Array(bytes.length + 8);
      buffer.set(bytes, offset);
      expect(Batch.parse(buffer.subarray(offset, offset + bytes.length)).entry(0)).toEqual(SIMPLE);
    }
  });

  test("of version 1 is read, and its entries count as confirmed", () => {
    const unconfirmed = seal({ ...SIMPLE, confirmed: false });
    expect(Batch.parse(unconfirmed).entry(0).confirmed).toBe(false);
    const old = asVersion(1, unconfirmed);
    expect(all(Batch.parse(old))).toEqual([SIMPLE]);
    // What marks a confirmed entry today was part of the NodeID's length then.
    expect(() => Batch.parse(forged(old, 7, (22000 << 16) | 0x8000 | 0x4000 | 6))).toThrow("a NodeID of 16390 bytes");
  });

  test("of version 2, which a server wrote before there were devices, is read", () => {
    const batch = Batch.parse(Uint8Array.fromHex(VERSION_2));
    const address = Uint8Array.from({ length: 16 }, (_, i) => i + 1);
    expect(all(batch)).toEqual([
      SIMPLE,
      { nodeId: ascii("N2"), address, port: 1, announcedAt: 1_760_000_000_001, confirmed: false },
    ]);
    expect([batch.origin, batch.deviceCount]).toEqual(["0102030405060708", 0]);
  });

  test("of another version, or of something else, is refused with the reason", () => {
    const newer = seal(SIMPLE);
    for (const version of [0, 4, 255]) {
      newer[3] = version;
      expect(() => Batch.parse(newer)).toThrow(`its version is ${version}, this program reads 1 to 3`);
    }
    expect(() => Batch.parse(ascii("to whom it may concern, ..."))).toThrow("a batch cannot have 27 bytes");
    expect(() => Batch.parse(ascii("to whom it may concern, yes!"))).toThrow("it does not begin with WHJ");
    expect(() => Batch.parse(new Uint8Array(0))).toThrow(BatchError);
  });

  test("is refused if any single bit is flipped", () => {
    const bytes = seal(SIMPLE, { ...SIMPLE, address: new Uint8Array(16).fill(9) });
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const spoilt = bytes.slice();
      spoilt[bit >>> 3]! ^= 1 << (bit & 7);
      expect(() => Batch.parse(spoilt)).toThrow(BatchError);
    }
  });

  test("is refused if it is truncated or extended", () => {
    const bytes = seal(SIMPLE, SIMPLE);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => Batch.parse(bytes.subarray(0, length))).toThrow(BatchError);
    }
    const longer = new Uint8Array(bytes.length + 4);
    longer.set(bytes);
    expect(() => Batch.parse(forged(longer, 2, 2))).toThrow("longer than its entries");
  });

  test("is refused if an entry is invalid though the checksum is right", () => {
    const bytes = seal(SIMPLE);
    const word = HEADER / 4 + 2;
    for (const [value, why] of [
      [(22000 << 16) | 0x8000, "it has a NodeID of 0 bytes"],
      [(22000 << 16) | 0x8000 | 1009, "a NodeID of 1009 bytes"],
      [(22000 << 16) | 0x8000 | 0x7fff, "a NodeID of 16383 bytes"],
      // A flag in the engine's memory, which a journal cannot set.
      [(22000 << 16) | 0x8000 | 0x2000 | 6, "a NodeID of 8198 bytes"],
      [0x8000 | 6, "without a port"],
      [(22000 << 16) | 6, "shorter than its entries"],
      [(22000 << 16) | 0x8000 | 52, "shorter than its entries"],
      [(22000 << 16) | 0x8000 | 4, "longer than its entries"],
    ] as const) {
      expect(() => Batch.parse(forged(bytes, word, value))).toThrow(why);
    }
    for (const count of [0, 2, 1000, 0x7fffffff, 0x80000000, 0xffffffff]) {
      expect(() => Batch.parse(forged(bytes, 2, count))).toThrow(BatchError);
    }
    expect(() => Batch.parse(forged(bytes, word - 1, 0x7ff00000))).toThrow("without a time");
    expect(() => Batch.parse(forged(bytes, word - 1, 0xfff80000))).toThrow("without a time");
  });

  test("with entries out of order is sorted when it is parsed", () => {
    const shuffled = [7, 2, 9, 1, 8].map((time) => ({ ...SIMPLE, announcedAt: 1_000_000 + time * 1000 }));
    const parts = shuffled.map((one) => seal(one).subarray(HEADER));
    const bytes = Uint8Array.from([...seal(SIMPLE).subarray(0, HEADER), ...parts.flatMap((part) => [...part])]);
    const times = all(Batch.parse(forged(bytes, 2, 5))).map((one) => (one.announcedAt - 1_000_000) / 1000);
    expect(times).toEqual([1, 2, 7, 8, 9]);
  });

  test("with more entries than a writer can add is refused", () => {
    const part = seal(SIMPLE).subarray(HEADER);
    const bytes = new Uint8Array(HEADER + 16_385 * part.length);
    bytes.set(seal(SIMPLE).subarray(0, HEADER));
    for (let i = 0; i < 16_385; i++) bytes.set(part, HEADER + i * part.length);
    expect(() => Batch.parse(forged(bytes, 2, 16_385))).toThrow("it has 16385 entries, more than 16384");
    expect(Batch.parse(forged(bytes.subarray(0, -part.length), 2, 16_384)).count).toBe(16_384);
  });

  test("with random words and a right checksum is valid or throws a BatchError", () => {
    const random = new Random(3);
    const bytes = seal(SIMPLE, { ...SIMPLE, address: new Uint8Array(16).fill(9) });
    let valid = 0;
    for (let round = 0; round < 20_000; round++) {
      const spoilt = forged(bytes, 2 + random.below(bytes.length / 4 - 2), random.word());
      try {
        for (const one of all(Batch.parse(spoilt))) expect(one.nodeId.length).toBeWithin(1, 1009);
        valid++;
      } catch (error) {
        expect(error).toBeInstanceOf(BatchError);
      }
    }
    expect(valid).toBeGreaterThan(100);
  });
});
