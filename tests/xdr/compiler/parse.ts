import { type ParseOptions, parseFilesSync, type Schema, XdrCompileError } from "../../../src/xdr/compiler/index.ts";

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

/** The definition of a type, without positions. */
export function typeNamed(schema: Schema, name: string) {
  return bare(schema.types.find((type) => type.name === name));
}
