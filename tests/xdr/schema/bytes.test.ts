// Where bytes come from and go to: readers, writers, text, lost buffers; and the options of all of these.
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import vm from "node:vm";
import {
  array,
  bool,
  constant,
  decode,
  decodeBase64,
  decodeHex,
  encode,
  encodeBase64,
  encodeHex,
  encodeInto,
  fixedOpaque,
  int,
  list,
  nested,
  opaque,
  string,
  struct,
  transform,
  uint,
  XdrError,
  XdrReader,
  type XdrType,
  XdrWriter,
} from "../../../src/xdr/index.ts";
import { describePaths } from "./paths.ts";

/** A view whose buffer has been given away. */
function detached(size = 8): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  detach(bytes);
  return bytes;
}

function detach({ buffer }: Uint8Array): void {
  structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
}

/** A view that its buffer has become too short for. */
function outOfBounds(): Uint8Array<ArrayBuffer> {
  const buffer = new ArrayBuffer(8, { maxByteLength: 8 });
  const bytes = new Uint8Array(buffer, 4, 4);
  buffer.resize(2);
  return bytes;
}

describePaths("a stream of values", () => {
  const Entry = struct({ name: string(9), sizes: array(uint, 9) });
  const entries = [
    { name: "a", sizes: [1, 2] },
    { name: "bcdef", sizes: [] },
    { name: "", sizes: [3] },
  ];

  test("is read value by value: the reader tells how many bytes each took", () => {
    const writer = new XdrWriter();
    writer.uint(3);
    for (const entry of entries) Entry.encodeTo(writer, entry);
    const reader = new XdrReader(writer.finish());
    expect(reader.uint()).toBe(3);
    const ends = entries.map((entry) => {
      expect(Entry.decodeFrom(reader)).toEqual(entry);
      return reader.offset;
    });
    expect(ends).toEqual([24, 40, 52]);
    reader.end();
    expect(Entry.tryDecodeFrom(reader)).toEqual({ ok: false, code: "truncated", offset: 52, path: "name", needs: 4 });
    expect(() => Entry.decodeFrom(reader)).toThrow("name: expected 4 bytes, but 0 are left (at byte 52)");
  });

  test("may come in pieces: a program waits for as many bytes as a value needs", () => {
    const whole = Uint8Array.from(entries.flatMap((entry) => [...Entry.encode(entry)]));
    let at = 0;
    let received = new Uint8Array(0);
    const found: unknown[] = [];
    const waits: number[] = [];
    while (found.length < entries.length) {
      const reader = new XdrReader(received);
      const result = Entry.tryDecodeFrom(reader);
      if (result.ok) {
        found.push(result.value);
        received = received.slice(reader.offset);
      } else {
        waits.push(result.needs!);
        received = Uint8Array.of(...received, ...whole.subarray(at, at + result.needs!));
        at += result.needs!;
      }
    }
    expect(found).toEqual(entries);
    expect(at).toBe(whole.length);
    // The length, the text, its padding, the count, the elements; and so on.
    expect(waits).toEqual([4, 1, 3, 4, 8, 4, 5, 3, 4, 4, 4, 4]);
  });

  test("has the options and the depth of its reader and writer", () => {
    const Deep = array(array(uint, 9), 9);
    const bytes = Deep.encode([[1]]);
    const reader = new XdrReader(bytes, { maxDepth: 2 });
    expect(() => reader.optional((r) => [r.uint(), Deep.decodeFrom(r)])).toThrow(XdrError);
    const inner = new XdrReader(Uint8Array.of(0, 0, 0, 1, ...bytes), { maxDepth: 2 });
    expect(() => inner.optional((r) => Deep.decodeFrom(r))).toThrow("maxDepth of 2 (at byte 8)");
    expect(inner.offset).toBe(0);
    expect(new XdrReader(bytes, { maxDepth: 2 }).offset).toBe(0);
    const writer = new XdrWriter({ maxDepth: 2 });
    Deep.encodeTo(writer, [[1]]);
    expect(() => writer.optional([[1]], (w, value) => Deep.encodeTo(w, value))).toThrow(RangeError);
    expect(writer.bytes()).toEqual(bytes);
  });

  test("is written into a target, or not at all", () => {
    const target = new Uint8Array(20).fill(0xa5);
    const writer = new XdrWriter({ target, offset: 4 });
    uint.encodeTo(writer, 1);
    expect(() => Entry.encodeTo(writer, entries[0]!)).toThrow("20 more bytes do not fit in the 12 left");
    expect(() => uint.encodeTo(writer, -1)).toThrow(RangeError);
    expect(writer.length).toBe(4);
    expect(target.toHex()).toBe(`a5a5a5a500000001${"a5".repeat(12)}`);
    // A value may be a part of the target.
    opaque(8).encodeTo(writer, target.subarray(4, 8));
    expect(target.toHex()).toBe("a5a5a5a5000000010000000400000001a5a5a5a5");
  });

  test("needs a reader or a writer", () => {
    for (const other of [undefined, null, {}, new Uint8Array(8), new XdrWriter().bytes()]) {
      expect(() => Entry.decodeFrom(other as never)).toThrow(TypeError);
      expect(() => Entry.tryDecodeFrom(other as never)).toThrow(TypeError);
      expect(() => Entry.encodeTo(other as never, entries[0]!)).toThrow(TypeError);
    }
  });
});

describe("hex and base64", () => {
  const Type = opaque(99);

  test("are those of the encoded bytes, of every length", () => {
    for (let length = 0; length < 20; length += 1) {
      const value = new Uint8Array(length).map((_, i) => i * 37 + 200);
      const bytes = Type.encode(value);
      expect(encodeHex(Type, value)).toBe(bytes.toHex());
      expect(encodeBase64(Type, value)).toBe(bytes.toBase64());
      expect(decodeHex(Type, bytes.toHex())).toEqual(value);
      expect(decodeHex(Type, bytes.toHex().toUpperCase())).toEqual(value);
      expect(decodeBase64(Type, bytes.toBase64())).toEqual(value);
      expect(decodeBase64(Type, bytes.toBase64({ omitPadding: true }))).toEqual(value);
    }
  });

  test("may have white space", () => {
    expect(decodeHex(uint, " 00 00\n01\t0 0 ")).toBe(256);
    expect(decodeBase64(uint, "AAA\r\nBAA= = \n")).toBe(256);
  });

  test.each([
    ["0000010", 7],
    ["000001g0", 6],
    ["0x000100", 1],
    ["000001\u06600", 6],
  ])("refuse what is not hex: %p", (text, offset) => {
    expect(() => decodeHex(uint, text)).toThrow(
      expect.objectContaining({ name: "XdrError", code: "bad-text", offset }),
    );
  });

  test.each([
    ["AAABA", 5],
    ["AAAB*A==", 4],
    ["AAABAB==", 6],
    ["AAAB_A==", 4],
    ["AA=ABAA=", 2],
  ])("refuse what is not base64: %p", (text, offset) => {
    expect(() => decodeBase64(uint, text)).toThrow(
      expect.objectContaining({ name: "XdrError", code: "bad-text", offset }),
    );
  });

  test("check the value, with the options of decode, and take only text", () => {
    expect(() => decodeHex(uint, "0000010000")).toThrow(XdrError);
    expect(decodeHex(uint, "0000010000", { allowTrailing: true })).toBe(256);
    expect(decodeBase64(fixedOpaque(1), "Af///w", { padding: "ignore" })).toEqual(Uint8Array.of(1));
    expect(() => encodeHex(uint, -1)).toThrow(RangeError);
    expect(() => encodeBase64(array(uint, 9), [1], { maxDepth: 0 })).toThrow(RangeError);
    for (const text of [undefined, 7, Uint8Array.of(1)]) {
      expect(() => decodeHex(uint, text as never)).toThrow(/^text: expected a string, got/);
      expect(() => decodeBase64(uint, text as never)).toThrow(TypeError);
    }
  });
});

describePaths("a stream", () => {
  test("is read from readers and written to writers, not the other way round", () => {
    const bytes = Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 2);
    const reader = new XdrReader(bytes);
    const writer = new XdrWriter();
    writer.uint(5);
    writer.reset();
    for (const other of [reader, undefined, null, {}, 7]) {
      expect(() => uint.encodeTo(other as never, 7)).toThrow(new TypeError("expected an XdrWriter"));
    }
    for (const other of [writer, undefined, null, {}, 7]) {
      expect(() => uint.decodeFrom(other as never)).toThrow(new TypeError("expected an XdrReader"));
      expect(() => uint.tryDecodeFrom(other as never)).toThrow(new TypeError("expected an XdrReader"));
    }
    expect(reader.offset).toBe(0);
    expect(bytes).toEqual(Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 2));
  });
});

describePaths("bytes that are lost, because their buffer was given away or has shrunk, are a TypeError", () => {
  const Type = struct({ a: opaque(9) });

  test.each<[string, () => Uint8Array]>([
    ["given away", () => detached()],
    [
      "given away, a Buffer",
      () => {
        const bytes = Buffer.from(new ArrayBuffer(8));
        detach(bytes);
        return bytes;
      },
    ],
    ["given away, empty", () => detached(0)],
    ["shrunk", outOfBounds],
  ])("as input, target or value: %s", (_, make) => {
    const bytes = make();
    for (const use of [
      () => Type.decode(bytes),
      () => Type.tryDecode(bytes),
      () => opaque(9).tryDecode(bytes),
      () => new XdrReader(bytes),
      () => decode(bytes, () => 0),
      () => Type.encodeInto({ a: new Uint8Array(1) }, bytes),
      () => struct({}).encodeInto({}, bytes),
      () => encodeInto(() => {}, bytes),
      () => new XdrWriter({ target: bytes }),
      () => Type.encode({ a: bytes }),
      () => fixedOpaque(8).encode(bytes),
      () => fixedOpaque(0).encode(bytes),
      () => string(9, { as: "bytes" }).encode(bytes),
      () => string(9, { as: "either" }).encode(bytes),
      () => list(Type, 9).size([{ a: bytes }]),
      () => encode((w) => w.opaque(bytes, 9)),
      () => encode((w) => w.fixedOpaque(bytes, 8)),
    ]) {
      expect(use).toThrow(TypeError);
      expect(use).toThrow("its buffer is detached");
    }
    expect(Type.validate({ a: bytes })).toEqual({ ok: false, path: "a", message: "opaque: its buffer is detached" });
  });

  test("while a reader or a writer is in use", () => {
    const bytes = new Uint8Array(16);
    const reader = new XdrReader(bytes);
    expect(reader.uint()).toBe(0);
    const target = new Uint8Array(16);
    const writer = new XdrWriter({ target });
    writer.uint(1);
    detach(bytes);
    detach(target);
    for (const use of [
      () => reader.uint(),
      () => reader.opaque(9),
      () => reader.array(9, (r) => r.uint()),
      () => reader.end(),
      () => uint.decodeFrom(reader),
      () => Type.tryDecodeFrom(reader),
      () => writer.uint(1),
      () => writer.opaque(new Uint8Array(1), 9),
      () => uint.encodeTo(writer, 1),
      () => writer.bytes(),
      () => writer.finish(),
    ]) {
      expect(use).toThrow(TypeError);
    }
  });

  test("by a function of the program, in the middle of a value", () => {
    const bytes = new Uint8Array(16);
    const taking = (victim: Uint8Array) =>
      transform(uint, {
        decode(number) {
          detach(victim);
          return number;
        },
        encode(number: number) {
          detach(victim);
          return number;
        },
      });
    expect(() => struct({ a: taking(bytes), b: uint }).decode(bytes, { allowTrailing: true })).toThrow(TypeError);
    const again = new Uint8Array(16);
    expect(() => struct({ a: taking(again), b: bool }).tryDecode(again)).toThrow(TypeError);
    const target = new Uint8Array(16);
    expect(() => struct({ a: taking(target), b: uint }).encodeInto({ a: 1, b: 2 }, target)).toThrow("detached");
  });

  test("until a buffer that has shrunk grows again: the reader is where it was", () => {
    const buffer = new ArrayBuffer(8, { maxByteLength: 8 });
    const reader = new XdrReader(new Uint8Array(buffer));
    const shrinking = transform(uint, {
      decode(number) {
        buffer.resize(0);
        return number;
      },
      encode: (number: number) => number,
    });
    // The constant is refused too, since it finds zeros.
    const type = struct({ a: shrinking, b: constant(5) });
    for (const read of [
      () => type.decodeFrom(reader),
      () => type.tryDecodeFrom(reader),
      () => shrinking.tryDecodeFrom(reader),
    ]) {
      buffer.resize(8);
      expect(read).toThrow(TypeError);
      expect(reader.offset).toBe(0);
    }
    expect(() => reader.uint()).toThrow(TypeError);
    expect(reader.offset).toBe(0);
    buffer.resize(8);
    expect(uint.decodeFrom(reader)).toBe(0);
    expect(reader.uint()).toBe(0);
  });

  test("but bytes of another realm, a Buffer and shared memory are as good as any", () => {
    const foreign: Uint8Array[] = [
      vm.runInNewContext("new Uint8Array([0, 0, 0, 1, 7, 0, 0, 0])"),
      Buffer.from([0, 0, 0, 1, 7, 0, 0, 0]),
      new Uint8Array(new SharedArrayBuffer(8)),
    ];
    foreign[2]!.set(foreign[1]!);
    for (const bytes of foreign) {
      expect(Type.decode(bytes)).toEqual({ a: Uint8Array.of(7) });
      expect(new XdrReader(bytes).opaque(9)).toEqual(Uint8Array.of(7));
      expect(opaque(9).encode(bytes)).toEqual(Uint8Array.of(0, 0, 0, 8, 0, 0, 0, 1, 7, 0, 0, 0));
      expect(Type.encodeInto({ a: Uint8Array.of(9) }, bytes)).toBe(8);
      expect(new Uint8Array(bytes)).toEqual(Uint8Array.of(0, 0, 0, 1, 9, 0, 0, 0));
    }
    for (const other of [new Uint16Array(4), new DataView(new ArrayBuffer(8)), new ArrayBuffer(8), [0, 0, 0, 1]]) {
      expect(() => uint.tryDecode(other as never)).toThrow(TypeError);
      expect(() => opaque(99).encode(other as never)).toThrow(TypeError);
    }
  });
});

describe("an option that does not exist is a TypeError that names those that do", () => {
  const four = new Uint8Array(4);
  test.each<[string, () => unknown, string]>([
    [
      "decode",
      () => uint.decode(four, { maxdepth: 1 } as never),
      '"maxdepth": known are maxDepth, allowTrailing, padding',
    ],
    ["tryDecode", () => uint.tryDecode(four, { allowTrailling: true } as never), "allowTrailing"],
    ["encode", () => uint.encode(1, { depth: 1 } as never), '"depth": known are maxDepth'],
    ["encode, an option of decode", () => uint.encode(1, { padding: "zero" } as never), "maxDepth"],
    ["encodeInto", () => uint.encodeInto(1, four, 0, { maxDeep: 1 } as never), "maxDepth"],
    ["size", () => uint.size(1, { max: 1 } as never), "maxDepth"],
    ["validate", () => uint.validate(1, { max: 1 } as never), "maxDepth"],
    ["string", () => string(9, { is: "bytes" } as never), '"is": known are as'],
    ["XdrReader", () => new XdrReader(four, { Padding: "ignore" } as never), "padding"],
    ["XdrWriter", () => new XdrWriter({ ofset: 1 } as never), '"ofset": known are maxDepth, target, offset'],
    ["the function decode", () => decode(four, (r) => r.uint(), { trailing: true } as never), "allowTrailing"],
    ["the function encode", () => encode(() => {}, { maxdepth: 1 } as never), "maxDepth"],
    ["decodeHex", () => decodeHex(uint, "00000001", { paddin: "ignore" } as never), "padding"],
    ["encodeBase64", () => encodeBase64(uint, 1, { maxdepth: 1 } as never), "maxDepth"],
  ])("%s", (_, use, message) => {
    expect(use).toThrow(TypeError);
    expect(use).toThrow(message);
  });

  test("as are options that are no object, and other values are a TypeError or a RangeError", () => {
    for (const options of [null, 7, "zero"]) {
      expect(() => uint.decode(four, options as never)).toThrow(TypeError);
      expect(() => uint.encode(1, options as never)).toThrow(TypeError);
      expect(() => string(9, options as never)).toThrow(TypeError);
    }
    expect(() => uint.decode(four, { padding: "none" as never })).toThrow(RangeError);
    expect(() => uint.decode(four, { maxDepth: "1" as never })).toThrow(TypeError);
    expect(() => uint.decode(four, { maxDepth: 1.5 })).toThrow(RangeError);
    expect(() => string(9, { as: "binary" as never })).toThrow('as: expected "text", "bytes" or "either", got binary');
    expect(() => string(9, { as: "constructor" as never })).toThrow(RangeError);
    // Options that are undefined have their default.
    expect(uint.decode(four, { maxDepth: undefined, padding: undefined } as never)).toBe(0);
  });
});

describe("XdrError", () => {
  test("of another copy of the package is an XdrError too, and nothing else is", async () => {
    const { outputs } = await Bun.build({ entrypoints: [join(import.meta.dir, "../../../src/xdr/index.ts")] });
    const url = URL.createObjectURL(outputs[0]!);
    const copy: typeof import("../../../src/xdr/index.ts") = await import(url);
    expect(copy.XdrError).not.toBe(XdrError);
    const [ours, theirs] = [uint, copy.uint].map((type) => {
      try {
        return type.decode(new Uint8Array(3));
      } catch (error) {
        return error;
      }
    });
    for (const error of [ours, theirs]) {
      expect(error instanceof XdrError).toBe(true);
      expect(error instanceof copy.XdrError).toBe(true);
    }
    for (const other of [new Error("no"), new RangeError("no"), { code: "truncated" }, null, undefined, 7]) {
      expect((other as unknown) instanceof XdrError).toBe(false);
    }
    // The types of one copy are no types of the other.
    expect(() => copy.array(uint as never, 9)).toThrow(TypeError);
  });

  test("may have subclasses, of which only their own instances are", () => {
    class Mine extends XdrError {}
    const mine = new Mine("truncated", 0, "mine");
    expect([mine instanceof Mine, mine instanceof XdrError]).toEqual([true, true]);
    expect(new XdrError("truncated", 0, "") instanceof Mine).toBe(false);
  });
});

test("nested data may be a view of the target, as all opaque data", () => {
  const target = new Uint8Array(24).map((_, i) => i);
  const type: XdrType<{ a: Uint8Array; n: number }> = nested(opaque(99), struct({ a: opaque(9), n: int }));
  const value = { a: target.subarray(2, 8), n: 7 };
  const expected = type.encode({ ...value, a: value.a.slice() });
  type.encodeInto(value, target);
  expect<Uint8Array>(target.subarray(0, expected.length)).toEqual(expected);
});
