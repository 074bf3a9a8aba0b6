import type { Diagnostics } from "./error.ts";
import type { Names } from "./names.ts";
import type { Arm, Case, DefaultArm, EnumMember, Field, Type, UnionDefinition } from "./schema.ts";
import type { DefaultSyntax, FieldSyntax, UnionSyntax, ValueSyntax } from "./syntax.ts";

/** What a discriminant's type is without typedefs. Structs and unions are not allowed there. */
export type Discriminant =
  | Exclude<Type, { kind: "ref" }>
  | { readonly kind: "enum"; readonly members: readonly EnumMember[] }
  | { readonly kind: "struct" | "union" };

export interface UnionContext {
  readonly names: Names;
  readonly diagnostics: Diagnostics;
  /** Resolves a field. Reports what is wrong, and then returns `undefined`. */
  field(syntax: FieldSyntax, namespace: string): Field | undefined;
  /**
   * Returns what the type of a discriminant is without typedefs; or `undefined` if a definition is wrong, or if a
   * typedef contains itself, which is reported later.
   */
  discriminant(type: Type): Discriminant | undefined;
}

/** The part of a union's definition that comes from its body. */
type UnionContent = Pick<UnionDefinition, "kind" | "discriminant" | "switchOn" | "arms" | "otherwise">;

/** Resolves a union's body. Returns `undefined` if its discriminant is wrong. */
export function resolveUnion(syntax: UnionSyntax, namespace: string, context: UnionContext): UnionContent | undefined {
  checkFieldNames(syntax, context.diagnostics);
  const arm = (part: DefaultSyntax): DefaultArm => {
    const field = part.field && context.field(part.field, namespace);
    return { ...(field && { field }), ...(part.docs !== undefined && { docs: part.docs }) };
  };
  const rests = syntax.arms.map(arm);
  const otherwise = syntax.otherwise && arm(syntax.otherwise);
  const discriminant = context.field(syntax.discriminant, namespace);
  const type = discriminant && context.discriminant(discriminant.type);
  if (!discriminant || !type) return;
  if (!isSwitchable(type)) {
    const reason = `the discriminant must be an int, unsigned int, bool or enum, not ${nameOf(type.kind)}`;
    context.diagnostics.report(discriminant.position, reason);
    return;
  }
  const cases = new CaseResolver(type, namespace, context);
  const arms = syntax.arms.map((part, index): Arm => {
    return { cases: part.cases.flatMap((value) => cases.resolve(value) ?? []), ...rests[index] };
  });
  return { kind: "union", discriminant, switchOn: type.kind, arms, ...(otherwise && { otherwise }) };
}

/** What a union can switch on. */
type Switchable =
  | { readonly kind: "int" | "uint" | "bool" }
  | { readonly kind: "enum"; readonly members: readonly EnumMember[] };

function isSwitchable(type: Discriminant): type is Switchable {
  return type.kind === "int" || type.kind === "uint" || type.kind === "bool" || type.kind === "enum";
}

function nameOf(kind: string): string {
  return { uhyper: "unsigned hyper", fixedOpaque: "opaque", fixedArray: "an array", array: "an array" }[kind] ?? kind;
}

function checkFieldNames({ discriminant, arms, otherwise }: UnionSyntax, diagnostics: Diagnostics): void {
  const seen = new Set<string>();
  for (const { field } of [...arms, ...(otherwise ? [otherwise] : [])]) {
    if (!field) continue;
    const { name, position } = field;
    if (name === discriminant.name) diagnostics.report(position, `the discriminant is named ${name} too`);
    else if (seen.has(name)) diagnostics.report(position, `there are two fields ${name}`);
    seen.add(name);
  }
}

/** Resolves the case values of one union. */
class CaseResolver {
  readonly #kind: UnionDefinition["switchOn"];
  readonly #byName: ReadonlyMap<string, EnumMember>;
  readonly #byValue: ReadonlyMap<bigint, EnumMember>;
  readonly #namespace: string;
  readonly #context: UnionContext;
  readonly #seen = new Set<bigint>();

  constructor(type: Switchable, namespace: string, context: UnionContext) {
    this.#kind = type.kind;
    const members = type.kind === "enum" ? type.members : [];
    this.#byName = new Map(members.map((member) => [member.name, member]));
    // If two members have the same value, the first one names it.
    this.#byValue = new Map([...members].reverse().map((member) => [BigInt(member.value), member]));
    this.#namespace = namespace;
    this.#context = context;
  }

  /** Reports what is wrong, and then returns `undefined`. */
  resolve(syntax: ValueSyntax): Case | undefined {
    const written = syntax.kind === "name" ? syntax.name : undefined;
    // A member of the enum, although the enum may be in another namespace.
    const member = written === undefined ? undefined : this.#byName.get(written);
    const value = member ? BigInt(member.value) : this.#context.names.valueOf(syntax, this.#namespace);
    if (value === undefined) return;
    const shown = written ?? `${value}`;
    if (!this.#isPossible(value)) return this.#report(syntax, `${shown} is no value of the discriminant`);
    if (this.#seen.has(value)) return this.#report(syntax, `there are two cases ${shown}`);
    this.#seen.add(value);
    if (this.#kind === "bool") return { value: value === 1n };
    const name = member?.name ?? this.#byValue.get(value)?.name ?? written?.replace(/^.*::/, "");
    return { value: Number(value), ...(name !== undefined && { name }) };
  }

  #isPossible(value: bigint): boolean {
    switch (this.#kind) {
      case "bool":
        return value === 0n || value === 1n;
      case "enum":
        return this.#byValue.has(value);
      case "int":
        return BigInt.asIntN(32, value) === value;
      case "uint":
        return BigInt.asUintN(32, value) === value;
    }
  }

  #report({ position }: ValueSyntax, reason: string): undefined {
    this.#context.diagnostics.report(position, reason);
  }
}
