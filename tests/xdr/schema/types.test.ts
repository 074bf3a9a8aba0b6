// Checks the TypeScript types of schemas. The compiler does it; running the tests shows that the values agree.
import { expect, test } from "bun:test";
import {
  array,
  bool,
  constant,
  type DecodeResult,
  double,
  enumType,
  fixedArray,
  fixedOpaque,
  hyper,
  type Infer,
  int,
  lazy,
  list,
  opaque,
  optional,
  string,
  struct,
  transform,
  uhyper,
  uint,
  union,
  voidType,
  type XdrErrorCode,
  type XdrType,
} from "../../../src/xdr/index.ts";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles only if the two types are identical. */
function same<A, B>(_: Equal<A, B>): void {}

const Kind = enumType({ TEXT: 0, DATA: 1, EXEC: 2 });
const Body = union("kind", Kind, { 0: voidType, 1: { creator: string(255) }, 2: { path: string(255), uid: uint } });

test("the value type of a schema is inferred exactly", () => {
  same<Infer<typeof int>, number>(true);
  same<Infer<typeof hyper>, bigint>(true);
  same<Infer<typeof bool>, boolean>(true);
  same<Infer<typeof voidType>, undefined>(true);
  const seven = constant(0x19760309);
  same<Infer<typeof seven>, 0x19760309>(true);
  same<Infer<typeof Kind>, 0 | 1 | 2>(true);
  same<typeof Kind.values.EXEC, 2>(true);
  const everything = struct({
    magic: constant(7),
    nodeId: string(64),
    key: fixedOpaque(32),
    data: opaque(9),
    sizes: array(uint, 9),
    pair: fixedArray(double, 2),
    names: list(struct({ name: string(9) }), 9),
    owner: optional(string(9)),
    date: transform(uhyper, { decode: (n) => new Date(Number(n)), encode: (date: Date) => BigInt(date.getTime()) }),
    nothing: voidType,
    inner: struct({ a: struct({ b: bool }) }),
  });
  same<
    Infer<typeof everything>,
    {
      magic: 7;
      nodeId: string;
      key: Uint8Array;
      data: Uint8Array;
      sizes: number[];
      pair: number[];
      names: { name: string }[];
      owner: string | null;
      date: Date;
      nothing: undefined;
      inner: { a: { b: boolean } };
    }
  >(true);
  expect(everything.tryDecode(new Uint8Array(0)).ok).toBe(false);
});

test("the values of a union are a discriminated union", () => {
  same<Infer<typeof Body>, { kind: 0 } | { kind: 1; creator: string } | { kind: 2; path: string; uid: number }>(true);
  const onBool = union("ok", bool, { true: { value: int }, false: { error: string(9) } });
  same<Infer<typeof onBool>, { ok: true; value: number } | { ok: false; error: string }>(true);
  const onInt = union("d", int, { [-1]: { a: int }, 7: voidType });
  same<Infer<typeof onInt>, { d: -1; a: number } | { d: 7 }>(true);
});

test("a default arm has the remaining discriminants, if the compiler can enumerate them", () => {
  const onEnum = union("kind", Kind, { 1: { creator: string(255) } }, { other: int });
  same<Infer<typeof onEnum>, { kind: 1; creator: string } | { kind: 0 | 2; other: number }>(true);
  const onBool = union("ok", bool, { true: { value: int } }, voidType);
  same<Infer<typeof onBool>, { ok: true; value: number } | { ok: false }>(true);
  const onInt = union("d", uint, { 1: { a: int } }, voidType);
  same<Infer<typeof onInt>, { d: 1; a: number } | { d: number }>(true);
});

test("a switch over the tag knows the fields of each arm, and reports missing arms", () => {
  const describe = (body: Infer<typeof Body>): string => {
    switch (body.kind) {
      case Kind.values.TEXT:
        return "text";
      case Kind.values.DATA:
        return body.creator;
      case Kind.values.EXEC:
        return `${body.path} by ${body.uid}`;
      default:
        return body satisfies never;
    }
  };
  const incomplete = (body: Infer<typeof Body>): string => {
    switch (body.kind) {
      case Kind.values.TEXT:
        return "text";
      case Kind.values.DATA:
        return body.creator;
      default:
        // @ts-expect-error: the arm of EXEC is missing
        return body satisfies never;
    }
  };
  expect(describe({ kind: 2, path: "/bin/lisp", uid: 7 })).toBe("/bin/lisp by 7");
  expect(incomplete({ kind: 1, creator: "paint" })).toBe("paint");
});

test("values of the wrong type do not compile", () => {
  const Point = struct({ x: int, y: int });
  // @ts-expect-error: a field is missing
  expect(() => Point.encode({ x: 1 })).toThrow(TypeError);
  // @ts-expect-error: a field has the wrong type
  expect(() => Point.encode({ x: 1, y: "2" })).toThrow(TypeError);
  // @ts-expect-error: there is no such field
  Point.encode({ x: 1, y: 2, z: 3 });
  // @ts-expect-error: a hyper is a bigint
  expect(() => hyper.encode(1)).toThrow(TypeError);
  // @ts-expect-error: not a value of the enum
  expect(() => Kind.encode(3)).toThrow(RangeError);
  // @ts-expect-error: another constant
  expect(() => constant(7).encode(8)).toThrow(RangeError);
  // @ts-expect-error: the field belongs to another arm
  expect(() => Body.encode({ kind: 1, path: "" })).toThrow(TypeError);
  // @ts-expect-error: a missing value is null, not undefined
  expect(() => optional(int).encode(undefined)).toThrow(TypeError);
});

test("invalid schemas do not compile", () => {
  // @ts-expect-error: the maximum is missing
  expect(() => string()).toThrow(TypeError);
  // @ts-expect-error: an optional inside an optional could not be distinguished from a missing one
  expect(() => optional(optional(int))).toThrow(RangeError);
  // @ts-expect-error: the key of an arm is not a value of the enum
  expect(() => union("kind", Kind, { 3: voidType })).toThrow(RangeError);
  // @ts-expect-error: the key of an arm is a number but the discriminant is a bool
  expect(() => union("ok", bool, { 1: voidType })).toThrow(TypeError);
  // @ts-expect-error: an arm must be fields or voidType
  expect(() => union("d", int, { 1: int })).toThrow(TypeError);
  // @ts-expect-error: a string cannot be a discriminant
  union("d", string(9), {});
  // @ts-expect-error: a field must be a type
  expect(() => struct({ a: 7 })).toThrow(TypeError);
});

test("a recursive schema has the value type that is declared for it", () => {
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
  same<Infer<typeof Tree>, Tree>(true);
  // @ts-expect-error: a child is not a tree
  expect(() => Tree.encode({ name: "a", children: [{ name: "b" }] })).toThrow(TypeError);
  // @ts-expect-error: the declared type is wrong
  const Wrong: XdrType<{ name: number }> = struct({ name: string(9) });
  expect(Wrong).toBeDefined();
});

test("the result of tryDecode is a discriminated union over ok", () => {
  const result: DecodeResult<boolean> = bool.tryDecode(Uint8Array.of(0, 0, 0, 2));
  if (result.ok) same<typeof result.value, boolean>(true);
  else same<[typeof result.code, typeof result.offset, typeof result.path], [XdrErrorCode, number, string]>(true);
  expect(result.ok).toBe(false);
});

test("a generic function can take any schema", () => {
  const roundTrip = <T>(type: XdrType<T>, value: T): T => type.decode(type.encode(value));
  expect(roundTrip(struct({ x: int }), { x: 1 }).x).toBe(1);
  const types: readonly XdrType<unknown>[] = [int, Body, array(bool, 1), Kind];
  expect(types).toHaveLength(4);
});
