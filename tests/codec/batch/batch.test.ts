// Batches: columns of packets, on both backends.
import { describe, expect, spyOn, test } from "bun:test";
import {
  type BatchOptions,
  createCodec,
  PACKET_STATUS,
  type Packet,
  type PacketBatch,
  PacketError,
} from "../../../src/codec/index.ts";
import { announcement, ascii, hex, query } from "../../support/packets.ts";
import { thrownBy, VIEWS } from "../views.ts";
import { fillWith, rowOf } from "./rows.ts";

const ID = ascii("NODEID");
const IP4 = Uint8Array.of(10, 9, 0, 2);
const IP6 = Uint8Array.fromHex("20010db8000000000000000000000001");
const GOOD = [query(ID), announcement(ID, 22000), announcement(ascii("B"), 1, IP4), announcement(ID, 65535, IP6)];
const BAD = ["", "dead", "00000000", "2012102500000001", "1976030900000009", "201210250000000000000000000000ff"];

describe.each(["wasm", "ts"] as const)("a batch on %s", (backend) => {
  const codec = createCodec({ backend });
  const create = (packets = 8, bytes = 4096): PacketBatch => codec.batch({ packets, bytes });

  test("has columns of the right length, and names its backend", () => {
    const batch = create(5, 1000);
    expect(batch.backend).toBe(backend);
    expect(batch.bytes.length).toBe(1000);
    expect(batch.count).toBe(0);
    const { offsets, lengths, status, port, nodeIdOffset, nodeIdLength, ipOffset, ipLength } = batch;
    for (const column of [offsets, lengths, status, port, nodeIdOffset, nodeIdLength, ipOffset, ipLength]) {
      expect(column).toBeInstanceOf(Uint32Array);
      expect(column.length).toBe(5);
    }
    expect(batch.decode()).toBe(0);
    expect(batch.encode()).toBe(0);
  });

  describe("decode", () => {
    test("writes the fields of packets to columns, with offsets from the start of the room", () => {
      const batch = create();
      fillWith(batch, GOOD);
      expect(batch.decode()).toBe(4);
      const [, a, b, c] = [...batch.offsets];
      expect([0, 1, 2, 3].map((row) => rowOf(batch, row))).toEqual([
        { status: PACKET_STATUS.query, port: 0, nodeIdOffset: 8, nodeIdLength: 6, ipOffset: 0, ipLength: 0 },
        {
          status: PACKET_STATUS.announcement,
          port: 22000,
          nodeIdOffset: a! + 12,
          nodeIdLength: 6,
          ipOffset: a! + 24,
          ipLength: 0,
        },
        {
          status: PACKET_STATUS.announcement,
          port: 1,
          nodeIdOffset: b! + 12,
          nodeIdLength: 1,
          ipOffset: b! + 20,
          ipLength: 4,
        },
        {
          status: PACKET_STATUS.announcement,
          port: 65535,
          nodeIdOffset: c! + 12,
          nodeIdLength: 6,
          ipOffset: c! + 24,
          ipLength: 16,
        },
      ]);
    });

    test("writes the error to the status of what is no packet, and 0 to its other columns", () => {
      const batch = create(6);
      fillWith(batch, [GOOD[0]!, GOOD[1]!, GOOD[2]!, GOOD[3]!, GOOD[1]!, GOOD[2]!]);
      batch.decode();
      fillWith(batch, BAD.map(Uint8Array.fromHex));
      expect(batch.decode()).toBe(0);
      const names = ["short", "short", "bad-magic", "bad-reserved", "bad-id-length", "bad-ip-length"] as const;
      for (const [row, name] of names.entries()) {
        const status = PACKET_STATUS[name];
        expect(rowOf(batch, row)).toEqual({
          status,
          port: 0,
          nodeIdOffset: 0,
          nodeIdLength: 0,
          ipOffset: 0,
          ipLength: 0,
        });
      }
    });

    test("reads datagrams that a program received straight into the room, at any place and in any order", () => {
      const batch = create(3, 300);
      batch.bytes.fill(0xff);
      batch.bytes.set(GOOD[3]!, 3);
      batch.bytes.set(GOOD[0]!, 300 - GOOD[0]!.length);
      batch.offsets.set([300 - GOOD[0]!.length, 3, 3]);
      batch.lengths.set([GOOD[0]!.length, GOOD[3]!.length, 10]);
      batch.count = 3;
      expect(batch.decode()).toBe(2);
      expect(batch.packet(0)).toEqual({ type: "query", nodeId: ID });
      expect(batch.packet(1)).toEqual({ type: "announcement", nodeId: ID, port: 65535, ip: IP6 });
      expect(batch.result(2)).toEqual({ ok: false, code: "short", offset: 10 });
    });

    test("does not touch rows from count on", () => {
      const batch = create(4);
      fillWith(batch, GOOD);
      batch.decode();
      const before = rowOf(batch, 2);
      batch.fill(query(ascii("X")), [0], [12]);
      batch.decode();
      expect(rowOf(batch, 0).nodeIdLength).toBe(1);
      expect(rowOf(batch, 2)).toEqual(before);
    });

    test("decodes again after a program has cut headers off, by the changed offsets and lengths", () => {
      const batch = create(1);
      batch.fill(Uint8Array.of(1, 2, 3, ...GOOD[0]!), [0], [3 + GOOD[0]!.length]);
      expect(batch.decode()).toBe(0);
      batch.offsets[0]! += 3;
      batch.lengths[0]! -= 3;
      expect(batch.decode()).toBe(1);
    });

    test("throws a RangeError for a datagram beyond what was filled in, and has decoded the rows before it", () => {
      const batch = create(4);
      fillWith(batch, GOOD);
      batch.decode();
      const bytes = GOOD[0]!;
      batch.fill(bytes, [0, 4, 0], [bytes.length, bytes.length, bytes.length]);
      batch.status.fill(99);
      expect(() => batch.decode()).toThrow(
        new RangeError(`offsets[1]: 16 bytes from 4 on go beyond the 16 bytes that there are`),
      );
      expect([...batch.status]).toEqual([PACKET_STATUS.query, 99, 99, 99]);
    });

    test.each([
      [4097, 0],
      [4096, 1],
      [0, 4097],
      [0xffff_ffff, 0xffff_ffff],
      [0xffff_ffff, 1],
      [0x8000_0000, 0x8000_0000],
    ])("throws a RangeError for a datagram at %d of %d bytes, which is not in the room", (offset, length) => {
      const batch = create();
      batch.offsets[0] = offset;
      batch.lengths[0] = length;
      batch.count = 1;
      expect(() => batch.decode()).toThrow(/^offsets\[0\]: .* go beyond the 4096 bytes that there are$/);
      // It still works afterwards.
      fillWith(batch, GOOD);
      expect(batch.decode()).toBe(4);
    });
  });

  describe("fill", () => {
    test.each(VIEWS)("copies %s", (_, as) => {
      const batch = create();
      const bytes = as(new Uint8Array([...GOOD[0]!, ...GOOD[1]!]));
      batch.fill(bytes, Uint32Array.of(0, 16), Uint32Array.of(16, 24));
      bytes.fill(0);
      batch.decode();
      expect(batch.packet(0)).toEqual({ type: "query", nodeId: ID });
    });

    test("takes arrays and typed arrays of numbers, and a count if they are longer", () => {
      const batch = create(2);
      for (const of of [Array, Uint32Array, Uint16Array, Float64Array, Int32Array]) {
        batch.fill(GOOD[0]!, of.of(0, 77, 88) as never, of.of(16, 0, 0) as never, 1);
        expect(batch.count).toBe(1);
        expect(batch.decode()).toBe(1);
      }
    });

    const bytes = GOOD[0]!;
    const one = [0];
    test.each([
      [TypeError, "bytes: expected a Uint8Array, got Array", [[1, 2], one, [16]]],
      [TypeError, "bytes: expected a Uint8Array, got ArrayBuffer", [bytes.buffer, one, [16]]],
      [TypeError, "offsets: expected an array or typed array of numbers, got number", [bytes, 0, [16]]],
      [
        TypeError,
        "offsets: expected an array or typed array of numbers, got DataView",
        [bytes, new DataView(bytes.buffer), [16]],
      ],
      [TypeError, "lengths: expected an array or typed array of numbers, got undefined", [bytes, one, undefined]],
      [TypeError, "offsets[0]: expected a number, got string", [bytes, ["0"], [16]]],
      [TypeError, "lengths[0]: expected a number, got bigint", [bytes, [0], BigInt64Array.of(16n)]],
      [TypeError, "lengths[1]: expected a number, got undefined", [bytes, [0, 0], [16, undefined]]],
      [RangeError, "offsets[0]: expected an integer, 0 to 4294967295, got -1", [bytes, [-1], [16]]],
      [RangeError, "lengths[0]: expected an integer, 0 to 4294967295, got 1.5", [bytes, [0], [1.5]]],
      [RangeError, "lengths[0]: expected an integer, 0 to 4294967295, got NaN", [bytes, [0], [Number.NaN]]],
      [RangeError, "lengths[0]: expected an integer, 0 to 4294967295, got 4294967296", [bytes, [0], [2 ** 32]]],
      [RangeError, "lengths: expected 1 numbers, got 0", [bytes, [0], []]],
      [RangeError, "offsets: expected 2 numbers, got 1", [bytes, [0], [16, 1], 2]],
      [
        RangeError,
        "count: 9 datagrams are more than the 8 of the batch",
        [bytes, new Array(9).fill(0), new Array(9).fill(1)],
      ],
      [RangeError, "count: expected an integer, 0 to 8, got -1", [bytes, [0], [1], -1]],
      [RangeError, "count: expected an integer, 0 to 8, got 0.5", [bytes, [0], [1], 0.5]],
      [TypeError, "count: expected a number, got string", [bytes, [0], [1], "1"]],
      [RangeError, "bytes: 4097 bytes are more than the 4096 of the batch", [new Uint8Array(4097), [0], [1]]],
    ] as [ErrorConstructor, string, never[]][])("throws %p: %s", (kind, message, args) => {
      const batch = create();
      fillWith(batch, GOOD);
      const error = thrownBy(() => batch.fill(...(args as unknown as Parameters<typeof batch.fill>)));
      expect(error).toBeInstanceOf(kind);
      expect(error.message).toBe(message);
      // A wrong value may be found when others have been copied.
      expect(batch.count).toBe(message.includes("[") ? 0 : 4);
    });

    test("throws a TypeError for buffers that were transferred", () => {
      const transferred = <T extends Uint8Array | Uint32Array>(view: T): T => {
        structuredClone(null, { transfer: [view.buffer as ArrayBuffer] });
        return view;
      };
      const batch = create();
      const detached = (name: string) => new TypeError(`${name}: its buffer is detached or has become too short`);
      expect(() => batch.fill(transferred(query(ID)), [], [])).toThrow(detached("bytes"));
      expect(() => batch.fill(query(ID), transferred(Uint32Array.of(0)), [16])).toThrow(detached("offsets"));
      expect(() => batch.fill(query(ID), [], transferred(Uint32Array.of(16)))).toThrow(detached("lengths"));
    });
  });

  test("its count is the number of rows that are used", () => {
    const batch = create(4);
    fillWith(batch, GOOD);
    batch.count = 2;
    expect(batch.decode()).toBe(2);
    expect(() => batch.packet(2)).toThrow(RangeError);
    for (const wrong of [-1, 5, 1.5, Number.NaN]) {
      expect(() => {
        batch.count = wrong;
      }).toThrow(new RangeError(`count: expected an integer, 0 to 4, got ${wrong}`));
    }
    expect(() => {
      batch.count = "1" as never;
    }).toThrow(new TypeError("count: expected a number, got string"));
    expect(batch.count).toBe(2);
  });

  describe("packet and result", () => {
    test("return copies with buffers of their own, and errors with their offset in the datagram", () => {
      const batch = create();
      fillWith(batch, [...GOOD, Uint8Array.fromHex("201210250000000000000001610000000000000900")]);
      batch.decode();
      const packet = batch.packet(3);
      batch.bytes.fill(0, 0, 104);
      expect(packet).toStrictEqual({ type: "announcement", nodeId: ID, port: 65535, ip: IP6 });
      for (const copy of packet.type === "announcement" ? [packet.nodeId, packet.ip] : []) {
        expect(copy.buffer.byteLength).toBe(copy.length);
      }
      expect(batch.result(4)).toStrictEqual({ ok: false, code: "bad-ip-length", offset: 16 });
      expect(() => batch.packet(4)).toThrow(new PacketError("bad-ip-length", 16));
    });

    test("throw for a row that there is not", () => {
      const batch = create();
      fillWith(batch, GOOD);
      for (const wrong of [-1, 4, 0.5, Number.NaN]) {
        const message = `row: expected an integer, 0 to count - 1, 3, got ${wrong}`;
        expect(() => batch.packet(wrong)).toThrow(new RangeError(message));
        expect(() => batch.result(wrong)).toThrow(new RangeError(message));
      }
      expect(() => batch.result("0" as never)).toThrow(new TypeError("row: expected a number, got string"));
    });

    test.each([
      ["status", 8, "status[0]: expected a PACKET_STATUS, got 8"],
      ["port", 65536, "port[0]: expected 0 to 65535, got 65536"],
      ["nodeIdOffset", 5000, "nodeIdOffset[0]: 6 bytes from 5000 on go beyond the 4096 bytes that there are"],
      [
        "nodeIdLength",
        2 ** 32 - 1,
        "nodeIdOffset[0]: 4294967295 bytes from 12 on go beyond the 4096 bytes that there are",
      ],
      ["ipOffset", 4090, "ipOffset[0]: 16 bytes from 4090 on go beyond the 4096 bytes that there are"],
      ["ipLength", 5, "ipLength[0]: expected 4 (IPv4), 16 (IPv6) or 0 for none, got 5"],
    ] as const)("throw a RangeError if a program wrote nonsense to the column %s", (column, value, message) => {
      const batch = create();
      fillWith(batch, [GOOD[3]!]);
      batch.decode();
      batch[column][0] = value;
      expect(() => batch.result(0)).toThrow(new RangeError(message));
    });
  });

  describe("encode", () => {
    test("writes datagrams one after the other behind the NodeIDs and IPs, and their places", () => {
      const batch = create();
      fillWith(batch, GOOD);
      batch.decode();
      batch.bytes.fill(
        0xff,
        GOOD.reduce((sum, { length }) => sum + length, 0),
      );
      const before = batch.bytes.slice();
      expect(batch.encode()).toBe(4);
      const size = GOOD.reduce((sum, { length }) => sum + length, 0);
      // The last datagram ends with its IP.
      expect(batch.offsets[0]).toBe(size);
      expect([0, 1, 2, 3].map((row) => hex(datagram(batch, row)))).toEqual(GOOD.map(hex));
      const end = batch.offsets[3]! + batch.lengths[3]!;
      expect(end).toBe(2 * size);
      before.set(batch.bytes.subarray(size, end), size);
      expect(hex(batch.bytes)).toBe(hex(before));
    });

    test("writes what encode writes for NodeIDs of every length, and decodes it again", () => {
      const batch = create(300, 300_000);
      const ids = Array.from({ length: 300 }, (_, length) => new Uint8Array(length).fill(length));
      const packets = ids.map((nodeId, i): Packet => {
        if (i % 3 === 0) return { type: "query", nodeId };
        return { type: "announcement", nodeId, port: i * 200, ip: [new Uint8Array(0), IP4, IP6][(i % 5) % 3]! };
      });
      batch.bytes.fill(0xee);
      fillWith(batch, codec.encodeMany(packets));
      expect(batch.decode()).toBe(300);
      expect(batch.encode(150_001)).toBe(300);
      expect(batch.offsets[0]).toBe(150_001);
      for (const row of packets.keys()) expect(hex(datagram(batch, row))).toBe(hex(codec.encode(packets[row]!)));
      expect(batch.decode()).toBe(300);
      for (const row of packets.keys()) expect(batch.packet(row)).toEqual(packets[row]!);
    });

    test("starts at from, or after the last NodeID and IP that a packet has", () => {
      const batch = create(1, 100);
      const encode = (
        row: Partial<Record<"status" | "nodeIdOffset" | "nodeIdLength" | "ipOffset" | "ipLength", number>>,
        from?: number,
      ) => {
        batch.count = 1;
        const all = { status: 1, nodeIdOffset: 0, nodeIdLength: 0, ipOffset: 0, ipLength: 0, ...row };
        for (const [name, value] of Object.entries(all)) batch[name as "status"][0] = value;
        batch.encode(from);
        return batch.offsets[0];
      };
      expect(encode({})).toBe(0);
      expect(encode({}, 5)).toBe(5);
      expect(encode({ nodeIdOffset: 10, nodeIdLength: 3 })).toBe(13);
      expect(encode({ nodeIdOffset: 10, nodeIdLength: 3 }, 4)).toBe(13);
      expect(encode({ nodeIdOffset: 10, nodeIdLength: 3 }, 40)).toBe(40);
      // Neither a NodeID of no bytes nor the IP of a query is read.
      expect(encode({ nodeIdOffset: 90, ipOffset: 90, ipLength: 16 }, 4)).toBe(4);
      expect(encode({ status: 0, ipOffset: 30, ipLength: 4 })).toBe(34);
      expect(encode({ status: 0, ipOffset: 2 ** 32 - 1 })).toBe(0);
    });

    test("gives a row whose status is an error no datagram", () => {
      const batch = create();
      fillWith(batch, [Uint8Array.of(1), GOOD[0]!, Uint8Array.of(2), GOOD[1]!, Uint8Array.of(3)]);
      batch.decode();
      batch.status[4] = 99;
      expect(batch.encode()).toBe(2);
      expect([...batch.lengths.subarray(0, 5)]).toEqual([0, 16, 0, 24, 0]);
      expect(hex(datagram(batch, 3))).toBe(hex(GOOD[1]!));
      expect(batch.offsets[3]! + batch.lengths[3]!).toBe(batch.offsets[4]!);
    });

    test("overwrites padding with zeros, and no byte after the last datagram", () => {
      const batch = create(1, 100);
      batch.bytes.fill(0xff);
      batch.bytes.set(ID);
      batch.status[0] = PACKET_STATUS.query;
      batch.nodeIdLength[0] = 5;
      batch.count = 1;
      batch.encode(20);
      expect(hex(batch.bytes.subarray(20, 40))).toBe(`${hex(query(ID.subarray(0, 5)))}ffffffff`);
    });

    test.each([
      ["port", 65536, "port[1]: expected 0 to 65535, got 65536"],
      ["ipLength", 5, "ipLength[1]: expected 4 (IPv4), 16 (IPv6) or 0 for none, got 5"],
      ["ipLength", 2 ** 32 - 1, "ipLength[1]: expected 4 (IPv4), 16 (IPv6) or 0 for none, got 4294967295"],
      [
        "nodeIdOffset",
        2 ** 32 - 1,
        "nodeIdOffset[1]: 6 bytes from 4294967295 on go beyond the 4096 bytes that there are",
      ],
      ["nodeIdLength", 2 ** 32 - 1, /^nodeIdOffset\[1\]: 4294967295 bytes from 28 on go beyond/],
      ["ipOffset", 4081, "ipOffset[1]: 16 bytes from 4081 on go beyond the 4096 bytes that there are"],
    ] as const)("throws a RangeError for a wrong %s of %d, and writes nothing", (column, value, message) => {
      const batch = create(3);
      fillWith(batch, [GOOD[0]!, GOOD[3]!, GOOD[1]!]);
      batch.decode();
      batch[column][1] = value;
      const before = [hex(batch.bytes), [...batch.offsets], [...batch.lengths]];
      const error = thrownBy(() => batch.encode());
      expect(error).toBeInstanceOf(RangeError);
      expect(error.message).toMatch(message);
      expect([hex(batch.bytes), [...batch.offsets], [...batch.lengths]]).toEqual(before);
    });

    test("throws a RangeError if the datagrams do not fit, and writes nothing", () => {
      const batch = create(4, 2 * GOOD.reduce((sum, { length }) => sum + length, 0) - 1);
      fillWith(batch, GOOD);
      batch.decode();
      const size = GOOD.reduce((sum, { length }) => sum + length, 0);
      const left = batch.bytes.length - size;
      const before = hex(batch.bytes);
      expect(() => batch.encode()).toThrow(
        new RangeError(
          `the datagrams need ${size} bytes, but after the NodeIDs and IPs, from ${size} on, only ${left} are left`,
        ),
      );
      expect(hex(batch.bytes)).toBe(before);
      batch.count = 3;
      expect(batch.encode()).toBe(3);
      for (const wrong of [-1, 1.5, batch.bytes.length + 1])
        expect(() => batch.encode(wrong)).toThrow(/^from: expected/);
      expect(() => batch.encode("0" as never)).toThrow(new TypeError("from: expected a number, got string"));
    });
  });

  test.each([
    [TypeError, "options: expected an object, got undefined", undefined],
    [TypeError, 'options has no key "packet": did you mean "packets"?', { packet: 1, bytes: 1 }],
    [TypeError, "packets: expected a number, got undefined", { bytes: 1 }],
    [TypeError, "bytes: expected a number, got string", { packets: 1, bytes: "1" }],
    [RangeError, /^packets: expected an integer, 1 to \d+, got 0$/, { packets: 0, bytes: 1 }],
    [RangeError, /^packets: expected an integer, 1 to \d+, got 1.5$/, { packets: 1.5, bytes: 1 }],
    [RangeError, /^bytes: expected an integer, 1 to \d+, got -1$/, { packets: 1, bytes: -1 }],
    [RangeError, /^packets and bytes: a batch has at most 4 GiB/, { packets: 2, bytes: 2 ** 32 - 33 }],
    [RangeError, /^packets and bytes: a batch has at most 4 GiB/, { packets: 2 ** 31, bytes: 1 }],
  ] as [ErrorConstructor, string | RegExp, BatchOptions][])("is not created: %p, %s", (kind, message, options) => {
    const error = thrownBy(() => codec.batch(options));
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toMatch(message);
  });

  test("works beside another one, and keeps its views while others are created and codecs grow their memory", () => {
    const batches = [create(4, 1000), create(2, 200_000), create(300, 10)];
    const [a, b] = batches as [PacketBatch, PacketBatch];
    fillWith(a, GOOD);
    fillWith(b, [GOOD[3]!, BAD.map(Uint8Array.fromHex)[4]!]);
    a.decode();
    const long = query(new Uint8Array(1_000_000));
    codec.decode(long);
    codec.encode(codec.decode(long));
    create(1000, 1_000_000);
    expect(b.decode()).toBe(1);
    expect(a.packet(0)).toEqual({ type: "query", nodeId: ID });
    expect(b.packet(0)).toEqual({ type: "announcement", nodeId: ID, port: 65535, ip: IP6 });
    for (const { bytes } of batches) expect(bytes.length).toBeGreaterThan(0);
    b.bytes[199_999] = 7;
    expect(b.bytes[199_999]).toBe(7);
  });
});

test("without memory for a batch, wasm throws a RangeError that says so, and auto uses ts", () => {
  const codecs = (["wasm", "auto"] as const).map((backend) => createCodec({ backend }));
  const grow = spyOn(WebAssembly.Memory.prototype, "grow").mockImplementation(() => {
    throw new RangeError("Out of memory");
  });
  try {
    const options = { packets: 10, bytes: 1_000_000 };
    const [wasm, auto] = codecs.map((codec) => () => codec.batch(options)) as [() => PacketBatch, () => PacketBatch];
    expect(wasm).toThrow(
      new RangeError("there is no memory for a batch of 10 packets and 1000000 bytes (RangeError: Out of memory)"),
    );
    expect(auto().backend).toBe("ts");
    // A batch that fits into the memory of a new instance needs no more.
    expect(codecs[0]!.batch({ packets: 10, bytes: 1000 }).backend).toBe("wasm");
  } finally {
    grow.mockRestore();
  }
});

test("a batch on ts whose own buffer was transferred throws a TypeError that says so", () => {
  const batch = createCodec({ backend: "ts" }).batch({ packets: 1, bytes: 100 });
  fillWith(batch, [query(ID)]);
  structuredClone(null, { transfer: [batch.bytes.buffer] });
  const error = new TypeError("the batch's own buffer was transferred: create another batch, and transfer copies");
  expect(() => batch.decode()).toThrow(error);
  expect(() => batch.encode()).toThrow(error);
  expect(() => batch.packet(0)).toThrow(error);
  expect(() => batch.fill(query(ID), [0], [16])).toThrow(error);
});

test("the buffer of a batch on wasm cannot be transferred", () => {
  const batch = createCodec({ backend: "wasm" }).batch({ packets: 1, bytes: 100 });
  expect(() => structuredClone(null, { transfer: [batch.bytes.buffer] })).toThrow();
  fillWith(batch, [query(ID)]);
  expect(batch.decode()).toBe(1);
});

function datagram({ bytes, offsets, lengths }: PacketBatch, row: number): Uint8Array {
  return bytes.subarray(offsets[row]!, offsets[row]! + lengths[row]!);
}
