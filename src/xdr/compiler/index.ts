export { XdrCompileError } from "./error.ts";
export { type ParseOptions, parseFiles, parseFilesSync } from "./parse.ts";
export type { Schema } from "./schema.ts";
