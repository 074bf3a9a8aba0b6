/**
 * Random types of every kind of this library, values of them, and a second implementation of them with XdrReader and
 * XdrWriter, which only has the checks of these.
 */
import fc from "fast-check";
import {
  array,
  bool,
  constant,
  encode,
  fixedArray,
  fixedOpaque,
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
  union,
  voidType,
  XdrError,
  XdrReader,
  type XdrType,
  type XdrWriter,
} from "../../../src/xdr/index.ts";
import { read as readLeaf, write as writeLeaf } from "../js-xdr-functions.ts";
import { leafTypes, minimumSize, type Type, utf8, type Value, valuesOf as valuesOfLeaf } from "../js-xdr-types.ts";
import { ours as leafOf } from "./ours.ts";

type As = "text" | "bytes" | "either";
export type Node =
  | { kind: "leaf"; type: Type }
  | { kind: "safeHyper" | "safeUhyper" }
  | { kind: "constant"; value: number }
  | { kind: "string"; as: As; maximum: number }
  | { kind: "array" | "list"; maximum: number; element: Node }
  | { kind: "fixedArray"; count: number; element: Node }
  | { kind: "optional" | "refine" | "transform" | "lazy"; element: Node }
  | { kind: "nested"; size: number; exact: boolean; element: Node }
  | { kind: "struct"; fields: Node[] }
  | { kind: "union"; arms: Node[]; otherwise: Node | null }
  | { kind: "recursive"; by: "optional" | "array" | "list" | "union"; element: Node };

/** Whether `refine` and `transform` allow a value: most of them. */
function isAllowed(value: Value): boolean {
  return weigh(value) % 7 !== 3;
}

function weigh(value: Value): number {
  if (typeof value === "object" && value !== null) {
    return Object.values(value).reduce<number>((sum, part) => sum + weigh(part), 1);
  }
  return typeof value === "bigint" ? Number(value & 0xffn) : String(value).length;
}

const wrap = (value: Value) => {
  if (!isAllowed(value)) throw new RangeError("not allowed");
  return { wrapped: value };
};

/** The arms of a union: `voidType` for a void. */
const armOf = (node: Node) =>
  node.kind === "leaf" && node.type.kind === "void" ? voidType : { value: make(node), more: bool };

/** The type of this library. */
export function make(node: Node): XdrType<Value> {
  switch (node.kind) {
    case "leaf":
      return leafOf(node.type);
    case "safeHyper":
      return safeHyper;
    case "safeUhyper":
      return safeUhyper;
    case "constant":
      return constant(node.value);
    case "string":
      return string(node.maximum, { as: node.as });
    case "array":
      return array(make(node.element), node.maximum);
    case "list":
      return list(make(node.element), node.maximum);
    case "fixedArray":
      return fixedArray(make(node.element), node.count);
    case "optional":
      return optional(make(node.element));
    case "refine":
      return refine(make(node.element), isAllowed, "not allowed");
    case "transform":
      return transform(make(node.element), { decode: wrap, encode: ({ wrapped }: Value) => wrap(wrapped).wrapped });
    case "lazy": {
      const type = make(node.element);
      return lazy(() => type);
    }
    case "nested":
      return nested(node.exact ? fixedOpaque(node.size) : opaque(node.size), make(node.element));
    case "struct":
      return struct(Object.fromEntries(node.fields.map((field, i) => [NAMES[i] ?? `f${i}`, make(field)])));
    case "union": {
      const arms = Object.fromEntries(node.arms.map((arm, i) => [i, armOf(arm)]));
      return union(TAG, leafOf({ kind: "int" }), arms, node.otherwise === null ? undefined : armOf(node.otherwise));
    }
    case "recursive": {
      const self: XdrType<Value> = lazy(() => type);
      const next = {
        optional: () => optional(self),
        array: () => array(self, 3),
        list: () => list(self, 3),
        union: () => union("on", bool, { true: { self }, false: voidType }),
      }[node.by]();
      const type: XdrType<Value> = struct({ value: make(node.element), next });
      return type;
    }
  }
}

/** Names of fields, also those that every object inherits a property for. */
const NAMES = ["f0", "constructor", "with-dash", "toString"];
const TAG = "valueOf";

/** Reads a value from a reader of `bytes`. */
export function read(r: XdrReader, bytes: Uint8Array, node: Node): Value {
  const at = r.offset;
  switch (node.kind) {
    case "leaf":
      return readLeaf(r, node.type);
    case "safeHyper":
    case "safeUhyper": {
      const value = node.kind === "safeHyper" ? r.hyper() : r.uhyper();
      if (!Number.isSafeInteger(Number(value)) || BigInt(Number(value)) !== value) fail("unsafe-integer", at);
      return Number(value);
    }
    case "constant":
      if ((node.value < 0 ? r.int() : r.uint()) !== node.value) fail("wrong-constant", at);
      return node.value;
    case "string":
      return textOf(node.as === "text" ? r.string(node.maximum) : r.opaque(node.maximum), node.as);
    case "array":
      return r.array(node.maximum, (r) => read(r, bytes, node.element), sizeOf(node.element));
    case "list":
      // An array of one element is one level of nesting, as a list is.
      return r.fixedArray(1, (r) => {
        const values: Value[] = [];
        for (;;) {
          const before = r.offset;
          if (!r.bool()) return values;
          if (values.length >= node.maximum) fail("length-over-maximum", before);
          values.push(read(r, bytes, node.element));
        }
      })[0];
    case "fixedArray":
      return r.fixedArray(node.count, (r) => read(r, bytes, node.element));
    case "optional":
      return r.optional((r) => read(r, bytes, node.element));
    case "refine": {
      const value = read(r, bytes, node.element);
      return isAllowed(value) ? value : fail("refused", at);
    }
    case "transform": {
      const value = read(r, bytes, node.element);
      return isAllowed(value) ? { wrapped: value } : fail("refused", at);
    }
    case "lazy":
      return read(r, bytes, node.element);
    case "nested":
      return readNested(r, bytes, node);
    case "struct":
      return Object.fromEntries(node.fields.map((field, i) => [NAMES[i] ?? `f${i}`, read(r, bytes, field)]));
    case "union": {
      let found = 0;
      const on = (r: XdrReader) => {
        found = r.int();
        return found;
      };
      const arm = (arm: Node) => (r: XdrReader) =>
        armOf(arm) === voidType ? { [TAG]: found } : { [TAG]: found, value: read(r, bytes, arm), more: r.bool() };
      return r.union(on, { ...node.arms.map(arm) }, node.otherwise === null ? undefined : arm(node.otherwise));
    }
    case "recursive": {
      const self = (r: XdrReader) => read(r, bytes, node);
      const value = read(r, bytes, node.element);
      switch (node.by) {
        case "optional":
          return { value, next: r.optional(self) };
        case "array":
          return { value, next: r.array(3, self, sizeOf(node)) };
        case "list":
          return { value, next: read(r, bytes, { kind: "list", maximum: 3, element: node }) };
        case "union":
          return {
            value,
            next: r.union((r) => r.bool(), { 0: () => ({ on: false }), 1: (r) => ({ on: true, self: self(r) }) }),
          };
      }
    }
  }
}

function readNested(r: XdrReader, bytes: Uint8Array, node: Node & { kind: "nested" }): Value {
  const at = r.offset;
  let length = node.size;
  if (node.exact) {
    if (length > r.remaining) fail("truncated", at, length - r.remaining);
  } else {
    length = r.uint();
    if (length > node.size) fail("length-over-maximum", at);
    if (length > r.remaining) fail("length-over-input", at, length - r.remaining);
  }
  const from = r.offset;
  const inner = bytes.subarray(from, from + length);
  const reader = new XdrReader(inner);
  let value: Value;
  try {
    value = read(reader, inner, node.element);
    reader.end();
  } catch (error) {
    if (!(error instanceof XdrError)) throw error;
    fail(error.code, from + error.offset);
  }
  r.fixedOpaque(length);
  return value;
}

function fail(code: XdrError["code"], offset: number, needs?: number): never {
  throw new XdrError(code, offset, "", "", needs);
}

function textOf(value: string | Uint8Array, as: As): string | Uint8Array {
  if (as !== "either") return value;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value as Uint8Array);
  } catch {
    return value;
  }
}

/** The minimum size of a type in bytes. */
function sizeOf(node: Node): number {
  switch (node.kind) {
    case "leaf":
      return minimumSize(node.type);
    case "safeHyper":
    case "safeUhyper":
      return 8;
    case "fixedArray":
      return node.count * sizeOf(node.element);
    case "refine":
    case "transform":
    case "lazy":
      return sizeOf(node.element);
    case "recursive":
      return sizeOf(node.element) + 4;
    case "nested":
      return node.exact ? node.size : 4 + sizeOf(node.element);
    case "struct":
      return node.fields.reduce((sum, field) => sum + sizeOf(field), 0);
    default:
      return 4;
  }
}

/** Writes a value. */
export function write(w: XdrWriter, node: Node, value: Value): void {
  switch (node.kind) {
    case "leaf":
      writeLeaf(w, node.type, value);
      break;
    case "safeHyper":
      w.hyper(BigInt(value));
      break;
    case "safeUhyper":
      w.uhyper(BigInt(value));
      break;
    case "constant":
      if (node.value < 0) w.int(node.value);
      else w.uint(node.value);
      break;
    case "string":
      w.opaque(typeof value === "string" ? utf8.encode(value) : value, node.maximum);
      break;
    case "array":
      w.array<Value>(value, node.maximum, (w, v) => write(w, node.element, v));
      break;
    case "list":
      for (const v of value) {
        w.bool(true);
        write(w, node.element, v);
      }
      w.bool(false);
      break;
    case "fixedArray":
      w.fixedArray<Value>(value, node.count, (w, v) => write(w, node.element, v));
      break;
    case "optional":
      w.optional<Value>(value, (w, v) => write(w, node.element, v));
      break;
    case "refine":
    case "lazy":
      write(w, node.element, value);
      break;
    case "transform":
      write(w, node.element, value.wrapped);
      break;
    case "nested": {
      const inner = encode((w) => write(w, node.element, value));
      if (node.exact) w.fixedOpaque(inner, node.size);
      else w.opaque(inner, node.size);
      break;
    }
    case "struct":
      node.fields.forEach((field, i) => {
        write(w, field, value[NAMES[i] ?? `f${i}`]);
      });
      break;
    case "union": {
      const found = value[TAG];
      w.int(found);
      const arm = node.arms[found] ?? node.otherwise;
      if (arm === null || armOf(arm) === voidType) break;
      write(w, arm, value.value);
      w.bool(value.more);
      break;
    }
    case "recursive": {
      const self = (w: XdrWriter, v: Value) => write(w, node, v);
      write(w, node.element, value.value);
      if (node.by === "optional") w.optional<Value>(value.next, self);
      else if (node.by === "array") w.array<Value>(value.next, 3, self);
      else if (node.by === "list") write(w, { kind: "list", maximum: 3, element: node }, value.next);
      else {
        w.bool(value.next.on);
        if (value.next.on) self(w, value.next.self);
      }
      break;
    }
  }
}

const maximum = fc.oneof(fc.nat(9), fc.constant(0xffff_ffff));

export const { type: nodes } = fc.letrec<{ type: Node; element: Node; present: Node }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 4, depthSize: "medium" },
    fc.oneof(
      { weight: 3, arbitrary: leafTypes.map((type): Node => ({ kind: "leaf", type })) },
      fc.record({ kind: fc.constantFrom("safeHyper" as const, "safeUhyper" as const) }),
      fc.record({ kind: fc.constant("constant" as const), value: fc.constantFrom(-1, 0, 7, 0xfeed_face) }),
      fc.record({
        kind: fc.constant("string" as const),
        as: fc.constantFrom<As>("text", "bytes", "either"),
        maximum,
      }),
    ),
    fc.record({ kind: fc.constantFrom("array" as const, "list" as const), maximum, element: tie("element") }),
    fc.record({ kind: fc.constant("fixedArray" as const), count: fc.nat(3), element: tie("element") }),
    fc.record({ kind: fc.constant("optional" as const), element: tie("present") }),
    fc.record({
      kind: fc.constantFrom("refine" as const, "transform" as const, "lazy" as const),
      element: tie("type"),
    }),
    fc
      .record({
        kind: fc.constant("nested" as const),
        size: fc.oneof(fc.constantFrom(0, 4, 8, 12, 16), fc.constant(4000)),
        exact: fc.boolean(),
        element: tie("type"),
      })
      .map((node) => (node.exact && node.size > 16 ? { ...node, exact: false } : node)),
    fc.record({ kind: fc.constant("struct" as const), fields: fc.array(tie("type"), { maxLength: 5 }) }),
    fc.record({
      kind: fc.constant("union" as const),
      arms: fc.array(tie("type"), { minLength: 1, maxLength: 3 }),
      otherwise: fc.option<Node, null>(tie("type"), { nil: null }),
    }),
    fc.record({
      kind: fc.constant("recursive" as const),
      by: fc.constantFrom("optional" as const, "array" as const, "list" as const, "union" as const),
      element: tie("type"),
    }),
  ),
  element: tie("type").map((node) => (sizeOf(node) > 0 ? node : { kind: "struct", fields: [BOOL, node] })),
  present: tie("type").map((node) => (isNullable(node) ? { kind: "struct", fields: [node] } : node)),
}));

const BOOL: Node = { kind: "leaf", type: { kind: "bool" } };

function isNullable(node: Node): boolean {
  if (node.kind === "optional") return true;
  return (node.kind === "refine" || node.kind === "lazy" || node.kind === "nested") && isNullable(node.element);
}

/** Values of a type. Those that `refine`, `transform` or the size of a `nested` refuse are among them. */
function valuesOf(node: Node, depth = 0): fc.Arbitrary<Value> {
  switch (node.kind) {
    case "leaf":
      return valuesOfLeaf(node.type);
    case "safeHyper":
      return fc.maxSafeInteger();
    case "safeUhyper":
      return fc.maxSafeNat();
    case "constant":
      return fc.constant(node.value);
    case "string": {
      const text = fc.string({ unit: "binary", maxLength: Math.min(node.maximum, 20) >> 2 });
      const bytes = fc.uint8Array({ maxLength: Math.min(node.maximum, 9) });
      if (node.as === "text") return text;
      return node.as === "bytes"
        ? bytes
        : fc.oneof(
            text,
            bytes.map((value) => textOf(value, "either")),
          );
    }
    case "array":
    case "list":
      return fc.array(valuesOf(node.element, depth), { maxLength: Math.min(node.maximum, 3) });
    case "fixedArray":
      return fc.array(valuesOf(node.element, depth), { minLength: node.count, maxLength: node.count });
    case "optional":
      return fc.option(valuesOf(node.element, depth));
    case "refine":
    case "lazy":
    case "nested":
      return valuesOf(node.element, depth);
    case "transform":
      return fc.record({ wrapped: valuesOf(node.element, depth) });
    case "struct":
      return fc.record(
        Object.fromEntries(node.fields.map((field, i) => [NAMES[i] ?? `f${i}`, valuesOf(field, depth)])),
      );
    case "union": {
      const of = (found: number, arm: Node) =>
        armOf(arm) === voidType
          ? fc.constant({ [TAG]: found })
          : fc.record({ [TAG]: fc.constant(found), value: valuesOf(arm, depth), more: fc.boolean() });
      const stated = node.arms.map((arm, i) => of(i, arm));
      return node.otherwise === null ? fc.oneof(...stated) : fc.oneof(...stated, of(-1, node.otherwise));
    }
    case "recursive": {
      const value = valuesOf(node.element, depth + 1);
      const next = depth > 2 ? fc.constant(null) : fc.option(fc.constant(null).chain(() => valuesOf(node, depth + 1)));
      return fc.record({ value, next }).map(({ value, next }) => {
        if (node.by === "optional") return { value, next };
        if (node.by === "union") return { value, next: next === null ? { on: false } : { on: true, self: next } };
        return { value, next: next === null ? [] : [next] };
      });
    }
  }
}

/** Types with a value each. */
export const typed: fc.Arbitrary<{ node: Node; value: Value }> = nodes.chain((node) =>
  fc.record({ node: fc.constant(node), value: valuesOf(node) }),
);
