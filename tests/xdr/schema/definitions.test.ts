// What a type tells about itself, and definitions that are easily got wrong.
import { describe, expect, test } from "bun:test";
import {
  array,
  bool,
  constant,
  double,
  enumType,
  type Fields,
  fixedArray,
  fixedOpaque,
  float,
  hyper,
  int,
  lazy,
  list,
  nested,
  opaque,
  optional,
  refine,
  safeHyper,
  safeUhyper,
  string,
  struct,
  transform,
  uhyper,
  uint,
  union,
  voidType,
  type XdrKind,
  type XdrType,
} from "../../../src/xdr/index.ts";
import { describePaths } from "./paths.ts";

const hex = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.fromHex(text.replaceAll(/\s/g, ""));

describe("a type tells", () => {
  test.each<[XdrKind, XdrType<never>]>(
    (
      [
        ["int", int],
        ["uint", uint],
        ["hyper", hyper],
        ["uhyper", uhyper],
        ["safeHyper", safeHyper],
        ["safeUhyper", safeUhyper],
        ["float", float],
        ["double", double],
        ["bool", bool],
        ["void", voidType],
        ["constant", constant(1)],
        ["enum", enumType({ A: 0 })],
        ["opaque", opaque(9)],
        ["fixedOpaque", fixedOpaque(9)],
        ["string", string(9)],
        ["string", string(9, { as: "bytes" })],
        ["array", array(int, 9)],
        ["fixedArray", fixedArray(int, 9)],
        ["list", list(int, 9)],
        ["optional", optional(int)],
        ["struct", struct({})],
        ["union", union("d", int, {})],
        ["lazy", lazy(() => int)],
        ["nested", nested(opaque(9), int)],
        ["refine", refine(int, Boolean, "")],
        ["transform", transform(int, { decode: String, encode: Number })],
      ] as [XdrKind, XdrType<never>][]
    ).map((pair) => pair),
  )("its kind: %s", (kind, type) => {
    expect(type.kind).toBe(kind);
  });

  test("its parts: fields in wire order, cases, elements, bounds, values and names", () => {
    const Kind = enumType({ TEXT: 0, DATA: 1, OLD_DATA: 1 });
    const Body = union("kind", Kind, { 0: voidType, 1: { creator: string(255) } }, { code: constant(7) });
    const fields = { z: Body, a: optional(uint), list: list(int, 3), pair: fixedArray(int, 2), all: array(int, 4) };
    const Type = struct(fields);
    expect(Object.entries(Type.fields)).toEqual(Object.entries(fields));
    expect([Body.tag, Body.discriminant]).toEqual(["kind", Kind]);
    expect(Body.cases[0]).toBe(voidType);
    expect(Body.cases[1].creator.maximum).toBe(255);
    expect(Body.otherwise.code.value).toBe(7);
    expect(union("d", int, {}).otherwise).toBeUndefined();
    expect(Kind.values).toEqual({ TEXT: 0, DATA: 1, OLD_DATA: 1 });
    expect([0, 1, 2].map((value) => Kind.nameOf(value))).toEqual(["TEXT", "DATA", undefined]);
    expect(Type.fields.a.element).toBe(uint);
    expect([Type.fields.list, Type.fields.pair, Type.fields.all].map(({ element, bound }) => [element, bound])).toEqual(
      [
        [int, 3],
        [int, 2],
        [int, 4],
      ],
    );
    expect([opaque(5).maximum, string(6).maximum, fixedOpaque(7).length]).toEqual([5, 6, 7]);
  });

  test("enough to print a value with the names of its enums", () => {
    const Kind = enumType({ TEXT: 0, DATA: 1 });
    const File = struct({ name: string(9), kinds: array(Kind, 9) });
    const { name, kinds } = File.decode(File.encode({ name: "a", kinds: [1, 0] }));
    const { element } = File.fields.kinds;
    if (element !== Kind) expect.unreachable();
    expect({ name, kinds: kinds.map((kind) => Kind.nameOf(kind)) }).toEqual({ name: "a", kinds: ["DATA", "TEXT"] });
  });
});

describePaths("an optional of an optional", () => {
  const message = "optional: the type must not be optional itself";

  test("is refused when it is created", () => {
    // @ts-expect-error: values of the inner type may be null
    expect(() => optional(optional(int))).toThrow(new RangeError(message));
  });

  // Bytes in which the optional is there, is not there, and has an outer part that is wrong.
  const INPUTS = ["00000001 00000001 00000001", "00000000", "00000002", ""];
  const inner = () => optional(int) as XdrType<number>;
  test.each<[string, () => XdrType<unknown>]>([
    ["lazy", () => optional(lazy(inner))],
    ["lazy twice", () => optional(lazy(() => lazy(inner)))],
    ["refined", () => optional(refine(inner(), () => true, ""))],
    ["nested", () => optional(nested(opaque(9), inner()))],
    ["lazy in a refined array", () => refine(array(optional(lazy(inner)), 9), () => true, "")],
    ["lazy in an arm", () => union("d", int, { 1: { a: optional(lazy(inner)) } }, voidType)],
    ["lazy in the default arm", () => union("d", int, { 1: voidType }, { a: optional(lazy(inner)) })],
    ["lazy in a list in nested data", () => nested(opaque(99), list(optional(lazy(inner)), 9))],
    ["lazy in a fixed array of a lazy type", () => lazy(() => fixedArray(optional(lazy(inner)), 1))],
  ])("is refused at its first use, whatever the input or value: %s", (_, make) => {
    const type = make();
    for (const bytes of INPUTS) {
      expect(() => type.tryDecode(hex(bytes))).toThrow(new RangeError(message));
      expect(() => type.decode(hex(bytes), { allowTrailing: true })).toThrow(new RangeError(message));
    }
    for (const value of [null, 1, { d: 0 }, []]) {
      expect(() => type.encode(value)).toThrow(new RangeError(message));
      expect(() => type.validate(value)).toThrow(new RangeError(message));
    }
  });

  test("is allowed in a struct", () => {
    const type = optional(struct({ inner: optional(int) }));
    for (const value of [null, { inner: null }, { inner: 7 }]) expect(type.decode(type.encode(value))).toEqual(value);
  });
});

describePaths("lazy types", () => {
  const nothing = () => lazy(() => voidType);

  test("without bytes are allowed where others without bytes are", () => {
    const type = struct({ v: nothing(), n: int });
    expect(type.encode({ v: undefined, n: 7 })).toEqual(hex("00000007"));
    expect(type.decode(hex("00000007"))).toEqual({ v: undefined, n: 7 });
    expect(list(nothing(), 9).decode(hex("00000001 00000000"))).toEqual([undefined]);
  });

  test("without bytes are refused as elements of arrays at the first use, whatever the input", () => {
    const message = "element: must take at least one byte";
    for (const make of [
      () => array(nothing(), 9),
      () => fixedArray(nothing(), 9),
      () => array(struct({ v: nothing() }), 9),
      () =>
        struct({
          a: array(
            array(
              lazy(() => struct({ v: nothing() })),
              9,
            ),
            9,
          ),
        }),
      () => union("d", int, { 7: { a: array(nothing(), 9) } }, voidType),
    ]) {
      const type: XdrType<unknown> = make();
      for (const bytes of ["", "00000000", "00000003"]) expect(() => type.tryDecode(hex(bytes))).toThrow(message);
      for (const value of [[], { a: [] }, { d: 0 }]) expect(() => type.encode(value)).toThrow(message);
    }
  });

  test("without bytes do not count as bytes of the elements that contain them", () => {
    const type = array(struct({ v: nothing(), n: int }), 9);
    const value = [1, 2, 3].map((n) => ({ v: undefined, n }));
    expect(type.decode(type.encode(value))).toEqual(value);
    const fixed = array(
      fixedArray(
        lazy(() => struct({ v: nothing(), n: int })),
        2,
      ),
      9,
    );
    expect(fixed.decode(fixed.encode([value.slice(0, 2)]))).toEqual([value.slice(0, 2)]);
    // The count is still checked by the size of the elements.
    expect(
      array(
        lazy(() => hyper),
        9,
      ).tryDecode(hex("00000002 00000000 00000000 00000000")),
    ).toMatchObject({
      code: "length-over-input",
      needs: 4,
    });
  });

  test("are not endless as the elements of a fixed array of none", () => {
    type Tree = { none: Tree[]; some: Tree[] };
    const self: XdrType<Tree> = lazy(() => Tree);
    const Tree: XdrType<Tree> = struct({ none: fixedArray(self, 0), some: array(self, 9) });
    const value = { none: [], some: [{ none: [], some: [] }] };
    expect(Tree.decode(Tree.encode(value))).toEqual(value);
  });

  test("are endless as the elements of a fixed array of one", () => {
    const Endless: XdrType<unknown> = struct({
      some: fixedArray(
        lazy(() => Endless),
        1,
      ),
    });
    expect(() => Endless.tryDecode(new Uint8Array(8))).toThrow("optional in between");
  });
});

describePaths("names that all objects have properties for", () => {
  const NAMES = ["constructor", "toString", "valueOf", "hasOwnProperty", "__defineGetter__", "isPrototypeOf"];

  test.each(NAMES)("may be fields: %s", (name) => {
    const type = struct({ [name]: int, other: bool });
    expect(type.decode(type.encode({ [name]: 7, other: true }))).toEqual({ [name]: 7, other: true });
    const message = `${name}: int: expected a number, got undefined`;
    expect(() => type.encode({ other: true } as never)).toThrow(new TypeError(message));
    const arm = union("d", int, { 1: { [name]: int } as Fields });
    expect(() => arm.encode({ d: 1 } as never)).toThrow(new TypeError(message));
    expect(arm.decode(arm.encode({ d: 1, [name]: 7 } as never))).toEqual({ d: 1, [name]: 7 } as never);
  });

  test.each(NAMES)("may be the name of a discriminant: %s", (name) => {
    const type: XdrType<unknown> = union(name, int, { 1: { a: int } }, voidType);
    expect(type.decode(type.encode({ [name]: 1, a: 7 }))).toEqual({ [name]: 1, a: 7 });
    expect(type.decode(hex("00000002"))).toEqual({ [name]: 2 });
    expect(() => type.encode({ a: 7 })).toThrow(new TypeError(`${name}: int: expected a number, got undefined`));
  });

  test("are fields even if what is inherited cannot be assigned to", () => {
    const { toString: inherited } = Object.prototype;
    Object.defineProperty(Object.prototype, "toString", { value: inherited, writable: false });
    Object.defineProperty(Object.prototype, "added", { get: () => 1, set() {}, configurable: true });
    try {
      const type = struct({ toString: int, added: int });
      const value: object = type.decode(hex("00000007 00000008"));
      expect(Object.entries(value)).toEqual([
        ["toString", 7],
        ["added", 8],
      ]);
      expect(type.validate({ toString: 7 })).toMatchObject({ ok: false, path: "added" });
    } finally {
      Object.defineProperty(Object.prototype, "toString", { value: inherited, writable: true });
      Reflect.deleteProperty(Object.prototype, "added");
    }
  });

  test("of classes are properties of their own: a getter in a prototype is one", () => {
    class Point {
      get constructor_() {
        return 7;
      }
    }
    expect(struct({ constructor_: int }).encode(new Point())).toEqual(hex("00000007"));
  });

  test("may not be __proto__", () => {
    expect(() => struct({ ["__proto__"]: int })).toThrow(RangeError);
    expect(() => union("d", int, { 1: { ["__proto__"]: int } })).toThrow(RangeError);
    expect(() => union("__proto__", int, { 1: voidType })).toThrow(new RangeError("tag: __proto__ is not allowed"));
    expect(() => union(7 as never, int, { 1: voidType })).toThrow(TypeError);
  });

  test("may be any text in generated code: it is quoted", () => {
    const names = ['"', "`$`", "\\", "\n", "\u2028", "'", "*/", "]; throw 1; [", "class", ""];
    const type = struct(Object.fromEntries(names.map((name) => [name, uint])));
    const value = Object.fromEntries(names.map((name, i) => [name, i]));
    expect(type.decode(type.encode(value))).toEqual(value);
    const tagged: XdrType<unknown> = union('"\n', int, { 1: { "`": bool } });
    expect(tagged.decode(tagged.encode({ '"\n': 1, "`": true }))).toEqual({ '"\n': 1, "`": true });
    expect(tagged.tryDecode(hex("00000001 00000002"))).toMatchObject({ path: "`" });
  });
});

describePaths("the keys of arms", () => {
  test.each(["", " ", "0x1", "-0", "1.0", "1e3", "01", "+1", "1n", "NaN", "Infinity", "1.5", "2147483648", "one"])(
    "must be integers as JavaScript prints them: %p is refused",
    (key) => {
      expect(() => union("d", int, { [key]: voidType } as never)).toThrow(RangeError);
      expect(() => union("d", int, { 1: voidType, [key]: voidType } as never)).toThrow(RangeError);
    },
  );

  test.each(["NaN", "Infinity", "1.5"])("must be integers, whatever the discriminant is: %p is refused", (key) => {
    expect(() => union("d", double, { [key]: voidType } as never)).toThrow(RangeError);
  });

  test("may be negative, or unsigned, or of a bool", () => {
    expect(union("d", int, { [-2147483648]: voidType }).decode(hex("80000000"))).toEqual({ d: -2147483648 });
    expect(union("d", uint, { 4294967295: voidType }).decode(hex("ffffffff"))).toEqual({ d: 4294967295 });
    expect(() => union("d", uint, { [-1]: voidType })).toThrow(RangeError);
    expect(() => union("d", int, { true: voidType } as never)).toThrow(TypeError);
  });

  test("are the only discriminants without a default arm", () => {
    const type = union("d", int, { 0: voidType, 3: { a: int } });
    expect(type.tryDecode(hex("00000001"))).toMatchObject({ code: "unknown-discriminant" });
    expect(() => type.encode({ d: 1 } as never)).toThrow(new RangeError("d: the union has no arm for 1"));
    expect(type.encode({ d: -0 as 0 })).toEqual(hex("00000000"));
  });

  test("may share the fields of an arm, which is then emitted once", () => {
    const shared = { a: uint };
    const type = union("d", int, { 1: shared, 2: shared, 3: voidType, 4: voidType }, shared);
    for (const d of [1, 2, 5] as const) expect(type.decode(type.encode({ d, a: 7 }))).toEqual({ d, a: 7 });
    expect(type.decode(type.encode({ d: 3 }))).toEqual({ d: 3 });
    expect(type.decode(type.encode({ d: 4 }))).toEqual({ d: 4 });
  });
});

describePaths("values that change while they are encoded", () => {
  test("have the arm of the discriminant that was written: a getter is called once", () => {
    const type = union("d", enumType({ A: 1, B: 2 }), { 1: { a: int } });
    let calls = 0;
    const value = {
      get d() {
        calls += 1;
        return calls as 1;
      },
      a: 7,
    };
    expect(type.encode(value)).toEqual(hex("00000001 00000007"));
    expect(calls).toBe(1);
    expect(() => type.encode(value)).toThrow(new RangeError("d: the union has no arm for 2"));
    expect(calls).toBe(2);
  });

  test("are read once for each field, length, element and optional", () => {
    const log: PropertyKey[] = [];
    const logged = <T extends object>(value: T): T =>
      new Proxy(value, {
        get(target, key) {
          log.push(key);
          return Reflect.get(target, key);
        },
      });
    const type = struct({ a: optional(int), b: array(int, 9) });
    expect(type.encode(logged({ a: 1, b: logged([5, 6]) }))).toEqual(
      hex("00000001 00000001 00000002 00000005 00000006"),
    );
    expect(log).toEqual(["a", "b", "length", "0", "1"]);
  });
});

describePaths("validate", () => {
  const File = struct({ name: string(9), size: uint, kinds: list(enumType({ A: 0 }), 2) });

  test("returns the value, with its type, or where and why it cannot be encoded", () => {
    const value: unknown = { name: "a", size: 1, kinds: [0] };
    const result = File.validate(value);
    if (!result.ok) expect.unreachable();
    expect(result.value).toBe(value as never);
    expect(result.value.kinds).toEqual([0]);
    expect(File.validate({ name: "a", size: 1, kinds: [0, 1] })).toEqual({
      ok: false,
      path: "kinds[1]",
      message: "enum: expected one of its values, got 1",
    });
    expect(File.validate(7)).toEqual({ ok: false, path: "", message: "struct: expected an object, got number" });
    const odd: unknown = JSON.parse('{ "constructor": { "name": { "toString": 1, "valueOf": 1 } } }');
    expect(uint.validate(odd)).toEqual({ ok: false, path: "", message: "uint: expected a number, got object" });
  });

  test("knows the depth, and only throws for wrong options and what functions of the program throw", () => {
    expect(File.validate({ name: "a", size: 1, kinds: [] }, { maxDepth: 0 })).toMatchObject({
      ok: false,
      path: "kinds",
    });
    expect(() => File.validate(7, { maxDepth: -1 })).toThrow(RangeError);
    const error = new SyntaxError("mine");
    const value = {
      get name(): string {
        throw error;
      },
    };
    expect(() => File.validate(value)).toThrow(error);
  });
});

test("structs that each contain the one before twice can be elements of an array", () => {
  let type: XdrType<unknown> = uint;
  for (let i = 0; i < 60; i++) type = struct({ a: type, b: type });
  expect(array(type, 9).tryDecode(Uint8Array.of(0, 0, 0, 1))).toMatchObject({ ok: false, code: "length-over-input" });
});
