// Views of every kind are read as the bytes that they show. A detached view is a TypeError, not an empty input.
import { describe, expect, test } from "bun:test";
import { bytesToHex, createCodec, ipToText, nodeIdToText, type Packet, PacketFields } from "../../src/codec/index.ts";
import { announcement, ascii, hex, query } from "../support/packets.ts";
import { DETACHED, thrownBy, VIEWS } from "./views.ts";

const IP6 = Uint8Array.fromHex("20010db8000000000000000000000001");
/** One that is short enough to be copied in a loop, and one that is not. */
const IDS = [ascii("NODE"), ascii("N".repeat(53))];
const EMPTY = new Uint8Array(0);

describe.each(["wasm", "ts"] as const)("on %s", (backend) => {
  const codec = createCodec({ backend });

  describe.each(VIEWS)("%s", (_, as) => {
    test.each(IDS)("is decoded into plain Uint8Arrays", (nodeId) => {
      const bytes = announcement(nodeId, 22000, IP6);
      const packet: Packet = { type: "announcement", nodeId, port: 22000, ip: IP6 };
      expect(codec.decode(as(bytes))).toStrictEqual(packet);
      expect(codec.tryDecode(as(bytes))).toStrictEqual({ ok: true, packet });
      expect(codec.decodeMany([as(bytes)])).toStrictEqual([{ ok: true, packet }]);
      const fields = new PacketFields();
      expect(codec.decodeInto(as(bytes), fields)).toBe(true);
      expect(fields).toMatchObject({ port: 22000, nodeIdLength: nodeId.length, ipLength: 16 });
    });

    test.each(IDS)("can be the NodeID, the IP or the target of encoding", (nodeId) => {
      const bytes = announcement(nodeId, 22000, IP6);
      const packet: Packet = { type: "announcement", nodeId: as(nodeId), port: 22000, ip: as(IP6) };
      expect(hex(codec.encode(packet))).toBe(hex(bytes));
      const target = as(new Uint8Array(bytes.length));
      expect(codec.encodeInto(packet, target)).toBe(bytes.length);
      expect(hex(new Uint8Array(target))).toBe(hex(bytes));
    });

    test("of no bytes is a short datagram, or an empty NodeID", () => {
      expect(codec.tryDecode(as(EMPTY))).toEqual({ ok: false, code: "short", offset: 0 });
      expect(hex(codec.encode({ type: "query", nodeId: as(EMPTY) }))).toBe(hex(query(EMPTY)));
    });
  });

  describe.each(DETACHED)("a view %s", (_, detach) => {
    const expectRefused = (name: string, call: () => unknown) => {
      const error = thrownBy(call);
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toBe(`${name}: its buffer is detached or has become too short`);
    };

    test("cannot be decoded", () => {
      const bytes = query(ascii("NODE"));
      expectRefused("bytes", () => codec.decode(detach(bytes)));
      expectRefused("bytes", () => codec.tryDecode(detach(bytes)));
      expectRefused("bytes", () => codec.decodeInto(detach(bytes), new PacketFields()));
      expectRefused("list[1]", () => codec.decodeMany([bytes, detach(bytes)]));
    });

    test("cannot be part of a packet or the target, and nothing is written", () => {
      const detached = detach(IP6);
      const target = new Uint8Array(64).fill(7);
      for (const [name, packet] of [
        ["packet.nodeId", { type: "query", nodeId: detached }],
        ["packet.ip", { type: "announcement", nodeId: ascii("NODE"), port: 1, ip: detached }],
      ] as [string, Packet][]) {
        expectRefused(name, () => codec.encode(packet));
        expectRefused(name, () => codec.encodeMany([packet]));
        expectRefused(name, () => codec.encodeInto(packet, target));
      }
      expect(target).toEqual(new Uint8Array(64).fill(7));
      expectRefused("target", () => codec.encodeInto({ type: "query", nodeId: EMPTY }, detach(target)));
    });
  });

  test("decodeInto throws a TypeError if `fields` is not an object", () => {
    for (const [wrong, kind] of [
      [undefined, "undefined"],
      [null, "null"],
      ["fields", "string"],
    ]) {
      const wanted = new TypeError(`fields: expected a PacketFields, got ${kind}`);
      expect(() => codec.decodeInto(query(EMPTY), wrong as never)).toThrow(wanted);
    }
  });

  test("decodeMany returns a plain array even for a subclass of Array", () => {
    class Datagrams extends Array<Uint8Array> {}
    const results = codec.decodeMany(Datagrams.of(query(EMPTY), EMPTY));
    expect(results.constructor).toBe(Array);
    expect(results.map(({ ok }) => ok)).toEqual([true, false]);
  });
});

test.each(DETACHED)("a view %s cannot be written as text", (_, detach) => {
  for (const call of [nodeIdToText, bytesToHex, ipToText]) {
    expect(() => call(detach(IP6))).toThrow(/^(nodeId|bytes|ip): its buffer is detached/);
  }
});
