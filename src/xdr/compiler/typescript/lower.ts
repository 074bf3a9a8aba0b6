import { array, fixedArray } from "../../array.ts";
import {
  bool,
  double,
  enumType,
  fixedOpaque,
  float,
  hyper,
  int,
  opaque,
  safeHyper,
  safeUhyper,
  string,
  uhyper,
  uint,
} from "../../basic.ts";
import { lazy } from "../../lazy.ts";
import type { Ops } from "../../ops.ts";
import { optional } from "../../optional.ts";
import { readFixedOpaqueCopy, readOpaqueCopy, readStringOrBytesCopy } from "../../runtime/input.ts";
import { writeFixedOpaque, writeOpaque, writeStringOrBytes } from "../../runtime/output.ts";
import { leafOps } from "../../scalar.ts";
import { type Fields, struct } from "../../struct.ts";
import { opsOf, typeOf, type XdrType } from "../../type.ts";
import { union } from "../../union.ts";
import type { EnumDefinition, Field, Schema, Type, TypeDefinition, UnionDefinition } from "../schema.ts";
import { memberNames } from "./names.ts";
import type { CompileOptions } from "./options.ts";

/** A definition as a type of this library. */
export interface LoweredDefinition {
  readonly definition: TypeDefinition;
  readonly ops: Ops<never>;
  /** The arrays and optionals in it that have no name in the source, inner ones first. */
  readonly parts: readonly LoweredPart[];
}

/** A type without a name in the source. */
interface LoweredPart {
  /** Where it is in the definition: `["bounds"]`. */
  readonly path: readonly string[];
  readonly type: Type;
  readonly ops: Ops<never>;
}

/** Makes types of this library of the definitions of a schema. */
export function lower({ types }: Schema, options: Required<CompileOptions>): LoweredDefinition[] {
  const lowering = new Lowering(types, options);
  return types.map((definition) => lowering.lower(definition));
}

class Lowering {
  readonly #options: Required<CompileOptions>;
  readonly #definitions: ReadonlyMap<string, TypeDefinition>;
  readonly #types = new Map<string, XdrType<unknown>>();
  #parts: LoweredPart[] = [];

  constructor(definitions: readonly TypeDefinition[], options: Required<CompileOptions>) {
    this.#options = options;
    this.#definitions = new Map(definitions.map((definition) => [definition.name, definition]));
  }

  lower(definition: TypeDefinition): LoweredDefinition {
    this.#parts = [];
    const type = this.#define(definition);
    this.#types.set(definition.name, type);
    // A typedef's own type has a name.
    const parts = this.#parts.filter(({ path }) => path.length > 0);
    return { definition, ops: opsOf(type) as Ops<never>, parts };
  }

  #define(definition: TypeDefinition): XdrType<unknown> {
    switch (definition.kind) {
      case "enum": {
        const names = memberNames(definition.members.map(({ name }) => name));
        return enumType(Object.fromEntries(definition.members.map(({ value }, i) => [names[i], value])));
      }
      case "struct":
        return struct(this.#fields(definition.fields));
      case "union":
        return this.#union(definition);
      case "typedef":
        return this.#type(definition.type, []);
    }
  }

  #fields(fields: readonly Field[]): Fields {
    return Object.fromEntries(fields.map(({ name, type }) => [name, this.#type(type, [name])]));
  }

  #union(definition: UnionDefinition): XdrType<unknown> {
    const { discriminant, arms, otherwise } = definition;
    const arm = (field: Field | undefined): Fields => this.#fields(field === undefined ? [] : [field]);
    const cases = arms.flatMap(({ cases, field }) => {
      const fields = arm(field);
      return cases.map(({ value }) => [`${value}`, fields] as const);
    });
    const tag = this.#type(discriminant.type, [discriminant.name]) as XdrType<number>;
    // A default arm that no value selects would have no type.
    const rest = otherwise && leavesValues(definition, this.#definitions) ? arm(otherwise.field) : undefined;
    return union(discriminant.name, tag, Object.fromEntries(cases) as { [value: number]: Fields }, rest);
  }

  #type(type: Type, path: readonly string[]): XdrType<unknown> {
    const lowered = this.#typeOf(type, path);
    if (type.kind === "array" || type.kind === "fixedArray" || type.kind === "optional") {
      this.#parts.push({ path, type, ops: opsOf(lowered) as Ops<never> });
    }
    return lowered;
  }

  #typeOf(type: Type, path: readonly string[]): XdrType<unknown> {
    switch (type.kind) {
      case "ref":
        return this.#types.get(type.name) ?? lazy(() => this.#types.get(type.name) as XdrType<unknown>);
      case "array":
        return array(this.#type(type.element, [...path, "element"]), type.maximum);
      case "fixedArray":
        return fixedArray(this.#type(type.element, [...path, "element"]), type.count);
      case "optional":
        return optional(this.#type(type.type, [...path, "element"]) as XdrType<NonNullable<unknown>>);
      default:
        return leafType(type, this.#options);
    }
  }
}

/** Whether the arms of a union leave values of the discriminant to a default arm. */
export function leavesValues(
  { discriminant, switchOn, arms }: UnionDefinition,
  definitions: ReadonlyMap<string, TypeDefinition>,
): boolean {
  const used = new Set(arms.flatMap(({ cases }) => cases.map(({ value }) => value)));
  if (switchOn === "bool") return used.size < 2;
  if (switchOn !== "enum") return true;
  return enumOf(discriminant.type, definitions).members.some(({ value }) => !used.has(value));
}

/** The enum that a type stands for, through typedefs. */
export function enumOf(type: Type, definitions: ReadonlyMap<string, TypeDefinition>): EnumDefinition {
  const definition = type.kind === "ref" ? definitions.get(type.name) : undefined;
  if (definition?.kind === "typedef") return enumOf(definition.type, definitions);
  if (definition?.kind !== "enum") throw new Error(`not an enum: ${type.kind}`);
  return definition;
}

type LeafType = Exclude<Type, { kind: "ref" | "array" | "fixedArray" | "optional" }>;

function leafType(type: LeafType, { strings, hypers, opaques }: Required<CompileOptions>): XdrType<unknown> {
  const copy = opaques === "copy";
  switch (type.kind) {
    case "int":
      return int;
    case "uint":
      return uint;
    case "hyper":
      return hypers === "number" ? safeHyper : hyper;
    case "uhyper":
      return hypers === "number" ? safeUhyper : uhyper;
    case "float":
      return float;
    case "double":
      return double;
    case "bool":
      return bool;
    case "fixedOpaque": {
      const { length } = type;
      if (!copy) return fixedOpaque(length);
      return typeOf("fixedOpaque", leafOps(length + (-length & 3), readFixedOpaqueCopy, writeFixedOpaque, length));
    }
    case "opaque":
      return opaqueType(type.maximum, copy);
    case "string":
      if (strings === "text") return string(type.maximum);
      if (strings === "bytes") return opaqueType(type.maximum, copy);
      if (!copy) return string(type.maximum, { as: "either" });
      return typeOf("string", leafOps(4, readStringOrBytesCopy, writeStringOrBytes, type.maximum));
  }
}

function opaqueType(maximum: number, copy: boolean): XdrType<unknown> {
  return copy ? typeOf("opaque", leafOps(4, readOpaqueCopy, writeOpaque, maximum)) : opaque(maximum);
}
