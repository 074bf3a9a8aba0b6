// Runs the cases that js-xdr 5 tests itself with against js-xdr and against this library, and lists those in which the two
// differ. tests/xdr/differential.test.ts and tests/xdr/schema/differential.test.ts have the differences that random types
// have shown.
import { describe, expect, test } from "bun:test";
import * as stellar from "@stellar/js-xdr";
import {
  array,
  enumType,
  fixedArray,
  int,
  lazy,
  optional,
  string,
  struct,
  union,
  voidType,
  type XdrType,
} from "../../src/xdr/index.ts";
import { CASES } from "./js-xdr-cases.ts";
import { theirs } from "./js-xdr-types.ts";
import { ours } from "./schema/ours.ts";
import { describePaths } from "./schema/paths.ts";

const bytesOf = (hex: string) => Uint8Array.fromHex(hex.replaceAll(/\s/g, ""));

/** The error that `run` throws. */
function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("it threw no error");
}

describe("js-xdr", () => {
  test.each(CASES)("$about", ({ type, values = [], badBytes = [], badValues = [] }) => {
    const schema = theirs(type);
    for (const [value, hex] of values) {
      expect(schema.encode(value)).toEqual(bytesOf(hex));
      expect(schema.decode(bytesOf(hex))).toEqual(value);
    }
    for (const hex of badBytes) expect(schema.validateXdr(bytesOf(hex))).toBe(false);
    for (const value of badValues) expect(schema.validate(value)).toBe(false);
  });
});

describePaths("like js-xdr, this library", () => {
  test.each(CASES)("$about", ({ type, values = [], badBytes = [], badValues = [] }) => {
    const schema = ours(type);
    for (const [value, hex] of values) {
      expect<Uint8Array>(schema.encode(value)).toEqual(bytesOf(hex));
      expect(schema.decode(bytesOf(hex))).toEqual(value);
    }
    for (const hex of badBytes) expect(schema.tryDecode(bytesOf(hex)).ok).toBe(false);
    for (const value of badValues) {
      const error = errorOf(() => schema.encode(value));
      expect(error instanceof TypeError || error instanceof RangeError).toBe(true);
    }
  });

  test("reads and writes types that contain themselves", () => {
    interface Node {
      value: number;
      next: Node | null;
    }
    const Theirs: stellar.XdrType<Node> = stellar.struct("Node", {
      value: stellar.int32(),
      next: stellar.option(stellar.lazy(() => Theirs)),
    });
    const Ours: XdrType<Node> = struct({ value: int, next: optional(lazy(() => Ours)) });
    const cases: [Node, string][] = [
      [{ value: 1, next: null }, "00000001 00000000"],
      [{ value: 3, next: { value: 1, next: null } }, "00000003 00000001 00000001 00000000"],
    ];
    for (const [value, hex] of cases) {
      for (const { encode, decode } of [bound(Theirs), bound(Ours)]) {
        expect(encode(value)).toEqual(bytesOf(hex));
        expect(decode(bytesOf(hex))).toEqual(value);
      }
    }
  });

  test("counts each array as a level of nesting", () => {
    const bytes = bytesOf("00000001 00000001 00000005");
    const Theirs = stellar.array(stellar.array(stellar.int32(), 1), 1);
    const Ours = array(array(int, 1), 1);
    for (const { decode } of [bound(Theirs), bound(Ours)]) {
      expect(decode(bytes, { maxDepth: 2 })).toEqual([[5]]);
      expect(() => decode(bytes, { maxDepth: 1 })).toThrow();
    }
  });

  test("refuses an optional in an optional: null would have two forms", () => {
    const present = bytesOf("00000001 00000000");
    expect(() => stellar.option(stellar.option(stellar.int32()))).toThrow();
    expect(() => stellar.option(stellar.lazy(() => stellar.option(stellar.int32()))).decode(present)).toThrow();
    // @ts-expect-error: values of the inner type may be null
    expect(() => optional(optional(int)).decode(present)).toThrow();
    // @ts-expect-error: values of the inner type may be null
    expect(() => optional(lazy(() => optional(int))).decode(present)).toThrow();
  });

  test("refuses the name __proto__, members of enums that are not int32s, and fields that only Object.prototype has", () => {
    const inherited = { toString: int } as unknown as { text: typeof int };
    const refusals = [
      () => stellar.struct("S", { ["__proto__"]: stellar.int32() }),
      () => struct({ ["__proto__"]: int }),
      () => union("type", int, { 0: { ["__proto__"]: int } }),
      () => stellar.enumType("E", { a: 4_294_967_295 }),
      () => enumType({ a: 4_294_967_295 }),
      () => stellar.enumType("E", { a: 1.5 }),
      () => enumType({ a: 1.5 }),
      () => stellar.struct("S", { toString: stellar.int32() }).encode({} as never),
      () => struct(inherited).encode({} as never),
      () => union("type", int, { 0: inherited }).encode({ type: 0 } as never),
    ];
    for (const refusal of refusals) expect(refusal).toThrow();
  });
});

/** The methods of a type of either library. */
function bound<T>(type: stellar.XdrType<T> | XdrType<T>) {
  return {
    encode: (value: T): Uint8Array => type.encode(value),
    decode: (bytes: Uint8Array, options?: { maxDepth: number }) => type.decode(bytes, options),
  };
}

describePaths("unlike js-xdr, this library", () => {
  test("has text as the values of strings, so bytes that are not UTF-8 are refused", () => {
    const [Theirs, Ours] = [stellar.string(100), string(100)];
    expect(() => Theirs.encode("Hi" as never)).toThrow(stellar.XdrError);
    expect<Uint8Array>(Ours.encode("Hi")).toEqual(bytesOf("00000002 48690000"));
    expect(() => Ours.encode(bytesOf("4869") as never)).toThrow(TypeError);
    for (const hex of ["00000001 ff000000", "00000003 ff00ab00"]) {
      expect(Theirs.encode(Theirs.decode(bytesOf(hex)))).toEqual(bytesOf(hex));
      expect(Ours.tryDecode(bytesOf(hex))).toMatchObject({ ok: false, code: "bad-utf8" });
    }
  });

  test("refuses to make arrays of elements without bytes: js-xdr makes them, and refuses all but empty ones", () => {
    const Theirs = stellar.array(stellar.void(), 4_294_967_295);
    expect(Theirs.decode(bytesOf("00000000"))).toEqual([]);
    expect(Theirs.validateXdr(bytesOf("ffffffff"))).toBe(false);
    expect(stellar.fixedArray(stellar.void(), 4_294_967_295).validateXdr(bytesOf(""))).toBe(false);
    expect(() => array(voidType, 8)).toThrow(RangeError);
    expect(() => fixedArray(voidType, 8)).toThrow(RangeError);
  });

  test("allows several names for one number of an enum, as C does", () => {
    expect(() => stellar.enumType("E", { a: 0, b: 0 })).toThrow(stellar.XdrError);
    expect(enumType({ a: 0, b: 0 }).decode(bytesOf("00000000"))).toBe(0);
  });

  test("allows all names of members of an enum: in js-xdr they are beside its methods", () => {
    for (const name of ["name", "decode", "__proto__"]) {
      expect(() => stellar.enumType("E", { [name]: 0 })).toThrow(stellar.XdrError);
      expect(Object.entries(enumType({ [name]: 0 }).values)).toEqual([[name, 0]]);
    }
  });

  test("encodes instances of classes, by their properties", () => {
    class Tagged {
      readonly type = 1;
      readonly code = 7;
    }
    const Theirs = stellar.union("U", {
      switchOn: stellar.int32(),
      cases: [stellar.unionCase("one", 1, stellar.field("code", stellar.int32()))],
    });
    expect(() => Theirs.encode(new Tagged() as never)).toThrow(stellar.XdrError);
    expect<Uint8Array>(union("type", int, { 1: { code: int } }).encode(new Tagged())).toEqual(
      bytesOf("00000001 00000007"),
    );
  });
});
