/** The codec: decode and encode of both packets, one at a time and 64 together. */
import { struct, uint32, varOpaque } from "@stellar/js-xdr";
import { createCodec, type Packet, PacketFields } from "../src/codec/index.ts";
import * as idiomatic from "./idiomatic.ts";
import { perPacket, type Row } from "./measure.ts";
import { announcement, ID_LENGTH, query } from "./packets.ts";

const BATCH = 64;
const IP = Uint8Array.of(192, 0, 2, 1);

/** The packets as js-xdr sees them; port and reserved are one word, and what they mean is left to the caller. */
const XDR = {
  query: struct("Query", { magic: uint32(), nodeId: varOpaque(1008) }),
  announcement: struct("Announcement", {
    magic: uint32(),
    port: uint32(),
    nodeId: varOpaque(1008),
    ip: varOpaque(16),
  }),
};

/** Packets that are all alike in kind, and all different. */
function samples(type: Packet["type"]): Packet[] {
  return Array.from({ length: BATCH }, (_, n) => (type === "query" ? query(n) : { ...announcement(n), ip: IP }));
}

/** A function that runs `one` over all samples. */
function over<T>(list: readonly T[], one: (item: T) => unknown): () => unknown {
  return () => {
    let last: unknown;
    for (const item of list) last = one(item);
    return last;
  };
}

export async function benchCodec(report: (row: Row) => void): Promise<void> {
  const codecs = [createCodec({ backend: "wasm" }), createCodec({ backend: "ts" })];
  const target = new Uint8Array(1040);
  const fields = new PacketFields();
  for (const type of ["query", "announcement"] as const) {
    const packets = samples(type);
    const encoded = packets.map((packet) => codecs[1]!.encode(packet));
    const buffers = encoded.map((bytes) => Buffer.from(bytes));
    const add = async (what: string, who: string, run: () => unknown) => {
      report({ what: `${what}, ${type} of ${ID_LENGTH} characters`, who, ns: await perPacket(BATCH, run) });
    };

    for (const codec of codecs) {
      await add("decode", codec.backend, over(encoded, codec.decode));
      await add("decode, 64 together", codec.backend, () => codec.decodeMany(encoded));
      await add(
        "decodeInto",
        codec.backend,
        over(encoded, (bytes) => codec.decodeInto(bytes, fields)),
      );
      await add("encode", codec.backend, over(packets, codec.encode));
      await add("encode, 64 together", codec.backend, () => codec.encodeMany(packets));
      await add(
        "encodeInto",
        codec.backend,
        over(packets, (packet) => codec.encodeInto(packet, target)),
      );
    }

    await add("decode", "idiomatic", over(buffers, idiomatic.decode));
    const texts = packets.map(({ nodeId }) => Buffer.from(nodeId).toString("latin1"));
    const ip = Buffer.from(IP);
    if (type === "announcement")
      await add(
        "encode",
        "idiomatic",
        over(texts, (text) => idiomatic.encode(text, 1024, ip)),
      );

    if (type === "query") {
      const values = packets.map(({ nodeId }) => ({ magic: 0x19760309, nodeId }));
      await add(
        "decode",
        "js-xdr",
        over(encoded, (bytes) => XDR.query.decode(bytes)),
      );
      await add(
        "encode",
        "js-xdr",
        over(values, (value) => XDR.query.encode(value)),
      );
    } else {
      const values = packets.map(({ nodeId }) => ({ magic: 0x20121025, port: 1024 * 65536, nodeId, ip: IP }));
      await add(
        "decode",
        "js-xdr",
        over(encoded, (bytes) => XDR.announcement.decode(bytes)),
      );
      await add(
        "encode",
        "js-xdr",
        over(values, (value) => XDR.announcement.encode(value)),
      );
    }
  }
}
