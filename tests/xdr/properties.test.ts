import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decode, encode, encodeInto, MAX_LENGTH, type Read, type XdrWriter } from "../../src/xdr/index.ts";

const SEED = 4506;

const KINDS: ReadonlySet<number> = new Set([0, 1, 2]);

/** A copy in the middle of 0xff bytes: a missing offset or a read past the end changes the result. */
const amid = (bytes: Uint8Array): Uint8Array => {
  const all = new Uint8Array(bytes.length + 32).fill(255);
  all.set(bytes, 13);
  return all.subarray(13, 13 + bytes.length);
};

describe("a value that is written is read back the same:", () => {
  const bytes = fc.uint8Array({ maxLength: 300, size: "max" });
  const text = fc.string({ unit: "binary", maxLength: 100, size: "max" });
  const cases: [string, fc.Arbitrary<unknown>, (w: XdrWriter, value: never) => void, Read<unknown>][] = [
    ["int", fc.integer(), (w, v) => w.int(v), (r) => r.int()],
    ["unsigned int", fc.nat(MAX_LENGTH), (w, v) => w.uint(v), (r) => r.uint()],
    ["hyper", fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (w, v) => w.hyper(v), (r) => r.hyper()],
    ["unsigned hyper", fc.bigInt(0n, 2n ** 64n - 1n), (w, v) => w.uhyper(v), (r) => r.uhyper()],
    ["float", fc.float(), (w, v) => w.float(v), (r) => r.float()],
    ["double", fc.double(), (w, v) => w.double(v), (r) => r.double()],
    ["bool", fc.boolean(), (w, v) => w.bool(v), (r) => r.bool()],
    ["enum", fc.constantFrom(...KINDS), (w, v) => w.enum(v, KINDS), (r) => r.enum(KINDS)],
    ["opaque", bytes, (w, v) => w.opaque(v, 300), (r) => r.opaque(300)],
    ["string", text, (w, v) => w.string(v, 800), (r) => r.string(800)],
    [
      "array",
      fc.array(text),
      (w, v) => w.array<string>(v, 99, (w, s) => w.string(s, 800)),
      (r) => r.array(99, (r) => r.string(800)),
    ],
    [
      "optional",
      fc.option(text),
      (w, v) => w.optional<string>(v, (w, s) => w.string(s, 800)),
      (r) => r.optional((r) => r.string(800)),
    ],
    [
      "fixed opaque",
      bytes,
      (w, v: Uint8Array) => {
        w.uint(v.length);
        w.fixedOpaque(v, v.length);
      },
      (r) => r.fixedOpaque(r.uint()),
    ],
    [
      "fixed array",
      fc.array(fc.integer()),
      (w, v: number[]) => {
        w.uint(v.length);
        w.fixedArray(v, v.length, (w, n) => w.int(n));
      },
      (r) => r.fixedArray(r.uint(), (r) => r.int()),
    ],
    [
      "union",
      fc.oneof(fc.integer(), fc.boolean(), text),
      (w, v) =>
        w.union(
          ["number", "boolean", "string"].indexOf(typeof v),
          (w, d) => w.int(d),
          { 0: (w) => w.int(v), 1: (w) => w.bool(v) },
          (w) => w.string(v, 800),
        ),
      (r) =>
        r.union(
          (r) => r.int(),
          { 0: (r) => r.int(), 1: (r) => r.bool() },
          (r) => r.string(800),
        ),
    ],
  ];
  test.each(cases)("%s", (_, values, write, read) => {
    fc.assert(
      fc.property(values, (value) => {
        const encoded = encode((w) => write(w, value as never));
        expect(encoded.length % 4).toBe(0);
        expect(decode(amid(encoded), read)).toStrictEqual(value);
        const target = amid(new Uint8Array(encoded.length).fill(255));
        encodeInto((w) => write(w, value as never), target);
        expect(target).toEqual(encoded);
      }),
      { seed: SEED, numRuns: 100 },
    );
  });

  test("text at the limits of one, two, three and four bytes per character", () => {
    for (const point of [0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x1_0000, 0x10_ffff]) {
      const text = `a${String.fromCodePoint(point)}b`;
      const bytes = new TextEncoder().encode(text);
      expect(encode((w) => w.string(text, bytes.length))).toEqual(encode((w) => w.opaque(bytes, bytes.length)));
    }
  });

  test("text is encoded as TextEncoder does it, or rejected where TextEncoder would replace a lone surrogate", () => {
    fc.assert(
      fc.property(
        // About half of the code units are surrogates, so that there are pairs and lone ones beside other text.
        fc.array(fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xd800, max: 0xdfff })), { maxLength: 6 }),
        (units) => {
          const text = String.fromCharCode(...units);
          if (!text.isWellFormed()) return expect(() => encode((w) => w.string(text, 9999))).toThrow(RangeError);
          expect(encode((w) => w.string(text, 9999))).toEqual(
            encode((w) => w.opaque(new TextEncoder().encode(text), 9999)),
          );
        },
      ),
      { seed: SEED, numRuns: 300 },
    );
  });
});
