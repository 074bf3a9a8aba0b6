import type { Ops } from "./ops.ts";

const checked = new WeakSet<Ops<never>>();

/**
 * Checks a type and all types that it contains, at its first use: only then are lazy types known. It must not depend on
 * the value or the input whether a wrong type is found.
 */
export function checkType(ops: Ops<never>): void {
  const found = new Set([ops]);
  // The set grows while its types are checked.
  for (const each of found) {
    if (checked.has(each)) continue;
    each.check?.();
    for (const part of each.parts ?? []) found.add(part);
    if (each.target) found.add(each.target());
  }
  for (const each of found) checked.add(each);
}
