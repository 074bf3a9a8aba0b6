import { opsOf, typeOf, type XdrType } from "./type.ts";

/**
 * A type that is encoded as another type, with values converted in both directions: a `Date` on top of `uhyper`, say.
 *
 * @param type - the type on the wire
 * @param functions - `decode` converts a value that was read from the wire; `encode` converts a value to be written.
 *   Errors that they throw reach the caller; a plain `TypeError` or `RangeError` of `encode` gets the path in front of
 *   its message. `tryDecode` returns only an {@link XdrError} as a result and throws all other errors: to have invalid
 *   input reported as a result, restrict it in `type`
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
  const wire = opsOf(type);
  const { decode, encode } = functions;
  return typeOf({
    minimum: wire.minimum,
    read: (input) => decode(wire.read(input)),
    write: (output, value) => wire.write(output, encode(value)),
  });
}
