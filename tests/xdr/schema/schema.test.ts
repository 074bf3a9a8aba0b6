import { describe, expect, test } from "bun:test";
import {
  array,
  bool,
  constant,
  type DecodeResult,
  double,
  enumType,
  fixedArray,
  fixedOpaque,
  float,
  hyper,
  int,
  lazy,
  list,
  MAX_LENGTH,
  opaque,
  optional,
  string,
  struct,
  transform,
  uhyper,
  uint,
  union,
  voidType,
  XdrError,
  XdrType,
} from "../../../src/xdr/index.ts";
import { describePaths } from "./paths.ts";

const hex = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.fromHex(text.replaceAll(" ", ""));

/** Code, offset and path of the error for invalid bytes; `undefined` if they are valid. */
function fault(type: XdrType<unknown>, bytes: string, options = {}): [string, number, string] | undefined {
  const result: DecodeResult<unknown> = type.tryDecode(hex(bytes), options);
  return result.ok ? undefined : [result.code, result.offset, result.path];
}

describePaths("schemas", () => {
  const FileKind = enumType({ TEXT: 0, DATA: 1, EXEC: 2 });
  /** The example of RFC 4506 §7. */
  const File = struct({
    filename: string(255),
    type: union("kind", FileKind, { 0: voidType, 1: { creator: string(255) }, 2: { interpretor: string(255) } }),
    owner: string(32),
    data: opaque(65535),
  });
  const SILLYPROG = {
    filename: "sillyprog",
    type: { kind: FileKind.values.EXEC, interpretor: "lisp" },
    owner: "john",
    data: new TextEncoder().encode("(quit)"),
  } as const;
  const SILLYPROG_BYTES = hex(
    `
  00000009 73696c6c 7970726f 67000000 00000002 00000004 6c697370 00000004 6a6f686e 00000006 28717569 74290000
`.replaceAll("\n", ""),
  );

  describe("a type", () => {
    test("reads and writes the example of RFC 4506 §7 as the RFC shows it", () => {
      expect(File.encode(SILLYPROG)).toEqual(SILLYPROG_BYTES);
      expect(File.decode(SILLYPROG_BYTES)).toStrictEqual({ ...SILLYPROG });
      expect(File.size(SILLYPROG)).toBe(48);
    });

    test.each<[string, XdrType<unknown>, unknown, string]>([
      ["int", int, -2, "fffffffe"],
      ["uint", uint, 0xfffffffe, "fffffffe"],
      ["hyper", hyper, -2n, "fffffffffffffffe"],
      ["uhyper", uhyper, 2n ** 64n - 2n, "fffffffffffffffe"],
      ["float", float, -0.5, "bf000000"],
      ["double", double, -0.5, "bfe0000000000000"],
      ["bool", bool, true, "00000001"],
      ["voidType", voidType, undefined, ""],
      ["constant of an int", constant(-1), -1, "ffffffff"],
      ["constant of an unsigned int", constant(0xfeedface), 0xfeedface, "feedface"],
      ["enumType", enumType({ a: -1, b: 7 }), -1, "ffffffff"],
      ["fixedOpaque", fixedOpaque(3), Uint8Array.of(1, 2, 3), "01020300"],
      ["opaque", opaque(3), Uint8Array.of(1, 2, 3), "00000003 01020300"],
      ["string", string(9), "zoë", "00000004 7a6fc3ab"],
      ["fixedArray", fixedArray(int, 2), [1, 2], "00000001 00000002"],
      ["array", array(int, 2), [1, 2], "00000002 00000001 00000002"],
      ["list", list(int, 2), [1, 2], "00000001 00000001 00000001 00000002 00000000"],
      ["optional", optional(int), 7, "00000001 00000007"],
      ["optional without a value", optional(int), null, "00000000"],
      ["optional of a void", optional(voidType), undefined, "00000001"],
      ["struct", struct({ b: int, a: int }), { b: 1, a: 2 }, "00000001 00000002"],
      ["struct without fields", struct({}), {}, ""],
      ["union of an int", union("d", int, { [-3]: { v: int } }), { d: -3, v: 1 }, "fffffffd 00000001"],
      [
        "union of an unsigned int",
        union("d", uint, { 4294967295: { v: int } }),
        { d: 2 ** 32 - 1, v: 1 },
        "ffffffff 00000001",
      ],
      [
        "union of a bool",
        union("d", bool, { true: { v: int }, false: voidType }),
        { d: true, v: 1 },
        "00000001 00000001",
      ],
      [
        "union with several fields",
        union("d", int, { 1: { v: int, w: int } }),
        { d: 1, v: 2, w: 3 },
        "00000001 00000002 00000003",
      ],
      ["union with its default arm", union("d", int, { 1: voidType }, { v: int }), { d: 2, v: 3 }, "00000002 00000003"],
      ["union with a default arm without fields", union("d", int, { 1: { v: int } }, voidType), { d: 2 }, "00000002"],
      ["lazy", lazy(() => int), 7, "00000007"],
      ["transform", transform(int, { decode: String, encode: Number }), "7", "00000007"],
    ])("encodes, decodes and measures a value: %s", (_, type, value, bytes) => {
      expect(type.encode(value)).toEqual(hex(bytes));
      expect(type.decode(hex(bytes))).toStrictEqual(value);
      expect(type.size(value)).toBe(hex(bytes).length);
    });

    test("decodes to plain objects, whose properties are in the order of the fields", () => {
      const wide = struct(Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`f${i}`, uint])));
      const value = wide.decode(new Uint8Array(44));
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
      expect(Object.keys(value)).toEqual(Array.from({ length: 11 }, (_, i) => `f${i}`));
      expect(structuredClone(value)).toStrictEqual(value);
      const { type } = File.decode(SILLYPROG_BYTES);
      expect(Object.getPrototypeOf(type)).toBe(Object.prototype);
      expect(Object.keys(type)).toEqual(["kind", "interpretor"]);
    });

    test("decodes long opaque data to views of the input, and short ones to plain arrays, also from a Buffer or shared memory", () => {
      const shared = new Uint8Array(new SharedArrayBuffer(64)).subarray(8, 56);
      for (const bytes of [SILLYPROG_BYTES.slice(), Buffer.from(SILLYPROG_BYTES), shared]) {
        bytes.set(SILLYPROG_BYTES);
        const { data, filename } = File.decode(bytes);
        expect(filename).toBe("sillyprog");
        expect(Object.getPrototypeOf(data)).toBe(Uint8Array.prototype);
        expect(data).toEqual(SILLYPROG.data);
      }
      for (const bytes of [new Uint8Array(80), Buffer.alloc(80), new Uint8Array(new SharedArrayBuffer(80))]) {
        const data = fixedOpaque(80).decode(bytes);
        expect(Object.getPrototypeOf(data)).toBe(Uint8Array.prototype);
        expect(data.buffer).toBe(bytes.buffer);
        expect(data.byteOffset).toBe(bytes.byteOffset);
      }
    });

    test("decodes text of any length", () => {
      for (let length = 0; length < 150; length += 1) {
        const text = "aé€😀".repeat(40).slice(0, length);
        if (text.isWellFormed()) expect(string(999).decode(string(999).encode(text))).toBe(text);
      }
    });

    test("can be used after an error, and inside functions given to transform", () => {
      const Inner = struct({ n: int });
      const Outer = struct({
        first: transform(opaque(99), {
          decode: (bytes) => Inner.decode(bytes),
          encode: (value: { n: number }) => Inner.encode(value),
        }),
        second: int,
      });
      const value = { first: { n: 1 }, second: 2 };
      for (let i = 0; i < 3; i += 1) {
        const bytes = Outer.encode(value);
        expect(bytes).toEqual(hex("00000004 00000001 00000002"));
        expect(Outer.decode(bytes)).toStrictEqual(value);
        expect(() => Outer.encode({ first: { n: 1.5 }, second: 2 })).toThrow("n: int: expected");
        expect(() => Outer.decode(hex("00000004 00000001"))).toThrow(XdrError);
        expect(() => Outer.decode(hex("00000000 00000001"))).toThrow(XdrError);
      }
    });

    test("is an XdrType, and anything else is rejected as a type", () => {
      for (const type of [int, File, FileKind, array(int, 1), lazy(() => int)]) expect(type).toBeInstanceOf(XdrType);
      for (const other of [undefined, null, 7, "int", {}, () => int, Object.create(XdrType.prototype)]) {
        expect(() => array(other as never, 1)).toThrow(TypeError);
        expect(() => struct({ a: other as never })).toThrow(TypeError);
      }
    });
  });

  describe("invalid bytes", () => {
    const Entry = struct({ name: string(9), attributes: optional(struct({ size: uhyper, kind: FileKind })) });
    const Directory = struct({ version: constant(3), entries: array(Entry, 3), links: list(Entry, 2), eof: bool });

    test.each<[string, XdrType<unknown>, string, [string, number, string]]>([
      ["truncated, at the top", int, "0000", ["truncated", 0, ""]],
      ["truncated, in a struct", struct({ a: int, b: hyper }), "00000000 00000000", ["truncated", 4, "b"]],
      ["truncated, in an array", array(string(4), 2), "00000001 00000002 6161", ["truncated", 10, "[0]"]],
      ["length-over-maximum", struct({ a: opaque(4) }), "00000005 0000000000000000", ["length-over-maximum", 0, "a"]],
      ["length-over-maximum, of an array", struct({ a: array(int, 1) }), "00000002", ["length-over-maximum", 0, "a"]],
      [
        "length-over-maximum, of a list",
        struct({ a: list(bool, 1) }),
        "00000001 00000001 00000001",
        ["length-over-maximum", 8, "a[1]"],
      ],
      ["length-over-input", struct({ a: string(9) }), "00000001", ["length-over-input", 0, "a"]],
      [
        "length-over-input, of an array",
        array(hyper, 9),
        "00000002 0000000000000000 00000000",
        ["length-over-input", 0, ""],
      ],
      ["nonzero-padding", struct({ a: fixedOpaque(2) }), "00000001", ["nonzero-padding", 3, "a"]],
      ["bad-bool", struct({ a: bool }), "00000002", ["bad-bool", 0, "a"]],
      ["bad-bool, of an optional", struct({ a: optional(int) }), "00000002", ["bad-bool", 0, "a"]],
      ["bad-bool, in a list", list(struct({ a: int }), 9), "00000001 00000000 00000002", ["bad-bool", 8, "[1]"]],
      ["unknown-enum", struct({ a: FileKind }), "00000003", ["unknown-enum", 0, "a"]],
      ["unknown-enum, of a discriminant", struct({ a: File }), `00000000 00000003`, ["unknown-enum", 4, "a.type.kind"]],
      [
        "unknown-discriminant",
        struct({ a: union("d", int, { 1: voidType }) }),
        "00000002",
        ["unknown-discriminant", 0, "a"],
      ],
      ["wrong-constant", struct({ a: int, b: constant(3) }), "00000003 00000004", ["wrong-constant", 4, "b"]],
      ["bad-utf8", struct({ a: string(4) }), "00000001 ff000000", ["bad-utf8", 0, "a"]],
      ["trailing-bytes", struct({ a: struct({ b: int }) }), "00000001 00", ["trailing-bytes", 4, ""]],
      [
        "deep inside",
        Directory,
        "00000003 00000001 00000001 61000000 00000001 0000000000000000 00000009",
        ["unknown-enum", 28, "entries[0].attributes.kind"],
      ],
      [
        "in a list",
        Directory,
        "00000003 00000000 00000001 00000001 61000001",
        ["nonzero-padding", 19, "links[0].name"],
      ],
      ["after a list", Directory, "00000003 00000000 00000000 00000002", ["bad-bool", 12, "eof"]],
      ["in an arm", struct({ t: union("d", int, { 1: { v: bool } }) }), "00000001 00000002", ["bad-bool", 4, "t.v"]],
      [
        "in a default arm",
        struct({ t: union("d", int, {}, { v: bool }) }),
        "00000001 00000002",
        ["bad-bool", 4, "t.v"],
      ],
    ])("are reported by code, offset and path: %s", (_, type, bytes, expected) => {
      expect(fault(type, bytes)).toEqual(expected);
      const [code, offset, path] = expected;
      try {
        type.decode(hex(bytes));
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(XdrError);
        expect(error).toMatchObject({ name: "XdrError", code, offset, path });
        expect((error as XdrError).message).toStartWith(path === "" ? "" : `${path}: `);
        expect((error as XdrError).message).toEndWith(` (at byte ${offset})`);
      }
    });

    test("are rejected if they are cut off anywhere, or if bytes follow the value", () => {
      for (let end = 0; end < SILLYPROG_BYTES.length; end += 1) {
        expect(File.tryDecode(SILLYPROG_BYTES.subarray(0, end))).toMatchObject({ ok: false });
      }
      const longer = hex(`${SILLYPROG_BYTES.toHex()}00`);
      expect(File.tryDecode(longer)).toMatchObject({ ok: false, code: "trailing-bytes", offset: 48 });
      expect(File.decode(longer, { allowTrailing: true })).toStrictEqual({ ...SILLYPROG });
    });

    test("are the only error that tryDecode returns as a result", () => {
      expect(() => int.tryDecode("0000" as never)).toThrow(TypeError);
      expect(() => int.tryDecode(new Uint8Array(4), { maxDepth: -1 })).toThrow(RangeError);
      const broken = transform(int, {
        decode: () => {
          throw new SyntaxError("no");
        },
        encode: Number,
      });
      expect(() => broken.tryDecode(new Uint8Array(4))).toThrow(SyntaxError);
    });
  });

  describe("invalid values", () => {
    const Entry = struct({ name: string(9), attributes: optional(struct({ size: uhyper })) });
    const Directory = struct({ entries: array(Entry, 4), more: list(Entry, 2) });
    const good = { name: "a", attributes: { size: 1n } };

    test.each<[string, XdrType<unknown>, unknown, typeof TypeError, string]>([
      ["at the top", int, "7", TypeError, "int: expected a number, got string"],
      ["of the wrong size", int, 2 ** 31, RangeError, "int: expected an integer, -2^31 to 2^31 - 1, got 2147483648"],
      [
        "in a struct",
        struct({ a: struct({ b: bool }) }),
        { a: { b: 1 } },
        TypeError,
        "a.b: bool: expected a boolean, got number",
      ],
      ["missing", struct({ a: int }), {}, TypeError, "a: int: expected a number, got undefined"],
      ["not an object", struct({ a: struct({}) }), { a: null }, TypeError, "a: struct: expected an object, got null"],
      [
        "deep inside",
        Directory,
        { entries: [good, good, good, { name: "b", attributes: { size: 7 } }], more: [] },
        TypeError,
        "entries[3].attributes.size: uhyper: expected a bigint, got number",
      ],
      [
        "in a list",
        Directory,
        { entries: [], more: [good, { name: "0123456789", attributes: null }] },
        RangeError,
        "more[1].name: string: length 10 is over the maximum of 9",
      ],
      [
        "too many",
        Directory,
        { entries: [], more: [good, good, good] },
        RangeError,
        "more: list: length 3 is over the maximum of 2",
      ],
      ["too few", struct({ a: fixedArray(int, 2) }), { a: [1] }, RangeError, "a: array: length 1 is not 2"],
      [
        "not an array",
        struct({ a: array(int, 2) }),
        { a: new Uint8Array(2) },
        TypeError,
        "a: array: expected an array, got Uint8Array",
      ],
      [
        "undefined for an optional",
        struct({ a: optional(int) }),
        {},
        TypeError,
        "a: int: expected a number, got undefined",
      ],
      [
        "an array instead of bytes",
        struct({ a: opaque(4) }),
        { a: [1, 2] },
        TypeError,
        "a: opaque: expected a Uint8Array, got Array",
      ],
      [
        "a lone surrogate",
        struct({ a: string(4) }),
        { a: "\ud83d" },
        RangeError,
        "a: string: contains a lone surrogate",
      ],
      [
        "not a value of the enum",
        struct({ a: FileKind }),
        { a: 3 },
        RangeError,
        "a: enum: expected one of its values, got 3",
      ],
      ["another constant", struct({ a: constant(3) }), { a: 4 }, RangeError, "a: constant: expected 3, got 4"],
      ["a value for a void", struct({ a: voidType }), { a: null }, TypeError, "a: void: expected undefined, got null"],
      [
        "a discriminant without an arm",
        struct({ a: union("d", int, { 1: voidType }) }),
        { a: { d: 2 } },
        RangeError,
        "a.d: the union has no arm for 2",
      ],
      [
        "no discriminant",
        struct({ a: union("d", int, { 1: voidType }) }),
        { a: {} },
        TypeError,
        "a.d: int: expected a number, got undefined",
      ],
      [
        "a discriminant of the wrong type",
        union("d", bool, { true: voidType }),
        { d: 1 },
        TypeError,
        "d: bool: expected a boolean, got number",
      ],
      [
        "a wrong discriminant for the default arm",
        union("d", FileKind, {}, voidType),
        { d: 9 },
        RangeError,
        "d: enum: expected one of its values, got 9",
      ],
      [
        "in an arm",
        union("d", int, { 1: { v: int } }),
        { d: 1, v: "" },
        TypeError,
        "v: int: expected a number, got string",
      ],
      [
        "a number instead of a union",
        union("d", int, { 1: { v: int } }),
        1,
        TypeError,
        "union: expected an object, got number",
      ],
    ])("are rejected with path and reason: %s", (_, type, value, Kind, message) => {
      const target = new Uint8Array(200).fill(0xa5);
      for (const write of [() => type.encode(value), () => type.size(value), () => type.encodeInto(value, target, 8)]) {
        try {
          write();
          expect.unreachable();
        } catch (error) {
          expect(Object.getPrototypeOf(error)).toBe(Kind.prototype);
          expect((error as Error).message).toBe(message);
        }
      }
      expect(target.every((byte) => byte === 0xa5)).toBe(true);
    });

    test("may make functions given to transform throw: own error classes pass unchanged, a RangeError gets the path", () => {
      class DateError extends RangeError {}
      const failing = (error: Error) =>
        struct({
          when: transform(uhyper, {
            decode: Number,
            encode: () => {
              throw error;
            },
          }),
        });
      const own = new DateError("no date");
      expect(() => failing(own).encode({ when: 0 })).toThrow(own);
      const plain = new RangeError("no date");
      expect(() => failing(plain).encode({ when: 0 })).toThrow("when: no date");
      try {
        failing(plain).encode({ when: 0 });
      } catch (error) {
        expect((error as Error).cause).toBe(plain);
      }
    });

    test("that do not fit in the target leave it unchanged", () => {
      const target = new Uint8Array(60).fill(0xa5);
      expect(() => File.encodeInto(SILLYPROG, target, 13)).toThrow("48 more bytes do not fit in the 47 left");
      expect(() => File.encodeInto(SILLYPROG, target, 61)).toThrow(RangeError);
      expect(() => File.encodeInto(SILLYPROG, target, -1)).toThrow(RangeError);
      expect(() => File.encodeInto(SILLYPROG, [] as never)).toThrow(TypeError);
      expect(target.every((byte) => byte === 0xa5)).toBe(true);
      expect(File.encodeInto(SILLYPROG, target, 12)).toBe(48);
      expect<Uint8Array>(target.subarray(12)).toEqual(SILLYPROG_BYTES);
    });

    test("may contain bytes of the target that are being overwritten", () => {
      const Type = struct({ a: int, data: opaque(9000), b: int });
      for (const length of [1, 63, 128, 129, 8000]) {
        const target = new Uint8Array(9000).map((_, i) => i);
        const data = target.subarray(6, 6 + length);
        const expected = Type.encode({ a: 1, data: data.slice(), b: 2 });
        expect(Type.encodeInto({ a: 1, data, b: 2 }, target)).toBe(expected.length);
        expect<Uint8Array>(target.subarray(0, expected.length)).toEqual(expected);
      }
    });
  });

  describe("a type is rejected when it is created if", () => {
    test.each<[string, () => unknown, typeof TypeError]>([
      ["a maximum is out of range", () => array(int, -1), RangeError],
      ["a maximum is over 2^32 - 1", () => opaque(MAX_LENGTH + 1), RangeError],
      ["a maximum is missing", () => (string as (maximum?: number) => unknown)(), TypeError],
      ["the maximum of a list is not a number", () => list(int, "9" as never), TypeError],
      ["a length is not an integer", () => fixedOpaque(1.5), RangeError],
      ["a count is NaN", () => fixedArray(int, Number.NaN), RangeError],
      ["a constant is not an integer", () => constant(1.5), RangeError],
      ["a constant is over 2^32 - 1", () => constant(2 ** 32), RangeError],
      ["a constant is not a number", () => constant(1n as never), TypeError],
      ["an enum has a value that is not an int", () => enumType({ a: 2 ** 31 }), RangeError],
      ["an enum has a value that is not a number", () => enumType({ a: "b" as never }), TypeError],
      ["a field is named __proto__", () => struct({ ["__proto__"]: int }), RangeError],
      [
        "a field of an arm has the name of the discriminant",
        () => union("kind", int, { 1: { kind: uint } }),
        RangeError,
      ],
      [
        "a field is named like an array index, which JavaScript would move to the front",
        () => struct({ a: int, 0: int }),
        RangeError,
      ],
      ["the fields are a type instead of an object of types", () => struct(int as never), TypeError],
      ["an arm is a type instead of an object of types", () => union("d", int, { 1: int as never }), TypeError],
      ["the key of an arm is not an int", () => union("d", int, { x: voidType } as never), RangeError],
      [
        "the key of an arm is not a value of the enum",
        () => union("d", FileKind, { 3: voidType } as never),
        RangeError,
      ],
      [
        "the key of an arm is a number but the discriminant is a bool",
        () => union("d", bool, { 1: voidType } as never),
        TypeError,
      ],
      ["a discriminant is not a type", () => union("d", { a: 1 } as never, {}), TypeError],
      ["the elements are void", () => array(voidType, 9), RangeError],
      [
        "the elements are structs without bytes",
        () => array(struct({ a: voidType, b: struct({}) }), MAX_LENGTH),
        RangeError,
      ],
      ["the elements are opaque data of length 0", () => fixedArray(fixedOpaque(0), 9), RangeError],
      ["the elements are arrays of length 0", () => array(fixedArray(int, 0), 9), RangeError],
    ])("%s", (_, make, Kind) => {
      expect(make).toThrow(Kind);
    });

    test("but a list of voids is allowed, because each of its elements takes a bool", () => {
      expect(list(voidType, 9).decode(hex("00000001 00000001 00000000"))).toEqual([undefined, undefined]);
    });
  });

  describe("a recursive type", () => {
    interface Tree {
      name: string;
      children: Tree[];
    }
    const Tree: XdrType<Tree> = struct({
      name: string(9),
      children: array(
        lazy(() => Tree),
        9,
      ),
    });

    test("is encoded and decoded", () => {
      const tree = {
        name: "a",
        children: [
          { name: "b", children: [] },
          { name: "c", children: [] },
        ],
      };
      expect(Tree.decode(Tree.encode(tree))).toEqual(tree);
      expect(fault(Tree, "00000000 00000001 00000000 00000001 00000000 00000002")).toEqual([
        "length-over-input",
        20,
        "children[0].children[0].children",
      ]);
    });

    test("throws at its first use if its values would be infinite", () => {
      const Endless: XdrType<object> = struct({ self: lazy(() => Endless) });
      const Even: XdrType<object> = struct({ n: int, odd: lazy(() => Odd) });
      const Odd: XdrType<object> = struct({
        n: int,
        even: transform(
          lazy(() => Even),
          { decode: Object, encode: Object },
        ),
      });
      const value: { n: number; self?: object; odd?: object } = { n: 1 };
      value.self = value;
      value.odd = { n: 2, even: value };
      for (const type of [Endless, Even]) {
        for (let i = 0; i < 2; i += 1) {
          expect(() => type.decode(new Uint8Array(1 << 20))).toThrow("optional in between");
          expect(() => type.encode(value)).toThrow("optional in between");
        }
      }
    });

    test("can be used later if its first use was too early", () => {
      let later: XdrType<number> | undefined;
      const type = struct({ a: lazy(() => later!) });
      expect(() => type.encode({ a: 1 })).toThrow(TypeError);
      later = int;
      expect(type.encode({ a: 1 })).toEqual(hex("00000001"));
    });

    test("is limited to maxDepth levels, in encoding and in decoding", () => {
      type Node = { next: Node | null };
      const Node: XdrType<Node> = struct({ next: optional(lazy(() => Node)) });
      const chain = (depth: number) => `${"00000001".repeat(depth)}00000000`;
      expect(fault(Node, chain(499))).toBeUndefined();
      expect(fault(Node, chain(500))).toEqual(["too-deep", 2000, `…${".next".repeat(32)}`]);
      expect(fault(Node, chain(3), { maxDepth: 3 })).toEqual(["too-deep", 12, "next.next.next.next"]);
      expect(fault(Node, chain(3), { maxDepth: 4 })).toBeUndefined();
      const three = Node.decode(hex(chain(3)));
      expect(() => Node.encode(three, { maxDepth: 3 })).toThrow("maxDepth of 3");
      expect(Node.encode(three, { maxDepth: 4 })).toEqual(hex(chain(3)));
      const cycle: Node = { next: null };
      cycle.next = cycle;
      expect(() => Node.encode(cycle)).toThrow("is it a cycle?");
      expect(() => Node.size(cycle)).toThrow(RangeError);
      expect(() => Node.encodeInto(cycle, new Uint8Array(9999))).toThrow(RangeError);
    });

    test("counts only arrays, fixed arrays, lists, unions and optionals as levels", () => {
      const nest: XdrType<unknown>[] = [
        array(int, 1),
        fixedArray(int, 1),
        list(int, 1),
        optional(int),
        union("d", int, { 1: { v: int } }),
      ];
      const values = [[7], [7], [7], 7, { d: 1, v: 7 }];
      nest.forEach((type, i) => {
        const bytes = type.encode(values[i], { maxDepth: 1 });
        expect(() => type.encode(values[i], { maxDepth: 0 })).toThrow("maxDepth");
        expect(type.decode(bytes, { maxDepth: 1 })).toStrictEqual(values[i]);
        expect(fault(type, bytes.toHex(), { maxDepth: 0 })).toEqual(["too-deep", 0, ""]);
      });
      const flat = struct({ a: struct({ b: lazy(() => transform(string(9), { decode: String, encode: String })) }) });
      expect(flat.decode(flat.encode({ a: { b: "c" } }, { maxDepth: 0 }), { maxDepth: 0 })).toEqual({ a: { b: "c" } });
    });

    test("counts levels that are inside each other, not those that follow each other", () => {
      const each: [XdrType<unknown>, unknown][] = [
        [array(int, 1), [7]],
        [fixedArray(int, 1), [7]],
        [list(int, 1), [7]],
        [optional(int), 7],
        [optional(int), null],
        [union("d", int, { 1: { v: int } }), { d: 1, v: 7 }],
        [union("d", int, { 1: { v: int } }, voidType), { d: 2 }],
        [union("d", int, { 1: { v: int } }, { w: bool }), { d: 2, w: true }],
      ];
      for (const [type, value] of each) {
        const values = array(type, 20);
        const twenty = Array.from({ length: 20 }, () => value);
        expect(values.decode(values.encode(twenty, { maxDepth: 2 }), { maxDepth: 2 })).toEqual(twenty);
      }
    });

    test("counts a list of any length as one level", () => {
      const names = list(struct({ name: string(9) }), 100_000);
      const value = Array.from({ length: 100_000 }, (_, i) => ({ name: `n${i}` }));
      expect(names.decode(names.encode(value, { maxDepth: 1 }), { maxDepth: 1 })).toEqual(value);
    });
  });

  test("an optional whose type decodes to null is refused: it could not be distinguished from a missing value", () => {
    const nullable = transform(int, { decode: (n) => (n === 0 ? null : n), encode: Number }) as XdrType<number>;
    const type = optional(nullable);
    expect(type.decode(hex("00000001 00000007"))).toBe(7);
    expect(type.decode(hex("00000000"))).toBeNull();
    expect(fault(type, "00000001 00000000")).toEqual(["refused", 4, ""]);
  });

  test("a property of Object.prototype is not used as an arm or a field", () => {
    const type = union("d", int, { 1: voidType });
    try {
      (Object.prototype as Record<string, unknown>)[7] = { v: int };
      expect(fault(type, "00000007")).toEqual(["unknown-discriminant", 0, ""]);
      expect(() => type.encode({ d: 7 } as never)).toThrow(RangeError);
    } finally {
      delete (Object.prototype as Record<string, unknown>)[7];
    }
  });

  test("an array that changes while it is encoded gets as many elements as its count says", () => {
    const values = [1, 2, 3];
    const shrinking = transform(int, {
      decode: Number,
      encode: (n: number) => {
        values.length = 3;
        values.push(9);
        return n;
      },
    });
    expect(array(shrinking, 9).encode(values)).toEqual(hex("00000003 00000001 00000002 00000003"));
  });
});
