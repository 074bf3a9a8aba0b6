import type { DefaultArm, EnumDefinition, Field, Type, TypeDefinition, UnionDefinition } from "../schema.ts";
import { docstring, indentLines, numbersType, unionType } from "./layout.ts";
import { enumOf, leavesValues } from "./lower.ts";
import { type FileNames, memberNames } from "./names.ts";
import type { CompileOptions } from "./options.ts";

/** Writes the types of the values. */
export class TypeTexts {
  readonly #names: FileNames;
  readonly #options: Required<CompileOptions>;
  readonly #definitions: ReadonlyMap<string, TypeDefinition>;
  readonly #memberNames = new Map<EnumDefinition, ReadonlyMap<number, string>>();

  constructor(names: FileNames, options: Required<CompileOptions>, definitions: ReadonlyMap<string, TypeDefinition>) {
    this.#names = names;
    this.#options = options;
    this.#definitions = definitions;
  }

  /** The type of the values of a type. */
  of(type: Type): string {
    switch (type.kind) {
      case "ref":
        return this.#names.of(type.name);
      case "bool":
        return "boolean";
      case "hyper":
      case "uhyper":
        return this.#options.hypers;
      case "fixedOpaque":
      case "opaque":
        return "Uint8Array";
      case "string":
        return { text: "string", bytes: "Uint8Array", either: "string | Uint8Array" }[this.#options.strings];
      case "array":
      case "fixedArray": {
        const element = this.of(type.element);
        return element.includes(" ") ? `(${element})[]` : `${element}[]`;
      }
      case "optional":
        return `${this.of(type.type)} | null`;
      default:
        return "number";
    }
  }

  /** The declaration of the type of a definition's values. */
  declaration(definition: TypeDefinition): string {
    const name = this.#names.of(definition.name);
    switch (definition.kind) {
      case "enum":
        return numbersType(name, [...new Set(definition.members.map(({ value }) => value))]);
      case "typedef":
        return `export type ${name} = ${this.of(definition.type)};`;
      case "struct":
        return `export interface ${name} {\n${this.#members(definition.fields)}\n}`;
      case "union":
        return unionType(name, this.#arms(definition));
    }
  }

  #members(fields: readonly Field[]): string {
    return indentLines(fields.map((field) => `${docstring(field.docs)}${this.#member(field)};`).join("\n"), "  ");
  }

  #member({ name, type }: Field): string {
    return `${name}: ${this.of(type)}`;
  }

  #arms(definition: UnionDefinition): string[] {
    const { arms, otherwise } = definition;
    const cases = arms.map((arm) => arm.cases.map(({ value }) => this.literal(definition, value)));
    const types = arms.map((arm, i) => this.#arm(definition, arm, cases[i]?.join(" | ") ?? ""));
    if (otherwise === undefined || !leavesValues(definition, this.#definitions)) return types;
    const { switchOn, discriminant } = definition;
    const own = this.of(discriminant.type);
    const rest = switchOn === "enum" || switchOn === "bool" ? `Exclude<${own}, ${cases.flat().join(" | ")}>` : own;
    return [...types, this.#arm(definition, otherwise, rest)];
  }

  /** A value of the discriminant as a type. */
  literal(definition: UnionDefinition, value: number | boolean): string {
    return definition.switchOn === "enum" ? `typeof ${this.expression(definition, value)}` : `${value}`;
  }

  /** A value of the discriminant as an expression. */
  expression({ switchOn, discriminant }: UnionDefinition, value: number | boolean): string {
    if (switchOn !== "enum") return `${value}`;
    const definition = enumOf(discriminant.type, this.#definitions);
    return `${this.#names.of(definition.name)}.${this.#membersOf(definition).get(Number(value))}`;
  }

  /** The names of an enum's members by their values. */
  #membersOf(definition: EnumDefinition): ReadonlyMap<number, string> {
    const known = this.#memberNames.get(definition);
    if (known !== undefined) return known;
    const names = memberNames(definition.members.map(({ name }) => name));
    // The first of those with the same value.
    const members = new Map(definition.members.map(({ value }, i) => [value, names[i] ?? ""] as const).reverse());
    this.#memberNames.set(definition, members);
    return members;
  }

  #arm({ discriminant }: UnionDefinition, { field, docs }: DefaultArm, values: string): string {
    const tag = `${discriminant.name}: ${values}`;
    const comment = docstring(docs);
    if (field === undefined) return `${comment}{ ${tag} }`;
    if (field.docs === undefined) return `${comment}{ ${tag}; ${this.#member(field)} }`;
    return `${comment}{\n  ${tag};\n${this.#members([field])}\n}`;
  }
}
