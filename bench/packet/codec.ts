/** Compares packet codecs: each decodes and encodes the same packets, one at a time and 64 together. */
import type { Packet } from "../../src/codec/index.ts";
import { PacketFields } from "../../src/codec/index.ts";
import { type Contest, type Contestant, over } from "../contest.ts";
import { announcement, query } from "../packets.ts";
import { checkPackets } from "./agree.ts";
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
  const contestants = [ours("wasm"), ours("ts"), dataView, jsXdr, microPacked];
  return (["announcement", "query"] as const).flatMap((type) => {
    const packets = samples(type);
    const encoded = packets.map((packet) => new Uint8Array(dataView.encode(packet)));
    for (const contestant of contestants) checkPackets(contestant, packets, encoded);

    const contest = (what: string, run: (contestant: PacketContestant) => Contestant["run"] | undefined): Contest => ({
      suite: "codec",
      what: `${what}, ${type}`,
      size: BATCH,
      contestants: contestants.flatMap((contestant) => {
        const found = run(contestant);
        return found === undefined ? [] : [{ who: contestant.who, run: found }];
      }),
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
    ];
  });
}
