import type { Ops } from "./ops.ts";
import { refuse, type XdrInput } from "./runtime/input.ts";
import { reject, type XdrOutput } from "./runtime/output.ts";
import { opsOf, typeOf, type XdrType } from "./type.ts";

/**
 * A type that is encoded as another type, with values converted in both directions: a `Date` on top of `uhyper`, say.
 *
 * @param type - the type on the wire
 * @param functions - `decode` converts a value that was read from the wire; `encode` converts a value to be written.
 *   A `RangeError` that `decode` throws refuses the input with the code `refused`, at the place of the value. A plain
 *   `TypeError` or `RangeError` of `encode` gets the path in front of its message. All other errors reach the caller
 * @returns the type of the converted values
 * @throws {TypeError} if `type` is not an XdrType
 * @example
 * ```ts
 * const time = transform(uhyper, {
 *   decode: (ms) => new Date(Number(ms)),
 *   encode: (date: Date) => BigInt(date.getTime()),
 * });
 * time.decode(time.encode(new Date(0))); // => new Date(0)
 * ```
 */
export function transform<T, Wire>(
  type: XdrType<Wire>,
  functions: { decode(value: Wire): T; encode(value: T): Wire },
): XdrType<T> {
  const { decode, encode } = functions;
  return typeOf<T>("transform", convertedOps(opsOf(type), decode, encode));
}

/**
 * A type with fewer values: those for which `check` returns true. Decoding any other fails with the code `refused`, and
 * encoding it throws a RangeError.
 *
 * @param type - the type to restrict
 * @param check - returns whether a value is allowed
 * @param message - what is wrong with a value that is not, for the error: "must not be empty"
 * @returns the restricted type
 * @throws {TypeError} if `type` is not an XdrType
 * @example
 * ```ts
 * const Port = refine(uint, (port) => port > 0 && port < 65536, "must be a port");
 * Port.decode(uint.encode(22025)); // => 22025
 * Port.tryDecode(uint.encode(0)).ok; // => false
 * ```
 */
export function refine<T>(type: XdrType<T>, check: (value: T) => boolean, message: string): XdrType<T> {
  const checked = (value: T): T => {
    if (!check(value)) throw new RangeError(message);
    return value;
  };
  const ops = opsOf(type);
  return typeOf<T>("refine", { ...convertedOps(ops, checked, checked), nullable: () => ops.nullable?.() ?? false });
}

function convertedOps<T, Wire>(wire: Ops<Wire>, decode: (value: Wire) => T, encode: (value: T) => Wire): Ops<T> {
  return {
    minimum: (used) => wire.minimum(used),
    parts: [wire as Ops<never>],
    read(input) {
      const start = input.at;
      const value = wire.read(input);
      return input.failed ? (undefined as never) : decoded(input, start, decode, value);
    },
    write(output, value) {
      const converted = encoded(output, encode, value);
      if (!output.failed) wire.write(output, converted);
    },
  };
}

/** Converts a value that was read. A RangeError of `decode` refuses the input. */
function decoded<T, Wire>(input: XdrInput, start: number, decode: (value: Wire) => T, value: Wire): T {
  try {
    return decode(value);
  } catch (error) {
    if (!isPlain(error, RangeError)) throw error;
    return refuse(input, "refused", start, "#", error.message);
  }
}

/** Converts a value to be written. A plain RangeError or TypeError of `encode` rejects it, so that it gets the path. */
function encoded<T, Wire>(output: XdrOutput, encode: (value: T) => Wire, value: T): Wire {
  try {
    return encode(value);
  } catch (error) {
    if (!isPlain(error, RangeError) && !isPlain(error, TypeError)) throw error;
    reject(output, error instanceof TypeError ? TypeError : RangeError, error.message, error);
    return undefined as Wire;
  }
}

/** Whether it is an error of this very class. A subclass of the program passes unchanged. */
function isPlain(error: unknown, Kind: new () => Error): error is Error {
  return (error as Error | null)?.constructor === Kind;
}
