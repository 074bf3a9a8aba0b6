/**
 * Values of a schema as JSON and back: enum members by name, hypers as decimal strings, opaque data in hex. A string that
 * is not UTF-8 is `{ "hex": "…" }`. The schema tells what each value is, so that nothing is lost.
 */
import type { Field, Schema, Type, TypeDefinition, UnionDefinition } from "whereabouts/xdr/compiler";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

// biome-ignore lint/suspicious/noExplicitAny: the schema says what a value is
type Value = any;

/** A shorter form of the values of one type. */
export interface ShortForm {
  toJson(value: Value): Json;
  /** Throws an Error if the JSON is not of this form. */
  fromJson(json: Json): Value;
}

/** Converts values of the types of a schema. Strings in values are bytes. */
export class SchemaJson {
  readonly #types: ReadonlyMap<string, TypeDefinition>;
  readonly #shortForms: { readonly [type: string]: ShortForm };

  /** @param shortForms - by the qualified names of the types */
  constructor(schema: Schema, shortForms: { readonly [type: string]: ShortForm } = {}) {
    this.#types = new Map(schema.types.map((type) => [type.name, type]));
    this.#shortForms = shortForms;
  }

  /** @param name - the qualified name of the value's type */
  toJson(name: string, value: unknown): Json {
    return this.#write({ kind: "ref", name }, value);
  }

  /**
   * @param name - the qualified name of the value's type
   * @throws {Error} if the JSON is no value of the type. The message begins with the path of the part that is wrong
   */
  fromJson(name: string, json: Json): unknown {
    return this.#read({ kind: "ref", name }, json, "");
  }

  #write(type: Type, value: Value): Json {
    switch (type.kind) {
      case "hyper":
      case "uhyper":
        return `${value}`;
      case "float":
      case "double":
        return Number.isFinite(value) ? value : `${value}`;
      case "fixedOpaque":
      case "opaque":
        return value.toHex();
      case "string":
        return writeText(value);
      case "fixedArray":
      case "array":
        return value.map((element: Value) => this.#write(type.element, element));
      case "optional":
        return value === null ? null : this.#write(type.type, value);
      case "ref":
        return this.#shortForms[type.name]?.toJson(value) ?? this.#writeDefined(this.#definition(type.name), value);
      default:
        return value;
    }
  }

  #writeDefined(definition: TypeDefinition, value: Value): Json {
    switch (definition.kind) {
      case "typedef":
        return this.#write(definition.type, value);
      case "enum":
        return definition.members.find((member) => member.value === value)!.name;
      case "struct":
        return Object.fromEntries(definition.fields.map(({ name, type }) => [name, this.#write(type, value[name])]));
      case "union": {
        const tag = definition.discriminant;
        const fields = [tag, armOf(definition, value[tag.name])?.field].filter((field) => field !== undefined);
        return Object.fromEntries(fields.map(({ name, type }) => [name, this.#write(type, value[name])]));
      }
    }
  }

  #read(type: Type, json: Json, path: string): Value {
    switch (type.kind) {
      case "hyper":
      case "uhyper":
        return typeof json === "string" && /^-?\d+$/.test(json)
          ? BigInt(json)
          : wrong(path, "digits in a string", json);
      case "float":
      case "double":
        return ["NaN", "Infinity", "-Infinity"].includes(json as string) ? Number(json) : readNumber(json, path);
      case "int":
      case "uint":
        return readNumber(json, path);
      case "bool":
        return typeof json === "boolean" ? json : wrong(path, "true or false", json);
      case "fixedOpaque":
      case "opaque":
        return readHex(json, path);
      case "string":
        return typeof json === "string"
          ? new TextEncoder().encode(json)
          : readHex(fieldsOf(json, path, ["hex"]).hex, path);
      case "fixedArray":
      case "array":
        if (!Array.isArray(json)) return wrong(path, "an array", json);
        return json.map((element, i) => this.#read(type.element, element, `${path}[${i}]`));
      case "optional":
        return json === null ? null : this.#read(type.type, json, path);
      case "ref":
        return this.#readDefined(this.#definition(type.name), json, path);
    }
  }

  #readDefined(definition: TypeDefinition, json: Json, path: string): Value {
    const shortForm = this.#shortForms[definition.name];
    if (shortForm !== undefined) {
      try {
        return shortForm.fromJson(json);
      } catch (error) {
        throw new Error(`${path}: ${(error as Error).message}`);
      }
    }
    switch (definition.kind) {
      case "typedef":
        return this.#read(definition.type, json, path);
      case "enum": {
        const member = definition.members.find(({ name }) => name === json);
        return member?.value ?? wrong(path, `a member of ${definition.path.join(".")}`, json);
      }
      case "struct":
        return this.#readFields(definition.fields, json, path);
      case "union": {
        const tag = definition.discriminant;
        const found = this.#readFields([tag], json, path, true)[tag.name];
        const field = armOf(definition, found)?.field;
        return this.#readFields(field === undefined ? [tag] : [tag, field], json, path);
      }
    }
  }

  /** @param allowsMore - whether the JSON may have more fields */
  #readFields(fields: readonly Field[], json: Json, path: string, allowsMore = false): Value {
    const names = fields.map(({ name }) => name);
    const parts = fieldsOf(json, path, names, allowsMore);
    return Object.fromEntries(
      fields.map(({ name, type }) => [name, this.#read(type, parts[name]!, path === "" ? name : `${path}.${name}`)]),
    );
  }

  #definition(name: string): TypeDefinition {
    const definition = this.#types.get(name);
    if (definition === undefined) throw new Error(`the schema has no type ${name}`);
    return definition;
  }
}

function armOf(union: UnionDefinition, tag: number | boolean) {
  return union.arms.find(({ cases }) => cases.some(({ value }) => value === tag)) ?? union.otherwise;
}

function writeText(bytes: Uint8Array): Json {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return { hex: bytes.toHex() };
  }
}

function readNumber(json: Json, path: string): number {
  return typeof json === "number" ? json : wrong(path, "a number", json);
}

function readHex(json: Json | undefined, path: string): Uint8Array {
  const isHex = typeof json === "string" && /^([\da-f]{2})*$/i.test(json);
  return isHex ? Uint8Array.fromHex(json) : wrong(path, "pairs of hex digits", json);
}

/** The fields of a JSON object, which must have all of these, and no others unless allowed. */
function fieldsOf(json: Json, path: string, names: readonly string[], allowsMore = false): { [name: string]: Json } {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return wrong(path, "an object", json);
  const missing = names.find((name) => !Object.hasOwn(json, name));
  if (missing !== undefined) return wrong(path, `a field "${missing}"`, json);
  const unknown = Object.keys(json).find((name) => !names.includes(name));
  if (unknown !== undefined && !allowsMore)
    throw new Error(`${path || "top level"}: there is no field "${unknown}" here`);
  return json as { [name: string]: Json };
}

function wrong(path: string, expected: string, json: Json | undefined): never {
  const got = JSON.stringify(json) ?? "nothing";
  throw new Error(
    `${path || "top level"}: expected ${expected}, got ${got.length > 60 ? `${got.slice(0, 60)}…` : got}`,
  );
}
