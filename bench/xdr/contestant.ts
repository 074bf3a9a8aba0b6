import type { File, Transaction } from "./values.ts";

/** A way to decode and to encode one type, with values in the shape that is natural to it. */
export interface XdrCodec<Value, Own> {
  /** Any error is a refusal. */
  decode(bytes: Uint8Array): Own;
  encode(value: Own): Uint8Array;
  /** Between its own shape and that of values.ts, for the check: its time does not count. */
  own(value: Value): Own;
  plain(value: Own): Value;
}

export interface XdrContestant<OwnFile = File, OwnTransaction = Transaction> {
  readonly who: string;
  readonly file: XdrCodec<File, OwnFile>;
  readonly transaction: XdrCodec<Transaction, OwnTransaction>;
}

/** For those whose values have the shape of values.ts. */
export function asIs<Value>(
  decode: (bytes: Uint8Array) => Value,
  encode: (value: Value) => Uint8Array,
): XdrCodec<Value, Value> {
  return { decode, encode, own: (value) => value, plain: (value) => value };
}
