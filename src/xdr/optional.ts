import type { Ops } from "./ops.ts";
import { readBool, refuseNull, tooDeep } from "./runtime/input.ts";
import { isTooDeep, writeBool } from "./runtime/output.ts";
import { opsOf, typeOf, type XdrType } from "./type.ts";

/** The type that {@link optional} returns. */
export interface XdrOptional<T> extends XdrType<T | null> {
  /** The type of the value, if there is one. */
  readonly element: XdrType<T>;
}

/**
 * Optional data (RFC 4506 §4.19), `T *name`: a bool, then the value if the bool is `true`. A missing value is `null`.
 * For a linked list use {@link list}: it is simpler, and its length is not limited by `maxDepth`.
 *
 * @param type - the type of the value. None of its values may be `null`: an optional inside an optional must be wrapped
 *   in a struct
 * @returns the type
 * @throws {TypeError} if `type` is not an XdrType
 * @throws {RangeError} if `type` is optional itself
 * @example
 * ```ts
 * const Owner = optional(string(255));
 * Owner.decode(Owner.encode("john")); // => "john"
 * Owner.encode(null); // => Uint8Array.of(0, 0, 0, 0)
 * ```
 */
export function optional<T extends NonNullable<unknown> | undefined>(type: XdrType<T>): XdrOptional<T> {
  const present = opsOf(type);
  if (type.kind === "optional") throw new RangeError("optional: the type must not be optional itself");
  const self = optionalOps(present);
  return Object.assign(typeOf<T | null>("optional", self), { element: type });
}

function optionalOps<T>(present: Ops<T>): Ops<T | null> {
  return {
    minimum: () => 4,
    parts: [present as Ops<never>],
    check() {
      if (present.nullable?.()) throw new RangeError("optional: the type must not be optional itself");
    },
    nullable: () => true,
    read(input) {
      if (input.depth >= input.maxDepth) return tooDeep(input);
      if (!readBool(input)) return null;
      const start = input.at;
      input.depth += 1;
      const value = present.read(input);
      input.depth -= 1;
      return value === null ? refuseNull(input, start) : value;
    },
    write(output, value) {
      if (isTooDeep(output)) return;
      writeBool(output, value !== null);
      if (value === null) return;
      output.depth += 1;
      present.write(output, value);
      output.depth -= 1;
    },
    source: {
      read(emitter) {
        // Only a function of the program can return null, and files of TypeScript have none.
        const types = emitter.type(() => "value");
        const result = types || `value === null ? ${emitter.use("refuseNull", refuseNull)}(input, start) : value`;
        return [
          `if (input.depth >= input.maxDepth) return ${emitter.use("tooDeep", tooDeep)}(input);`,
          `if (!${emitter.use("readBool", readBool)}(input)) return null;`,
          ...(types ? [] : ["const start = input.at;"]),
          "input.depth += 1;",
          `const value = ${emitter.read(present as Ops<never>)};`,
          "input.depth -= 1;",
          `return ${result};`,
        ];
      },
      write(emitter) {
        return [
          `if (${emitter.use("isTooDeep", isTooDeep)}(output)) return;`,
          `${emitter.use("writeBool", writeBool)}(output, value !== null);`,
          "if (value === null) return;",
          "output.depth += 1;",
          emitter.write(present as Ops<never>, "value"),
          "output.depth -= 1;",
        ];
      },
    },
  };
}
