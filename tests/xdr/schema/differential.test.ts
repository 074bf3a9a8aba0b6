// Compares schemas with @stellar/js-xdr 5 (same bytes) and with the reader and the writer (same errors), for random
// types, random values and randomly mutated bytes.
import { describe, expect, test } from "bun:test";
import * as stellar from "@stellar/js-xdr";
import fc from "fast-check";
import {
  array,
  decode,
  encode,
  fixedOpaque,
  int,
  lazy,
  list,
  optional,
  string,
  struct,
  XdrError,
  type XdrType,
} from "../../../src/xdr/index.ts";
import { read, write } from "../js-xdr-functions.ts";
import {
  cases,
  change,
  changes,
  hasNaN,
  leafTypes,
  type Type,
  theirs,
  types,
  uint as uints,
  type Value,
} from "../js-xdr-types.ts";
import { ours } from "./ours.ts";
import { on, onBoth } from "./paths.ts";

const SEED = 4506;

/** The value that `run` returns, or code, offset and `needs` of the XdrError that it throws. */
function attempt<T>(run: () => T): { value: T } | { code: string; offset: number; needs?: number } {
  try {
    return { value: run() };
  } catch (error) {
    if (!(error instanceof XdrError)) throw error;
    const { code, offset, needs } = error;
    return needs === undefined ? { code, offset } : { code, offset, needs };
  }
}

/** Checks that the schema reads `bytes` like js-xdr and like the reader. Returns whether they accepted them. */
function compare(type: Type, bytes: Uint8Array): boolean {
  const [generated, interpreted] = onBoth(() => ours(type));
  const accepted = compareOne(type, generated!, bytes);
  expect(compareOne(type, interpreted!, bytes)).toBe(accepted);
  return accepted;
}

function compareOne(type: Type, schema: XdrType<Value>, bytes: Uint8Array): boolean {
  const result = attempt(() => schema.decode(bytes));
  expect(result).toStrictEqual(attempt(() => decode(bytes, (r) => read(r, type))));
  const { value, ok, ...rest }: Value = schema.tryDecode(bytes);
  expect(ok).toBe("value" in result);
  const accepted = theirs(type).validateXdr(bytes);
  if (!("value" in result)) {
    expect(rest).toStrictEqual({ ...result, path: expect.any(String) });
    if (accepted) expect(result.code).toBe("bad-utf8");
    return false;
  }
  expect(accepted).toBe(true);
  expect(value).toStrictEqual(result.value);
  expect(result.value).toStrictEqual(theirs(type).decode(bytes));
  // Only the payload of a NaN may be lost.
  expect<Uint8Array>(schema.encode(value)).toEqual(hasNaN(value) ? theirs(type).encode(value) : bytes);
  return true;
}

describe("for random types, like js-xdr and like the reader and the writer,", () => {
  test("values are written as the same bytes, and read back", () => {
    fc.assert(
      fc.property(cases, ({ type, value }) => {
        const bytes: Uint8Array = theirs(type).encode(value);
        expect(encode((w) => write(w, type, value))).toEqual(bytes as never);
        for (const schema of onBoth(() => ours(type))) {
          expect<Uint8Array>(schema.encode(value)).toEqual(bytes);
          expect(schema.size(value)).toBe(bytes.length);
          expect(schema.decode(bytes)).toStrictEqual(value);
          expect(compareOne(type, schema, bytes)).toBe(true);
        }
      }),
      { seed: SEED, numRuns: 200 },
    );
  });

  test("values are written into the middle of a target without changing the bytes around them, or not at all if too long", () => {
    fc.assert(
      fc.property(cases, fc.nat(9), fc.nat(9), ({ type, value }, before, after) => {
        const schema = on(before % 2 === 0 ? "generated" : "interpreted", () => ours(type));
        const bytes = schema.encode(value);
        const target = new Uint8Array(before + bytes.length + after).fill(0xa5);
        expect(schema.encodeInto(value, target, before)).toBe(bytes.length);
        expect<Uint8Array>(target.subarray(before, before + bytes.length)).toEqual(bytes);
        expect(target.toHex().replaceAll(bytes.toHex(), "")).toMatch(/^(a5)*$/);
        if (bytes.length === 0) return;
        const short = new Uint8Array(before + bytes.length - 1).fill(0xa5);
        expect(() => schema.encodeInto(value, short, before)).toThrow(RangeError);
        expect(short.every((byte) => byte === 0xa5)).toBe(true);
      }),
      { seed: SEED, numRuns: 200 },
    );
  });

  test("mutated bytes are accepted or rejected", () => {
    let accepted = 0;
    fc.assert(
      fc.property(cases, changes, ({ type, value }, list) => {
        if (compare(type, change(ours(type).encode(value), list))) accepted += 1;
      }),
      { seed: SEED, numRuns: 400 },
    );
    expect(accepted).toBeWithin(60, 540);
  });

  test("random words are accepted or rejected", () => {
    const words = fc.array(fc.oneof(fc.nat(3), uints), { maxLength: 6 });
    let accepted = 0;
    fc.assert(
      fc.property(types, words, (type, words) => {
        const bytes = new Uint8Array(words.length * 4);
        words.forEach((word, i) => {
          new DataView(bytes.buffer).setUint32(i * 4, word);
        });
        if (compare(type, bytes)) accepted += 1;
      }),
      { seed: SEED, numRuns: 300 },
    );
    expect(accepted).toBeWithin(10, 490);
  });

  test("values of the wrong type are rejected, at any depth, and leave the target unchanged", () => {
    const junk = fc.oneof(
      fc.anything({ withBigInt: true, withTypedArray: true }),
      fc.double(),
      fc.bigInt(-(2n ** 65n), 2n ** 65n),
      fc.constantFrom(2 ** 31, -(2 ** 31) - 1, 2 ** 32, -1, 2n ** 63n, 2n ** 64n, -1n, -0, true),
      fc.uint8Array({ maxLength: 10 }),
    );
    let accepted = 0;
    fc.assert(
      fc.property(cases, leafTypes, junk, ({ type, value }, leaf, wrong) => {
        // Strings are bytes in js-xdr and text here. The difference for floats out of range is pinned elsewhere.
        if (leaf.kind === "string" || leaf.kind === "float") return;
        // A struct of several fields, the last of which may be wrong.
        const fields: Type[] = [type, type, { kind: "bool" }, type, leaf];
        const whole: Type = { kind: "struct", fields };
        const schemas = onBoth(() => ours(whole));
        const values = { f0: value, f1: value, f2: true, f3: value, f4: wrong };
        if (theirs(whole).validate(values)) {
          accepted += 1;
          for (const schema of schemas) expect<Uint8Array>(schema.encode(values)).toEqual(theirs(whole).encode(values));
          return;
        }
        const target = new Uint8Array(2000).fill(0xa5);
        for (const schema of schemas) {
          expect(() => schema.encodeInto(values, target)).toThrow(/^f4: \w+: (expected|length)/);
        }
        expect(target.every((byte) => byte === 0xa5)).toBe(true);
      }),
      { seed: SEED, numRuns: 500 },
    );
    expect(accepted).toBeWithin(25, 475);
  });

  test("a linked list has the same bytes as a chain of optionals", () => {
    interface Node {
      item: string;
      next: Node | null;
    }
    const Node: XdrType<Node> = struct({ item: string(9), next: optional(lazy(() => Node)) });
    const head = optional(Node);
    const flat = list(struct({ item: string(9) }), 99);
    fc.assert(
      fc.property(fc.array(fc.record({ item: fc.string({ maxLength: 9 }) }), { maxLength: 20 }), (items) => {
        const chain = items.reduceRight<Node | null>((next, { item }) => ({ item, next }), null);
        const bytes = flat.encode(items);
        expect(bytes).toEqual(head.encode(chain));
        expect(flat.decode(bytes)).toEqual(items);
        expect(head.decode(bytes)).toEqual(chain);
      }),
      { seed: SEED, numRuns: 100 },
    );
  });
});

describe("unlike js-xdr,", () => {
  test("a struct value may have other properties, which are ignored, and need not be a plain object", () => {
    class Point {
      x = 1;
      get y() {
        return this.x + 1;
      }
    }
    const Theirs = stellar.struct("Point", { x: stellar.int32(), y: stellar.int32() });
    const Ours = struct({ x: int, y: int });
    expect(() => Theirs.encode(new Point())).toThrow(stellar.XdrError);
    expect(Ours.decode(Ours.encode(new Point()))).toStrictEqual({ x: 1, y: 2 });
  });

  test("an array of empty elements is rejected when the type is created: js-xdr rejects its values", () => {
    const theirs = stellar.array(stellar.opaque(0), 2);
    expect(() => theirs.decode(Uint8Array.of(0, 0, 0, 2))).toThrow(stellar.XdrError);
    expect(() => array(fixedOpaque(0), 2)).toThrow(RangeError);
  });

  test("only arrays, lists, unions and optionals count as nesting levels: js-xdr also counts structs and lazy references", () => {
    type Node = { next: Node | null };
    const Theirs: stellar.XdrType<Node> = stellar.struct("Node", { next: stellar.option(stellar.lazy(() => Theirs)) });
    const Ours: XdrType<Node> = struct({ next: optional(lazy(() => Ours)) });
    const three = Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0);
    expect(Ours.decode(three, { maxDepth: 3 })).toEqual(Theirs.decode(three, { maxDepth: 8 }));
    expect(() => Ours.decode(three, { maxDepth: 2 })).toThrow(XdrError);
    expect(() => Theirs.decode(three, { maxDepth: 7 })).toThrow(stellar.XdrError);
  });
});
