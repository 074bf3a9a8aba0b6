import { ops } from "./ops.ts";
import { BOOL } from "./scalar.ts";
import { opsOf, typeOf, type XdrType } from "./type.ts";

/**
 * Optional data (RFC 4506 §4.19), `T *name`: a bool, and the value if it is true. Values are those of the type, or
 * `null` where there is none. For a linked list, {@link list} is shorter and has no limit of depth.
 *
 * @param type - the type of the value. It must not have `null` among its own: put an optional in an optional into a
 *   struct
 * @returns the type
 * @throws {TypeError} if `type` is not a type
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
          if (value === null) throw new TypeError("optional: null stands for absence");
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
