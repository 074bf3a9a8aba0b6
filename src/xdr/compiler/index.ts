/**
 * The compiler of the XDR language (RFC 4506 §6): from `.x` files to TypeScript. For Bun, Node and browsers. Start with
 * {@link compileFiles}.
 *
 * @module whereabouts/xdr/compiler
 */
export { type Problem, XdrCompileError } from "./error.ts";
export { type ParseOptions, parseFiles, parseFilesSync, type ReadFile } from "./parse.ts";
export type {
  Arm,
  Case,
  ConstDefinition,
  DefaultArm,
  EnumDefinition,
  EnumMember,
  Field,
  Position,
  Schema,
  StructDefinition,
  Type,
  TypeDefinition,
  TypedefDefinition,
  UnionDefinition,
} from "./schema.ts";
export { compile, compileFiles } from "./typescript/compile.ts";
export type { CompileOptions } from "./typescript/options.ts";
