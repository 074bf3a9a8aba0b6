/**
 * Compares packet codecs: each decodes and encodes the same packets, one at a time, 64 together, and 64 together to and
 * from columns.
 */
import type { Packet, PacketBatch } from "../../src/codec/index.ts";
import { PacketFields } from "../../src/codec/index.ts";
import { type Contest, type Contestant, over } from "../contest.ts";
import { announcement, query } from "../packets.ts";
import { checkColumns, checkPackets } from "./agree.ts";
import { datagramsOf } from "./columns.ts";
import type { PacketContestant } from "./contestant.ts";
import { dataView } from "./dataview.ts";
import { jsXdr } from "./js-xdr.ts";
import { microPacked } from "./micro-packed.ts";
import { ours } from "./ours.ts";

const BATCH = 64;
const IP = Uint8Array.of(192, 0, 2, 1);

/** 64 different packets of one type. */
function samples(type: Packet["type"]): Packet[] {
  return Array.from({ length: BATCH }, (_, n) => (type === "query" ? query(n) : { ...announcement(n), ip: IP }));
}

/** @throws {Error} if a contestant gives another result than expected */
export function codecContests(): Contest[] {
  const contestants = [ours("wasm"), ours("ts"), ours("auto"), dataView, jsXdr, microPacked];
  return (["announcement", "query"] as const).flatMap((type) => {
    const packets = samples(type);
    const encoded = packets.map((packet) => new Uint8Array(dataView.encode(packet)));
    const datagrams = datagramsOf(encoded);
    // One batch for all tasks, as in a program: calls of functions of many wasm instances would be slower.
    const batches = contestants.flatMap(({ who, batch }) => {
      if (batch === undefined) return [];
      return [{ who, batch: batch({ packets: BATCH, bytes: 2 * datagrams.bytes.length }) }];
    });
    for (const contestant of contestants) checkPackets(contestant, packets, encoded);
    for (const { who, batch } of batches) checkColumns(who, batch, packets, datagrams);

    const contest = (what: string, run: (contestant: PacketContestant) => Contestant["run"] | undefined): Contest => ({
      suite: "codec",
      what: `${what}, ${type}`,
      size: BATCH,
      contestants: contestants.flatMap((contestant) => {
        const found = run(contestant);
        return found === undefined ? [] : [{ who: contestant.who, run: found }];
      }),
    });
    const columns = (what: string, run: (batch: PacketBatch) => unknown): Contest => ({
      suite: "codec",
      what: `${what}, ${type}`,
      size: BATCH,
      contestants: batches.map(({ who, batch }) => ({ who, run: over([batch], run) })),
    });
    const fields = new PacketFields();
    const target = new Uint8Array(1040);
    return [
      contest("decode", ({ decode }) => over(encoded, decode)),
      contest("encode", ({ encode }) => over(packets, encode)),
      contest("decode, 64 together", ({ decode, decodeMany }) => {
        const run = decodeMany ?? ((list) => list.map((bytes) => decode(bytes)));
        return over([encoded], run);
      }),
      contest("encode, 64 together", ({ encode, encodeMany }) => {
        const run = encodeMany ?? ((list) => list.map((packet) => encode(packet)));
        return over([packets], run);
      }),
      contest("decodeInto", ({ decodeInto }) => decodeInto && over(encoded, (bytes) => decodeInto(bytes, fields))),
      contest("encodeInto", ({ encodeInto }) => encodeInto && over(packets, (packet) => encodeInto(packet, target, 0))),
      columns("decode columns, 64 together", (batch) => {
        batch.fill(datagrams.bytes, datagrams.offsets, datagrams.lengths);
        return batch.decode();
      }),
      columns("decode columns, 64 in the room", (batch) => batch.decode()),
      columns("encode columns, 64 together", (batch) => batch.encode()),
    ];
  });
}
