/** Checks, before a contestant is timed, that it does the same as the others. Else the times are not comparable. */
import { type Packet, type PacketBatch, PacketFields } from "../../src/codec/index.ts";
import { agree, bytesOf, refuses } from "../agree.ts";
import { type Datagrams, datagramsOf } from "./columns.ts";
import type { PacketContestant } from "./contestant.ts";

/** Packets by docs/protocol.md: their bytes in hex, and their fields. */
const VECTORS: readonly (readonly [string, Packet])[] = [
  ["19760309 00000000", { type: "query", nodeId: bytesOf("") }],
  ["19760309 00000006 68656c6c 6f210000", { type: "query", nodeId: bytesOf("68656c6c6f21") }],
  ["20121025 55f00000 00000000 00000000", { type: "announcement", nodeId: bytesOf(""), port: 22000, ip: bytesOf("") }],
  [
    "20121025 ffff0000 00000005 61626364 65000000 00000004 c0000201",
    { type: "announcement", nodeId: bytesOf("6162636465"), port: 65535, ip: bytesOf("c0000201") },
  ],
  [
    "20121025 00010000 00000004 ff00fe01 00000010 20010db8 00000000 00000000 00000001",
    {
      type: "announcement",
      nodeId: bytesOf("ff00fe01"),
      port: 1,
      ip: bytesOf("20010db8000000000000000000000001"),
    },
  ],
];

/** Invalid packets, in hex: cut off, unknown magic number, too great a length, bytes after the packet. */
const INVALID = [
  "",
  "197603",
  "00000000 00000000",
  "19760309 00000006 68656c6c",
  "19760309 00000006 68656c6c 6f21",
  "19760309 fffffffc",
  "19760309 00000000 00000000",
  "20121025 55f00000 00000000",
  "20121025 55f00001 00000000 00000000",
  "20121025 55f00000 00000000 00000008 00000000 00000000",
  "20121025 55f00000 00000000 00000004 c00002",
  "20121025 55f00000 00000000 00000000 00",
];

/** @throws {Error} if the contestant gives another result than expected for these packets, VECTORS or INVALID. */
export function checkPackets(contestant: PacketContestant, packets: readonly Packet[], encoded: readonly Uint8Array[]) {
  const { who, decode, encode, tryDecode } = contestant;
  const samples: (readonly [Uint8Array, Packet])[] = VECTORS.map(([hex, packet]) => [bytesOf(hex), packet]);
  for (const [i, packet] of packets.entries()) samples.push([encoded[i]!, packet]);
  for (const [bytes, packet] of samples) {
    agree(`${who} decodes`, decode(bytes), packet);
    agree(`${who} encodes`, plain(encode(packet)), bytes);
    if (tryDecode !== undefined) agree(`${who} tries to decode`, tryDecode(bytes), { ok: true, packet });
    checkInto(contestant, bytes, packet);
  }
  for (const hex of INVALID) {
    refuses(`${who} decodes ${hex}`, () => decode(bytesOf(hex)));
    agree(`${who} tries to decode ${hex}`, tryDecode?.(bytesOf(hex)).ok ?? false, false);
    agree(`${who} decodes ${hex} into`, contestant.decodeInto?.(bytesOf(hex), new PacketFields()) ?? false, false);
  }
  const results = packets.map((packet) => ({ ok: true, packet }));
  agree(`${who} decodes many`, contestant.decodeMany?.(encoded) ?? results, results);
  agree(`${who} encodes many`, contestant.encodeMany?.(packets) ?? encoded, encoded);
}

function checkInto({ who, decodeInto, encodeInto }: PacketContestant, bytes: Uint8Array, packet: Packet): void {
  if (decodeInto !== undefined) {
    const fields = new PacketFields();
    agree(`${who} decodes into`, decodeInto(bytes, fields), true);
    const { type, nodeIdOffset, nodeIdLength, port, ipOffset, ipLength } = fields;
    const nodeId = bytes.slice(nodeIdOffset, nodeIdOffset + nodeIdLength);
    const ip = bytes.slice(ipOffset, ipOffset + ipLength);
    agree(`${who} decodes into`, type === "query" ? { type, nodeId } : { type, nodeId, port, ip }, packet);
  }
  if (encodeInto !== undefined) {
    const target = new Uint8Array(bytes.length + 16).fill(255);
    agree(`${who} encodes into`, encodeInto(packet, target, 8), bytes.length);
    const expected = new Uint8Array(bytes.length + 16).fill(255);
    expected.set(bytes, 8);
    agree(`${who} encodes into`, target, expected);
  }
}

/**
 * Leaves the batch with the given datagrams, decoded.
 *
 * @throws {Error} if the columns of a batch give other packets, or are encoded to other bytes, or INVALID are packets.
 */
export function checkColumns(who: string, batch: PacketBatch, packets: readonly Packet[], given: Datagrams) {
  const invalid = datagramsOf(INVALID.map(bytesOf));
  batch.fill(invalid.bytes, invalid.offsets, invalid.lengths);
  agree(`${who} decodes to columns what is no packet`, batch.decode(), 0);
  batch.fill(given.bytes, given.offsets, given.lengths);
  agree(`${who} decodes to columns`, batch.decode(), packets.length);
  const rows = [...packets.keys()];
  const packetsOf = () => rows.map((row) => batch.packet(row));
  agree(`${who} decodes to columns`, packetsOf(), packets);
  batch.offsets.fill(0);
  batch.lengths.fill(0);
  agree(`${who} encodes columns`, batch.encode(), packets.length);
  const [offsets, lengths] = [new Uint32Array(batch.offsets), new Uint32Array(batch.lengths)];
  const list = rows.map((row) => plain(batch.bytes.subarray(offsets[row]!, offsets[row]! + lengths[row]!)));
  agree(`${who} encodes columns`, datagramsOf(list).bytes, given.bytes);
  agree(`${who} decodes what it encoded`, batch.decode(), packets.length);
  agree(`${who} decodes what it encoded`, packetsOf(), packets);
  batch.fill(given.bytes, given.offsets, given.lengths);
  batch.decode();
}

/** A plain copy: a library may return a view, or a subclass of Uint8Array. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
