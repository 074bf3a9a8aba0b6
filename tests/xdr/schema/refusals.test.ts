// What is refused, where, and at what cost.
import { expect, test } from "bun:test";
import {
  array,
  bool,
  constant,
  enumType,
  fixedArray,
  fixedOpaque,
  hyper,
  int,
  lazy,
  list,
  nested,
  opaque,
  optional,
  refine,
  safeHyper,
  string,
  struct,
  transform,
  uint,
  union,
  voidType,
  XdrError,
  XdrReader,
  type XdrType,
} from "../../../src/xdr/index.ts";
import { describePaths } from "./paths.ts";

const hex = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.fromHex(text.replaceAll(/\s/g, ""));

/** Code, offset, path and `needs` of the refusal. */
function refusal(type: XdrType<unknown>, bytes: string, options = {}): unknown[] {
  const result = type.tryDecode(hex(bytes), options);
  if (result.ok) throw new Error(`accepted ${JSON.stringify(result.value)}`);
  const { code, offset, path, needs } = result;
  return needs === undefined ? [code, offset, path] : [code, offset, path, needs];
}

/** How many XdrErrors are made while `run` runs. */
function errorsMade(run: () => void): number {
  let count = 0;
  // `super()` calls what is then the prototype of the class.
  const counting = new Proxy(Error, {
    construct(target, values, newTarget) {
      count += 1;
      return Reflect.construct(target, values, newTarget);
    },
  });
  Object.setPrototypeOf(XdrError, counting);
  try {
    run();
    return count;
  } finally {
    Object.setPrototypeOf(XdrError, Error);
  }
}

describePaths("refusals", () => {
  const Kind = enumType({ A: 0, B: 1 });
  const CASES: [string, XdrType<unknown>, string, unknown[]][] = [
    ["truncated", struct({ a: int, b: int }), "00000001 00", ["truncated", 4, "b", 3]],
    ["truncated, a hyper", struct({ a: hyper }), "00000001 00", ["truncated", 0, "a", 3]],
    ["truncated, a hyper as a number", struct({ a: safeHyper }), "00000001 00", ["truncated", 0, "a", 3]],
    ["truncated, padding", struct({ a: opaque(9) }), "00000001 01 00", ["truncated", 5, "a", 2]],
    ["length-over-maximum", array(int, 1), "00000002", ["length-over-maximum", 0, ""]],
    ["length-over-input", array(array(hyper, 2), 9), "00000001 00000002 00", ["length-over-input", 4, "[0]", 15]],
    ["nonzero-padding", array(string(9), 9), "00000001 00000001 61 000001", ["nonzero-padding", 11, "[0]"]],
    ["bad-bool", optional(int), "00000002", ["bad-bool", 0, ""]],
    ["unknown-enum", list(Kind, 9), "00000001 00000002", ["unknown-enum", 4, "[0]"]],
    ["unknown-discriminant", union("d", int, { 1: voidType }), "00000002", ["unknown-discriminant", 0, ""]],
    ["wrong-constant", fixedArray(constant(3), 2), "00000003 00000004", ["wrong-constant", 4, "[1]"]],
    ["unsafe-integer", struct({ a: safeHyper }), "0020000000000000", ["unsafe-integer", 0, "a"]],
    ["refused, by refine", struct({ a: refine(int, (n) => n > 0, "!") }), "00000000", ["refused", 0, "a"]],
    ["trailing-bytes", int, "00000000 00", ["trailing-bytes", 4, ""]],
    ["in nested data", nested(opaque(9), int), "00000004 00000001 00000000", ["trailing-bytes", 8, ""]],
  ];

  test.each(CASES)(
    "have a code, an offset, a path, and if only bytes are missing how many: %s",
    (_, type, bytes, expected) => {
      expect(refusal(type, bytes)).toEqual(expected);
    },
  );

  test("make no Error in tryDecode and tryDecodeFrom, and one in decode", () => {
    // The function given to `refine` is called by a type that throws and catches its RangeError.
    const types = CASES.filter(([name]) => name !== "refused, by refine");
    const all = types.map(([, type, bytes]) => ({ type, bytes: hex(bytes) }));
    for (const { type, bytes } of all) {
      expect(errorsMade(() => void type.tryDecode(bytes))).toBe(0);
      expect(errorsMade(() => void type.tryDecodeFrom(new XdrReader(bytes)))).toBe(0);
      expect(errorsMade(() => expect(() => type.decode(bytes)).toThrow(XdrError))).toBe(1);
    }
  });

  test("have a path of at most 32 steps, whose outer steps are left out, however deep the input nests", () => {
    interface Tree {
      readonly children: Tree[];
    }
    const Tree: XdrType<Tree> = struct({
      children: array(
        lazy(() => Tree),
        9,
      ),
    });
    const [, , path] = refusal(Tree, "00000001".repeat(3000));
    expect(path).toBe(`…${"[0].children".repeat(16)}`);
    expect(refusal(Tree, `${"00000001".repeat(15)}0000000a`)[2]).toBe(`children${"[0].children".repeat(15)}`);
  });

  test("leave the type and the reader usable", () => {
    const type = struct({ a: nested(opaque(99), array(optional(uint), 9)) });
    const good = type.encode({ a: [1, null] });
    for (let i = 0; i < 3; i += 1) {
      expect(type.tryDecode(good.subarray(0, 12)).ok).toBe(false);
      const reader = new XdrReader(good);
      expect(struct({ a: type, b: int }).tryDecodeFrom(reader)).toMatchObject({
        code: "truncated",
        offset: 20,
        path: "b",
      });
      expect(reader.offset).toBe(0);
      expect(reader.remaining).toBe(20);
      expect(type.decodeFrom(reader)).toEqual({ a: [1, null] });
      expect(type.decode(good)).toEqual({ a: [1, null] });
    }
  });
});

describePaths("a reader", () => {
  test("stays where it was, with all its bytes, if a value in nested data is refused", () => {
    const type = struct({ a: nested(opaque(9), nested(opaque(9), bool)) });
    const reader = new XdrReader(hex("00000008 00000004 00000002 00000001"));
    expect(type.tryDecodeFrom(reader)).toMatchObject({ code: "bad-bool", offset: 8, path: "a" });
    expect([reader.offset, reader.remaining]).toEqual([0, 16]);
    // Within nested data, more bytes would not help. Here they do again.
    expect(fixedOpaque(20).tryDecodeFrom(reader)).toMatchObject({ code: "truncated", needs: 4 });
    expect(fixedOpaque(16).decodeFrom(reader)).toHaveLength(16);
  });
});

describePaths("padding", () => {
  const Padded = struct({
    a: fixedOpaque(1),
    b: opaque(9),
    c: string(9),
    d: string(9, { as: "bytes" }),
    e: string(9, { as: "either" }),
    f: nested(opaque(99), opaque(9)),
  });
  const bytes = hex(`
    01 aaaaaa 00000001 02 bbbbbb 00000002 6869 cccc 00000003 030303 dd 00000001 68 eeeeee 00000008 00000001 04 ffffff
  `);
  const value = {
    a: Uint8Array.of(1),
    b: Uint8Array.of(2),
    c: "hi",
    d: Uint8Array.of(3, 3, 3),
    e: "h",
    f: Uint8Array.of(4),
  };

  test('must be zero, unless `padding: "ignore"` is set', () => {
    expect(Padded.tryDecode(bytes)).toEqual({ ok: false, code: "nonzero-padding", offset: 1, path: "a" });
    expect(Padded.tryDecode(bytes, { padding: "zero" }).ok).toBe(false);
    expect(Padded.decode(bytes, { padding: "ignore" })).toEqual(value);
    expect(Padded.tryDecode(bytes, { padding: "ignore" })).toEqual({ ok: true, value });
    expect(Padded.decodeFrom(new XdrReader(bytes, { padding: "ignore" }))).toEqual(value);
    expect(new XdrReader(bytes, { padding: "ignore" }).fixedOpaque(1)).toEqual(Uint8Array.of(1));
    expect(() => new XdrReader(bytes).fixedOpaque(1)).toThrow(XdrError);
  });

  test("is written as zeros, and must be there even if it is ignored", () => {
    const strict = Padded.encode(value);
    expect(Padded.decode(strict)).toEqual(value);
    expect(opaque(9).tryDecode(hex("00000001 01ffff"), { padding: "ignore" })).toMatchObject({
      code: "truncated",
      needs: 1,
    });
  });
});

describePaths("nested", () => {
  const Inner = struct({ s: string(9), n: uint });
  const Outer = struct({ version: uint, body: nested(opaque(64), Inner), after: bool });

  test("reads and writes the value in the opaque data", () => {
    const value = { version: 1, body: { s: "hi", n: 7 }, after: true };
    const bytes = hex("00000001 0000000c 00000002 68690000 00000007 00000001");
    expect(Outer.encode(value)).toEqual(bytes);
    expect(Outer.decode(bytes)).toEqual(value);
    const Fixed = struct({ body: nested(fixedOpaque(12), Inner) });
    expect(Fixed.encode({ body: value.body })).toEqual(bytes.slice(8, 20));
    expect(Fixed.decode(bytes.slice(8, 20))).toEqual({ body: value.body });
  });

  test.each([
    ["a wrong value", "00000001 0000000c 00000002 68690001 00000007 00000001", ["nonzero-padding", 15, "body.s"]],
    ["data that end too early", "00000001 00000008 00000002 68690000 00000007 00000001", ["truncated", 16, "body.n"]],
    [
      "a length in it that is too long",
      "00000001 00000004 00000002 68690000 00000007",
      ["length-over-input", 8, "body.s"],
    ],
    ["bytes behind the value", "00000001 00000010 00000002 68690000 00000007 00000001", ["trailing-bytes", 20, "body"]],
    ["a length over the maximum", "00000001 00000044", ["length-over-maximum", 4, "body"]],
    ["a length over the input", "00000001 0000000c 00000002", ["length-over-input", 4, "body", 8]],
    [
      "a length that no value has",
      "00000001 0000000d 00000002 68690000 00000007 00000000",
      ["trailing-bytes", 20, "body"],
    ],
  ])("has the offsets and paths of the whole input: %s", (_, bytes, expected) => {
    expect(refusal(Outer, bytes)).toEqual(expected);
  });

  test("needs no more bytes if it is the last field, and its data end too early: more would not help", () => {
    const Last = struct({ body: nested(opaque(64), Inner) });
    expect(refusal(Last, "00000008 00000002 68690000")).toEqual(["truncated", 12, "body.n"]);
    expect(refusal(Last, "00000004 00000002")).toEqual(["length-over-input", 4, "body.s"]);
    // Behind it, they do again.
    expect(refusal(struct({ body: nested(opaque(64), uint), n: uint }), "00000004 00000001")).toEqual([
      "truncated",
      8,
      "n",
      4,
    ]);
    const Fixed = nested(fixedOpaque(8), hyper);
    expect(refusal(Fixed, "00000000 0000")).toEqual(["truncated", 0, "", 2]);
  });

  test("may be nested itself, and in a list", () => {
    const Records = list(nested(opaque(64), struct({ data: nested(opaque(32), uint) })), 9);
    const value = [{ data: 1 }, { data: 2 }];
    expect(Records.decode(Records.encode(value))).toEqual(value);
    expect(refusal(Records, "00000001 00000008 00000004 00000001 00000001 00000008 00000003 00000001")).toEqual([
      "truncated",
      28,
      "[1].data",
    ]);
  });

  test("rejects a value whose encoding is not as long as the data must be", () => {
    const type = struct({ a: nested(opaque(8), string(99)) });
    expect(() => type.encode({ a: "hello" })).toThrow(new RangeError("a: nested: length 12 is over the maximum of 8"));
    expect(() => nested(fixedOpaque(12), string(99)).encode("hi")).toThrow(RangeError);
    expect(() => nested(opaque(8), string(9)).encode(7 as never)).toThrow(TypeError);
  });

  test("takes opaque data only, and a length that a value can have", () => {
    expect(() => nested(string(9) as never, uint)).toThrow(
      new TypeError("outer: expected opaque data, got the kind string"),
    );
    expect(() => nested(uint as never, uint)).toThrow(TypeError);
    expect(() => nested(fixedOpaque(7), uint)).toThrow(RangeError);
    expect(() => nested({} as never, uint)).toThrow(TypeError);
  });

  test("does not let a type contain itself with nothing else in between", () => {
    const Endless: XdrType<unknown> = nested(
      opaque(99),
      lazy(() => Endless),
    );
    expect(() => Endless.tryDecode(new Uint8Array(8))).toThrow("optional in between");
  });
});

describePaths("refine", () => {
  const Port = refine(uint, (port) => port > 0 && port < 65536, "must be a port");

  test("refuses other values at their place, when they are read and when they are written", () => {
    const type = struct({ host: string(9), ports: array(Port, 9) });
    expect(type.decode(type.encode({ host: "a", ports: [1, 65535] }))).toEqual({ host: "a", ports: [1, 65535] });
    const bytes = "00000001 61000000 00000002 00000001 00010000";
    expect(refusal(type, bytes)).toEqual(["refused", 16, "ports[1]"]);
    expect(() => type.decode(hex(bytes))).toThrow("ports[1]: must be a port (at byte 16)");
    expect(() => type.encode({ host: "a", ports: [0] })).toThrow(new RangeError("ports[0]: must be a port"));
    expect(type.validate({ host: "a", ports: [0] })).toEqual({
      ok: false,
      path: "ports[0]",
      message: "must be a port",
    });
  });

  test("checks what the inner type has accepted, and only that", () => {
    let calls = 0;
    const Counted = refine(
      bool,
      () => {
        calls += 1;
        return true;
      },
      "no",
    );
    expect(refusal(Counted, "00000002")).toEqual(["bad-bool", 0, ""]);
    expect(calls).toBe(0);
    expect(Counted.decode(hex("00000001"))).toBe(true);
    expect(calls).toBe(1);
  });

  test("lets other errors of the check pass, and the reader stays where it was", () => {
    const broken = refine(
      uint,
      () => {
        throw new SyntaxError("broken");
      },
      "no",
    );
    const type = struct({ a: nested(opaque(8), array(broken, 2)) });
    const reader = new XdrReader(hex("00000008 00000001 00000007"));
    expect(() => type.tryDecodeFrom(reader)).toThrow(SyntaxError);
    expect([reader.offset, reader.remaining]).toEqual([0, 12]);
    expect(reader.uint()).toBe(8);
    expect(type.tryDecode(new Uint8Array(3))).toMatchObject({ needs: 1 });
  });
});

describePaths("transform", () => {
  const Digits = transform(uint, {
    decode(number) {
      if (number > 9) throw new RangeError(`not one digit: #@${number}`);
      return String(number);
    },
    encode: (text: string) => Number(text),
  });

  test("refuses the input in the place of its value with the message of a RangeError that its decode throws", () => {
    const type = struct({ a: uint, list: array(Digits, 9) });
    const bytes = "00000001 00000002 00000003 0000000a";
    expect(type.decode(hex("00000001 00000001 00000003"))).toEqual({ a: 1, list: ["3"] });
    expect(refusal(type, bytes)).toEqual(["refused", 12, "list[1]"]);
    expect(() => type.decode(hex(bytes))).toThrow(new XdrError("refused", 12, "not one digit: #@10", "list[1]"));
  });

  test("lets all other errors pass, also subclasses of RangeError", () => {
    class Mine extends RangeError {}
    for (const error of [new Mine("mine"), new TypeError("type"), new Error("other")]) {
      const type = transform(uint, {
        decode: () => {
          throw error;
        },
        encode: Number,
      });
      expect(() => type.tryDecode(new Uint8Array(4))).toThrow(error);
    }
  });
});

describePaths("strings", () => {
  const NOT_UTF8 = hex("00000002 ff610000");

  test("are text, bytes or either, by the option `as`", () => {
    const bytes = hex("00000003 7ac3ab00");
    for (const type of [string(9), string(9, {}), string(9, { as: "text" }), string(9, { as: "either" })]) {
      expect(type.decode(bytes)).toBe("zë");
      expect(type.encode("zë" as never)).toEqual(bytes);
    }
    const Bytes = string(9, { as: "bytes" });
    expect(Bytes.decode(bytes)).toEqual(hex("7ac3ab"));
    expect(Bytes.encode(hex("7ac3ab"))).toEqual(bytes);
    expect(() => Bytes.encode("zë" as never)).toThrow(TypeError);
  });

  test('that are not UTF-8 are refused as text, and bytes for "either"', () => {
    expect(string(9).tryDecode(NOT_UTF8)).toMatchObject({ code: "bad-utf8", offset: 0 });
    for (const as of ["bytes", "either"] as const) {
      const type = string(9, { as });
      expect<unknown>(type.decode(NOT_UTF8)).toEqual(hex("ff61"));
      expect(type.encode(type.decode(NOT_UTF8) as never)).toEqual(NOT_UTF8);
    }
    const either = struct({ s: string(9, { as: "either" }) });
    expect(() => either.encode({ s: 7 as never })).toThrow(
      new TypeError("s: string: expected a string or a Uint8Array, got number"),
    );
    expect(() => either.encode({ s: new Uint8Array(10) })).toThrow(RangeError);
    expect(refusal(either, "0000000a")).toEqual(["length-over-maximum", 0, "s"]);
  });

  test("that are long, or in shared memory, are bytes too if they are not UTF-8", () => {
    const type = string(999, { as: "either" });
    const long = type.encode(new Uint8Array(500).fill(0xff));
    const shared = new Uint8Array(new SharedArrayBuffer(long.length));
    shared.set(long);
    for (const bytes of [long, shared]) expect(type.decode(bytes)).toEqual(new Uint8Array(500).fill(0xff));
  });
});

describePaths("hypers as numbers", () => {
  test.each([
    [0, "0000000000000000"],
    [-1, "ffffffffffffffff"],
    [2 ** 32, "0000000100000000"],
    [-(2 ** 32), "ffffffff00000000"],
    [2 ** 32 - 1, "00000000ffffffff"],
    [Number.MAX_SAFE_INTEGER, "001fffffffffffff"],
    [Number.MIN_SAFE_INTEGER, "ffe0000000000001"],
  ])("%d", (number, bytes) => {
    expect(safeHyper.encode(number)).toEqual(hyper.encode(BigInt(number)));
    expect(safeHyper.encode(number)).toEqual(hex(bytes));
    expect(safeHyper.decode(hex(bytes))).toBe(number);
  });

  test("refuse what a number cannot hold exactly, and say what it is", () => {
    const type = struct({ a: safeHyper });
    expect(() => type.decode(hex("7fffffffffffffff"))).toThrow(
      "a: 9223372036854775807 is not a safe integer (at byte 0)",
    );
    expect(() => type.decode(hex("8000000000000000"))).toThrow("-9223372036854775808");
    expect(() => type.encode({ a: 2 ** 53 })).toThrow(RangeError);
    expect(() => type.encode({ a: 1.5 })).toThrow(RangeError);
    expect(() => type.encode({ a: 1n as never })).toThrow(TypeError);
  });
});
