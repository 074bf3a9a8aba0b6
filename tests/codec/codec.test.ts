// The documented behavior of the codec, on both backends.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type Codec,
  createCodec,
  type Packet,
  PacketError,
  type PacketErrorCode,
  PacketFields,
} from "../../src/codec/index.ts";
import { announcement, ascii, hex, query } from "../support/packets.ts";
import { Random } from "../support/random.ts";
import { encoded, packets } from "./packet-values.ts";

const SEED = 4506;
const ID = ascii("NODEID");
const IP4 = Uint8Array.of(10, 9, 0, 2);
const IP6 = Uint8Array.fromHex("20010db8000000000000000000000001");
const NONE = new Uint8Array(0);
const bytesOf = (text: string): Uint8Array => Uint8Array.fromHex(text.replaceAll(" ", ""));

/**
 * A view with bytes of 0xff before and after it. If the codec ignores the view's offset or reads past its end, the test
 * fails.
 */
function surrounded(bytes: Uint8Array, buffer: ArrayBufferLike = new ArrayBuffer(bytes.length + 32)): Uint8Array {
  const all = new Uint8Array(buffer).fill(255);
  all.set(bytes, 13);
  return all.subarray(13, 13 + bytes.length);
}

const ERRORS: readonly [PacketErrorCode, number, string, string][] = [
  ["short", 0, "", "no bytes"],
  ["short", 3, "deadbe", "fewer than 4 bytes of any content"],
  ["short", 4, "20121025", "an announcement that ends before its port"],
  ["short", 7, "20121025 55f000", "an announcement that ends in its reserved bytes"],
  ["short", 11, "20121025 55f00000 000000", "an announcement that ends in the length of its NodeID"],
  ["short", 7, "19760309 000000", "a query that ends in the length of its NodeID"],
  ["short", 11, "19760309 00000002 616200", "a query that ends in its padding"],
  ["short", 13, "20121025 55f00000 00000001 61", "an announcement that ends before its padding"],
  ["short", 16, "20121025 55f00000 00000001 61000000", "an announcement without the length of its IP"],
  ["bad-magic", 0, "00121025 55f00000", "the magic number of version 0.1"],
  ["bad-magic", 0, "20121026 00000001 00000000", "a magic number that differs by 1"],
  ["bad-reserved", 6, "20121025 55f00001", "a reserved half-word of 1"],
  ["bad-reserved", 6, "20121025 000055f0 ffffffff", "a port in the low half, followed by a bad length of the NodeID"],
  ["bad-id-length", 4, "19760309 00000005 61626364", "a query whose NodeID is a byte too short"],
  ["bad-id-length", 8, "20121025 55f00000 ffffffff 61626364", "an announcement with a NodeID of 2^32 - 1 bytes"],
  ["bad-ip-length", 12, "20121025 55f00000 00000000 00000005 0102030405", "an IP of 5 bytes"],
  ["bad-ip-length", 16, "20121025 55f00000 00000001 61000000 00000010 01020304", "an IPv6 address cut short"],
  ["bad-ip-length", 20, "20121025 55f00000 00000005 6162636465000000 ffffffff", "an IP of 2^32 - 1 bytes"],
  ["trailing", 8, "19760309 00000000 00", "a byte after a query"],
  ["trailing", 12, "19760309 00000002 61620000 00000000", "a word after a query"],
  ["trailing", 16, "20121025 55f00000 00000000 00000000 01020304", "an IP whose length is 0"],
  ["trailing", 24, "20121025 55f00000 00000001 61000000 00000004 01020304 00", "a byte after an announcement"],
];

describe.each(["wasm", "ts"] as const)("the %s codec", (backend) => {
  const codec: Codec = createCodec({ backend });

  test(`runs on ${backend}`, () => {
    expect(codec.backend).toBe(backend);
  });

  describe("decoding", () => {
    test("returns the fields of an announcement", () => {
      const bytes = bytesOf("20121025 55f00000 00000006 4e4f44454944ffff 00000004 0a090002");
      const packet: Packet = { type: "announcement", nodeId: ID, port: 22000, ip: IP4 };
      expect(codec.decode(bytes)).toStrictEqual(packet);
      expect(codec.tryDecode(bytes)).toStrictEqual({ ok: true, packet });
    });

    test("returns the fields of a query", () => {
      const bytes = bytesOf("19760309 00000006 4e4f44454944 0000");
      expect(codec.decode(bytes)).toStrictEqual({ type: "query", nodeId: ID });
    });

    test.each(ERRORS)("reports %s at byte %d of %s: %s", (code, offset, text) => {
      const bytes = surrounded(bytesOf(text));
      expect(codec.tryDecode(bytes)).toStrictEqual({ ok: false, code, offset });
      const error = thrownBy(() => codec.decode(bytes));
      expect(error).toBeInstanceOf(PacketError);
      expect(error).toMatchObject({ name: "PacketError", code, offset });
      expect((error as Error).message).toEndWith(`(${code}, at byte ${offset})`);
    });

    test("has a case above for every error code", () => {
      expect(new Set(ERRORS.map(([code]) => code)).size).toBe(6);
    });

    test("accepts views of the middle of a buffer, also of a SharedArrayBuffer", () => {
      fc.assert(
        fc.property(packets, (packet) => {
          const bytes = encoded(packet);
          expect(codec.decode(surrounded(bytes))).toStrictEqual(packet);
          expect(codec.decode(surrounded(bytes, new SharedArrayBuffer(bytes.length + 32)))).toStrictEqual(packet);
        }),
        { seed: SEED, numRuns: 100 },
      );
    });

    test.each([
      ["Uint8Array", (bytes: Uint8Array) => bytes],
      ["Buffer", (bytes: Uint8Array) => Buffer.from(bytes)],
      [
        "view of a SharedArrayBuffer",
        (bytes: Uint8Array) => surrounded(bytes, new SharedArrayBuffer(bytes.length + 32)),
      ],
    ])("copies the bytes of a packet from a %s into new Uint8Arrays with buffers of their own", (_, as) => {
      const bytes = as(announcement(ID, 22000, IP6));
      const packet = codec.decode(bytes);
      bytes.fill(0);
      codec.decode(announcement(ascii("OTHER!"), 1, new Uint8Array(16)));
      expect(packet).toStrictEqual({ type: "announcement", nodeId: ID, port: 22000, ip: IP6 });
      for (const copy of packet.type === "announcement" ? [packet.nodeId, packet.ip] : []) {
        expect(copy.constructor).toBe(Uint8Array);
        expect(copy.buffer).toBeInstanceOf(ArrayBuffer);
        expect(copy.buffer.byteLength).toBe(copy.length);
      }
    });

    test("throws a TypeError for input that is not a Uint8Array", () => {
      for (const wrong of [undefined, null, "1976030900000000", [1, 2, 3, 4], new Uint16Array(8), new ArrayBuffer(8)]) {
        expect(() => codec.decode(wrong as never)).toThrow(TypeError);
        expect(() => codec.tryDecode(wrong as never)).toThrow(TypeError);
        expect(() => codec.decodeInto(wrong as never, new PacketFields())).toThrow(TypeError);
        expect(() => codec.decodeMany([query(ID), wrong as never])).toThrow(TypeError);
        expect(() => codec.decodeMany(wrong as never)).toThrow(TypeError);
      }
      expect(() => codec.decode("00" as never)).toThrow("bytes: expected a Uint8Array, got string");
      expect(() => codec.decodeMany([NONE, "00" as never])).toThrow("list[1]: expected a Uint8Array, got string");
    });
  });

  describe("decodeInto", () => {
    test("returns the offsets and lengths of the fields of an announcement", () => {
      const fields = new PacketFields();
      expect(codec.decodeInto(surrounded(announcement(ID, 22000, IP6)), fields)).toBe(true);
      expect({ ...fields }).toStrictEqual({
        type: "announcement",
        port: 22000,
        nodeIdOffset: 12,
        nodeIdLength: 6,
        ipOffset: 24,
        ipLength: 16,
        code: undefined,
        errorOffset: 0,
      });
      expect(codec.decodeInto(announcement(ID, 1), fields)).toBe(true);
      expect(fields).toMatchObject({ port: 1, ipOffset: 24, ipLength: 0 });
    });

    test("overwrites all fields of the previous packet", () => {
      const used = new PacketFields();
      for (const bytes of [
        query(ID),
        announcement(ID, 22000, IP6),
        query(NONE),
        bytesOf("20121025 55f00001"),
        announcement(NONE, 0),
        NONE,
        query(ID),
      ]) {
        const fresh = new PacketFields();
        expect(codec.decodeInto(bytes, used)).toBe(codec.decodeInto(bytes, fresh));
        expect(used).toStrictEqual(fresh);
      }
    });

    test("returns offsets and lengths that give the NodeID and the IP as views of the datagram", () => {
      const fields = new PacketFields();
      fc.assert(
        fc.property(packets, (packet) => {
          const bytes = surrounded(encoded(packet));
          expect(codec.decodeInto(bytes, fields)).toBe(true);
          const cut = (at: number, length: number) => hex(bytes.subarray(at, at + length));
          expect(fields.type).toBe(packet.type);
          expect(cut(fields.nodeIdOffset, fields.nodeIdLength)).toBe(hex(packet.nodeId));
          expect(cut(fields.ipOffset, fields.ipLength)).toBe(packet.type === "query" ? "" : hex(packet.ip));
        }),
        { seed: SEED, numRuns: 200 },
      );
    });
  });

  describe("encoding", () => {
    test("writes the bytes of the protocol", () => {
      expect(hex(codec.encode({ type: "announcement", nodeId: ID, port: 0x55f0, ip: IP4 }))).toBe(
        "2012102555f00000000000064e4f444549440000000000040a090002",
      );
      expect(hex(codec.encode({ type: "query", nodeId: ascii("A") }))).toBe("197603090000000141000000");
    });

    test("writes the same bytes as the tests' own encoder, and decodes them to the same packet", () => {
      fc.assert(
        fc.property(packets, (packet) => {
          const bytes = codec.encode(packet);
          expect(hex(bytes)).toBe(hex(encoded(packet)));
          expect(codec.decode(bytes)).toStrictEqual(packet);
        }),
        { seed: SEED, numRuns: 500 },
      );
    });

    test("returns each packet in a buffer of its own", () => {
      const [a, b] = codec.encodeMany([
        { type: "query", nodeId: ID },
        { type: "query", nodeId: ascii("OTHER!") },
      ]);
      expect(hex(a!)).toBe(hex(query(ID)));
      expect(a!.buffer.byteLength).toBe(a!.length);
      expect(b!.buffer).not.toBe(a!.buffer);
    });

    const announce = { type: "announcement", nodeId: ID, port: 22000, ip: IP4 };
    test.each([
      [TypeError, "packet: expected an object, got undefined", undefined],
      [TypeError, "packet: expected an object, got null", null],
      [TypeError, "packet: expected an object, got string", "query"],
      [TypeError, "packet.type: expected a string, got undefined", {}],
      [RangeError, 'packet.type: expected "announcement" or "query", got reply', { type: "reply", nodeId: ID }],
      [TypeError, "packet.nodeId: expected a Uint8Array, got undefined", { type: "query" }],
      [TypeError, "packet.nodeId: expected a Uint8Array, got string", { type: "query", nodeId: "NODEID" }],
      [TypeError, "packet.nodeId: expected a Uint8Array, got Array", { ...announce, nodeId: [1, 2] }],
      [TypeError, "packet.port: expected a number, got undefined", { ...announce, port: undefined }],
      [TypeError, "packet.port: expected a number, got string", { ...announce, port: "22000" }],
      [TypeError, "packet.port: expected a number, got bigint", { ...announce, port: 22000n }],
      [RangeError, "packet.port: expected an integer, 0 to 65535, got -1", { ...announce, port: -1 }],
      [RangeError, "packet.port: expected an integer, 0 to 65535, got 65536", { ...announce, port: 65536 }],
      [RangeError, "packet.port: expected an integer, 0 to 65535, got 0.5", { ...announce, port: 0.5 }],
      [RangeError, "packet.port: expected an integer, 0 to 65535, got 4294967297", { ...announce, port: 2 ** 32 + 1 }],
      [RangeError, "packet.port: expected an integer, 0 to 65535, got NaN", { ...announce, port: Number.NaN }],
      [TypeError, "packet.ip: expected a Uint8Array, got undefined", { ...announce, ip: undefined }],
      [TypeError, "packet.ip: expected a Uint8Array, got string", { ...announce, ip: "10.9.0.2" }],
      [
        RangeError,
        "packet.ip: expected 4 bytes (IPv4), 16 (IPv6) or none, got 5",
        { ...announce, ip: new Uint8Array(5) },
      ],
    ])("throws %p for an invalid packet: %s", (kind, message, packet) => {
      const target = new Uint8Array(64).fill(7);
      for (const call of [
        () => codec.encode(packet as never),
        () => codec.encodeInto(packet as never, target),
        () => codec.encodeMany([packet as never]),
      ]) {
        expect(thrownBy(call)).toBeInstanceOf(kind);
        expect(call).toThrow(message);
      }
      expect(target).toEqual(new Uint8Array(64).fill(7));
    });

    test("ignores other properties of the object, and accepts the ports 0 and 65535", () => {
      const more = { type: "query", nodeId: ID, port: 99999, ip: "none" } as const;
      expect(hex(codec.encode(more as never))).toBe(hex(query(ID)));
      for (const port of [0, 65535]) {
        expect(codec.decode(codec.encode({ type: "announcement", nodeId: ID, port, ip: NONE }))).toMatchObject({
          port,
        });
      }
    });
  });

  describe("encodeInto", () => {
    const packet: Packet = { type: "announcement", nodeId: ID, port: 22000, ip: IP4 };
    const size = announcement(ID, 22000, IP4).length;

    test("writes the result of encode at the offset, and no byte before or after it", () => {
      fc.assert(
        fc.property(packets, fc.nat(40), (packet, offset) => {
          const wanted = codec.encode(packet);
          const target = new Uint8Array(offset + wanted.length + 9).fill(255);
          expect(codec.encodeInto(packet, target, offset)).toBe(wanted.length);
          expect(hex(target)).toBe("ff".repeat(offset) + hex(wanted) + "ff".repeat(9));
        }),
        { seed: SEED, numRuns: 200 },
      );
    });

    test("starts at offset 0 by default, and can fill the target completely", () => {
      const target = new Uint8Array(size);
      expect(codec.encodeInto(packet, target)).toBe(size);
      expect(hex(target)).toBe(hex(announcement(ID, 22000, IP4)));
    });

    test("writes into a view of a SharedArrayBuffer", () => {
      const target = new Uint8Array(new SharedArrayBuffer(size + 4), 4);
      codec.encodeInto(packet, target);
      expect(hex(target)).toBe(hex(announcement(ID, 22000, IP4)));
    });

    test.each([
      [size - 1, 0],
      [size, 1],
      [0, 0],
      [size + 5, 6],
      [10, 10],
    ])(
      "throws a RangeError if a target of %d bytes is too short from offset %d on, and does not change it",
      (length, offset) => {
        const target = new Uint8Array(length).fill(7);
        expect(() => codec.encodeInto(packet, target, offset)).toThrow(RangeError);
        expect(() => codec.encodeInto(packet, target, offset)).toThrow(
          `target: the packet needs ${size} bytes, but from offset ${offset} only ${length - offset} are left`,
        );
        expect(target).toEqual(new Uint8Array(length).fill(7));
      },
    );

    test("throws for an invalid offset or target, and does not change the target", () => {
      const target = new Uint8Array(100).fill(7);
      for (const offset of [-1, 0.5, 101, Number.NaN, Infinity]) {
        const wanted = `offset: expected an integer, 0 to the target's length, 100, got ${offset}`;
        expect(() => codec.encodeInto(packet, target, offset)).toThrow(new RangeError(wanted));
      }
      for (const offset of [null, "0"]) {
        expect(() => codec.encodeInto(packet, target, offset as never)).toThrow(TypeError);
      }
      for (const wrong of [undefined, null, new ArrayBuffer(100), new Array(100)]) {
        expect(() => codec.encodeInto(packet, wrong as never)).toThrow(TypeError);
      }
      expect(target).toEqual(new Uint8Array(100).fill(7));
    });

    test("writes a packet correctly if its NodeID and IP are views of the target, at any position", () => {
      const position = fc.nat(40);
      fc.assert(
        fc.property(
          fc.nat(30),
          fc.constantFrom(0, 4, 16),
          position,
          position,
          position,
          (length, ipLength, id, ip, offset) => {
            const target = new Random(length).bytes(120);
            const nodeId = target.subarray(id, id + length);
            const moving: Packet = {
              type: "announcement",
              nodeId,
              port: 22000,
              ip: target.subarray(ip, ip + ipLength),
            };
            const wanted = announcement(nodeId.slice(), 22000, moving.ip.slice());
            codec.encodeInto(moving, target, offset);
            expect(hex(target.subarray(offset, offset + wanted.length))).toBe(hex(wanted));

            const asked = query(nodeId.slice());
            codec.encodeInto({ type: "query", nodeId }, target, offset);
            expect(hex(target.subarray(offset, offset + asked.length))).toBe(hex(asked));
          },
        ),
        { seed: SEED, numRuns: 1000 },
      );
    });
  });

  describe("many packets", () => {
    /** Datagrams, valid and malformed, short and long, some over 64 KB. */
    function list(count: number, seed: number): Uint8Array[] {
      const random = new Random(seed);
      return Array.from({ length: count }, (_, i) => {
        const length = i % 1000 === 500 ? 60_000 + random.below(100_000) : random.below(i % 50 === 0 ? 3000 : 80);
        const nodeId = random.bytes(length);
        const bytes = random.once(3)
          ? query(nodeId)
          : announcement(nodeId, random.below(65536), random.pick([NONE, IP4, IP6]));
        return random.once(4) ? bytes.subarray(0, random.below(bytes.length)) : bytes;
      });
    }

    test.each([0, 1, 63, 64, 65, 128, 10_000])(
      "decodeMany returns the result of tryDecode for each of %d datagrams",
      (count) => {
        const packets = list(count, count + 1);
        expect(codec.decodeMany(packets)).toStrictEqual(packets.map((bytes) => codec.tryDecode(bytes)));
      },
    );

    test.each([0, 1, 65, 10_000])(
      "encodeMany returns the results of encode, for the valid packets of %d datagrams",
      (count) => {
        const packets = codec
          .decodeMany(list(count, count + 2))
          .flatMap((result) => (result.ok ? [result.packet] : []));
        if (count > 1) expect(packets.length).toBeGreaterThan(count / 2);
        const all = codec.encodeMany(packets);
        expect(all).toStrictEqual(packets.map((packet) => codec.encode(packet)));
        expect(all.map(hex)).toEqual(packets.map((packet) => hex(encoded(packet))));
      },
    );

    test("decodeMany accepts the same array several times, and batches that fill the memory to the last byte", () => {
      // The memory of the wasm backend has 128 KiB, of which 2,560 bytes are for the fields and the table.
      const half = query(new Uint8Array((131_072 - 2560) / 2 - 8).fill(1));
      for (const more of [-4, 0, 4]) {
        const other = query(new Uint8Array(half.length - 8 + more).fill(2));
        const packets = [half, other, half, query(ID)];
        expect(codec.decodeMany(packets)).toStrictEqual(packets.map((bytes) => codec.tryDecode(bytes)));
      }
    });

    test("a wrong type or a hole in the list is a TypeError", () => {
      expect(() => codec.encodeMany([{ type: "query", nodeId: ID }, undefined as never])).toThrow(TypeError);
      expect(() => codec.encodeMany("packets" as never)).toThrow(TypeError);
      expect(() => codec.encodeMany(new Array(2))).toThrow(TypeError);
      expect(() => codec.decodeMany(new Array(2))).toThrow(TypeError);
    });
  });

  describe("long packets", () => {
    const MiB = 2 ** 20;
    // The longest NodeIDs whose announcement fits into the memory of the wasm backend: at first, and after it has grown
    // to its maximum. That memory has 128 KiB at first and 16 MiB at most, of which 2,560 bytes are not for packets. An
    // announcement is 32 bytes longer than its NodeID.
    const firstEdge = 128 * 1024 - 2560 - 32;
    const lastEdge = 16 * MiB - 2560 - 32;
    test.each([
      65_507,
      firstEdge,
      firstEdge + 1,
      firstEdge + 4,
      200_000,
      MiB + 1,
      lastEdge,
      lastEdge + 1,
      17 * MiB + 3,
    ])("a NodeID of %d bytes is encoded and decoded correctly, and so are short packets after it", (length) => {
      const nodeId = new Uint8Array(length).fill(0x55);
      nodeId[0] = 1;
      nodeId[length - 1] = 2;
      const packet: Packet = { type: "announcement", nodeId, port: 22000, ip: IP6 };
      const bytes = announcement(nodeId, 22000, IP6);

      const decoder = createCodec({ backend });
      const back = decoder.decode(bytes);
      expect(Buffer.compare(back.nodeId, nodeId)).toBe(0);
      expect(back).toMatchObject({ port: 22000, ip: IP6 });
      const cut = { ok: false as const, code: "bad-ip-length" as const, offset: 12 + Math.ceil(length / 4) * 4 };
      expect(decoder.tryDecode(bytes.subarray(0, -1))).toEqual(cut);
      expect(decoder.decode(query(ID))).toStrictEqual({ type: "query", nodeId: ID });

      const encoder = createCodec({ backend });
      expect(encoder.encodeInto({ type: "query", nodeId: ID }, new Uint8Array(16))).toBe(16);
      expect(Buffer.compare(encoder.encode(packet), bytes)).toBe(0);
      const target = new Uint8Array(16);
      expect(encoder.encodeInto({ type: "query", nodeId: ID }, target)).toBe(16);
      expect(hex(target)).toBe(hex(query(ID)));
    });

    test("a NodeID of 2^32 bytes is a RangeError, since its length would be written as 0", () => {
      const packet: Packet = { type: "query", nodeId: new Uint8Array(2 ** 32) };
      expect(() => codec.encodeInto(packet, new Uint8Array(16))).toThrow(
        new RangeError("packet.nodeId: expected at most 4294967295 bytes, got 4294967296"),
      );
    });

    test("a datagram of more than 2^31 bytes is decoded correctly", () => {
      const fields = new PacketFields();
      // The operating system allocates no memory for zeros that are never accessed.
      const bytes = new Uint8Array(2 ** 31 + 64);
      const view = new DataView(bytes.buffer);
      view.setUint32(0, 0x19760309);
      view.setUint32(4, bytes.length - 8);
      expect(codec.decodeInto(bytes, fields)).toBe(true);
      expect(fields).toMatchObject({ type: "query", nodeIdOffset: 8, nodeIdLength: 2 ** 31 + 56 });
      view.setUint32(4, bytes.length - 12);
      expect(codec.decodeInto(bytes, fields)).toBe(false);
      expect(fields).toMatchObject({ code: "trailing", errorOffset: bytes.length - 4 });
      view.setUint32(4, bytes.length - 7);
      expect(codec.decodeInto(bytes, fields)).toBe(false);
      expect(fields).toMatchObject({ code: "bad-id-length", errorOffset: 4 });
      view.setUint32(0, 0x20121025);
      view.setUint32(4, 22000 << 16);
      view.setUint32(8, bytes.length - 16 - 4);
      view.setUint32(bytes.length - 8, 4);
      expect(codec.decodeInto(bytes, fields)).toBe(true);
      expect(fields).toMatchObject({ type: "announcement", ipOffset: bytes.length - 4, ipLength: 4 });
    });
  });

  test("methods work without `this`", () => {
    const { decode, encode, tryDecode } = codec;
    expect([query(ID)].map((bytes) => decode(bytes))).toStrictEqual([{ type: "query", nodeId: ID }]);
    expect(hex(encode({ type: "query", nodeId: ID }))).toBe(hex(query(ID)));
    expect(tryDecode(NONE).ok).toBe(false);
  });

  test("two codecs are independent of each other", () => {
    const other = createCodec({ backend });
    const packet = codec.decode(announcement(ID, 1, IP4));
    other.decode(announcement(ascii("OTHER!"), 2, IP6));
    expect(packet).toStrictEqual({ type: "announcement", nodeId: ID, port: 1, ip: IP4 });
  });
});

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}
