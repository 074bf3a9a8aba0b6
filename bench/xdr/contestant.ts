import type { File, Transaction } from "./values.ts";

/** One library's codec for one type. Its values have the shape that is natural in that library. */
export interface XdrCodec<Value, Own> {
  /** Throws any error for invalid input. */
  decode(bytes: Uint8Array): Own;
  encode(value: Own): Uint8Array;
  /** Converts a value of values.ts to the library's shape. Conversions are not timed. */
  own(value: Value): Own;
  /** Converts a value back, to compare it with the original. */
  plain(value: Own): Value;
}

export interface XdrContestant<OwnFile = File, OwnTransaction = Transaction> {
  readonly who: string;
  readonly file: XdrCodec<File, OwnFile>;
  readonly transaction: XdrCodec<Transaction, OwnTransaction>;
}

/** A codec whose values already have the shape of values.ts. */
export function asIs<Value>(
  decode: (bytes: Uint8Array) => Value,
  encode: (value: Value) => Uint8Array,
): XdrCodec<Value, Value> {
  return { decode, encode, own: (value) => value, plain: (value) => value };
}
