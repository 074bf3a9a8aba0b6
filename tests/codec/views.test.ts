// Views of every kind are read as the bytes that they are of; those that have lost their bytes are refused, not taken for
// empty. On either backend alike.
import { describe, expect, test } from "bun:test";
import { bytesToHex, createCodec, ipToText, nodeIdToText, type Packet, PacketFields } from "../../src/codec/index.ts";
import { announcement, ascii, hex, query } from "../support/packets.ts";
import { GONE, thrownBy, VIEWS } from "./views.ts";

const IP6 = Uint8Array.fromHex("20010db8000000000000000000000001");
/** Short enough to be copied byte by byte, and too long for that. */
const IDS = [ascii("NODE"), ascii("N".repeat(53))];
const EMPTY = new Uint8Array(0);

describe.each(["wasm", "ts"] as const)("on %s", (backend) => {
  const codec = createCodec({ backend });

  describe.each(VIEWS)("%s", (_, as) => {
    test.each(IDS)("is decoded into plain bytes", (nodeId) => {
      const bytes = announcement(nodeId, 22000, IP6);
      const packet: Packet = { type: "announcement", nodeId, port: 22000, ip: IP6 };
      expect(codec.decode(as(bytes))).toStrictEqual(packet);
      expect(codec.tryDecode(as(bytes))).toStrictEqual({ ok: true, packet });
      expect(codec.decodeMany([as(bytes)])).toStrictEqual([{ ok: true, packet }]);
      const fields = new PacketFields();
      expect(codec.decodeInto(as(bytes), fields)).toBe(true);
      expect(fields).toMatchObject({ port: 22000, nodeIdLength: nodeId.length, ipLength: 16 });
    });

    test.each(IDS)("is encoded, and encoded into", (nodeId) => {
      const bytes = announcement(nodeId, 22000, IP6);
      const packet: Packet = { type: "announcement", nodeId: as(nodeId), port: 22000, ip: as(IP6) };
      expect(hex(codec.encode(packet))).toBe(hex(bytes));
      const target = as(new Uint8Array(bytes.length));
      expect(codec.encodeInto(packet, target)).toBe(bytes.length);
      expect(hex(new Uint8Array(target))).toBe(hex(bytes));
    });

    test("is short where it is empty", () => {
      expect(codec.tryDecode(as(EMPTY))).toEqual({ ok: false, code: "short", offset: 0 });
      expect(hex(codec.encode({ type: "query", nodeId: as(EMPTY) }))).toBe(hex(query(EMPTY)));
    });
  });

  describe.each(GONE)("a view %s", (_, gone) => {
    const refused = (name: string, call: () => unknown) => {
      const error = thrownBy(call);
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toBe(`${name}: its buffer is detached or has become too short`);
    };

    test("is not decoded", () => {
      const bytes = query(ascii("NODE"));
      refused("bytes", () => codec.decode(gone(bytes)));
      refused("bytes", () => codec.tryDecode(gone(bytes)));
      refused("bytes", () => codec.decodeInto(gone(bytes), new PacketFields()));
      refused("list[1]", () => codec.decodeMany([bytes, gone(bytes)]));
    });

    test("is no part of a packet, and none is written for it", () => {
      const lost = gone(IP6);
      const target = new Uint8Array(64).fill(7);
      for (const [name, packet] of [
        ["packet.nodeId", { type: "query", nodeId: lost }],
        ["packet.ip", { type: "announcement", nodeId: ascii("NODE"), port: 1, ip: lost }],
      ] as [string, Packet][]) {
        refused(name, () => codec.encode(packet));
        refused(name, () => codec.encodeMany([packet]));
        refused(name, () => codec.encodeInto(packet, target));
      }
      expect(target).toEqual(new Uint8Array(64).fill(7));
      refused("target", () => codec.encodeInto({ type: "query", nodeId: EMPTY }, gone(target)));
    });
  });

  test("decodeInto refuses fields that are none", () => {
    for (const [wrong, kind] of [
      [undefined, "undefined"],
      [null, "null"],
      ["fields", "string"],
    ]) {
      const wanted = new TypeError(`fields: expected a PacketFields, got ${kind}`);
      expect(() => codec.decodeInto(query(EMPTY), wrong as never)).toThrow(wanted);
    }
  });

  test("decodeMany gives a plain array, whatever list it is given", () => {
    class Datagrams extends Array<Uint8Array> {}
    const results = codec.decodeMany(Datagrams.of(query(EMPTY), EMPTY));
    expect(results.constructor).toBe(Array);
    expect(results.map(({ ok }) => ok)).toEqual([true, false]);
  });
});

test.each(GONE)("a view %s has no text", (_, gone) => {
  for (const call of [nodeIdToText, bytesToHex, ipToText]) {
    expect(() => call(gone(IP6))).toThrow(/^(nodeId|bytes|ip): its buffer is detached/);
  }
});
