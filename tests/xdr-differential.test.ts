// Against @stellar/js-xdr 5, an independent implementation of RFC 4506 by schemas: random types, random values of them,
// and bytes mutated at random must be written, read and refused alike. Where the two differ, a test at the end pins it.
import { describe, expect, test } from "bun:test";
import * as stellar from "@stellar/js-xdr";
import fc from "fast-check";
import { decode, encode, MAX_LENGTH, XdrError, type XdrReader, type XdrWriter } from "../src/xdr/index.ts";

const SEED = 4506;

type Scalar = "int" | "uint" | "hyper" | "uhyper" | "float" | "double" | "bool" | "void";
type Enum = { kind: "enum"; values: number[] };
type Type =
  | { kind: Scalar }
  | Enum
  | { kind: "fixedOpaque"; length: number }
  | { kind: "opaque" | "string"; maximum: number }
  | { kind: "fixedArray"; count: number; element: Type }
  | { kind: "array"; maximum: number; element: Type }
  | { kind: "optional"; element: Type }
  | { kind: "struct"; fields: Type[] }
  | { kind: "union"; on: { kind: "int" | "uint" | "bool" } | Enum; arms: [number, Type][]; otherwise: Type | null };

/** Values as js-xdr has them: strings as bytes, structs as { f0, f1, … }, unions as { type, value }. */
// biome-ignore lint/suspicious/noExplicitAny: of a type that only the test run knows
type Value = any;

const utf8 = {
  encode: (text: string) => new TextEncoder().encode(text),
  decode: (bytes: Uint8Array) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes),
};

/** How many bytes a type takes at least: what `array` wants to know of its elements. */
function minimumSize(type: Type): number {
  switch (type.kind) {
    case "void":
      return 0;
    case "hyper":
    case "uhyper":
    case "double":
      return 8;
    case "fixedOpaque":
      return Math.ceil(type.length / 4) * 4;
    case "fixedArray":
      return type.count * minimumSize(type.element);
    case "struct":
      return type.fields.reduce((sum, field) => sum + minimumSize(field), 0);
    default:
      return 4;
  }
}

function read(r: XdrReader, type: Type): Value {
  switch (type.kind) {
    case "enum":
      return r.enum(new Set(type.values));
    case "fixedOpaque":
      return r.fixedOpaque(type.length);
    case "opaque":
      return r.opaque(type.maximum);
    case "string":
      return utf8.encode(r.string(type.maximum));
    case "fixedArray":
      return r.fixedArray(type.count, (r) => read(r, type.element));
    case "array":
      return r.array(type.maximum, (r) => read(r, type.element), minimumSize(type.element));
    case "optional":
      return r.optional((r) => read(r, type.element));
    case "struct":
      return Object.fromEntries(type.fields.map((field, i) => [`f${i}`, read(r, field)]));
    case "union": {
      let discriminant: Value;
      const readDiscriminant = (r: XdrReader) => {
        discriminant = read(r, type.on);
        return discriminant as number | boolean;
      };
      const readArm = (arm: Type) => (r: XdrReader) =>
        arm.kind === "void" ? { type: discriminant } : { type: discriminant, value: read(r, arm) };
      const arms = Object.fromEntries(type.arms.map(([d, arm]) => [d, readArm(arm)]));
      return r.union(readDiscriminant, arms, type.otherwise === null ? undefined : readArm(type.otherwise));
    }
    default:
      return r[type.kind]();
  }
}

function write(w: XdrWriter, type: Type, value: Value): void {
  switch (type.kind) {
    case "enum":
      w.enum(value, new Set(type.values));
      break;
    case "fixedOpaque":
      w.fixedOpaque(value, type.length);
      break;
    case "opaque":
      w.opaque(value, type.maximum);
      break;
    case "string":
      w.string(utf8.decode(value), type.maximum);
      break;
    case "fixedArray":
      w.fixedArray<Value>(value, type.count, (w, v) => write(w, type.element, v));
      break;
    case "array":
      w.array<Value>(value, type.maximum, (w, v) => write(w, type.element, v));
      break;
    case "optional":
      w.optional<Value>(value, (w, v) => write(w, type.element, v));
      break;
    case "struct":
      type.fields.forEach((field, i) => {
        write(w, field, value[`f${i}`]);
      });
      break;
    case "union": {
      const writeArm = (arm: Type) => (w: XdrWriter) => write(w, arm, value.value);
      const arms = Object.fromEntries(type.arms.map(([d, arm]) => [d, writeArm(arm)]));
      const otherwise = type.otherwise === null ? undefined : writeArm(type.otherwise);
      w.union<number | boolean>(value.type, (w, d) => write(w, type.on, d), arms, otherwise);
      break;
    }
    case "void":
      w.void();
      break;
    default:
      w[type.kind](value as never);
      break;
  }
}

function theirs(type: Type): stellar.XdrType<Value> {
  const arm = (type: Type) => (type.kind === "void" ? stellar.void() : stellar.field("value", theirs(type)));
  switch (type.kind) {
    case "int":
      return stellar.int32();
    case "uint":
      return stellar.uint32();
    case "hyper":
      return stellar.int64();
    case "uhyper":
      return stellar.uint64();
    case "enum":
      return stellar.enumType("E", Object.fromEntries(type.values.map((value, i) => [`m${i}`, value])));
    case "fixedOpaque":
      return stellar.opaque(type.length);
    case "opaque":
      return stellar.varOpaque(type.maximum);
    case "string":
      return stellar.string(type.maximum);
    case "fixedArray":
      return stellar.fixedArray(theirs(type.element), type.count);
    case "array":
      return stellar.array(theirs(type.element), type.maximum);
    case "optional":
      return stellar.option(theirs(type.element));
    case "struct":
      return stellar.struct("S", Object.fromEntries(type.fields.map((field, i) => [`f${i}`, theirs(field)])));
    case "union":
      return stellar.union("U", {
        switchOn: theirs(type.on) as stellar.XdrType<number | boolean>,
        cases: type.arms.map(([d, type_], i) =>
          stellar.unionCase(`c${i}`, type.on.kind === "bool" ? d === 1 : d, arm(type_)),
        ),
        defaultArm: type.otherwise === null ? undefined : arm(type.otherwise),
      }) as stellar.XdrType<Value>;
    case "float":
      return stellar.float();
    case "double":
      return stellar.double();
    case "bool":
      return stellar.bool();
    case "void":
      return stellar.void();
  }
}

const int = fc.oneof(fc.integer(), fc.integer({ min: -2, max: 3 }));
const uint = fc.oneof(fc.nat(MAX_LENGTH), fc.nat(3));
const length = fc.nat(9);
const maximum = fc.oneof(fc.nat(9), fc.constant(MAX_LENGTH));
const scalarTypes: fc.Arbitrary<{ kind: Scalar }> = fc.record({
  kind: fc.constantFrom<Scalar>("int", "uint", "hyper", "uhyper", "float", "double", "bool", "void"),
});
const enumTypes: fc.Arbitrary<Enum> = fc.record({
  kind: fc.constant("enum" as const),
  values: fc.uniqueArray(int, { minLength: 1, maxLength: 4 }),
});
const leafTypes: fc.Arbitrary<Type> = fc.oneof(
  { weight: 3, arbitrary: scalarTypes },
  enumTypes,
  fc.record({ kind: fc.constant("fixedOpaque" as const), length }),
  fc.record({ kind: fc.constantFrom("opaque" as const, "string" as const), maximum }),
);
const { type: types } = fc.letrec<{ type: Type; element: Type; present: Type; union: Type }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 4, depthSize: "medium" },
    leafTypes,
    fc.record({ kind: fc.constant("fixedArray" as const), count: fc.nat(3), element: tie("element") }),
    fc.record({ kind: fc.constant("array" as const), maximum, element: tie("element") }),
    fc.record({ kind: fc.constant("optional" as const), element: tie("present") }),
    fc.record({ kind: fc.constant("struct" as const), fields: fc.array(tie("type"), { maxLength: 4 }) }),
    tie("union"),
  ),
  // Neither has js-xdr elements of no size, nor an optional right in an optional.
  element: tie("type").map((type) =>
    minimumSize(type) > 0 ? type : { kind: "struct" as const, fields: [{ kind: "bool" as const }, type] },
  ),
  present: tie("type").map((type) => (type.kind === "optional" ? { kind: "struct" as const, fields: [type] } : type)),
  union: fc
    .oneof(fc.record({ kind: fc.constantFrom("int" as const, "uint" as const, "bool" as const) }), enumTypes)
    .chain((on) => {
      const candidates = on.kind === "enum" ? fc.constantFrom(...on.values) : on.kind === "int" ? int : uint;
      return fc.record({
        kind: fc.constant("union" as const),
        on: fc.constant(on),
        arms: fc.uniqueArray(fc.tuple(on.kind === "bool" ? fc.nat(1) : candidates, tie("type")), {
          minLength: 1,
          maxLength: 3,
          selector: ([d]) => d,
        }),
        otherwise: fc.option<Type, null>(tie("type"), { nil: null }),
      });
    }),
}));

function valuesOf(type: Type): fc.Arbitrary<Value> {
  switch (type.kind) {
    case "int":
      return int;
    case "uint":
      return uint;
    case "hyper":
      return fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);
    case "uhyper":
      return fc.bigInt(0n, 2n ** 64n - 1n);
    case "float":
      return fc.float();
    case "double":
      return fc.double();
    case "bool":
      return fc.boolean();
    case "void":
      return fc.constant(undefined);
    case "enum":
      return fc.constantFrom(...type.values);
    case "fixedOpaque":
      return fc.uint8Array({ minLength: type.length, maxLength: type.length });
    case "opaque":
      return fc.uint8Array({ maxLength: Math.min(type.maximum, 20) });
    case "string":
      // A character takes up to four bytes.
      return fc.string({ unit: "binary", maxLength: Math.min(type.maximum, 20) >> 2 }).map(utf8.encode);
    case "fixedArray":
      return fc.array(valuesOf(type.element), { minLength: type.count, maxLength: type.count });
    case "array":
      return fc.array(valuesOf(type.element), { maxLength: Math.min(type.maximum, 4) });
    case "optional":
      return fc.option(valuesOf(type.element));
    case "struct":
      return fc.record(Object.fromEntries(type.fields.map((field, i) => [`f${i}`, valuesOf(field)])));
    case "union": {
      const of = (d: Value, arm: Type) =>
        arm.kind === "void" ? fc.constant({ type: d }) : fc.record({ type: fc.constant(d), value: valuesOf(arm) });
      const { on, otherwise } = type;
      const stated = type.arms.map(([d, arm]) => of(on.kind === "bool" ? d === 1 : d, arm));
      if (otherwise === null) return fc.oneof(...stated);
      const rest = valuesOf(on).chain((d) =>
        of(d, type.arms.find(([stated]) => stated === Number(d))?.[1] ?? otherwise),
      );
      return fc.oneof(...stated, rest);
    }
  }
}

const cases = types.chain((type) => fc.record({ type: fc.constant(type), value: valuesOf(type) }));

/** What a hostile or broken sender would change: words that are lengths, tags or bools; single bytes; the end. */
const changes = fc.array(
  fc.oneof(
    fc.record({
      word: fc.nat(40),
      to: fc.oneof(fc.nat(5), fc.constantFrom(0xffff_ffff, 0xffff_fffd, 0x8000_0000, 0x7fff_ffff, 0x0100_0000)),
    }),
    fc.record({ byte: fc.nat(160), to: fc.nat(255) }),
    fc.record({ end: fc.integer({ min: -9, max: 9 }) }),
  ),
  { minLength: 1, maxLength: 2 },
);

function change(original: Uint8Array, list: { word?: number; byte?: number; to?: number; end?: number }[]): Uint8Array {
  let bytes = original.slice();
  for (const { word, byte, to = 0, end = 0 } of list) {
    if (word !== undefined && bytes.length >= 4) {
      new DataView(bytes.buffer).setUint32((word % (bytes.length >> 2)) * 4, to);
    } else if (byte !== undefined && bytes.length > 0) {
      bytes[byte % bytes.length] = to;
    } else {
      const changed = new Uint8Array(Math.max(0, bytes.length + end));
      changed.set(bytes.subarray(0, changed.length));
      bytes = changed;
    }
  }
  return bytes;
}

const hasNaN = (value: Value): boolean =>
  typeof value === "object" && value !== null ? Object.values(value).some(hasNaN) : Number.isNaN(value);

/** Holds ours against theirs; gives whether the bytes were accepted. */
function compare(type: Type, bytes: Uint8Array): boolean {
  const schema = theirs(type);
  const accepted = schema.validateXdr(bytes);
  let value: Value;
  try {
    value = decode(bytes, (r) => read(r, type));
  } catch (error) {
    if (!(error instanceof XdrError)) throw error;
    expect(error.offset).toBeWithin(0, bytes.length + 1);
    if (accepted) expect(error.code).toBe("bad-utf8");
    return false;
  }
  expect(accepted).toBe(true);
  expect(value).toStrictEqual(schema.decode(bytes));
  const again: Uint8Array = encode((w) => write(w, type, value));
  // The payload of a NaN is all that may be lost.
  expect(again).toEqual(hasNaN(value) ? schema.encode(value) : bytes);
  return true;
}

describe("like js-xdr, over random types,", () => {
  test("values are written, byte for byte, and read back", () => {
    fc.assert(
      fc.property(cases, ({ type, value }) => {
        const bytes: Uint8Array = encode((w) => write(w, type, value));
        expect(bytes).toEqual(theirs(type).encode(value));
        expect(compare(type, bytes)).toBe(true);
      }),
      { seed: SEED, numRuns: 600 },
    );
  });

  test("mutated bytes are read or refused", () => {
    let accepted = 0;
    fc.assert(
      fc.property(cases, changes, ({ type, value }, list) => {
        if (
          compare(
            type,
            change(
              encode((w) => write(w, type, value)),
              list,
            ),
          )
        )
          accepted += 1;
      }),
      { seed: SEED, numRuns: 1500 },
    );
    expect(accepted).toBeWithin(150, 1350);
  });

  test("random words are read or refused", () => {
    const words = fc.array(fc.oneof(fc.nat(3), uint), { maxLength: 6 });
    let accepted = 0;
    fc.assert(
      fc.property(types, words, (type, words) => {
        const bytes = new Uint8Array(words.length * 4);
        words.forEach((word, i) => {
          new DataView(bytes.buffer).setUint32(i * 4, word);
        });
        if (compare(type, bytes)) accepted += 1;
      }),
      { seed: SEED, numRuns: 1000 },
    );
    expect(accepted).toBeWithin(20, 980);
  });

  test("values that are not of the type are refused", () => {
    const junk = fc.oneof(
      fc.anything({ withBigInt: true, withTypedArray: true }),
      fc.double(),
      fc.bigInt(-(2n ** 65n), 2n ** 65n),
      fc.constantFrom(2 ** 31, -(2 ** 31) - 1, 2 ** 32, -1, 2n ** 63n, 2n ** 64n, -1n, -0, true),
      fc.uint8Array({ maxLength: 10 }),
    );
    let accepted = 0;
    fc.assert(
      fc.property(leafTypes, junk, (type, value) => {
        // Their strings are bytes and ours are text; and floats out of range are pinned below.
        if (type.kind === "string" || type.kind === "float" || type.kind === "void") return;
        const schema = theirs(type);
        if (schema.validate(value)) {
          accepted += 1;
          expect<Uint8Array>(encode((w) => write(w, type, value))).toEqual(schema.encode(value));
        } else {
          expect(() => encode((w) => write(w, type, value))).toThrow(/^\w+: expected|over the maximum/);
        }
      }),
      { seed: SEED, numRuns: 1000 },
    );
    expect(accepted).toBeWithin(50, 950);
  });
});

describe("unlike js-xdr,", () => {
  test("a string is text, and bytes that are not UTF-8 are refused: RFC 4506 §4.11 says ASCII, js-xdr takes any", () => {
    const bytes = Uint8Array.of(0, 0, 0, 1, 0xff, 0, 0, 0);
    expect(stellar.string(1).decode(bytes)).toEqual(Uint8Array.of(0xff));
    expect(() => decode(bytes, (r) => r.string(1))).toThrow(XdrError);
    expect(decode(bytes, (r) => r.opaque(1))).toEqual(Uint8Array.of(0xff));
  });

  test("an array of nothing, which RFC 4506 §4.13 does not forbid, can be read and written: js-xdr refuses it", () => {
    const bytes = Uint8Array.of(0, 0, 0, 2);
    const nothing = new Uint8Array(0);
    const schema = stellar.array(stellar.opaque(0), 2);
    expect(() => schema.decode(bytes)).toThrow(stellar.XdrError);
    expect(() => schema.encode([nothing, nothing])).toThrow(stellar.XdrError);
    expect(decode(bytes, (r) => r.array(2, (r) => r.fixedOpaque(0), 0))).toEqual([nothing, nothing]);
    expect(encode((w) => w.array([nothing, nothing], 2, (w, v) => w.fixedOpaque(v, 0)))).toEqual(bytes);
  });

  test("a number too large for a float is a RangeError: js-xdr writes an infinity", () => {
    expect(stellar.float().encode(1e39)).toEqual(stellar.float().encode(Infinity));
    expect(() => encode((w) => w.float(1e39))).toThrow(RangeError);
  });

  test("only arrays, unions and optionals count as nesting: js-xdr counts structs and references to types as well", () => {
    type Node = { next: Node | null };
    const Node: stellar.XdrType<Node> = stellar.struct("Node", { next: stellar.option(stellar.lazy(() => Node)) });
    const readNode = (r: XdrReader): Node => ({ next: r.optional(readNode) });
    const three = Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0);
    expect(decode(three, readNode, { maxDepth: 3 })).toEqual(Node.decode(three, { maxDepth: 8 }));
    expect(() => decode(three, readNode, { maxDepth: 2 })).toThrow(XdrError);
    expect(() => Node.decode(three, { maxDepth: 7 })).toThrow(stellar.XdrError);
  });
});
