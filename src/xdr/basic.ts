import { enumOps } from "./enum.ts";
import type { Leaf } from "./ops.ts";
import { checkKeys, checkNumber } from "./runtime/check.ts";
import { sizeWith } from "./runtime/entry.ts";
import { readConstant, readFixedOpaque, readOpaque, readString, readStringOrBytes } from "./runtime/input.ts";
import { writeConstant, writeFixedOpaque, writeOpaque, writeString, writeStringOrBytes } from "./runtime/output.ts";
import { BOOL, DOUBLE, FLOAT, HYPER, INT, leafOps, SAFE_HYPER, SAFE_UHYPER, UHYPER, UINT, VOID } from "./scalar.ts";
import { typeOf, type XdrType } from "./type.ts";

/**
 * An integer (RFC 4506 §4.1), 4 bytes. Values are numbers from -2^31 to 2^31 - 1.
 *
 * @example
 * ```ts
 * int.encode(-1); // => Uint8Array.of(0xff, 0xff, 0xff, 0xff)
 * ```
 */
export const int: XdrType<number> = /* @__PURE__ */ typeOf("int", INT);

/**
 * An unsigned integer (RFC 4506 §4.2), 4 bytes. Values are numbers from 0 to 2^32 - 1.
 *
 * @example
 * ```ts
 * uint.encode(256); // => Uint8Array.of(0, 0, 1, 0)
 * ```
 */
export const uint: XdrType<number> = /* @__PURE__ */ typeOf("uint", UINT);

/**
 * A hyper integer (RFC 4506 §4.5), 8 bytes. Values are bigints from -2^63 to 2^63 - 1.
 *
 * @example
 * ```ts
 * hyper.decode(hyper.encode(-1n)); // => -1n
 * ```
 */
export const hyper: XdrType<bigint> = /* @__PURE__ */ typeOf("hyper", HYPER);

/**
 * An unsigned hyper integer (RFC 4506 §4.5), 8 bytes. Values are bigints from 0 to 2^64 - 1.
 *
 * @example
 * ```ts
 * uhyper.encode(6n); // => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 6)
 * ```
 */
export const uhyper: XdrType<bigint> = /* @__PURE__ */ typeOf("uhyper", UHYPER);

/**
 * A hyper integer (RFC 4506 §4.5) as a number, which is faster and easier to use than a bigint. Values are integers from
 * -(2^53 - 1) to 2^53 - 1; any other is rejected with the code `unsafe-integer`, since a number cannot hold it exactly.
 *
 * @example
 * ```ts
 * safeHyper.encode(-1); // => Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255)
 * safeHyper.tryDecode(hyper.encode(2n ** 53n)).ok; // => false
 * ```
 */
export const safeHyper: XdrType<number> = /* @__PURE__ */ typeOf("safeHyper", SAFE_HYPER);

/**
 * An unsigned hyper integer (RFC 4506 §4.5) as a number, from 0 to 2^53 - 1: see {@link safeHyper}.
 *
 * @example
 * ```ts
 * safeUhyper.decode(uhyper.encode(6n)); // => 6
 * ```
 */
export const safeUhyper: XdrType<number> = /* @__PURE__ */ typeOf("safeUhyper", SAFE_UHYPER);

/**
 * A floating-point number (RFC 4506 §4.6), 4 bytes. Values are numbers; encoding rounds them to IEEE 754 single
 * precision, and rejects a finite number that would become an infinity. The sign and payload of a NaN may be lost.
 *
 * @example
 * ```ts
 * float.encode(1.5); // => Uint8Array.of(0x3f, 0xc0, 0, 0)
 * ```
 */
export const float: XdrType<number> = /* @__PURE__ */ typeOf("float", FLOAT);

/**
 * A double-precision floating-point number (RFC 4506 §4.7), 8 bytes. Values are numbers. The sign and payload of a NaN
 * may be lost.
 *
 * @example
 * ```ts
 * double.decode(double.encode(0.1)); // => 0.1
 * ```
 */
export const double: XdrType<number> = /* @__PURE__ */ typeOf("double", DOUBLE);

/**
 * A boolean (RFC 4506 §4.4), 4 bytes. Values are `true` (1 on the wire) and `false` (0).
 *
 * @example
 * ```ts
 * bool.encode(true); // => Uint8Array.of(0, 0, 0, 1)
 * ```
 */
export const bool: XdrType<boolean> = /* @__PURE__ */ typeOf("bool", BOOL);

/**
 * Void (RFC 4506 §4.16), no bytes. The only value is `undefined`. Use it for arms of a union that have no fields. It is
 * not called `void` because that is a reserved word in JavaScript.
 *
 * @example
 * ```ts
 * const Maybe = union("known", bool, { true: { size: uint }, false: voidType });
 * Maybe.encode({ known: false }).length; // => 4
 * ```
 */
export const voidType: XdrType<undefined> = /* @__PURE__ */ typeOf("void", VOID);

/** The type that {@link constant} returns. */
export interface XdrConstant<N extends number> extends XdrType<N> {
  /** The only value. */
  readonly value: N;
}

/**
 * A number that never changes, such as a magic number or a version. It takes 4 bytes: an int if it is negative, else an
 * unsigned int. Decoding any other number fails with `wrong-constant`.
 *
 * @param value - an integer, -2^31 to 2^32 - 1
 * @returns the type
 * @throws {TypeError} if `value` is not a number
 * @throws {RangeError} if `value` is not an integer, or is out of range
 * @example
 * ```ts
 * const Version = constant(3);
 * Version.encode(3); // => Uint8Array.of(0, 0, 0, 3)
 * Version.decode(uint.encode(2)); // throws XdrError
 * ```
 */
export function constant<const N extends number>(value: N): XdrConstant<N> {
  // Throws if it is out of range.
  sizeWith(value < 0 ? INT : UINT, value);
  return Object.assign(typeOf("constant", leafOps<N>(4, readConstant as Leaf<N>["read"], writeConstant, value)), {
    value,
  });
}

/** The type that {@link enumType} returns. */
export interface XdrEnum<Values extends { readonly [name: string]: number }> extends XdrType<Values[keyof Values]> {
  /** The numbers by name. */
  readonly values: Values;
  /**
   * Returns the name of a number. Never throws.
   *
   * @param value - a number
   * @returns its name, the first one if it has several; `undefined` if the enum does not have the number
   * @example
   * ```ts
   * const Color = enumType({ RED: 2, YELLOW: 3, BLUE: 5 });
   * Color.nameOf(5); // => "BLUE"
   * ```
   */
  nameOf(value: number): keyof Values | undefined;
}

/**
 * An enumeration (RFC 4506 §4.3), 4 bytes. Values are the numbers listed in `values`; all others are rejected. It is
 * not called `enum` because that is a reserved word in JavaScript.
 *
 * @param values - the numbers by name, each an integer, -2^31 to 2^31 - 1
 * @returns the type, with `values` as a property
 * @throws {TypeError} if a value is not a number
 * @throws {RangeError} if a value is not an integer, or is out of range
 * @example
 * ```ts
 * const Color = enumType({ RED: 2, YELLOW: 3, BLUE: 5 });
 * type Color = Infer<typeof Color>; // 2 | 3 | 5
 * const color: Color = Color.decode(Uint8Array.of(0, 0, 0, 5));
 * color === Color.values.BLUE; // => true
 * Color.decode(Uint8Array.of(0, 0, 0, 1)); // throws XdrError
 * ```
 */
export function enumType<const Values extends { readonly [name: string]: number }>(values: Values): XdrEnum<Values> {
  type Value = Values[keyof Values];
  const names = new Map<number, string>();
  for (const [name, value] of Object.entries(values)) {
    // Throws if it is out of range.
    sizeWith(INT, value);
    if (!names.has(value)) names.set(value, name);
  }
  const type = typeOf("enum", enumOps(new Set(names.keys()) as Set<Value>));
  return Object.assign(type, { values, nameOf: (value: number) => names.get(value) });
}

/** The type that {@link fixedOpaque} returns. */
export interface XdrFixedOpaque extends XdrType<Uint8Array> {
  /** The length, in bytes. */
  readonly length: number;
}

/**
 * Fixed-length opaque data (RFC 4506 §4.9), `opaque name[length]`: the bytes, padded with zeros to a multiple of 4.
 * Values are Uint8Arrays. Decoding may return a view of the input instead of a copy.
 *
 * @param length - in bytes, 0 to 2^32 - 1
 * @returns the type
 * @throws {TypeError} if `length` is not a number
 * @throws {RangeError} if `length` is out of range
 * @example
 * ```ts
 * const Address = fixedOpaque(16);
 * Address.encode(new Uint8Array(16)).length; // => 16
 * ```
 */
export function fixedOpaque(length: number): XdrFixedOpaque {
  checkNumber("length", length);
  return Object.assign(
    typeOf("fixedOpaque", leafOps(length + (-length & 3), readFixedOpaque, writeFixedOpaque, length)),
    { length },
  );
}

/** The type that {@link opaque} returns. */
export interface XdrOpaque extends XdrType<Uint8Array> {
  /** The maximum length, in bytes. */
  readonly maximum: number;
}

/**
 * Variable-length opaque data (RFC 4506 §4.10), `opaque name<maximum>`: a length of 4 bytes, then the bytes, padded
 * with zeros to a multiple of 4. Values are Uint8Arrays. Decoding may return a view of the input instead of a copy.
 *
 * @param maximum - the maximum length in bytes, 0 to 2^32 - 1. For `<>` use {@link MAX_LENGTH}
 * @returns the type
 * @throws {TypeError} if `maximum` is not a number
 * @throws {RangeError} if `maximum` is out of range
 * @example
 * ```ts
 * opaque(64).encode(Uint8Array.of(1, 2)); // => Uint8Array.of(0, 0, 0, 2, 1, 2, 0, 0)
 * ```
 */
export function opaque(maximum: number): XdrOpaque {
  checkNumber("maximum", maximum);
  return Object.assign(typeOf("opaque", leafOps(4, readOpaque, writeOpaque, maximum)), { maximum });
}

/** The type that {@link string} returns. */
export interface XdrString<T> extends XdrType<T> {
  /** The maximum length, in bytes. */
  readonly maximum: number;
}

/** The values of strings, by the option `as`. */
export interface StringValues {
  /** Text, from UTF-8. */
  readonly text: string;
  /** The bytes as they are. */
  readonly bytes: Uint8Array;
  /** Text if the bytes are UTF-8, else the bytes. */
  readonly either: string | Uint8Array;
}

/** Options of {@link string}. */
export interface StringOptions<As extends keyof StringValues = keyof StringValues> {
  /**
   * What values are: `"text"`, the default; `"bytes"`, the bytes as they are; or `"either"`, text if the bytes are UTF-8,
   * else the bytes, for senders that do not keep to one encoding.
   */
  readonly as?: As;
}

/**
 * A string (RFC 4506 §4.11), `string name<maximum>`: a length of 4 bytes, then the text, padded with zeros to a
 * multiple of 4. Values are strings. The RFC specifies ASCII; this type accepts all of UTF-8. For text in another
 * encoding set `as` to `"bytes"` or `"either"`.
 *
 * @param maximum - the maximum length in bytes (not characters), 0 to 2^32 - 1. For `<>` use {@link MAX_LENGTH}
 * @param options - what values are: see {@link StringOptions}
 * @returns the type
 * @throws {TypeError} if `maximum` is not a number, or an option is unknown
 * @throws {RangeError} if `maximum` is out of range, or an option has another value
 * @example
 * ```ts
 * string(255).encode("lisp"); // => Uint8Array.of(0, 0, 0, 4, 0x6c, 0x69, 0x73, 0x70)
 * ```
 */
export function string<As extends keyof StringValues = "text">(
  maximum: number,
  options: StringOptions<As> = {},
): XdrString<StringValues[As]> {
  checkNumber("maximum", maximum);
  checkKeys(options, ["as"]);
  const { as = "text" as As } = options;
  if (!Object.hasOwn(STRINGS, as)) throw new RangeError(`as: expected "text", "bytes" or "either", got ${as}`);
  const [read, write] = STRINGS[as] as unknown as [Leaf<never>["read"], Leaf<never>["write"]];
  return Object.assign(typeOf<StringValues[As]>("string", leafOps(4, read, write, maximum)), { maximum });
}

const STRINGS = {
  text: [readString, writeString],
  bytes: [readOpaque, writeOpaque],
  either: [readStringOrBytes, writeStringOrBytes],
} as const;
