import type { Ops } from "./ops.ts";
import { opsOf, typeOf, type XdrType } from "./type.ts";

/**
 * A type that is looked up when it is first used. This makes recursive types possible: a tree whose nodes contain
 * nodes. TypeScript cannot infer the values of a recursive type, so declare it as `XdrType<…>`.
 *
 * @param type - returns the type. It is called when the type is first used
 * @returns the type
 * @throws {RangeError} not here, but when the type is first used, if it contains itself without an optional, union,
 *   array or list in between: then every value would be infinite
 * @example
 * ```ts
 * type Tree = { name: string; children: Tree[] };
 * const Tree: XdrType<Tree> = struct({ name: string(255), children: array(lazy(() => Tree), 100) });
 * Tree.encode({ name: "root", children: [{ name: "leaf", children: [] }] }).length; // => 24
 * ```
 */
export function lazy<T>(type: () => XdrType<T>): XdrType<T> {
  let known: Ops<T> | undefined;
  let measuring = false;
  const measure = (found: Ops<T>): number => {
    // A type that contains itself measures itself again.
    if (measuring) throw new RangeError("lazy: the type contains itself with no optional in between");
    measuring = true;
    try {
      return found.minimum(true);
    } finally {
      measuring = false;
    }
  };
  const target = (): Ops<T> => {
    if (known) return known;
    const found = opsOf(type());
    measure(found);
    known = found;
    return found;
  };
  return typeOf<T>("lazy", {
    minimum: (used) => (used ? measure(known ?? opsOf(type())) : Number.NaN),
    target,
    nullable: () => target().nullable?.() ?? false,
    read: (input) => target().read(input),
    write: (output, value) => target().write(output, value),
  });
}
