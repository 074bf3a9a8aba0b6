import {
  type DecodeOptions,
  type DecodeResult,
  decodeWith,
  encodeIntoWith,
  encodeWith,
  sizeWith,
  tryDecodeWith,
  type ValidateResult,
  validateWith,
  type XdrFunctions,
  type XdrOptions,
} from "./entry.ts";
import type { XdrInput } from "./input.ts";
import type { XdrOutput } from "./output.ts";

/** Encodes and decodes the values of a type. */
export interface XdrCodec<T> {
  /** Encodes a value. Throws a TypeError or a RangeError, which names the part of the value that is wrong. */
  encode(value: T, options?: XdrOptions): Uint8Array<ArrayBuffer>;
  /**
   * Encodes a value into `target` from `offset` on, and returns how many bytes were written. If it throws, `target` is
   * unchanged.
   */
  encodeInto(value: T, target: Uint8Array, offset?: number, options?: XdrOptions): number;
  /** Decodes one value. Throws an XdrError if the bytes are not a valid value. */
  decode(bytes: Uint8Array, options?: DecodeOptions): T;
  /** Like `decode`, but returns invalid input as a result instead of throwing. Use it for untrusted bytes. */
  tryDecode(bytes: Uint8Array, options?: DecodeOptions): DecodeResult<T>;
  /** The encoded size of a value, in bytes. This takes as long as encoding it. */
  size(value: T, options?: XdrOptions): number;
  /** Whether a value can be encoded, or why not. This takes as long as encoding it. */
  validate(value: unknown, options?: XdrOptions): ValidateResult<T>;
}

/** Makes a codec of the functions that read and write a type. */
export function xdrCodec<T>(read: (input: XdrInput) => T, write: (output: XdrOutput, value: T) => void): XdrCodec<T> {
  const type: XdrFunctions<T> = { read, write };
  return {
    encode: (value, options) => encodeWith(type, value, options),
    encodeInto: (value, target, offset, options) => encodeIntoWith(type, value, target, offset, options),
    decode: (bytes, options) => decodeWith(type, bytes, options),
    tryDecode: (bytes, options) => tryDecodeWith(type, bytes, options),
    size: (value, options) => sizeWith(type, value, options),
    validate: (value, options) => validateWith(type, value, options),
  };
}

/** The members of an enum by name, and beside them its codec. `nameOf` returns the name of a member. */
export type XdrEnumCodec<Members extends { readonly [name: string]: number }> = Members &
  XdrCodec<Members[keyof Members]> & { nameOf(value: number): keyof Members | undefined };

/** Adds to the members of an enum a codec of the functions that read and write it. */
export function xdrEnum<const Members extends { readonly [name: string]: number }>(
  members: Members,
  read: (input: XdrInput) => Members[keyof Members],
  write: (output: XdrOutput, value: Members[keyof Members]) => void,
): XdrEnumCodec<Members> {
  const nameOf = (value: number) => Object.keys(members).find((name) => members[name] === value);
  return { ...members, ...xdrCodec(read, write), nameOf };
}
