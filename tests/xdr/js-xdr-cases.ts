/**
 * The cases that @stellar/js-xdr 5 tests itself with, as data: types, their values as bytes, and what is refused. Types and
 * values are in the form of js-xdr-types.ts: the fields of a struct are f0, f1, …, strings are bytes. Its tests of
 * recursive types and of what types can be made are in js-xdr-cases.test.ts. Those of its own functions (names of
 * members, introspection, its reader and writer, the class of its errors) say nothing about XDR.
 */
import type { Type, Value } from "./js-xdr-types.ts";

export interface Case {
  /** What the case is about, after the name of js-xdr's own test. */
  readonly about: string;
  readonly type: Type;
  /** Values and their bytes in hex. */
  readonly values?: readonly (readonly [value: Value, hex: string])[];
  /** Bytes in hex that are no value of the type. */
  readonly badBytes?: readonly string[];
  /** Values that are not of the type. */
  readonly badValues?: readonly unknown[];
}

const INT: Type = { kind: "int" };
const VOID: Type = { kind: "void" };
const BOOL: Type = { kind: "bool" };
const COLOR: Type = { kind: "enum", values: [0, 1, 2] };
const RANGE: Type = { kind: "struct", fields: [INT, INT, BOOL] };
const range = (begin: number, end: number, inclusive: boolean) => ({ f0: begin, f1: end, f2: inclusive });

const MAX_LENGTH = 4_294_967_295;
const MIN_I64 = -(2n ** 63n);
const MAX_I64 = 2n ** 63n - 1n;
const MAX_U64 = 2n ** 64n - 1n;

const bytes = (hex: string) => Uint8Array.fromHex(hex);

/** A view of a buffer that has been given away. */
function detached(): Uint8Array {
  const view = new Uint8Array(8);
  structuredClone(view, { transfer: [view.buffer] });
  return view;
}

/** A view that is no longer inside of its buffer. */
function outOfBounds(): Uint8Array {
  const buffer = new ArrayBuffer(8, { maxByteLength: 8 });
  const view = new Uint8Array(buffer, 4, 4);
  buffer.resize(0);
  return view;
}

export const CASES: readonly Case[] = [
  {
    about: "int32: big-endian, with a sign",
    type: INT,
    values: [
      [0, "00000000"],
      [1, "00000001"],
      [5, "00000005"],
      [-1, "ffffffff"],
      [2_147_483_647, "7fffffff"],
      [-2_147_483_648, "80000000"],
    ],
    badBytes: ["", "0000", "0000000100"],
    badValues: [2_147_483_648, -2_147_483_649, 1.5, "1", "nope"],
  },
  {
    about: "uint32: big-endian, without a sign",
    type: { kind: "uint" },
    values: [
      [0, "00000000"],
      [1, "00000001"],
      [255, "000000ff"],
      [MAX_LENGTH, "ffffffff"],
    ],
    badValues: [-1, 4_294_967_296, 1.5, "1"],
  },
  {
    about: "int64: bigints, with a sign",
    type: { kind: "hyper" },
    values: [
      [0n, "0000000000000000"],
      [1n, "0000000000000001"],
      [-1n, "ffffffffffffffff"],
      [MAX_I64, "7fffffffffffffff"],
      [MIN_I64, "8000000000000000"],
    ],
    badValues: [MAX_I64 + 1n, MIN_I64 - 1n, 5, "5"],
  },
  {
    about: "uint64: bigints, without a sign",
    type: { kind: "uhyper" },
    values: [
      [0n, "0000000000000000"],
      [1n, "0000000000000001"],
      [MAX_U64, "ffffffffffffffff"],
    ],
    badValues: [-1n, MAX_U64 + 1n, 5],
  },
  {
    about: "float: 32 bits, also infinities and NaN",
    type: { kind: "float" },
    values: [
      [0, "00000000"],
      [1, "3f800000"],
      [-2, "c0000000"],
      [-1, "bf800000"],
      [0.5, "3f000000"],
      [1234.5, "449a5000"],
      [Infinity, "7f800000"],
      [-Infinity, "ff800000"],
      [NaN, "7fc00000"],
    ],
    badValues: ["1", 1n, null],
  },
  {
    about: "double: 64 bits, also infinities and NaN",
    type: { kind: "double" },
    values: [
      [0, "0000000000000000"],
      [1, "3ff0000000000000"],
      [-1, "bff0000000000000"],
      [-2, "c000000000000000"],
      [0.1, "3fb999999999999a"],
      [Math.PI, "400921fb54442d18"],
      [1e308, "7fe1ccf385ebc8a0"],
      [-Infinity, "fff0000000000000"],
      [NaN, "7ff8000000000000"],
    ],
    badValues: ["1"],
  },
  {
    about: "bool: 0 and 1 only",
    type: BOOL,
    values: [
      [false, "00000000"],
      [true, "00000001"],
    ],
    badBytes: ["00000002", "ffffffff", "0000", "0000000100"],
    badValues: [0, 1, "0", [true], null, {}, undefined],
  },
  {
    about: "void: no bytes, and undefined",
    type: VOID,
    values: [[undefined, ""]],
    badBytes: ["00000000"],
    badValues: [null, 0],
  },
  {
    about: "enum: its members only",
    type: COLOR,
    values: [
      [0, "00000000"],
      [1, "00000001"],
      [2, "00000002"],
    ],
    badBytes: ["00000009"],
    badValues: [9, "red"],
  },
  {
    about: "enum: members may be the least and the greatest int32",
    type: { kind: "enum", values: [-2_147_483_648, 2_147_483_647] },
    values: [
      [-2_147_483_648, "80000000"],
      [2_147_483_647, "7fffffff"],
    ],
  },
  {
    about: "opaque: of a length that needs no padding",
    type: { kind: "fixedOpaque", length: 4 },
    values: [[bytes("01020304"), "01020304"]],
    badBytes: ["010203", "0102030400000000"],
  },
  {
    about: "opaque: padded with zeros, exactly as long as declared",
    type: { kind: "fixedOpaque", length: 3 },
    values: [[bytes("010203"), "01020300"]],
    badBytes: ["01020309", "010203"],
    badValues: [bytes("0102"), bytes("01020304"), [1, 2, 3]],
  },
  {
    about: "opaque: of no bytes, but not of a buffer that is gone",
    type: { kind: "fixedOpaque", length: 0 },
    values: [[bytes(""), ""]],
    badValues: [detached(), outOfBounds()],
  },
  {
    about: "varOpaque: a length, bytes, and padding",
    type: { kind: "opaque", maximum: 100 },
    values: [
      [bytes("010203"), "0000000301020300"],
      [bytes("01020304"), "0000000401020304"],
      [bytes(""), "00000000"],
      [new Uint8Array(8).subarray(4, 4), "00000000"],
    ],
    badBytes: ["0000000301020309", "00000003010203", "ffffffff"],
    badValues: [[1, 2, 3], [], detached(), outOfBounds()],
  },
  {
    about: "varOpaque: not over its maximum",
    type: { kind: "opaque", maximum: 2 },
    badBytes: ["0000000301020300"],
    badValues: [bytes("010203")],
  },
  {
    about: "string: a length, bytes, and padding",
    type: { kind: "string", maximum: 100 },
    values: [
      [bytes("4869"), "0000000248690000"],
      [bytes("61626364"), "0000000461626364"],
      [bytes(""), "00000000"],
      [bytes("00"), "0000000100000000"],
    ],
    badBytes: ["0000000248690001", "000000034869"],
    badValues: [123, null],
  },
  {
    about: "string: not over its maximum",
    type: { kind: "string", maximum: 2 },
    badBytes: ["0000000361626300"],
    badValues: [bytes("010203")],
  },
  {
    about: "option: a flag, then the value if there is one",
    type: { kind: "optional", element: INT },
    values: [
      [5, "0000000100000005"],
      [0, "0000000100000000"],
      [42, "000000010000002a"],
      [null, "00000000"],
    ],
    badBytes: ["00000002", "00000001"],
  },
  {
    about: "option: in an option, inside a struct that takes no bytes",
    type: { kind: "optional", element: { kind: "struct", fields: [{ kind: "optional", element: INT }] } },
    values: [
      [null, "00000000"],
      [{ f0: null }, "0000000100000000"],
      [{ f0: 7 }, "000000010000000100000007"],
    ],
  },
  {
    about: "array: a count, then the elements",
    type: { kind: "array", maximum: 3, element: INT },
    values: [
      [[1, 2, 3], "00000003000000010000000200000003"],
      [[10, 20, 30], "000000030000000a000000140000001e"],
      [[7, 8], "000000020000000700000008"],
      [[], "00000000"],
    ],
    badBytes: ["000000040000000100000002", "0000000400000001000000020000000300000004"],
    badValues: [[1, 2, 3, 4], "nope", [1, "2"]],
  },
  {
    about: "array: not of more elements than bytes can follow",
    type: { kind: "array", maximum: 100, element: INT },
    badBytes: ["0000000a00000001"],
  },
  {
    about: "array: of arrays",
    type: { kind: "array", maximum: 1, element: { kind: "array", maximum: 1, element: INT } },
    values: [[[[5]], "000000010000000100000005"]],
  },
  {
    about: "fixedArray: the elements without a count, exactly as many as declared",
    type: { kind: "fixedArray", count: 3, element: INT },
    values: [
      [[1, 2, 3], "000000010000000200000003"],
      [[4, 5, 6], "000000040000000500000006"],
    ],
    badBytes: ["0000000100000002", "00000001000000020000000300000004"],
    badValues: [[1, 2], [1, 2, 3, 4], null],
  },
  {
    about: "struct: its fields in order",
    type: RANGE,
    values: [
      [range(5, 255, true), "00000005000000ff00000001"],
      [range(-1, 100, false), "ffffffff0000006400000000"],
      [Object.assign(Object.create(null), range(1, 2, true)), "000000010000000200000001"],
    ],
    badBytes: ["00000005000000ff"],
    badValues: [{ f0: 1, f1: 2 }, null, [], new Date(), new Map(), new Uint8Array(4), range(2_147_483_648, 0, false)],
  },
  {
    about: "struct: in a struct",
    type: { kind: "struct", fields: [RANGE, RANGE] },
    values: [[{ f0: range(0, 1, false), f1: range(2, 3, true) }, "000000000000000100000000000000020000000300000001"]],
  },
  {
    about: "union: the discriminant, then the arm",
    type: {
      kind: "union",
      on: { kind: "enum", values: [0, 1] },
      arms: [
        [0, VOID],
        [1, INT],
      ],
      otherwise: null,
    },
    values: [
      [{ type: 0 }, "00000000"],
      [{ type: 1, value: 7 }, "0000000100000007"],
      [{ type: 1, value: 42 }, "000000010000002a"],
    ],
    badBytes: ["00000002", "00000001"],
    badValues: [{ type: 1 }, {}],
  },
  {
    about: "union: a default arm",
    type: { kind: "union", on: { kind: "int" }, arms: [[1, INT]], otherwise: { kind: "string", maximum: 4 } },
    values: [
      [{ type: 1, value: 5 }, "0000000100000005"],
      [{ type: 99, value: bytes("61") }, "000000630000000161000000"],
    ],
  },
  {
    about: "union: without a default arm, the discriminants of its arms only",
    type: { kind: "union", on: { kind: "int" }, arms: [[1, VOID]], otherwise: null },
    values: [[{ type: 1 }, "00000001"]],
    badBytes: ["00000002"],
    badValues: [{ type: 2 }],
  },
  {
    about: "v4-compat: a struct of everything, as js-xdr 4.0.0 has written it",
    type: {
      kind: "struct",
      fields: [
        INT,
        { kind: "uint" },
        { kind: "hyper" },
        { kind: "uhyper" },
        BOOL,
        { kind: "float" },
        { kind: "double" },
        { kind: "string", maximum: 16 },
        { kind: "fixedOpaque", length: 3 },
        { kind: "opaque", maximum: 8 },
        { kind: "fixedArray", count: 3, element: INT },
        { kind: "array", maximum: 4, element: INT },
        { kind: "optional", element: INT },
        COLOR,
      ],
    },
    values: [
      [
        {
          f0: -1,
          f1: MAX_LENGTH,
          f2: -1_234_567_890_123n,
          f3: 1_234_567_890_123n,
          f4: true,
          f5: 1.5,
          f6: -2.25,
          f7: bytes("6869"),
          f8: bytes("010203"),
          f9: bytes("04050607"),
          f10: [1, 2, 3],
          f11: [4, 5],
          f12: 9,
          f13: 2,
        },
        `ffffffff ffffffff fffffee08e04fb35 0000011f71fb04cb 00000001 3fc00000 c002000000000000 00000002 68690000
        01020300 00000004 04050607 000000010000000200000003 00000002 0000000400000005 00000001 00000009 00000002`,
      ],
    ],
  },
  {
    about: "v4-compat: a union with a message, as js-xdr 4.0.0 has written it",
    type: {
      kind: "union",
      on: { kind: "enum", values: [0, 1] },
      arms: [
        [0, VOID],
        [1, { kind: "string", maximum: 100 }],
      ],
      otherwise: null,
    },
    values: [
      [{ type: 0 }, "00000000"],
      [
        { type: 1, value: bytes("7468697320697320616e206572726f72") },
        "00000001000000107468697320697320616e206572726f72",
      ],
    ],
  },
];
