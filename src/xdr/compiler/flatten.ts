import type { Position } from "./schema.ts";
import type { BodySyntax, DefaultSyntax, FieldSyntax, TypeDefinitionSyntax, TypeSyntax } from "./syntax.ts";

/** A type definition, or a struct, union or enum without a name, with the name that it gets. */
export interface NamedTypeSyntax {
  readonly namespace: string;
  /** `["Operation"]`, or `["Operation", "body"]` if it has no name in the source. */
  readonly path: readonly string[];
  readonly docs?: string;
  readonly position: Position;
  /** The bodies within it are definitions of their own. */
  readonly type: TypeSyntax;
}

/** A definition, followed by the structs, unions and enums without a name in it. */
export function flatten(definition: TypeDefinitionSyntax): NamedTypeSyntax[] {
  const found: NamedTypeSyntax[] = [];
  const { namespace } = definition;
  const add = (path: readonly string[], { type, position, docs }: Omit<NamedTypeSyntax, "namespace" | "path">) => {
    found.push({ namespace, path, position, type, ...(docs === undefined ? {} : { docs }) });
    for (const [name, inner] of declared(type)) {
      const body = bodyOf(inner);
      if (body) add([...path, name], { type: body, position: body.position });
    }
  };
  add([definition.name], definition);
  return found;
}

/** The types within a type, by the name that one without a name gets. */
function declared(type: TypeSyntax): (readonly [name: string, type: TypeSyntax])[] {
  const fields = (list: readonly FieldSyntax[]) => list.map((field) => [field.name, field.type] as const);
  switch (type.kind) {
    case "struct":
      return fields(type.fields);
    case "union": {
      const arms: DefaultSyntax[] = [...type.arms, ...(type.otherwise ? [type.otherwise] : [])];
      return fields([type.discriminant, ...arms.flatMap(({ field }) => field ?? [])]);
    }
    case "array":
    case "fixedArray":
      return [["element", type.element]];
    case "optional":
      return [["element", type.type]];
  }
  return [];
}

/** The body of a field's type: `struct { … } x`, `struct { … } x<>`, `struct { … } *x`. */
function bodyOf(type: TypeSyntax): BodySyntax | undefined {
  switch (type.kind) {
    case "enum":
    case "struct":
    case "union":
      return type;
    case "array":
    case "fixedArray":
      return bodyOf(type.element);
    case "optional":
      return bodyOf(type.type);
  }
  return undefined;
}
