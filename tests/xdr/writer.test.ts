import { describe, expect, test } from "bun:test";
import { decode, encode, encodeInto, type Read, XdrWriter } from "../../src/xdr/index.ts";

const hex = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.fromHex(text.replaceAll(" ", ""));

const KINDS: ReadonlySet<number> = new Set([0, 1, 2]);

describe("a writer", () => {
  const wrongKind: [string, (w: XdrWriter, value: never) => void, unknown[]][] = [
    ["int", (w, v) => w.int(v), ["1", 1n, null, undefined, true, {}, [], Symbol("s")]],
    ["uint", (w, v) => w.uint(v), ["1", 1n, null, undefined, true, {}, [], Symbol("s")]],
    ["hyper", (w, v) => w.hyper(v), ["1", 1, null, undefined, true, {}]],
    ["uhyper", (w, v) => w.uhyper(v), ["1", 1, null, undefined, true, {}]],
    ["float", (w, v) => w.float(v), ["1", 1n, null, undefined, {}]],
    ["double", (w, v) => w.double(v), ["1", 1n, null, undefined, {}]],
    ["bool", (w, v) => w.bool(v), [0, 1, "true", null, undefined, {}]],
    ["enum", (w, v) => w.enum(v, KINDS), ["1", 1n, null, undefined]],
    ["fixedOpaque", (w, v) => w.fixedOpaque(v, 1), ["1", [1], null, undefined, new ArrayBuffer(1), new Int8Array(1)]],
    ["opaque", (w, v) => w.opaque(v, 1), ["1", [1], null, undefined, new ArrayBuffer(1), new Int8Array(1)]],
    ["string", (w, v) => w.string(v, 9), [1, null, undefined, hex("61"), ["a"]]],
    [
      "fixedArray",
      (w, v) => w.fixedArray<number>(v, 1, (w, n) => w.int(n)),
      ["1", { length: 1 }, null, undefined, hex("61")],
    ],
    ["array", (w, v) => w.array<number>(v, 1, (w, n) => w.int(n)), ["1", { length: 1 }, null, undefined, hex("61")]],
    ["optional", (w, v) => w.optional<number>(v, (w, n) => w.int(n)), [undefined, "1", false]],
    ["union", (w, v) => w.union<number>(v, (w, d) => w.int(d), { 1: () => {} }), ["1", true, undefined, null, 1n, {}]],
  ];
  test.each(wrongKind)("rejects a value of the wrong type with a TypeError: %s", (_, write, values) => {
    const writer = new XdrWriter();
    for (const value of values) expect(() => write(writer, value as never)).toThrow(TypeError);
    expect(writer.length).toBe(0);
  });

  const wrongValue: [string, (w: XdrWriter, value: never) => void, unknown[]][] = [
    ["int", (w, v) => w.int(v), [2 ** 31, -(2 ** 31) - 1, 0.5, NaN, Infinity, 2 ** 32]],
    ["uint", (w, v) => w.uint(v), [2 ** 32, -1, 0.5, NaN, -Infinity]],
    ["hyper", (w, v) => w.hyper(v), [2n ** 63n, -(2n ** 63n) - 1n, 2n ** 64n]],
    ["uhyper", (w, v) => w.uhyper(v), [2n ** 64n, -1n]],
    ["float", (w, v) => w.float(v), [1e39, -Number.MAX_VALUE]],
    ["enum", (w, v) => w.enum(v, KINDS), [3, -1, 0.5, NaN]],
    ["enum whose value is not an int", (w, v) => w.enum(v, new Set([2 ** 31])), [2 ** 31]],
    ["fixedOpaque", (w, v) => w.fixedOpaque(v, 2), [hex("01"), hex("010203")]],
    ["opaque", (w, v) => w.opaque(v, 2), [hex("010203")]],
    [
      "string",
      (w, v) => w.string(v, 5),
      ["123456", "€€", "\ud800", "\udc00", "a\ud83d", "\ud83d\ud83d", "\ude00\ud83d"],
    ],
    ["fixedArray", (w, v) => w.fixedArray<number>(v, 2, (w, n) => w.int(n)), [[1], [1, 2, 3]]],
    ["array", (w, v) => w.array<number>(v, 2, (w, n) => w.int(n)), [[1, 2, 3]]],
    ["union", (w, v) => w.union<number>(v, (w, d) => w.int(d), { 1: () => {} }), [2, -1, NaN]],
  ];
  test.each(wrongValue)("rejects an invalid value of the right type with a RangeError: %s", (_, write, values) => {
    const writer = new XdrWriter();
    for (const value of values) expect(() => write(writer, value as never)).toThrow(RangeError);
    expect(writer.length).toBe(0);
  });

  test("accepts the least and the greatest value of each type", () => {
    const bytes = encode((w) => {
      for (const n of [-(2 ** 31), 2 ** 31 - 1, -0]) w.int(n);
      for (const n of [-(2n ** 63n), 2n ** 63n - 1n]) w.hyper(n);
      for (const n of [3.4028234663852886e38, 3.40282356e38, NaN, Infinity]) w.float(n);
    });
    expect(bytes.toHex()).toBe(
      "800000007fffffff000000008000000000000000" + "7fffffffffffffff" + "7f7fffff7f7fffff7fc000007f800000",
    );
  });

  test("without a target grows as needed, for many small values and for one large one", () => {
    const words: [(w: XdrWriter, n: number) => void, Read<number>][] = [
      [(w, n) => w.int(n), (r) => r.int()],
      [(w, n) => w.uint(n), (r) => r.uint()],
      [(w, n) => w.hyper(BigInt(n)), (r) => Number(r.hyper())],
      [(w, n) => w.uhyper(BigInt(n)), (r) => Number(r.uhyper())],
      [(w, n) => w.float(n), (r) => r.float()],
      [(w, n) => w.double(n), (r) => r.double()],
      [(w, n) => w.bool(n % 2 === 1), (r) => Number(r.bool())],
      [(w, n) => w.opaque(new Uint8Array(n % 9), 9), (r) => r.opaque(9).length],
      [(w, n) => w.string("x".repeat(n % 9), 9), (r) => r.string(9).length],
    ];
    for (const [write, read] of words) {
      const { length } = encode((w) => write(w, 8));
      // Enough values for the writer to grow twice: a view that was kept from before would fail here.
      const numbers = Array.from({ length: Math.ceil(700 / length) }, (_, n) => n % 2);
      const bytes = encode((w) => w.fixedArray(numbers, numbers.length, write));
      expect(decode(bytes, (r) => r.fixedArray(numbers.length, read))).toEqual(numbers);
    }
    const block = new Uint8Array(100_001).fill(7);
    expect(
      decode(
        encode((w) => w.opaque(block, 100_001)),
        (r) => r.opaque(100_001),
      ),
    ).toEqual(block);
  });

  test("returns a view from bytes() and a copy from finish(), and starts over at reset()", () => {
    const writer = new XdrWriter();
    writer.int(1);
    const [view, copy] = [writer.bytes(), writer.finish()];
    expect([view, copy]).toEqual([hex("00000001"), hex("00000001")]);
    writer.reset();
    expect(writer.length).toBe(0);
    writer.int(2);
    expect([view, copy]).toEqual([hex("00000002"), hex("00000001")]);
    expect(() => writer.reset(4)).toThrow(RangeError);
  });

  test("writes zeros as padding over bytes of an earlier value", () => {
    const writer = new XdrWriter();
    for (const write of [
      () => writer.fixedOpaque(hex("01"), 1),
      () => writer.opaque(hex("01"), 1),
      () => writer.string("\x01", 1),
    ]) {
      writer.reset();
      writer.fixedOpaque(hex("ffffffffffffffff"), 8);
      writer.reset();
      write();
      expect(writer.bytes().toHex()).toEndWith("01000000");
    }
  });

  test("writes as many elements as the count says, even if the callback changes the array", () => {
    const values = [1, 2];
    const growing = encode((w) =>
      w.array(values, 9, (w, n) => {
        values.push(9);
        w.int(n);
      }),
    );
    expect(growing).toEqual(hex("00000002 00000001 00000002"));
    const shrinking = (w: XdrWriter) =>
      w.array(values, 9, (w, n) => {
        values.length = 1;
        w.int(n);
      });
    expect(() => encode(shrinking)).toThrow(TypeError);
  });
});

describe("a target", () => {
  const ones = (length: number): Uint8Array => new Uint8Array(length).fill(255);

  /** A target with 0xff bytes before and after it. */
  const surrounded = (length: number): Uint8Array => ones(length + 32).subarray(13, 13 + length);

  const writeRecord = (w: XdrWriter): void => {
    w.string("€", 3);
    w.union(2, (w, kind) => w.enum(kind, KINDS), { 2: (w) => w.hyper(-1n) });
    w.array([hex("05"), hex("0607")], 2, (w, bytes) => w.opaque(bytes, 2));
    w.optional(1.5, (w, n) => w.float(n));
  };
  const RECORD = hex(
    "00000003 e282ac00 00000002 ffffffffffffffff 00000002 00000001 05000000 00000002 06070000 00000001 3fc00000",
  );

  test("is changed only from the offset to the end of the value", () => {
    const target = surrounded(60);
    expect(encodeInto(writeRecord, target, 5)).toBe(48);
    expect(target.subarray(5, 53)).toEqual(RECORD);
    const around = new Uint8Array(target.buffer);
    expect([...around.subarray(0, 18), ...around.subarray(66)].every((byte) => byte === 255)).toBe(true);
  });

  test("may be exactly as long as the value; if it is shorter, a RangeError leaves no half value", () => {
    expect(encodeInto(writeRecord, new Uint8Array(48))).toBe(48);
    for (let room = 0; room < 48; room += 1) {
      const target = surrounded(room + 5);
      expect(() => encodeInto(writeRecord, target, 5)).toThrow(RangeError);
      const around = new Uint8Array(target.buffer);
      expect(around.subarray(0, 18).every((byte) => byte === 255)).toBe(true);
      expect(around.subarray(18 + room).every((byte) => byte === 255)).toBe(true);
      // Written bytes are zeroed; the rest is unchanged.
      expect(target.subarray(5).toHex()).toMatch(/^(00)*(ff)*$/);
    }
  });

  test("is unchanged by a single value that does not fit", () => {
    for (const write of [
      (w: XdrWriter) => w.int(1),
      (w: XdrWriter) => w.hyper(1n),
      (w: XdrWriter) => w.opaque(hex("00"), 1),
      (w: XdrWriter) => w.fixedOpaque(hex("00000000"), 4),
      (w: XdrWriter) => w.string("a", 1),
    ]) {
      const target = ones(3);
      const writer = new XdrWriter({ target });
      expect(() => write(writer)).toThrow("do not fit");
      expect([writer.length, target]).toEqual([0, ones(3)]);
    }
  });

  test("keeps the values before an array, union or optional that failed, and has zeros in its place", () => {
    const writeThree = (w: XdrWriter) => {
      for (const n of [1, 2, 3]) w.int(n);
    };
    for (const write of [
      (w: XdrWriter) => w.array([1, 2, 3], 3, (w, n) => w.int(n)),
      (w: XdrWriter) => w.fixedArray([1, 2, 3], 3, (w, n) => w.int(n)),
      (w: XdrWriter) => w.optional("three", writeThree),
      (w: XdrWriter) => w.union(1, (w, d) => w.int(d), { 1: writeThree }),
    ]) {
      const target = ones(16);
      const writer = new XdrWriter({ target, offset: 4 });
      writer.int(-2);
      expect(() => write(writer)).toThrow("do not fit");
      expect(writer.bytes()).toEqual(hex("fffffffe"));
      expect(target).toEqual(hex("ffffffff fffffffe 0000000000000000"));
    }
  });

  test("can be reused for many values with one writer", () => {
    const writer = new XdrWriter({ target: new Uint8Array(24), offset: 8 });
    for (const n of [1, 2]) {
      writer.reset();
      writer.int(n);
      expect([writer.length, writer.bytes().byteOffset, writer.bytes()[3]]).toEqual([4, 8, n]);
    }
    writer.reset(24);
    expect(() => writer.int(1)).toThrow("do not fit");
    expect(() => writer.reset(25)).toThrow(RangeError);
    expect(() => new XdrWriter({ target: new Uint8Array(3), offset: 4 })).toThrow(RangeError);
    expect(() => new XdrWriter({ target: [] as unknown as Uint8Array })).toThrow(TypeError);
  });

  test("is required by encodeInto()", () => {
    for (const other of [undefined, null, [], new ArrayBuffer(8)]) {
      expect(() => encodeInto((w) => w.int(1), other as unknown as Uint8Array)).toThrow(TypeError);
    }
    expect(() => encodeInto((w) => w.int(1), new Uint8Array(8), 9)).toThrow(RangeError);
  });

  test("may contain the bytes that are written to it", () => {
    // The bytes overlap the place of the length in one case, of the padding in the other.
    for (const start of [1, 5]) {
      const target = hex("000102030405060708090a0b");
      const moved = target.slice(start, start + 6);
      encodeInto((w) => w.opaque(target.subarray(start, start + 6), 6), target);
      expect(target).toEqual(hex(`00000006 ${moved.toHex()} 0000`));
    }
  });

  test("may be a Buffer, and finish() still returns a copy", () => {
    const target = Buffer.alloc(4);
    const writer = new XdrWriter({ target });
    writer.int(7);
    const copy = writer.finish();
    target.fill(0);
    expect(copy).toEqual(hex("00000007"));
  });

  test("may be shared memory", () => {
    const target = new Uint8Array(new SharedArrayBuffer(48));
    expect(encodeInto(writeRecord, target)).toBe(48);
    expect(target.toHex()).toBe(RECORD.toHex());
  });
});
