import { C_TYPES } from "./c-types.ts";
import { type Declared, declare } from "./declare.ts";
import type { Diagnostics } from "./error.ts";
import { Names } from "./names.ts";
import type { ConstDefinition, EnumMember, Field, Position, Type, TypeDefinition } from "./schema.ts";
import type { DefinitionSyntax, EnumSyntax, FieldSyntax, NameSyntax, TypeSyntax, ValueSyntax } from "./syntax.ts";
import { type Discriminant, resolveUnion, type UnionContext } from "./union.ts";

const MIN_INT = -(2n ** 31n);
const MAX_INT = 2n ** 31n - 1n;
const MAX_LENGTH = 2n ** 32n - 1n;

/** `Omit` for each of several types. */
type OmitEach<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** A type definition before the types are checked as a whole: `recursive` is not known yet. */
export type ResolvedType = OmitEach<TypeDefinition, "recursive">;

/** The parts of a definition that only its kind has. */
type Content = OmitEach<TypeDefinition, "recursive" | "name" | "namespace" | "path" | "docs" | "position">;

/** A schema before its types are checked as a whole. They are in the order of the source. */
export interface Resolved {
  readonly constants: readonly ConstDefinition[];
  readonly types: readonly ResolvedType[];
}

/**
 * Resolves the names in all definitions of a schema, and computes its constants. Problems are reported. If there are
 * any, the result is incomplete.
 *
 * @param outer - constants from outside of the schema
 */
export function resolve(
  definitions: readonly DefinitionSyntax[],
  outer: Iterable<readonly [string, bigint]>,
  diagnostics: Diagnostics,
): Resolved {
  const names = new Names(outer, diagnostics);
  const resolver = new Resolver(names, declare(definitions, names, diagnostics), diagnostics);
  return { constants: resolver.constants(), types: resolver.types() };
}

/** The methods return `undefined` for what is wrong, after they have reported it. */
class Resolver implements UnionContext {
  readonly names: Names;
  readonly diagnostics: Diagnostics;
  readonly #declared: Declared;
  /** By the qualified name. */
  readonly #contents = new Map<string, Content | undefined>();

  constructor(names: Names, declared: Declared, diagnostics: Diagnostics) {
    this.names = names;
    this.diagnostics = diagnostics;
    this.#declared = declared;
  }

  constants(): ConstDefinition[] {
    return this.#declared.constants.flatMap(({ name, syntax, entry }) => {
      const value = this.names.valueOfConstant(entry);
      if (value === undefined) return [];
      const { namespace, position } = syntax;
      const exact = Number.isSafeInteger(Number(value)) ? Number(value) : value;
      return [{ kind: "const" as const, name, namespace, ...docsOf(syntax), position, value: exact }];
    });
  }

  types(): ResolvedType[] {
    // Enums and typedefs first: a union needs to know what it switches on.
    const isLate = (kind: string) => kind === "struct" || kind === "union";
    for (const late of [false, true]) {
      for (const { name, syntax } of this.#declared.types) {
        const { type, namespace } = syntax;
        if (isLate(type.kind) === late) this.#contents.set(name, this.#content(type, namespace, syntax.position));
      }
    }
    return this.#declared.types.flatMap(({ name, syntax }): ResolvedType[] => {
      const content = this.#contents.get(name);
      const { namespace, path, position } = syntax;
      return content ? [{ name, namespace, path, ...docsOf(syntax), position, ...content }] : [];
    });
  }

  #content(type: TypeSyntax, namespace: string, at: Position): Content | undefined {
    switch (type.kind) {
      case "enum":
        return this.#enum(type);
      case "struct": {
        const fields = type.fields.map((field) => this.field(field, namespace));
        this.#checkUnique(type.fields);
        return { kind: "struct", fields: fields.filter((field) => field !== undefined) };
      }
      case "union":
        return resolveUnion(type, namespace, this);
    }
    const resolved = this.#type(type, namespace, at);
    return resolved && { kind: "typedef", type: resolved };
  }

  #enum({ members }: EnumSyntax): Content | undefined {
    const resolved = members.flatMap((member): EnumMember[] => {
      const value = this.names.valueOfConstant(this.#declared.members.get(member)!);
      if (value === undefined) return [];
      const { name, position } = member;
      if (value < MIN_INT || value > MAX_INT) {
        this.diagnostics.report(position, `${name} is ${value}, but enums have 32 bits: ${MIN_INT} to ${MAX_INT}`);
        return [];
      }
      return [{ name, value: Number(value), ...docsOf(member), position }];
    });
    return resolved.length === members.length ? { kind: "enum", members: resolved } : undefined;
  }

  field(syntax: FieldSyntax, namespace: string): Field | undefined {
    const { name, position } = syntax;
    const type = this.#type(syntax.type, namespace, position);
    return type && { name, type, ...docsOf(syntax), position };
  }

  #checkUnique(fields: readonly FieldSyntax[]): void {
    const seen = new Set<string>();
    for (const { name, position } of fields) {
      if (seen.has(name)) this.diagnostics.report(position, `there are two fields ${name}`);
      seen.add(name);
    }
  }

  /** @param at - the name of the field or typedef */
  #type(type: TypeSyntax, namespace: string, at: Position): Type | undefined {
    switch (type.kind) {
      case "fixedOpaque": {
        const length = this.#length(type.length, namespace);
        return length === undefined ? undefined : { kind: type.kind, length };
      }
      case "opaque":
      case "string": {
        const maximum = this.#maximum(type.maximum, namespace);
        return maximum === undefined ? undefined : { kind: type.kind, maximum };
      }
      case "fixedArray": {
        const element = this.#type(type.element, namespace, at);
        const count = this.#length(type.count, namespace);
        return element === undefined || count === undefined ? undefined : { kind: type.kind, element, count };
      }
      case "array": {
        const element = this.#type(type.element, namespace, at);
        const maximum = this.#maximum(type.maximum, namespace);
        return element === undefined || maximum === undefined ? undefined : { kind: type.kind, element, maximum };
      }
      case "optional": {
        const present = this.#type(type.type, namespace, at);
        return present && { kind: type.kind, type: present };
      }
      case "named":
        return this.#named(type.name, type.tag, namespace);
      case "enum":
      case "struct":
      case "union":
        return { kind: "ref", name: this.#declared.bodies.get(type)! };
    }
    return type;
  }

  #named({ name, position }: NameSyntax, tag: string | undefined, namespace: string): Type | undefined {
    const entry = this.names.find(name, namespace);
    if (entry?.kind === "type") {
      if (tag === undefined || tag === entry.body) return { kind: "ref", name: entry.name };
      const found = entry.body === "enum" ? "an enum" : `a ${entry.body ?? "typedef"}`;
      this.diagnostics.report(position, `${name} is ${found}, not ${tag === "enum" ? "an" : "a"} ${tag}`);
      return;
    }
    const known = entry === undefined && tag === undefined ? C_TYPES.get(name) : undefined;
    if (known) return { kind: known };
    this.names.reportWrong(name, "type", entry, position);
    return;
  }

  #maximum(syntax: ValueSyntax | undefined, namespace: string): number | undefined {
    return syntax === undefined ? Number(MAX_LENGTH) : this.#length(syntax, namespace);
  }

  #length(syntax: ValueSyntax, namespace: string): number | undefined {
    const value = this.names.valueOf(syntax, namespace);
    if (value === undefined) return;
    if (value >= 0n && value <= MAX_LENGTH) return Number(value);
    this.diagnostics.report(syntax.position, `a length must be 0 to ${MAX_LENGTH}, not ${value}`);
    return;
  }

  discriminant(type: Type): Discriminant | undefined {
    const seen = new Set<string>();
    let current = type;
    while (current.kind === "ref") {
      const { name } = current;
      const content = this.#contents.get(name);
      if (content?.kind === "enum") return content;
      if (content?.kind !== "typedef" || seen.has(name)) return this.#bodyWithoutNumber(name);
      seen.add(name);
      current = content.type;
    }
    return current;
  }

  #bodyWithoutNumber(name: string): Discriminant | undefined {
    const entry = this.names.find(name, "");
    const body = entry?.kind === "type" ? entry.body : undefined;
    return body === "struct" || body === "union" ? { kind: body } : undefined;
  }
}

function docsOf({ docs }: { readonly docs?: string | undefined }): { readonly docs?: string } {
  return docs === undefined ? {} : { docs };
}
