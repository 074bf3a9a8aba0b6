import { opsOf, typeOf, type XdrType } from "./type.ts";

/**
 * A type whose values are made from those of another type, and turned into them again.
 *
 * @param type - what is on the wire
 * @param functions - `decode` makes a value of what was read, `encode` what is to be written of a value. What they
 *   throw comes through, so to refuse input, and not only values, is for a type of the wire's
 * @returns the type
 * @throws {TypeError} if `type` is not a type
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
