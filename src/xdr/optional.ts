import { ops } from "./ops.ts";
import { BOOL } from "./scalar.ts";
import { opsOf, typeOf, type XdrType } from "./type.ts";

/**
 * Optional data (RFC 4506 §4.19), `T *name`: a bool, then the value if the bool is `true`. A missing value is `null`.
 * For a linked list use {@link list}: it is simpler, and its length is not limited by `maxDepth`.
 *
 * @param type - the type of the value. None of its values may be `null`: an optional inside an optional must be wrapped
 *   in a struct
 * @returns the type
 * @throws {TypeError} if `type` is not an XdrType
 * @example
 * ```ts
 * const Owner = optional(string(255));
 * Owner.decode(Owner.encode("john")); // => "john"
 * Owner.encode(null); // => Uint8Array.of(0, 0, 0, 0)
 * ```
 */
export function optional<T extends NonNullable<unknown> | undefined>(type: XdrType<T>): XdrType<T | null> {
  const present = opsOf(type);
  return typeOf(
    ops<T | null>(
      4,
      (input) => {
        input.enter();
        let value: T | null = null;
        if (BOOL.read(input)) {
          value = present.read(input);
          if (value === null) throw new TypeError("optional: the value must not be null");
        }
        input.leave();
        return value;
      },
      (output, value) => {
        output.enter();
        BOOL.write(output, value !== null);
        if (value !== null) present.write(output, value);
        output.leave();
      },
    ),
  );
}
