// Batches of random and damaged packets: both backends give the same columns, and those say what decodeMany says.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { createCodec, PACKET_STATUS, type PacketBatch, type PacketErrorCode } from "../../../src/codec/index.ts";
import { announcement, hex, mutate, NASTY_LENGTHS, query } from "../../support/packets.ts";
import { Random } from "../../support/random.ts";
import { TEST_LIMIT_MS } from "../../support/time-limits.ts";
import { fillWith, rowOf } from "./rows.ts";

const FOLDER = new URL("../../vectors/", import.meta.url);
const VECTORS: Uint8Array[] = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".jsonl"))
  .flatMap((file) => readFileSync(new URL(file, FOLDER), "utf8").trim().split("\n"))
  .map((line) => Uint8Array.fromHex(JSON.parse(line).hex));

const ROWS = 100;
const ROOM = 60_000;
const codec = createCodec({ backend: "ts" });
const BATCHES = (["wasm", "ts"] as const).map((backend) =>
  createCodec({ backend }).batch({ packets: ROWS, bytes: ROOM }),
);

function randomPacket(random: Random): Uint8Array {
  const nodeId = random.bytes(random.once(10) ? random.below(400) : random.below(70));
  if (random.once(2)) return query(nodeId);
  return announcement(nodeId, random.below(65_536), random.bytes(random.pick([0, 4, 16])));
}

/** A packet or, once in `times`, one that is damaged, or random bytes. */
function randomDatagram(random: Random, times: number): Uint8Array {
  if (!random.once(times)) return randomPacket(random);
  let bytes = random.once(2) ? randomPacket(random) : random.pick(VECTORS);
  for (let times = random.below(3); times > 0; times--) bytes = mutate(random, bytes);
  return bytes;
}

/** A buffer with datagrams at random places, some of which overlap or are next to the end. */
function scattered(random: Random, list: readonly Uint8Array[]) {
  const bytes = random.bytes(ROOM);
  const offsets: number[] = [];
  let at = 0;
  for (const datagram of list) {
    at += random.below(5);
    bytes.set(datagram, at);
    offsets.push(at);
    at += datagram.length;
  }
  return { bytes: bytes.subarray(0, at), offsets, lengths: list.map(({ length }) => length) };
}

const columnsOf = (batch: PacketBatch) => Array.from({ length: batch.count }, (_, row) => rowOf(batch, row));

test(
  "columns on both backends are equal, and have the same packets and errors as decodeMany",
  () => {
    const random = new Random(7);
    const seen = new Map<number, number>();
    for (let round = 0; round < 150; round++) {
      const list = Array.from({ length: random.below(ROWS + 1) }, () => randomDatagram(random, 1 + (round % 9)));
      const { bytes, offsets, lengths } = scattered(random, list);
      const expected = codec.decodeMany(list);
      for (const batch of BATCHES) {
        batch.fill(bytes, offsets, lengths);
        expect(batch.decode()).toBe(expected.filter(({ ok }) => ok).length);
        expect(list.map((_, row) => batch.result(row))).toEqual(expected);
      }
      const [wasm, ts] = BATCHES.map(columnsOf);
      expect(wasm).toEqual(ts!);
      for (const [row, result] of expected.entries()) {
        const fields = wasm![row]!;
        seen.set(fields.status, (seen.get(fields.status) ?? 0) + 1);
        const { status, port, nodeIdOffset, nodeIdLength, ipOffset, ipLength } = fields;
        expect(status).toBe(PACKET_STATUS[result.ok ? result.packet.type : (result.code satisfies PacketErrorCode)]);
        if (!result.ok) continue;
        const cut = (at: number, length: number) => hex(bytes.subarray(at, at + length));
        expect(cut(nodeIdOffset, nodeIdLength)).toBe(hex(result.packet.nodeId));
        const ip = result.packet.type === "query" ? "" : hex(result.packet.ip);
        expect([port, cut(ipOffset, ipLength)]).toEqual([result.packet.type === "query" ? 0 : result.packet.port, ip]);
      }
    }
    for (const status of Object.values(PACKET_STATUS)) expect(seen.get(status)).toBeGreaterThan(20);
  },
  TEST_LIMIT_MS,
);

test(
  "both backends encode columns to the same bytes, which are those of encodeMany, and leave the rest of the room alone",
  () => {
    const random = new Random(8);
    for (let round = 0; round < 150; round++) {
      const list = Array.from({ length: 1 + random.below(ROWS) }, () => randomDatagram(random, 1 + (round % 9)));
      const { bytes, offsets, lengths } = scattered(random, list);
      const from = random.once(2) ? 0 : random.below(ROOM - 2 * bytes.length);
      const rooms = BATCHES.map((batch) => {
        batch.bytes.fill(0x55);
        batch.fill(bytes, offsets, lengths);
        batch.decode();
        const good = batch.encode(from);
        const results = codec.decodeMany(list);
        expect(good).toBe(results.filter(({ ok }) => ok).length);
        let end = batch.offsets[0]!;
        const before = end;
        for (const [row, result] of results.entries()) {
          const wanted = result.ok ? codec.encode(result.packet) : new Uint8Array(0);
          const at = batch.offsets[row]!;
          expect(at).toBe(end);
          end += batch.lengths[row]!;
          expect(hex(batch.bytes.subarray(at, end))).toBe(hex(wanted));
        }
        expect(batch.bytes.subarray(Math.max(end, bytes.length)).every((byte) => byte === 0x55)).toBe(true);
        expect(hex(batch.bytes.subarray(0, Math.min(before, bytes.length)))).toBe(
          hex(bytes.subarray(0, Math.min(before, bytes.length))),
        );
        return [hex(batch.bytes), [...batch.offsets], [...batch.lengths]];
      });
      expect(rooms[0]).toEqual(rooms[1]!);
    }
  },
  TEST_LIMIT_MS,
);

test("a row says nothing of the bytes behind its datagram, whatever they are, alone or beside good ones", () => {
  const random = new Random(10);
  const starts = [query(new Uint8Array(4)), announcement(new Uint8Array(4), 22000, new Uint8Array(4))];
  const contents = starts.flatMap((start) =>
    NASTY_LENGTHS.flatMap((length) =>
      [0, 1, 2, 4].map((word) => {
        const bytes = new Uint8Array(48);
        bytes.set(start);
        new DataView(bytes.buffer).setUint32(word * 4, length);
        return bytes;
      }),
    ),
  );
  const [good] = starts as [Uint8Array];
  for (const content of [...contents, ...starts]) {
    // All prefixes, each four times, then between packets.
    const prefixes = Array.from({ length: Math.min(content.length, 25) }, (_, length) => content.subarray(0, length));
    const rows = prefixes.flatMap((prefix) =>
      random.once(4) ? [good, prefix, good, good] : [prefix, prefix, prefix, prefix],
    );
    for (const batch of BATCHES) {
      batch.bytes.set(content);
      batch.bytes.set(good, 1000);
      for (const [row, datagram] of rows.entries()) {
        batch.offsets[row] = datagram === good ? 1000 : 0;
        batch.lengths[row] = datagram.length;
      }
      batch.count = rows.length;
      batch.decode();
      expect(rows.map((_, row) => batch.result(row))).toEqual(codec.decodeMany(rows));
      for (const [row, fields] of columnsOf(batch).entries()) {
        if (fields.status > PACKET_STATUS.query)
          expect([row, ...Object.values(fields).slice(1)]).toEqual([row, 0, 0, 0, 0, 0]);
      }
    }
  }
});

test("a query with a NodeID of 100,000 bytes has no port, beside announcements that have one", () => {
  const list = [
    announcement(new Uint8Array(3), 7),
    query(new Uint8Array(100_000)),
    query(new Uint8Array(1)),
    query(new Uint8Array(70_000)),
  ];
  for (const backend of ["wasm", "ts"] as const) {
    const batch = createCodec({ backend }).batch({ packets: 4, bytes: 200_000 });
    fillWith(batch, list);
    expect(batch.decode()).toBe(4);
    expect(columnsOf(batch).map(({ port, nodeIdLength }) => [port, nodeIdLength])).toEqual([
      [7, 3],
      [0, 100_000],
      [0, 1],
      [0, 70_000],
    ]);
  }
});

test("both backends refuse the same random columns", () => {
  const random = new Random(9);
  const nasty = () => random.pick([0, 1, 4, 5, 16, 17, 60, 99, 100, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32 - 4]);
  const batches = (["wasm", "ts"] as const).map((backend) =>
    createCodec({ backend }).batch({ packets: 3, bytes: 100 }),
  );
  let refused = 0;
  for (let round = 0; round < 5000; round++) {
    const fields = (["status", "port", "nodeIdOffset", "nodeIdLength", "ipOffset", "ipLength"] as const).map(
      (name) => [name, [0, 1, 2].map(() => (name === "status" ? random.below(3) : nasty()))] as const,
    );
    const from = random.below(101);
    const outcomes = batches.map((batch) => {
      for (const [name, values] of fields) batch[name].set(values);
      batch.count = 1 + (round % 3);
      try {
        return [batch.encode(from), [...batch.offsets], [...batch.lengths], hex(batch.bytes)];
      } catch (error) {
        refused++;
        return [(error as RangeError).message];
      }
    });
    expect(outcomes[0]).toEqual(outcomes[1]!);
  }
  expect(refused).toBeGreaterThan(1000);
  expect(refused).toBeLessThan(9500);
});
