import type { Diagnostics } from "./error.ts";
import { components } from "./order.ts";
import type { ResolvedType } from "./resolve.ts";
import type { Field, Type, TypeDefinition } from "./schema.ts";

/**
 * Checks the types of a schema as a whole, and orders them. Reports types whose values would be infinite, arrays whose
 * elements take no bytes, and optionals directly within optionals.
 *
 * @param types - in the order of the source
 * @returns the types, each after those that it uses, as far as recursion allows
 */
export function checkTypes(types: readonly ResolvedType[], diagnostics: Diagnostics): TypeDefinition[] {
  const all = types.map((_, index) => index);
  const indices = new Map(types.map(({ name }, index) => [name, index]));
  const edges = types.map((type) => uses(type).map((use) => ({ ...use, target: indices.get(use.name) ?? -1 })));
  const targets = edges.map((list) => list.map(({ target }) => target));
  const directTargets = edges.map((list) => list.filter(({ direct }) => direct).map(({ target }) => target));
  const refersTo = (node: number) => targets[node]!;
  const contains = (node: number) => directTargets[node]!;

  for (const component of components(all, contains)) {
    if (isCycle(component, contains)) reportInfinite(component, types, contains, diagnostics);
  }
  diagnostics.check();

  const ordered = components(all, refersTo).flatMap((component) => {
    const recursive = isCycle(component, refersTo);
    // Within a recursion, what contains a type directly still comes after that type.
    const order = component.length > 1 ? components(component, contains).flat() : component;
    return order.map((index): TypeDefinition => ({ ...types[index]!, recursive }));
  });
  checkElements(ordered, diagnostics);
  checkOptionals(ordered, diagnostics);
  return ordered;
}

/** A reference to another type. It is `direct` if each value of a type contains a value of the other. */
interface Use {
  readonly name: string;
  readonly direct: boolean;
}

function uses(type: ResolvedType): Use[] {
  return typesOf(type).flatMap(({ type: used }) => usesOf(used, type.kind !== "union"));
}

function usesOf(type: Type, direct: boolean): Use[] {
  switch (type.kind) {
    case "ref":
      return [{ name: type.name, direct }];
    case "fixedArray":
      return usesOf(type.element, direct);
    case "array":
      return usesOf(type.element, false);
    case "optional":
      return usesOf(type.type, false);
  }
  return [];
}

/** The types of the fields of a definition, or the type that a typedef names. */
function typesOf(definition: ResolvedType): readonly Pick<Field, "type" | "position">[] {
  switch (definition.kind) {
    case "enum":
      return [];
    case "typedef":
      return [definition];
    case "struct":
      return definition.fields;
    case "union": {
      const { discriminant, arms, otherwise } = definition;
      return [discriminant, ...[...arms, otherwise].flatMap((arm) => arm?.field ?? [])];
    }
  }
}

function isCycle([first, ...rest]: readonly number[], edges: (node: number) => readonly number[]): boolean {
  return rest.length > 0 || edges(first!).includes(first!);
}

function reportInfinite(
  component: readonly number[],
  types: readonly ResolvedType[],
  contains: (node: number) => readonly number[],
  diagnostics: Diagnostics,
): void {
  const inside = new Set(component);
  const path = [component[0]!];
  const seen = new Set<number>();
  while (!seen.has(path.at(-1)!)) {
    seen.add(path.at(-1)!);
    path.push(contains(path.at(-1)!).find((target) => inside.has(target))!);
  }
  const cycle = path.slice(path.indexOf(path.at(-1)!)).map((index) => types[index]!.name);
  const shown = cycle.length > 8 ? [...cycle.slice(0, 4), "…", ...cycle.slice(-3)] : cycle;
  const reason = `a value would be infinite: ${shown.join(" contains ")}. Break it with an optional (*) or an array (<>)`;
  diagnostics.report(types[path.at(-1)!]!.position, reason);
}

/** Reports arrays whose elements take no bytes: a few bytes of input could ask for billions of them. */
function checkElements(types: readonly TypeDefinition[], diagnostics: Diagnostics): void {
  /** Types whose values take no bytes. Each type comes after those that it contains. */
  const empty = new Set<string>();
  const isEmpty = (type: Type): boolean => {
    switch (type.kind) {
      case "fixedOpaque":
        return type.length === 0;
      case "fixedArray":
        // One of elements without bytes is refused.
        return type.count === 0;
      case "ref":
        return empty.has(type.name);
    }
    return false;
  };
  for (const definition of types) {
    const parts = typesOf(definition);
    for (const { type, position } of parts) {
      if ((type.kind === "array" || type.kind === "fixedArray") && isEmpty(type.element)) {
        diagnostics.report(position, "the elements of an array must take at least one byte");
      }
    }
    const { kind, name } = definition;
    if ((kind === "struct" || kind === "typedef") && parts.every(({ type }) => isEmpty(type))) empty.add(name);
  }
}

/** Reports optionals of optionals: `null` could mean either of them. */
function checkOptionals(types: readonly TypeDefinition[], diagnostics: Diagnostics): void {
  /** The typedefs that are optionals. */
  const optionals = new Set<string>();
  const isOptional = (type: Type) => type.kind === "optional" || (type.kind === "ref" && optionals.has(type.name));
  for (const definition of types) {
    if (definition.kind === "typedef" && isOptional(definition.type)) optionals.add(definition.name);
  }
  for (const { type, position } of types.flatMap(typesOf)) {
    if (type.kind !== "optional" || !isOptional(type.type)) continue;
    const reason = "an optional directly within an optional: null could mean either. Put a struct in between";
    diagnostics.report(position, reason);
  }
}
