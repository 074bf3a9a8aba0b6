// Batches of random and damaged packets: both backends give the same columns, and those say what decodeMany says.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { createCodec, PACKET_STATUS, type PacketBatch, type PacketErrorCode } from "../../../src/codec/index.ts";
import { announcement, hex, mutate, query } from "../../support/packets.ts";
import { Random } from "../../support/random.ts";
import { TEST_LIMIT_MS } from "../../support/time-limits.ts";
import { rowOf } from "./rows.ts";

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

function randomDatagram(random: Random): Uint8Array {
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
      const list = Array.from({ length: random.below(ROWS + 1) }, () => randomDatagram(random));
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
      const list = Array.from({ length: 1 + random.below(ROWS) }, () => randomDatagram(random));
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
