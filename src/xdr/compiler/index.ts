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
