import type { Diagnostics } from "./error.ts";
import { flatten, type NamedTypeSyntax } from "./flatten.ts";
import { type ConstantEntry, type Entry, type Names, qualify } from "./names.ts";
import type { Position } from "./schema.ts";
import type { BodySyntax, ConstSyntax, DefinitionSyntax, EnumSyntax, MemberSyntax, TypeSyntax } from "./syntax.ts";

/** The definitions of a schema, before names are resolved. */
export interface Declared {
  /** Their names are qualified. */
  readonly constants: readonly { readonly name: string; readonly syntax: ConstSyntax; readonly entry: ConstantEntry }[];
  readonly types: readonly { readonly name: string; readonly syntax: NamedTypeSyntax }[];
  readonly members: ReadonlyMap<MemberSyntax, ConstantEntry>;
  /** The qualified names of the structs, unions and enums, also of those without a name in the source. */
  readonly bodies: ReadonlyMap<BodySyntax, string>;
}

/** Adds all names that a schema defines to `names`. Reports those that are defined twice. */
export function declare(definitions: readonly DefinitionSyntax[], names: Names, diagnostics: Diagnostics): Declared {
  const constants: { name: string; syntax: ConstSyntax; entry: ConstantEntry }[] = [];
  const types: { name: string; syntax: NamedTypeSyntax }[] = [];
  const members = new Map<MemberSyntax, ConstantEntry>();
  const bodies = new Map<BodySyntax, string>();

  const add = (qualified: string, entry: Entry, mayRepeat = false): boolean => {
    const existing = names.add(qualified, entry);
    if (existing && !(mayRepeat && isSameNumber(existing, entry))) {
      diagnostics.report(entry.position, `${qualified} is already defined at ${placeOf(existing.position)}`);
    }
    return existing === undefined;
  };

  const addConstant = (syntax: ConstSyntax): void => {
    const { name, namespace, position, value } = syntax;
    const qualified = qualify(namespace, name);
    const entry: ConstantEntry = { kind: "constant", name, namespace, position, value };
    if (add(qualified, entry, syntax.repeatable)) constants.push({ name: qualified, syntax, entry });
  };

  const addMembers = (body: EnumSyntax, namespace: string): void => {
    let previous: ConstantEntry | undefined;
    for (const member of body.members) {
      const { name, position, value } = member;
      const entry: ConstantEntry = { kind: "constant", name, namespace, position, value, previous };
      add(qualify(namespace, name), entry);
      members.set(member, entry);
      previous = entry;
    }
  };

  for (const definition of definitions) {
    if (definition.kind === "const") {
      addConstant(definition);
      continue;
    }
    for (const syntax of flatten(definition)) {
      const { namespace, path, position, type } = syntax;
      const name = qualify(namespace, path.join("."));
      const body = isBody(type) ? type : undefined;
      if (body) bodies.set(body, name);
      if (body?.kind === "enum") addMembers(body, namespace);
      if (add(name, { kind: "type", name, position, body: body?.kind })) types.push({ name, syntax });
    }
  }
  return { constants, types, members, bodies };
}

function isSameNumber(a: Entry, b: Entry): boolean {
  const [first, second] = [a, b].map((entry) => (entry.kind === "constant" ? entry.value : undefined));
  return first?.kind === "number" && second?.kind === "number" && first.value === second.value;
}

function isBody(type: TypeSyntax): type is BodySyntax {
  return type.kind === "enum" || type.kind === "struct" || type.kind === "union";
}

function placeOf({ file, line, column }: Position): string {
  return `${file}:${line}:${column}`;
}
