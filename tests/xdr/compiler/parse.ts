import { type ParseOptions, parseFilesSync, type Schema, XdrCompileError } from "../../../src/xdr/compiler/index.ts";
import type {
  EnumDefinition,
  StructDefinition,
  TypeDefinition,
  TypedefDefinition,
  UnionDefinition,
} from "../../../src/xdr/compiler/schema.ts";

/** Parses one file, named `a.x`, or several by their names. */
export function parse(source: string | { readonly [file: string]: string }, options?: ParseOptions): Schema {
  const files = typeof source === "string" ? { "a.x": source } : source;
  return parseFilesSync(Object.keys(files), (path) => files[path as keyof typeof files], options);
}

/** The problems of a source: `line:column reason`, before that the name of the file if it is not `a.x`. */
export function problems(source: Parameters<typeof parse>[0], options?: ParseOptions): string[] {
  try {
    parse(source, options);
  } catch (error) {
    if (!(error instanceof XdrCompileError)) throw error;
    const place = (file: string) => (file === "a.x" ? "" : `${file}:`);
    return error.problems.map(({ file, line, column, reason }) => `${place(file)}${line}:${column} ${reason}`);
  }
  return [];
}

/** A part of a schema without the positions in it. */
export function bare<T>(part: T): T {
  return JSON.parse(JSON.stringify(part, (key, value) => (key === "position" ? undefined : value)));
}

/** The definition of a struct, without positions. */
export function structIn(schema: Schema | string, name: string): StructDefinition {
  return definition(schema, name, "struct");
}

/** The definition of a union, without positions. */
export function unionIn(schema: Schema | string, name: string): UnionDefinition {
  return definition(schema, name, "union");
}

/** The definition of an enum, without positions. */
export function enumIn(schema: Schema | string, name: string): EnumDefinition {
  return definition(schema, name, "enum");
}

/** The definition of a typedef, without positions. */
export function typedefIn(schema: Schema | string, name: string): TypedefDefinition {
  return definition(schema, name, "typedef");
}

function definition<K extends TypeDefinition["kind"]>(schema: Schema | string, name: string, kind: K) {
  const { types } = typeof schema === "string" ? parse(schema) : schema;
  const found = types.find((type) => type.name === name);
  if (found?.kind !== kind) throw new Error(`there is no ${kind} ${name}`);
  return bare(found as Extract<TypeDefinition, { kind: K }>);
}
