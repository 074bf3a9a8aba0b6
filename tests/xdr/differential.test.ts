// Compares the reader and the writer with @stellar/js-xdr 5, an independent, schema-based implementation of RFC 4506.
// For random types, random values and randomly mutated bytes, both must write, read and reject the same. The tests at
// the end pin the known differences.
import { describe, expect, test } from "bun:test";
import * as stellar from "@stellar/js-xdr";
import fc from "fast-check";
import { decode, encode, XdrError, type XdrReader } from "../../src/xdr/index.ts";
import { read, write } from "./js-xdr-functions.ts";
import {
  cases,
  change,
  changes,
  hasNaN,
  leafTypes,
  type Type,
  theirs,
  types,
  uint,
  type Value,
} from "./js-xdr-types.ts";

const SEED = 4506;

/** Checks that both libraries read `bytes` alike. Returns whether they accepted them. */
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
  // Only the payload of a NaN may be lost.
  expect(again).toEqual(hasNaN(value) ? schema.encode(value) : bytes);
  return true;
}

describe("for random types, like js-xdr,", () => {
  test("values are written as the same bytes, and read back", () => {
    fc.assert(
      fc.property(cases, ({ type, value }) => {
        const bytes: Uint8Array = encode((w) => write(w, type, value));
        expect(bytes).toEqual(theirs(type).encode(value));
        expect(compare(type, bytes)).toBe(true);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  test("mutated bytes are accepted or rejected", () => {
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
      { seed: SEED, numRuns: 700 },
    );
    expect(accepted).toBeWithin(70, 630);
  });

  test("random words are accepted or rejected", () => {
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
      { seed: SEED, numRuns: 500 },
    );
    expect(accepted).toBeWithin(10, 490);
  });

  test("values of the wrong type are rejected", () => {
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
        // Strings are bytes in js-xdr and text here. The difference for floats out of range is pinned below.
        if (type.kind === "string" || type.kind === "float" || type.kind === "void") return;
        const schema = theirs(type);
        if (schema.validate(value)) {
          accepted += 1;
          expect<Uint8Array>(encode((w) => write(w, type, value))).toEqual(schema.encode(value));
        } else {
          expect(() => encode((w) => write(w, type, value))).toThrow(/^\w+: (expected|length)/);
        }
      }),
      { seed: SEED, numRuns: 500 },
    );
    expect(accepted).toBeWithin(25, 475);
  });
});

describe("unlike js-xdr,", () => {
  test("bytes of a string that are not UTF-8 are rejected: RFC 4506 §4.11 says ASCII, js-xdr accepts any bytes", () => {
    const bytes = Uint8Array.of(0, 0, 0, 1, 0xff, 0, 0, 0);
    expect(stellar.string(1).decode(bytes)).toEqual(Uint8Array.of(0xff));
    expect(() => decode(bytes, (r) => r.string(1))).toThrow(XdrError);
    expect(decode(bytes, (r) => r.opaque(1))).toEqual(Uint8Array.of(0xff));
  });

  test("an array of empty elements, which RFC 4506 §4.13 allows, can be read and written: js-xdr rejects it", () => {
    const bytes = Uint8Array.of(0, 0, 0, 2);
    const nothing = new Uint8Array(0);
    const schema = stellar.array(stellar.opaque(0), 2);
    expect(() => schema.decode(bytes)).toThrow(stellar.XdrError);
    expect(() => schema.encode([nothing, nothing])).toThrow(stellar.XdrError);
    expect(decode(bytes, (r) => r.array(2, (r) => r.fixedOpaque(0), 0))).toEqual([nothing, nothing]);
    expect(encode((w) => w.array([nothing, nothing], 2, (w, v) => w.fixedOpaque(v, 0)))).toEqual(bytes);
  });

  test("a number too large for a float throws a RangeError: js-xdr writes an infinity", () => {
    expect(stellar.float().encode(1e39)).toEqual(stellar.float().encode(Infinity));
    expect(() => encode((w) => w.float(1e39))).toThrow(RangeError);
  });

  test("only arrays, unions and optionals count as nesting levels: js-xdr also counts structs and lazy references", () => {
    type Node = { next: Node | null };
    const Node: stellar.XdrType<Node> = stellar.struct("Node", { next: stellar.option(stellar.lazy(() => Node)) });
    const readNode = (r: XdrReader): Node => ({ next: r.optional(readNode) });
    const three = Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0);
    expect(decode(three, readNode, { maxDepth: 3 })).toEqual(Node.decode(three, { maxDepth: 8 }));
    expect(() => decode(three, readNode, { maxDepth: 2 })).toThrow(XdrError);
    expect(() => Node.decode(three, { maxDepth: 7 })).toThrow(stellar.XdrError);
  });
});
