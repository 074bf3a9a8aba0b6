import type { Ops } from "./ops.ts";
import { closeNested, openNested } from "./runtime/input.ts";
import { beginNested, endNested } from "./runtime/output.ts";
import { opsOf, typeOf, type XdrType } from "./type.ts";

/**
 * Opaque data that holds the encoding of another value, as in RPC's credentials or sFlow's records. The value must take
 * up all of the data. Offsets and paths of errors are those in the whole input.
 *
 * @param outer - the opaque data: {@link opaque} or {@link fixedOpaque}
 * @param inner - the type of the value in it
 * @returns the type of the inner values
 * @throws {RangeError} if `outer` has a fixed length that is not a multiple of 4, as all values have
 * @throws {TypeError} if `outer` is not opaque data, or `inner` not an XdrType
 * @example
 * ```ts
 * const Counters = struct({ packets: uint, errors: uint });
 * const Sample = struct({ source: uint, counters: nested(opaque(1024), Counters) });
 * Sample.encode({ source: 1, counters: { packets: 2, errors: 3 } }).length; // => 16
 * ```
 */
export function nested<T>(outer: XdrType<Uint8Array>, inner: XdrType<T>): XdrType<T> {
  opsOf(outer);
  if (outer.kind !== "opaque" && outer.kind !== "fixedOpaque") {
    throw new TypeError(`outer: expected opaque data, got the kind ${outer.kind}`);
  }
  const { length, maximum } = outer as { length?: number; maximum?: number };
  if (length !== undefined && length % 4 !== 0)
    throw new RangeError("outer: no value has a size that is not a multiple of 4");
  return typeOf<T>("nested", nestedOps(opsOf(inner), length ?? maximum ?? 0, length !== undefined));
}

function nestedOps<T>(inner: Ops<T>, bound: number, exact: boolean): Ops<T> {
  return {
    minimum(used) {
      const size = inner.minimum(used);
      return exact ? bound : 4 + size;
    },
    parts: [inner as Ops<never>],
    nullable: () => inner.nullable?.() ?? false,
    read(input) {
      const end = openNested(input, bound, exact);
      if (input.failed) return undefined as never;
      const value = inner.read(input);
      if (!input.failed) closeNested(input, end);
      return value;
    },
    write(output, value) {
      const start = beginNested(output, exact);
      inner.write(output, value);
      if (!output.failed) endNested(output, start, bound, exact);
    },
  };
}
