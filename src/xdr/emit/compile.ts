import { checkType } from "../first-use.ts";
import type { Emitter, Ops } from "../ops.ts";

/**
 * How often a type is used before it generates code. Before that it interprets itself: for a few values that is faster
 * than making code for a large schema (`bun bench --only xdr` shows the first use as "cold").
 */
const USES = 100;

let uses = USES;

/** The types whose functions are compiled. */
const compiled = { read: new WeakSet<Ops<never>>(), write: new WeakSet<Ops<never>>() };

/**
 * Chooses whether types may generate code, with `new Function`, which makes them several times as fast. They do so after
 * a hundred uses; after `allowCodeGeneration(true)`, at their next use.
 *
 * A Content-Security-Policy without `unsafe-eval` forbids it: types then go on interpreting themselves. They find that
 * out by trying once, which a page may have to report as a violation of its policy: `allowCodeGeneration(false)` avoids
 * that. A type that is used meanwhile never generates code of its own later.
 *
 * @param allow - whether they may
 * @example
 * ```ts
 * allowCodeGeneration(false);
 * uint.encode(7); // => Uint8Array.of(0, 0, 0, 7)
 * allowCodeGeneration(true);
 * ```
 */
export function allowCodeGeneration(allow: boolean): void {
  uses = allow ? 1 : Number.POSITIVE_INFINITY;
}

/** Counts a use of a type, and compiles it when it has been used often enough. Returns the new count. */
export function countUse(ops: Ops<never>, which: "read" | "write", count: number): number {
  if (count === 0) checkType(ops);
  const never = uses === Number.POSITIVE_INFINITY;
  if (!never && count + 1 < uses) return count + 1;
  if (!never && !compiled[which].has(ops)) compile(ops, which);
  return Number.NEGATIVE_INFINITY;
}

/** Replaces one of the functions of a type, and those of all types that it contains, by compiled ones. */
function compile(root: Ops<never>, which: "read" | "write"): void {
  /** The number of an item in a list, to which it is added if it is new. */
  const indexIn = <T>(list: T[], item: T): number => (list.indexOf(item) + 1 || list.push(item)) - 1;
  const scope: unknown[] = [];
  const use = (value: unknown): string => `$${indexIn(scope, value)}`;
  const types: Ops<never>[] = [];
  const call = (ops: Ops<never>, values: string): string => {
    const { leaf, target, source, parts = [] } = ops;
    if (leaf) return `${use(leaf[which])}(${values}, ${leaf.argument})`;
    if (target) return call(target(), values);
    if (source) return `f${indexIn(types, ops)}(${values})`;
    // Not compiled itself, but it calls the functions that its parts have then.
    for (const part of parts) call(part, "");
    return `${use(ops)}.${which}(${values})`;
  };
  const emitter: Emitter = {
    use: (_, helper) => use(helper),
    read: (ops) => call(ops, "input"),
    readAt: ({ leaf }, at) => `${use(leaf?.at)}(input, ${at}, ${leaf?.argument})`,
    write: (ops, value) => `${call(ops, `output, ${value}`)};`,
    variables: (fields) => fields.map((_, i) => `v${i}`),
    property: (name, value) => `${JSON.stringify(name)}: ${value}`,
    member: (object, name) => `${object}[${JSON.stringify(name)}]`,
    bound: (bound) => `${bound}`,
    literal: (value) => `${value}`,
    arm: (value) => value,
    type: () => "",
  };
  call(root, "");
  if (types.length === 0) return;
  const parameters = which === "read" ? "input" : "output, value";
  let source = '"use strict";';
  // The list grows while the types in it are emitted.
  for (const [i, ops] of types.entries()) {
    source += `function f${i}(${parameters}) {\n${ops.source?.[which](emitter).flat(9).join("\n")}\n}\n`;
  }
  const names = types.map((_, i) => `f${i}`);
  let make: (...scope: readonly unknown[]) => (typeof root)[typeof which][];
  try {
    make = new Function(...scope.map((_, i) => `$${i}`), `${source}return [${names}];`) as typeof make;
  } catch {
    // The host forbids it: with an EvalError under a Content-Security-Policy, with others elsewhere.
    uses = Number.POSITIVE_INFINITY;
    return;
  }
  const functions = make(...scope);
  types.forEach((ops, i) => {
    ops[which] = functions[i] as never;
    compiled[which].add(ops);
  });
}
