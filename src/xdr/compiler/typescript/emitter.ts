import type { Emitter, Ops } from "../../ops.ts";
import { MAX_LENGTH } from "../../runtime/check.ts";
import type { Type, UnionDefinition } from "../schema.ts";
import { LEAF_FUNCTIONS } from "./leaves.ts";
import type { FileNames, FunctionNames } from "./names.ts";
import type { TypeTexts } from "./types.ts";

/** What the functions of one file have in common. */
export interface FileContext {
  readonly names: FileNames;
  readonly types: TypeTexts;
  /** The functions that read and write types and parts that are not leaves. */
  readonly functions: ReadonlyMap<Ops<never>, FunctionNames>;
  /** The names of the functions of runtime/ that the file uses. */
  readonly used: Set<string>;
}

/** What a function reads or writes. */
export interface FunctionSubject {
  /** The type of the value. */
  readonly own: string;
  /** The type of the elements, if it is an array. */
  readonly element?: Type | undefined;
  /** The definition, if it is a union. */
  readonly union?: UnionDefinition | undefined;
}

/** Emits TypeScript for one function. */
export class TypeScriptEmitter implements Emitter {
  readonly #file: FileContext;
  readonly #subject: FunctionSubject;
  readonly #locals: readonly string[];

  constructor(file: FileContext, subject: FunctionSubject, locals: readonly string[]) {
    this.#file = file;
    this.#subject = subject;
    this.#locals = locals;
  }

  use(name: string): string {
    this.#file.used.add(name);
    return name;
  }

  read(ops: Ops<never>): string {
    return this.#call(ops, "read", "input");
  }

  readAt({ leaf }: Ops<never>, at: string): string {
    if (leaf?.at === undefined) throw new Error("not of a fixed size");
    const { name, length } = leaf.at;
    return `${this.use(name)}(input, ${at}${length > 2 ? `, ${this.bound(leaf.argument)}` : ""})`;
  }

  write(ops: Ops<never>, value: string): string {
    return `${this.#call(ops, "write", `output, ${value}`)};`;
  }

  #call(ops: Ops<never>, which: "read" | "write", values: string): string {
    const { leaf, target } = ops;
    if (target !== undefined) return this.#call(target() as Ops<never>, which, values);
    const named = this.#file.functions.get(ops);
    if (named !== undefined) return `${named[which]}(${values})`;
    const known = LEAF_FUNCTIONS.get(leaf?.[which]);
    if (leaf === undefined || known === undefined) throw new Error("not in the schema");
    return `${this.use(known.name)}(${values}${known.takesArgument ? `, ${this.bound(leaf.argument)}` : ""})`;
  }

  bound(bound: number): string {
    return bound === MAX_LENGTH ? this.use("MAX_LENGTH") : `${bound}`;
  }

  variables(fields: readonly string[]): string[] {
    return this.#file.names.variables(fields, this.#locals);
  }

  property(name: string, value: string): string {
    return name === value ? name : `${name}: ${value}`;
  }

  member(object: string, name: string): string {
    return `${object}.${name}`;
  }

  literal(value: number | boolean): string {
    const { union } = this.#subject;
    return union === undefined ? `${value}` : this.#file.types.expression(union, value);
  }

  arm(value: string, fields: readonly string[], isDefault: boolean): string {
    const { union } = this.#subject;
    if (union === undefined || fields.length === 0) return value;
    // The `switch` tells TypeScript which arm it is, unless the default arm has any number for its discriminant.
    const { switchOn, otherwise, discriminant } = union;
    const tells = switchOn === "enum" || switchOn === "bool" || otherwise === undefined;
    if (tells && !(discriminant.name in Object.prototype)) return value;
    const arms = isDefault ? [otherwise] : union.arms;
    const field = arms.find((arm) => arm?.field && arm.field.name === fields[0])?.field;
    if (field === undefined) throw new Error("not in the schema");
    return `(${value} as { ${field.name}: ${this.#file.types.of(field.type)} })`;
  }

  type(text: (own: string, element: string) => string): string {
    const { own, element } = this.#subject;
    return text(own, element === undefined ? "never" : this.#file.types.of(element));
  }
}
