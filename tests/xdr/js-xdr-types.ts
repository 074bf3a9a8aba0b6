// Generates random XDR types, values of them, and changes to their bytes like those of a hostile or broken sender. Used
// to compare two implementations.
import * as stellar from "@stellar/js-xdr";
import fc from "fast-check";
import { MAX_LENGTH } from "../../src/xdr/index.ts";

type Scalar = "int" | "uint" | "hyper" | "uhyper" | "float" | "double" | "bool" | "void";
export type Enum = { kind: "enum"; values: number[] };
export type Type =
  | { kind: Scalar }
  | Enum
  | { kind: "fixedOpaque"; length: number }
  | { kind: "opaque" | "string"; maximum: number }
  | { kind: "fixedArray"; count: number; element: Type }
  | { kind: "array"; maximum: number; element: Type }
  | { kind: "optional"; element: Type }
  | { kind: "struct"; fields: Type[] }
  | { kind: "union"; on: { kind: "int" | "uint" | "bool" } | Enum; arms: [number, Type][]; otherwise: Type | null };

/** Values in the form of js-xdr: strings as bytes, structs as { f0, f1, … }, unions as { type, value }. */
// biome-ignore lint/suspicious/noExplicitAny: the type is random, so the compiler cannot know it
export type Value = any;

export const utf8 = {
  encode: (text: string) => new TextEncoder().encode(text),
  decode: (bytes: Uint8Array) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes),
};

/** The minimum size of a type in bytes. `XdrReader.array` needs it for its elements. */
export function minimumSize(type: Type): number {
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

/** The type as a js-xdr schema. */
export function theirs(type: Type): stellar.XdrType<Value> {
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
export const uint = fc.oneof(fc.nat(MAX_LENGTH), fc.nat(3));
const length = fc.nat(9);
const maximum = fc.oneof(fc.nat(9), fc.constant(MAX_LENGTH));
const scalarTypes: fc.Arbitrary<{ kind: Scalar }> = fc.record({
  kind: fc.constantFrom<Scalar>("int", "uint", "hyper", "uhyper", "float", "double", "bool", "void"),
});
const enumTypes: fc.Arbitrary<Enum> = fc.record({
  kind: fc.constant("enum" as const),
  values: fc.uniqueArray(int, { minLength: 1, maxLength: 4 }),
});
export const leafTypes: fc.Arbitrary<Type> = fc.oneof(
  { weight: 3, arbitrary: scalarTypes },
  enumTypes,
  fc.record({ kind: fc.constant("fixedOpaque" as const), length }),
  fc.record({ kind: fc.constantFrom("opaque" as const, "string" as const), maximum }),
);
export const { type: types } = fc.letrec<{ type: Type; element: Type; present: Type; union: Type }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 4, depthSize: "medium" },
    leafTypes,
    fc.record({ kind: fc.constant("fixedArray" as const), count: fc.nat(3), element: tie("element") }),
    fc.record({ kind: fc.constant("array" as const), maximum, element: tie("element") }),
    fc.record({ kind: fc.constant("optional" as const), element: tie("present") }),
    fc.record({ kind: fc.constant("struct" as const), fields: fc.array(tie("type"), { maxLength: 4 }) }),
    tie("union"),
  ),
  // js-xdr allows neither empty elements nor an optional directly inside an optional.
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

export function valuesOf(type: Type): fc.Arbitrary<Value> {
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

export const cases = types.chain((type) => fc.record({ type: fc.constant(type), value: valuesOf(type) }));

/**
 * Changes like those of a hostile or broken sender: to words that may be lengths, tags or bools; to bytes; to the end.
 */
export const changes = fc.array(
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

/** A copy of `original` with these changes. */
export function change(
  original: Uint8Array,
  list: { word?: number; byte?: number; to?: number; end?: number }[],
): Uint8Array {
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

export const hasNaN = (value: Value): boolean =>
  typeof value === "object" && value !== null ? Object.values(value).some(hasNaN) : Number.isNaN(value);
