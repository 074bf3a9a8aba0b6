import type { Ops } from "./ops.ts";
import { opsOf, typeOf, type XdrType } from "./type.ts";

/**
 * A type that is known by the time it is used: for a type that is part of itself. TypeScript cannot infer its values;
 * write their type down.
 *
 * @param type - gives the type. It is asked at the first use
 * @returns the type. Using it throws a `RangeError` where the type is part of itself with no optional, union, array or
 *   list in between: it would not have any values
 * @example
 * ```ts
 * type Tree = { name: string; children: Tree[] };
 * const Tree: XdrType<Tree> = struct({ name: string(255), children: array(lazy(() => Tree), 100) });
 * Tree.encode({ name: "root", children: [{ name: "leaf", children: [] }] }).length; // => 24
 * ```
 */
export function lazy<T>(type: () => XdrType<T>): XdrType<T> {
  let known: Ops<T> | undefined;
  let asking = false;
  const ask = () => {
    const found = opsOf(type());
    asking = true;
    try {
      if (found.minimum() > 0) known = found;
    } finally {
      asking = false;
    }
    return known ?? endless();
  };
  return typeOf({
    minimum: () => (asking ? endless() : (known?.minimum() ?? 4)),
    read: (input) => (known ?? ask()).read(input),
    write: (output, value) => (known ?? ask()).write(output, value),
  });
}

function endless(): never {
  throw new RangeError("lazy: the type is part of itself with no optional in between");
}
