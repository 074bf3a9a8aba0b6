import type { Ops } from "./ops.ts";
import { opsOf, typeOf, type XdrType } from "./type.ts";

/**
 * A type that is looked up when it is first used. This makes recursive types possible: a tree whose nodes contain
 * nodes. TypeScript cannot infer the values of a recursive type, so declare it as `XdrType<…>`.
 *
 * @param type - returns the type. It is called when the type is first used
 * @returns the type. Encoding and decoding throw a `RangeError` if the type contains itself without an optional, union,
 *   array or list in between, because then every value would be infinite
 * @example
 * ```ts
 * type Tree = { name: string; children: Tree[] };
 * const Tree: XdrType<Tree> = struct({ name: string(255), children: array(lazy(() => Tree), 100) });
 * Tree.encode({ name: "root", children: [{ name: "leaf", children: [] }] }).length; // => 24
 * ```
 */
export function lazy<T>(type: () => XdrType<T>): XdrType<T> {
  let known: Ops<T> | undefined;
  let resolving = false;
  const resolve = () => {
    const found = opsOf(type());
    resolving = true;
    try {
      // If the type contains itself, this calls our own `minimum` below, which throws.
      if (found.minimum() > 0) known = found;
    } finally {
      resolving = false;
    }
    return known ?? throwInfinite();
  };
  return typeOf({
    minimum: () => (resolving ? throwInfinite() : (known?.minimum() ?? 4)),
    read: (input) => (known ?? resolve()).read(input),
    write: (output, value) => (known ?? resolve()).write(output, value),
  });
}

function throwInfinite(): never {
  throw new RangeError("lazy: the type contains itself with no optional in between");
}
