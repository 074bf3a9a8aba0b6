import { paddingOf } from "./bytes.ts";
import { checkUint32, refuse } from "./check.ts";
import { readOpaque, readString, writeOpaque, writeString } from "./opaque.ts";
import { ops } from "./ops.ts";
import { Output } from "./output.ts";
import { BOOL, DOUBLE, FLOAT, HYPER, INT, readEnum, UHYPER, UINT, VOID, writeEnum } from "./scalar.ts";
import { typeOf, type XdrType } from "./type.ts";

/**
 * An integer (RFC 4506 §4.1), 4 bytes. Values are numbers from -2^31 to 2^31 - 1.
 *
 * @example
 * ```ts
 * int.encode(-1); // => Uint8Array.of(0xff, 0xff, 0xff, 0xff)
 * ```
 */
export const int: XdrType<number> = typeOf(INT);

/**
 * An unsigned integer (RFC 4506 §4.2), 4 bytes. Values are numbers from 0 to 2^32 - 1.
 *
 * @example
 * ```ts
 * uint.encode(256); // => Uint8Array.of(0, 0, 1, 0)
 * ```
 */
export const uint: XdrType<number> = typeOf(UINT);

/**
 * A hyper integer (RFC 4506 §4.5), 8 bytes. Values are bigints from -2^63 to 2^63 - 1.
 *
 * @example
 * ```ts
 * hyper.decode(hyper.encode(-1n)); // => -1n
 * ```
 */
export const hyper: XdrType<bigint> = typeOf(HYPER);

/**
 * An unsigned hyper integer (RFC 4506 §4.5), 8 bytes. Values are bigints from 0 to 2^64 - 1.
 *
 * @example
 * ```ts
 * uhyper.encode(6n); // => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 6)
 * ```
 */
export const uhyper: XdrType<bigint> = typeOf(UHYPER);

/**
 * A floating-point number (RFC 4506 §4.6), 4 bytes. Values are numbers; encoding rounds them to IEEE 754 single
 * precision, and rejects a finite number that would become an infinity. The sign and payload of a NaN may be lost.
 *
 * @example
 * ```ts
 * float.encode(1.5); // => Uint8Array.of(0x3f, 0xc0, 0, 0)
 * ```
 */
export const float: XdrType<number> = typeOf(FLOAT);

/**
 * A double-precision floating-point number (RFC 4506 §4.7), 8 bytes. Values are numbers. The sign and payload of a NaN
 * may be lost.
 *
 * @example
 * ```ts
 * double.decode(double.encode(0.1)); // => 0.1
 * ```
 */
export const double: XdrType<number> = typeOf(DOUBLE);

/**
 * A boolean (RFC 4506 §4.4), 4 bytes. Values are `true` (1 on the wire) and `false` (0).
 *
 * @example
 * ```ts
 * bool.encode(true); // => Uint8Array.of(0, 0, 0, 1)
 * ```
 */
export const bool: XdrType<boolean> = typeOf(BOOL);

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
export const voidType: XdrType<undefined> = typeOf(VOID);

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
export function constant<const N extends number>(value: N): XdrType<N> {
  const type = value < 0 ? INT : UINT;
  type.write(new Output(0), value);
  return typeOf(
    ops(
      4,
      (input) => {
        if (type.read(input) !== value) input.fail("wrong-constant", input.at - 4, `expected ${value}`);
        return value;
      },
      (output, given) => {
        if (given !== value) refuse("constant", given, "number", `${value}`);
        type.write(output, value);
      },
    ),
  );
}

/** The type that {@link enumType} returns. `values` has the numbers by name. */
export type XdrEnum<Values extends { readonly [name: string]: number }> = XdrType<Values[keyof Values]> & {
  readonly values: Values;
};

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
  const allowed = new Set(Object.values(values) as Values[keyof Values][]);
  for (const value of allowed) INT.write(new Output(0), value);
  const type = typeOf(
    ops(
      4,
      (input) => readEnum(input, allowed),
      (output, value) => writeEnum(output, value, allowed),
    ),
  );
  return Object.assign(type, { values });
}

/**
 * Fixed-length opaque data (RFC 4506 §4.9), `opaque name[length]`: the bytes, padded with zeros to a multiple of 4.
 * Values are Uint8Arrays. Decoding returns a view of the input, not a copy.
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
export function fixedOpaque(length: number): XdrType<Uint8Array> {
  checkUint32("length", length);
  return opaqueType(length, true);
}

/**
 * Variable-length opaque data (RFC 4506 §4.10), `opaque name<maximum>`: a length of 4 bytes, then the bytes, padded
 * with zeros to a multiple of 4. Values are Uint8Arrays. Decoding returns a view of the input, not a copy.
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
export function opaque(maximum: number): XdrType<Uint8Array> {
  checkUint32("maximum", maximum);
  return opaqueType(maximum, false);
}

function opaqueType(bound: number, exact: boolean): XdrType<Uint8Array> {
  return typeOf(
    ops(
      exact ? bound + paddingOf(bound) : 4,
      (input) => readOpaque(input, bound, exact),
      (output, value) => writeOpaque(output, value, bound, exact),
    ),
  );
}

/**
 * A string (RFC 4506 §4.11), `string name<maximum>`: a length of 4 bytes, then the text, padded with zeros to a
 * multiple of 4. Values are strings. The RFC specifies ASCII; this type accepts all of UTF-8. For text in another
 * encoding use {@link opaque}, which looks the same on the wire.
 *
 * @param maximum - the maximum length in bytes (not characters), 0 to 2^32 - 1. For `<>` use {@link MAX_LENGTH}
 * @returns the type
 * @throws {TypeError} if `maximum` is not a number
 * @throws {RangeError} if `maximum` is out of range
 * @example
 * ```ts
 * string(255).encode("lisp"); // => Uint8Array.of(0, 0, 0, 4, 0x6c, 0x69, 0x73, 0x70)
 * ```
 */
export function string(maximum: number): XdrType<string> {
  checkUint32("maximum", maximum);
  return typeOf(
    ops(
      4,
      (input) => readString(input, maximum),
      (output, value) => writeString(output, value, maximum),
    ),
  );
}
