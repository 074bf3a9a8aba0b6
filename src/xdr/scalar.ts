import type { Leaf, Ops } from "./ops.ts";
import {
  hyperAt,
  intAt,
  readBool,
  readDouble,
  readFloat,
  readHyper,
  readInt,
  readSafeHyper,
  readSafeUhyper,
  readUhyper,
  readUint,
  uhyperAt,
  uintAt,
} from "./runtime/input.ts";
import {
  writeBool,
  writeDouble,
  writeFloat,
  writeHyper,
  writeInt,
  writeSafeHyper,
  writeSafeUhyper,
  writeUhyper,
  writeUint,
  writeVoid,
} from "./runtime/output.ts";

/**
 * A type without parts, of at least `minimum` bytes. Its functions get `argument`: a length, say. `at` is for types that
 * take exactly as many bytes, and have any bytes as their values.
 */
export function leafOps<T>(
  minimum: number,
  read: Leaf<T>["read"],
  write: Leaf<T>["write"],
  argument = 0,
  at?: Leaf<T>["at"],
): Ops<T> {
  return {
    minimum: () => minimum,
    read: (input) => read(input, argument),
    write: (output, value) => write(output, value, argument),
    leaf: { read, write, at, argument },
  };
}

/** §4.1 */
export const INT: Ops<number> = /* @__PURE__ */ leafOps(4, readInt, writeInt, 0, intAt);
/** §4.2 */
export const UINT: Ops<number> = /* @__PURE__ */ leafOps(4, readUint, writeUint, 0, uintAt);
/** §4.5 */
export const HYPER: Ops<bigint> = /* @__PURE__ */ leafOps(8, readHyper, writeHyper, 0, hyperAt);
/** §4.5 */
export const UHYPER: Ops<bigint> = /* @__PURE__ */ leafOps(8, readUhyper, writeUhyper, 0, uhyperAt);
/** §4.5, as numbers */
export const SAFE_HYPER: Ops<number> = /* @__PURE__ */ leafOps(8, readSafeHyper, writeSafeHyper);
/** §4.5, as numbers */
export const SAFE_UHYPER: Ops<number> = /* @__PURE__ */ leafOps(8, readSafeUhyper, writeSafeUhyper);
/** §4.6 */
export const FLOAT: Ops<number> = /* @__PURE__ */ leafOps(4, readFloat, writeFloat);
/** §4.7 */
export const DOUBLE: Ops<number> = /* @__PURE__ */ leafOps(8, readDouble, writeDouble);
/** §4.4 */
export const BOOL: Ops<boolean> = /* @__PURE__ */ leafOps(4, readBool, writeBool);
/** §4.16 */
export const VOID: Ops<undefined> = /* @__PURE__ */ leafOps(0, () => undefined, writeVoid);
