import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  decode,
  encode,
  MAX_LENGTH,
  type Read,
  XdrError,
  type XdrErrorCode,
  XdrReader,
  XdrWriter,
} from "../../src/xdr/index.ts";

const SEED = 4506;

const hex = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.fromHex(text.replaceAll(" ", ""));

/** A copy in the middle of 0xff bytes: a missing offset or a read past the end changes the result. */
const surrounded = (bytes: Uint8Array): Uint8Array => {
  const all = new Uint8Array(bytes.length + 32).fill(255);
  all.set(bytes, 13);
  return all.subarray(13, 13 + bytes.length);
};

/** Code and offset of the error for invalid input. Checks that the error did not move the reader. */
function refusal(bytes: Uint8Array, read: Read<unknown>): { code: XdrErrorCode; offset: number } {
  const reader = new XdrReader(surrounded(bytes));
  try {
    read(reader);
    reader.end();
  } catch (error) {
    if (!(error instanceof XdrError)) throw error;
    if (error.code !== "trailing-bytes") expect(reader.offset).toBe(0);
    return { code: error.code, offset: error.offset };
  }
  throw new Error("the input was accepted");
}

// The example of RFC 4506 §7, with its spelling of `interpretor`.
type Kind = 0 | 1 | 2;
type FileType = { kind: 0 } | { kind: 1; creator: string } | { kind: 2; interpretor: string };
type File = { filename: string; type: FileType; owner: string; data: Uint8Array };
const KINDS: ReadonlySet<Kind> = new Set([0, 1, 2]);

const readFile = (r: XdrReader): File => ({
  filename: r.string(255),
  type: r.union((r) => r.enum(KINDS), {
    0: () => ({ kind: 0 as const }),
    1: (r) => ({ kind: 1 as const, creator: r.string(255) }),
    2: (r) => ({ kind: 2 as const, interpretor: r.string(255) }),
  }),
  owner: r.string(32),
  data: r.opaque(65535),
});

const writeFile = (w: XdrWriter, { filename, type, owner, data }: File): void => {
  w.string(filename, 255);
  w.union(type.kind, (w, kind) => w.enum(kind, KINDS), {
    0: (w) => w.void(),
    1: (w) => w.string((type as { creator: string }).creator, 255),
    2: (w) => w.string((type as { interpretor: string }).interpretor, 255),
  });
  w.string(owner, 32);
  w.opaque(data, 65535);
};

const SILLYPROG: File = {
  filename: "sillyprog",
  type: { kind: 2, interpretor: "lisp" },
  owner: "john",
  data: new TextEncoder().encode("(quit)"),
};
const SILLYPROG_BYTES = hex(
  "00000009 73696c6c 7970726f 67000000 00000002 00000004 6c697370 00000004 6a6f686e 00000006 28717569 74290000",
);

describe("the example of RFC 4506 §7", () => {
  test("is read from its 48 bytes", () => {
    expect(SILLYPROG_BYTES.length).toBe(48);
    expect(decode(surrounded(SILLYPROG_BYTES), readFile)).toEqual(SILLYPROG);
  });

  test("is written as exactly these bytes", () => {
    expect(encode((w) => writeFile(w, SILLYPROG))).toEqual(SILLYPROG_BYTES);
  });

  test("is rejected if it is cut off anywhere", () => {
    for (let length = 0; length < 48; length += 1) {
      expect(() => decode(SILLYPROG_BYTES.subarray(0, length), readFile)).toThrow(XdrError);
    }
  });

  test("with random changes is rejected, or its value is written as the same bytes again", () => {
    const change = fc.record({ at: fc.nat(47), byte: fc.oneof(fc.constantFrom(0, 1, 2, 3, 255), fc.nat(255)) });
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const input = SILLYPROG_BYTES.slice();
        for (const { at, byte } of changes) input[at] = byte;
        let file: File;
        try {
          file = decode(input, readFile);
        } catch (error) {
          expect(error).toBeInstanceOf(XdrError);
          expect((error as XdrError).offset).toBeWithin(0, input.length + 1);
          return;
        }
        accepted += 1;
        expect(encode((w) => writeFile(w, file))).toEqual(input);
      }),
      { seed: SEED, numRuns: 1000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});

describe("the wire format follows RFC 4506:", () => {
  const cases: [string, string, (w: XdrWriter) => void, Read<unknown>, unknown][] = [
    ["§4.1 int", "ffffffff", (w) => w.int(-1), (r) => r.int(), -1],
    ["§4.1 least int", "80000000", (w) => w.int(-(2 ** 31)), (r) => r.int(), -(2 ** 31)],
    ["§4.2 unsigned int", "ffffffff", (w) => w.uint(2 ** 32 - 1), (r) => r.uint(), 2 ** 32 - 1],
    ["§4.3 negative enum", "fffffffe", (w) => w.enum(-2, new Set([-2])), (r) => r.enum(new Set([-2])), -2],
    ["§4.4 bool", "00000001", (w) => w.bool(true), (r) => r.bool(), true],
    ["§4.5 hyper", "fffffffffffffffe", (w) => w.hyper(-2n), (r) => r.hyper(), -2n],
    ["§4.5 unsigned hyper", "fffffffffffffffe", (w) => w.uhyper(2n ** 64n - 2n), (r) => r.uhyper(), 2n ** 64n - 2n],
    ["§4.6 float", "c0200000", (w) => w.float(-2.5), (r) => r.float(), -2.5],
    ["§4.6 infinite float", "ff800000", (w) => w.float(-Infinity), (r) => r.float(), -Infinity],
    ["§4.7 double", "c004000000000000", (w) => w.double(-2.5), (r) => r.double(), -2.5],
    ["§4.7 negative zero", "8000000000000000", (w) => w.double(-0), (r) => r.double(), -0],
    ["§4.9 fixed opaque", "01020000", (w) => w.fixedOpaque(hex("0102"), 2), (r) => r.fixedOpaque(2), hex("0102")],
    ["§4.10 opaque", "0000000101000000", (w) => w.opaque(hex("01"), 1), (r) => r.opaque(1), hex("01")],
    ["§4.10 empty opaque", "00000000", (w) => w.opaque(hex(""), 0), (r) => r.opaque(0), hex("")],
    ["§4.11 string", "00000003e282ac00", (w) => w.string("€", 3), (r) => r.string(3), "€"],
    ["§4.11 byte order mark", "00000003efbbbf00", (w) => w.string("\ufeff", 3), (r) => r.string(3), "\ufeff"],
    [
      "§4.12 fixed array",
      "0000000100000002",
      (w) => w.fixedArray([1, 2], 2, (w, n) => w.uint(n)),
      (r) => r.fixedArray(2, (r) => r.uint()),
      [1, 2],
    ],
    [
      "§4.13 array",
      "0000000100000007",
      (w) => w.array([7], 1, (w, n) => w.uint(n)),
      (r) => r.array(1, (r) => r.uint()),
      [7],
    ],
    [
      "§4.15 union on a bool",
      "0000000100000007",
      (w) => w.union(true, (w, on) => w.bool(on), { 1: (w) => w.int(7) }),
      (r) => r.union((r) => r.bool(), { 1: (r) => r.int() }),
      7,
    ],
    [
      "§4.15 union on an int below zero",
      "ffffffff00000007",
      (w) => w.union(-1, (w, d) => w.int(d), { [-1]: (w) => w.int(7) }),
      (r) => r.union((r) => r.int(), { [-1]: (r) => r.int() }),
      7,
    ],
    [
      "§4.15 default arm",
      "ffffffff",
      (w) =>
        w.union(
          MAX_LENGTH,
          (w, d) => w.uint(d),
          {},
          (w) => w.void(),
        ),
      (r) =>
        r.union(
          (r) => r.uint(),
          {},
          (_, d) => d,
        ),
      MAX_LENGTH,
    ],
    ["§4.16 void", "", (w) => w.void(), (r) => r.void(), undefined],
    [
      "§4.19 optional, present",
      "0000000100000007",
      (w) => w.optional(7, (w, n) => w.int(n)),
      (r) => r.optional((r) => r.int()),
      7,
    ],
    [
      "§4.19 optional, absent",
      "00000000",
      (w) => w.optional(null, (w, n: number) => w.int(n)),
      (r) => r.optional((r) => r.int()),
      null,
    ],
  ];
  test.each(cases)("%s", (_, bytes, write, read, value) => {
    expect(encode(write)).toEqual(hex(bytes));
    expect(decode(surrounded(hex(bytes)), read)).toStrictEqual(value);
  });
});

describe("input is rejected with a code and an offset", () => {
  const cases: [string, XdrErrorCode, number, string, Read<unknown>][] = [
    ["if it ends inside an int", "truncated", 0, "000000", (r) => r.int()],
    ["if it ends inside an unsigned int", "truncated", 0, "000000", (r) => r.uint()],
    ["if it ends inside a hyper", "truncated", 0, "00000000000000", (r) => r.hyper()],
    ["if it ends inside an unsigned hyper", "truncated", 0, "00000000000000", (r) => r.uhyper()],
    ["if it ends inside a float", "truncated", 0, "000000", (r) => r.float()],
    ["if it ends inside a double", "truncated", 0, "00000000000000", (r) => r.double()],
    ["if it ends inside a bool", "truncated", 0, "000000", (r) => r.bool()],
    ["if it ends inside an enum", "truncated", 0, "000000", (r) => r.enum(new Set([0]))],
    ["if it ends inside a length", "truncated", 0, "000000", (r) => r.opaque(9)],
    ["if it ends inside fixed opaque data", "truncated", 0, "00000000", (r) => r.fixedOpaque(5)],
    ["if it ends inside padding", "truncated", 2, "0101 00", (r) => r.fixedOpaque(2)],
    ["if it ends before padding", "truncated", 9, "00000005 0101010101", (r) => r.opaque(5)],
    ["if it ends before an element", "truncated", 4, "00000000", (r) => r.fixedArray(2, (r) => r.int())],
    ["if opaque data is longer than its maximum", "length-over-maximum", 0, "00000002 01010000", (r) => r.opaque(1)],
    ["if a string has more bytes than its maximum", "length-over-maximum", 0, "00000002 c3a90000", (r) => r.string(1)],
    [
      "if an array has more elements than its maximum",
      "length-over-maximum",
      0,
      "00000001 00000000",
      (r) => r.array(0, (r) => r.int()),
    ],
    ["if opaque data is longer than the input", "length-over-input", 0, "00000005 01010101", (r) => r.opaque(9)],
    ["if a string is longer than the input", "length-over-input", 0, "00000005 01010101", (r) => r.string(9)],
    [
      "if an array is longer than the input",
      "length-over-input",
      0,
      "00000002 00000000",
      (r) => r.array(9, (r) => r.int()),
    ],
    ["if the padding of fixed opaque data is not zero", "nonzero-padding", 3, "01010001", (r) => r.fixedOpaque(2)],
    ["if the padding of opaque data is not zero", "nonzero-padding", 5, "00000001 01010000", (r) => r.opaque(1)],
    ["if the padding of a string is not zero", "nonzero-padding", 7, "00000003 61616101", (r) => r.string(3)],
    ["if a bool is 2", "bad-bool", 0, "00000002", (r) => r.bool()],
    ["if a bool is negative", "bad-bool", 0, "ffffffff", (r) => r.bool()],
    ["if a bool is 1 in little-endian byte order", "bad-bool", 0, "01000000", (r) => r.bool()],
    ["if the bool of an optional is 2", "bad-bool", 0, "00000002", (r) => r.optional((r) => r.int())],
    ["if a number is not a value of its enum", "unknown-enum", 0, "00000003", (r) => r.enum(KINDS)],
    [
      "if a union has no arm for its discriminant",
      "unknown-discriminant",
      0,
      "00000003",
      (r) => r.union((r) => r.int(), { 0: () => 0 }),
    ],
    [
      "if a discriminant is not a value of its enum",
      "unknown-enum",
      0,
      "00000003",
      (r) => r.union((r) => r.enum(KINDS), {}),
    ],
    ["if a string is not UTF-8", "bad-utf8", 0, "00000002 c3280000", (r) => r.string(2)],
    ["if a string has an overlong UTF-8 sequence", "bad-utf8", 0, "00000002 c0800000", (r) => r.string(2)],
    ["if a string has an encoded surrogate", "bad-utf8", 0, "00000003 eda08000", (r) => r.string(3)],
    ["if bytes follow the value", "trailing-bytes", 4, "00000000 00", (r) => r.int()],
    ["if bytes follow a void", "trailing-bytes", 0, "00", (r) => r.void()],
  ];
  test.each(cases)("%s", (_, code, offset, bytes, read) => {
    expect(refusal(hex(bytes), read)).toEqual({ code, offset });
    // The same input 8 bytes further on, inside an array.
    if (code === "trailing-bytes") return;
    const nested = hex(`00000001 00000000${bytes}`);
    expect(refusal(nested, (r) => r.array(1, (r) => [r.int(), read(r)]))).toEqual({ code, offset: offset + 8 });
  });

  test("and the message of the error names the problem and the offset", () => {
    expect(() => decode(hex("00000000 00000002"), (r) => [r.bool(), r.bool()])).toThrow(
      "a bool is 0 or 1, not 2 (at byte 4)",
    );
  });
});

describe("a length", () => {
  test.each([0xffff_ffff, 0xffff_fffd, 0xffff_fffc, 0x8000_0000, 0x7fff_ffff, 13])(
    "of %d in twelve bytes of input is rejected, whatever its maximum",
    (length) => {
      const bytes = new Uint8Array(12);
      new DataView(bytes.buffer).setUint32(0, length);
      const refused = { code: "length-over-input", offset: 0 } as const;
      expect(refusal(bytes, (r) => r.opaque(MAX_LENGTH))).toEqual(refused);
      expect(refusal(bytes, (r) => r.string(MAX_LENGTH))).toEqual(refused);
      let read = 0;
      const count = (r: XdrReader) => r.array(MAX_LENGTH, () => (read += 1));
      expect(refusal(bytes, count)).toEqual(refused);
      expect(read).toBe(0);
      expect(refusal(bytes, (r) => r.fixedOpaque(length))).toEqual({ code: "truncated", offset: 0 });
    },
  );

  test("that is over its maximum and longer than the input is reported as over its maximum", () => {
    expect(refusal(hex("ffffffff"), (r) => r.opaque(0xffff_fffe))).toEqual({ code: "length-over-maximum", offset: 0 });
  });

  test("of an array is checked against the element size that the caller passes", () => {
    const readPair = (r: XdrReader) => [r.hyper(), r.hyper()];
    const bytes = new Uint8Array(4 + 31);
    bytes[3] = 2;
    expect(refusal(bytes, (r) => r.array(9, readPair, 16))).toEqual({ code: "length-over-input", offset: 0 });
    expect(decode(new Uint8Array([...bytes, 0]), (r) => r.array(9, readPair, 16)).length).toBe(2);
  });

  test("of an array of empty elements is limited by its maximum only, and only if the caller passes 0 as element size", () => {
    const readNothing = (r: XdrReader) => r.fixedOpaque(0);
    const bytes = hex("00000003");
    expect(refusal(bytes, (r) => r.array(3, readNothing)).code).toBe("length-over-input");
    expect(decode(bytes, (r) => r.array(3, readNothing, 0)).length).toBe(3);
    expect(refusal(bytes, (r) => r.array(2, readNothing, 0)).code).toBe("length-over-maximum");
  });

  test.each([undefined, null, "4", NaN, -1, 1.5, Infinity, 2 ** 32, 4n])(
    "may not have %p as its bound: such a maximum, length or count is a TypeError or RangeError",
    (bad) => {
      const bound = bad as number;
      const expected = typeof bad === "number" ? RangeError : TypeError;
      const reader = new XdrReader(new Uint8Array(16));
      const read = () => 0;
      expect(() => reader.opaque(bound)).toThrow(expected);
      expect(() => reader.string(bound)).toThrow(expected);
      expect(() => reader.fixedOpaque(bound)).toThrow(expected);
      expect(() => reader.array(bound, read)).toThrow(expected);
      expect(() => reader.fixedArray(bound, read)).toThrow(expected);
      if (bad !== undefined) expect(() => reader.array(1, read, bound)).toThrow(expected);
      const writer = new XdrWriter();
      const write = () => {};
      expect(() => writer.opaque(new Uint8Array(0), bound)).toThrow(expected);
      expect(() => writer.string("", bound)).toThrow(expected);
      expect(() => writer.fixedOpaque(new Uint8Array(0), bound)).toThrow(expected);
      expect(() => writer.array([], bound, write)).toThrow(expected);
      expect(() => writer.fixedArray([], bound, write)).toThrow(expected);
      expect(writer.length).toBe(0);
    },
  );
});

describe("nesting", () => {
  type List = { next: List | null };
  const readList = (r: XdrReader): List => ({ next: r.optional(readList) });
  const writeList = (w: XdrWriter, list: List): void => w.optional(list.next, writeList);
  const chain = (links: number) => {
    const bytes = new Uint8Array(4 * links + 4);
    for (let i = 0; i < links; i += 1) bytes[4 * i + 3] = 1;
    return bytes;
  };

  test("is limited to 500 levels by default, so that input cannot overflow the stack", () => {
    const list = decode(chain(499), readList);
    expect(encode((w) => writeList(w, list))).toEqual(chain(499));
    expect(refusal(chain(500), readList)).toEqual({ code: "too-deep", offset: 2000 });
    expect(refusal(chain(1_000_000), readList)).toEqual({ code: "too-deep", offset: 2000 });
    expect(() => encode((w) => writeList(w, { next: list }))).toThrow(RangeError);
  });

  test("is limited to maxDepth levels", () => {
    const list = decode(chain(9), readList, { maxDepth: 10 });
    expect(() => decode(chain(10), readList, { maxDepth: 10 })).toThrow(XdrError);
    expect(encode((w) => writeList(w, list), { maxDepth: 10 })).toEqual(chain(9));
    expect(() => encode((w) => writeList(w, { next: list }), { maxDepth: 10 })).toThrow(RangeError);
    expect(() => new XdrReader(chain(0), { maxDepth: -1 })).toThrow(RangeError);
    expect(() => new XdrWriter({ maxDepth: 1.5 })).toThrow(RangeError);
  });

  test("counts each array, union and optional as one level", () => {
    const nestings: [Read<unknown>, (w: XdrWriter) => void][] = [
      [(r) => r.fixedArray(1, (r) => r.bool()), (w) => w.fixedArray([true], 1, (w, v) => w.bool(v))],
      [(r) => r.array(1, (r) => r.bool()), (w) => w.array([true], 1, (w, v) => w.bool(v))],
      [(r) => r.optional((r) => r.bool()), (w) => w.optional(true, (w, v) => w.bool(v))],
      [
        (r) => r.union((r) => r.bool(), { 1: (r) => r.bool() }),
        (w) => w.union(true, (w, d) => w.bool(d), { 1: (w) => w.bool(true) }),
      ],
    ];
    const bytes = hex("00000001 00000001");
    for (const [read, write] of nestings) {
      expect(() => decode(bytes, read, { maxDepth: 1, allowTrailing: true })).not.toThrow();
      expect(() => decode(bytes, read, { maxDepth: 0, allowTrailing: true })).toThrow("maxDepth");
      expect(() => encode(write, { maxDepth: 1 })).not.toThrow();
      expect(() => encode(write, { maxDepth: 0 })).toThrow("maxDepth");
    }
  });

  test("is counted down when a level ends, whether by return or by error", () => {
    const reader = new XdrReader(hex("00000002"), { maxDepth: 1 });
    const writer = new XdrWriter({ maxDepth: 1 });
    const fail = () => {
      throw new Error("mine");
    };
    for (let i = 0; i < 3; i += 1) {
      expect(() => reader.optional((r) => r.int())).toThrow("a bool is 0 or 1");
      expect(() => reader.fixedArray(1, fail)).toThrow("mine");
      expect(() => reader.union((r) => r.int(), { 2: fail })).toThrow("mine");
      expect(() => writer.optional(1, fail)).toThrow("mine");
      expect(() => writer.array([1], 1, fail)).toThrow("mine");
      expect(() => writer.union(2, (w, d) => w.int(d), { 2: fail })).toThrow("mine");
    }
    expect([reader.offset, writer.length]).toEqual([0, 0]);
  });

  test("does not limit a list that is read in a loop", () => {
    const values: number[] = [];
    const writer = new XdrWriter();
    for (let n = 0; n < 2000; n += 1) {
      writer.bool(true);
      writer.int(n);
    }
    writer.bool(false);
    const reader = new XdrReader(writer.finish());
    while (reader.bool()) values.push(reader.int());
    reader.end();
    expect(values).toEqual([...Array(2000).keys()]);
  });
});

describe("a reader", () => {
  test("returns long opaque data as views of the input, not copies", () => {
    const bytes = surrounded(hex(`00000050 ${"01".repeat(80)}`));
    const data = decode(bytes, (r) => r.opaque(80));
    expect(data.buffer).toBe(bytes.buffer);
    expect(data.byteOffset).toBe(bytes.byteOffset + 4);
  });

  test("returns plain Uint8Arrays even for a Buffer, whose slice() does not copy", () => {
    const data = decode(Buffer.from(hex("00000002 01020000")), (r) => r.opaque(2));
    expect(Object.getPrototypeOf(data)).toBe(Uint8Array.prototype);
  });

  test("reads from shared memory, strings included", () => {
    const shared = new Uint8Array(new SharedArrayBuffer(48));
    shared.set(SILLYPROG_BYTES);
    expect(decode(shared, readFile)).toEqual(SILLYPROG);
  });

  test("reports how many bytes have been read and how many are left", () => {
    const reader = new XdrReader(SILLYPROG_BYTES);
    reader.string(255);
    expect([reader.offset, reader.remaining]).toEqual([16, 32]);
  });

  test("can still read after a string that was not UTF-8", () => {
    const reader = new XdrReader(hex("00000001 ff000000"));
    expect(() => reader.string(9)).toThrow(XdrError);
    expect(reader.opaque(9)).toEqual(hex("ff"));
    expect(decode(hex("00000001 61000000"), (r) => r.string(1))).toBe("a");
  });

  test("accepts only a Uint8Array as input", () => {
    const buffer = new ArrayBuffer(4);
    const others = [null, undefined, "0000", [0, 0, 0, 0], buffer, new DataView(buffer), new Uint16Array(2)];
    for (const other of others) expect(() => new XdrReader(other as unknown as Uint8Array)).toThrow(TypeError);
  });

  test("accepts bytes after the value only if decode() has allowTrailing", () => {
    const bytes = hex("00000007 00000008");
    expect(() => decode(bytes, (r) => r.int())).toThrow(XdrError);
    expect(() => decode(bytes, (r) => r.int(), { allowTrailing: false })).toThrow(XdrError);
    expect(decode(bytes, (r) => r.int(), { allowTrailing: true })).toBe(7);
  });

  test("does not use a property of Object.prototype as a union's arm", () => {
    const prototype = Object.prototype as unknown as Record<number, () => string>;
    prototype[7] = () => "polluted";
    try {
      expect(refusal(hex("00000007"), (r) => r.union((r) => r.int(), {})).code).toBe("unknown-discriminant");
      expect(() => encode((w) => w.union(7, (w, d) => w.int(d), {}))).toThrow(RangeError);
    } finally {
      delete prototype[7];
    }
  });

  test("infers the type of a union from its arms, and of an enum from its values", () => {
    const read = (r: XdrReader) =>
      r.union(
        (r) => r.enum(KINDS),
        { 0: (r) => r.void(), 1: (r) => r.string(9) },
        (_, d) => d,
      );
    const value: string | Kind | undefined = decode(hex("00000002"), read);
    expect(value).toBe(2);
    // @ts-expect-error the default arm may give a number
    const wrong: string | undefined = value;
    // @ts-expect-error null means that the value is missing, so an optional may not be directly inside an optional
    const nested = (r: XdrReader) => r.optional((r) => r.optional((r) => r.int()));
    expect([wrong, typeof nested]).toBeDefined();
  });
});

test("src/xdr imports nothing from outside, and uses nothing that is specific to one runtime", async () => {
  const folder = new URL("../../src/xdr/", import.meta.url).pathname;
  for (const file of new Bun.Glob("**/*.ts").scanSync(folder)) {
    const source = await Bun.file(folder + file).text();
    const code = source.replaceAll(/\/\*.*?\*\/|^\s*\/\/[^\n]*$/gms, "");
    // Neither the question whether it is Bun nor the list of names that generated code must not have.
    const used = code.replace('"Bun" in globalThis', "").replace(/words\(`.*?`\)/gs, "");
    expect(used).not.toMatch(/\b(Bun|Buffer|process|require|globalThis)\b/);
    for (const [, path] of code.matchAll(/from "([^"]*)"/g)) expect(path).toMatch(/^(\.\.?\/)+[a-z0-9/-]+\.ts$/);
  }
});
