/** The random types of js-xdr-types.ts in the XDR language and as types of this library, with the same names. */

import fc from "fast-check";
import type { CompileOptions } from "../../../../src/xdr/compiler/index.ts";
import {
  array,
  bool,
  double,
  enumType,
  type Fields,
  fixedArray,
  fixedOpaque,
  float,
  hyper,
  int,
  opaque,
  optional,
  safeHyper,
  safeUhyper,
  string,
  struct,
  uhyper,
  uint,
  union,
  voidType,
  type XdrType,
} from "../../../../src/xdr/index.ts";
import { type Type, types, type Value, valuesOf } from "../../js-xdr-types.ts";

/** The nearest type that the XDR language has: void is only an arm, and a struct has a field. */
export function expressible(type: Type): Type {
  switch (type.kind) {
    case "void":
      return { kind: "bool" };
    case "struct":
      return { kind: "struct", fields: type.fields.length > 0 ? type.fields.map(expressible) : [{ kind: "int" }] };
    case "fixedArray":
    case "array":
    case "optional":
      return { ...type, element: expressible(type.element) };
    case "union": {
      const arm = (type: Type) => (type.kind === "void" ? type : expressible(type));
      const { on, arms, otherwise } = type;
      const named = arms.map(([d, type]): [number, Type] => [d, arm(type)]);
      return { kind: "union", on, arms: named, otherwise: otherwise && arm(otherwise) };
    }
  }
  return type;
}

/** Random types that the XDR language has, with values in the form of js-xdr. */
export const cases = types
  .map(expressible)
  .chain((type) => fc.record({ type: fc.constant(type), value: valuesOf(type) }));

const WORDS: { readonly [kind: string]: string } = {
  int: "int",
  uint: "unsigned int",
  hyper: "hyper",
  uhyper: "unsigned hyper",
  float: "float",
  double: "double",
  bool: "bool",
};

/** Writes types in the XDR language. */
export class SchemaWriter {
  readonly #definitions: string[] = [];

  /** The definitions so far. */
  get source(): string {
    return this.#definitions.join("\n");
  }

  /** Adds a type as the definition of this name. */
  define(name: string, type: Type): void {
    const text = this.#definition(name, type);
    this.#definitions.push(text);
  }

  #definition(name: string, type: Type): string {
    switch (type.kind) {
      case "enum":
        return `enum ${name} { ${type.values.map((value, i) => `${name}_m${i} = ${value}`).join(", ")} };`;
      case "struct":
        return `struct ${name} {\n${this.#fields(name, type.fields)}\n};`;
      case "union":
        return `union ${name} ${this.#union(name, type)};`;
      default:
        return `typedef ${this.#declaration(name, `${name}_t`, type)};`;
    }
  }

  #fields(name: string, types: readonly Type[]): string {
    return types.map((type, i) => `  ${this.#declaration(`f${i}`, `${name}_f${i}`, type)};`).join("\n");
  }

  #union(name: string, { on, arms, otherwise }: Type & { kind: "union" }): string {
    if (on.kind === "enum") this.define(`${name}_on`, on);
    const label = (d: number) => (on.kind === "bool" ? (d === 1 ? "TRUE" : "FALSE") : `${d}`);
    const arm = (field: string, type: Type) =>
      type.kind === "void" ? "void" : this.#declaration(field, `${name}_${field}`, type);
    const cases = arms.map(([d, type], i) => `case ${label(d)}: ${arm(`value${i}`, type)};`);
    if (otherwise !== null) cases.push(`default: ${arm("other", otherwise)};`);
    const tag = on.kind === "enum" ? `${name}_on` : WORDS[on.kind];
    return `switch (${tag} type) {\n${cases.join("\n")}\n}`;
  }

  /** A declaration of a field or typedef. `name` is that of a definition for a part of it, if it needs one. */
  #declaration(field: string, name: string, type: Type): string {
    switch (type.kind) {
      case "fixedOpaque":
        return `opaque ${field}[${type.length}]`;
      case "opaque":
      case "string":
        return `${type.kind} ${field}<${type.maximum}>`;
      case "fixedArray":
        return `${this.#reference(name, type.element)} ${field}[${type.count}]`;
      case "array":
        return `${this.#reference(name, type.element)} ${field}<${type.maximum}>`;
      case "optional":
        return `${this.#reference(name, type.element)} *${field}`;
      // Half of these have no name in the source.
      case "struct":
        if (name.length % 2 === 0) return `struct {\n${this.#fields(name, type.fields)}\n} ${field}`;
        break;
      case "union":
        if (name.length % 2 === 0) return `union ${this.#union(name, type)} ${field}`;
    }
    return `${this.#reference(name, type)} ${field}`;
  }

  /** The name of a type: a word of the language, or that of a new definition. */
  #reference(name: string, type: Type): string {
    const word = WORDS[type.kind];
    if (word === undefined) this.define(name, type);
    return word ?? name;
  }
}

/** The type as one of this library. An arm of a union has a field of its own name, as the XDR language wants it. */
export function combined(type: Type, options: CompileOptions = {}): XdrType<Value> {
  const of = (type: Type): XdrType<Value> => combined(type, options);
  const arm = (name: string, type: Type): Fields => (type.kind === "void" ? {} : { [name]: of(type) });
  const numbers = options.hypers === "number";
  switch (type.kind) {
    case "enum":
      return enumType(Object.fromEntries(type.values.map((value, i) => [`m${i}`, value])));
    case "fixedOpaque":
      return fixedOpaque(type.length);
    case "opaque":
      return opaque(type.maximum);
    case "string":
      return string(type.maximum, { as: (options.strings ?? "text") as "text" });
    case "fixedArray":
      return fixedArray(of(type.element), type.count);
    case "array":
      return array(of(type.element), type.maximum);
    case "optional":
      return optional(of(type.element));
    case "struct":
      return struct(Object.fromEntries(type.fields.map((field, i) => [`f${i}`, of(field)])));
    case "union": {
      const key = (d: number) => (type.on.kind === "bool" ? d === 1 : d);
      const arms = Object.fromEntries(type.arms.map(([d, type], i) => [key(d), arm(`value${i}`, type)]));
      const otherwise = type.otherwise === null ? undefined : arm("other", type.otherwise);
      return union("type", of(type.on) as XdrType<number>, arms, otherwise);
    }
    default: {
      const hypers = numbers ? { hyper: safeHyper, uhyper: safeUhyper } : { hyper, uhyper };
      return { int, uint, float, double, bool, void: voidType, ...hypers }[type.kind] as XdrType<Value>;
    }
  }
}

/** A value of js-xdr as one of this library: each arm has a field of its own name. */
export function renamed(
  type: Type,
  value: Value,
  text: (bytes: Uint8Array) => Value,
  big: (n: bigint) => Value,
): Value {
  const of = (type: Type, value: Value) => renamed(type, value, text, big);
  switch (type.kind) {
    case "string":
      return text(value);
    case "hyper":
    case "uhyper":
      return big(value);
    case "fixedArray":
    case "array":
      return value.map((each: Value) => of(type.element, each));
    case "optional":
      return value === null ? null : of(type.element, value);
    case "struct":
      return Object.fromEntries(type.fields.map((field, i) => [`f${i}`, of(field, value[`f${i}`])]));
    case "union": {
      const index = type.arms.findIndex(([d]) => d === Number(value.type));
      const arm = (type.arms[index]?.[1] ?? type.otherwise)!;
      if (arm.kind === "void") return value;
      return { type: value.type, [index < 0 ? "other" : `value${index}`]: of(arm, value.value) };
    }
  }
  return value;
}
