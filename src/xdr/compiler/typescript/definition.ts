import type { Ops } from "../../ops.ts";
import type { EnumDefinition, Type, TypeDefinition } from "../schema.ts";
import { type FileContext, type FunctionSubject, TypeScriptEmitter } from "./emitter.ts";
import { call, docstring, indentLines, layOut } from "./layout.ts";
import type { LoweredDefinition } from "./lower.ts";
import { memberNames } from "./names.ts";

/** The source of a definition: the type of its values, its codec, and the functions that read and write it. */
export function definitionSource(file: FileContext, { definition, ops, parts }: LoweredDefinition): string {
  const subject: FunctionSubject = {
    own: file.names.of(definition.name),
    element: definition.kind === "typedef" ? elementOf(definition.type) : undefined,
    union: definition.kind === "union" ? definition : undefined,
  };
  const own = isAlias(definition) ? [] : functionsOf(file, ops, subject);
  const inner = parts.flatMap(({ type, ops }) =>
    functionsOf(file, ops, { own: file.types.of(type), element: elementOf(type) }),
  );
  const declaration = file.types.declaration(definition);
  const codec = codecSource(file, definition, ops);
  return [`${docstring(definition.docs)}${declaration}\n${codec}`, ...own, ...inner].join("\n\n");
}

/** Whether a definition is only another name for a type that has functions of its own. */
export function isAlias(definition: TypeDefinition): boolean {
  return definition.kind === "typedef" && !["array", "fixedArray", "optional"].includes(definition.type.kind);
}

function elementOf(type: Type): Type | undefined {
  return type.kind === "array" || type.kind === "fixedArray" ? type.element : undefined;
}

function codecSource(file: FileContext, definition: TypeDefinition, ops: Ops<never>): string {
  const name = file.names.of(definition.name);
  if (definition.kind === "enum") return enumSource(file, definition, ops);
  file.used.add("XdrCodec").add("xdrCodec");
  return call(`export const ${name}: XdrCodec<${name}> = /* @__PURE__ */ xdrCodec`, codecArguments(file, ops));
}

/** The functions that a codec is made of: those of the type, or arrow functions around those of runtime/. */
function codecArguments(file: FileContext, ops: Ops<never>): [read: string, write: string] {
  const emitter = new TypeScriptEmitter(file, { own: "" }, []);
  const read = emitter.read(ops);
  const write = emitter.write(ops, "value").slice(0, -1);
  return [
    read.endsWith("(input)") ? read.slice(0, -"(input)".length) : `(input) => ${read}`,
    write.endsWith("(output, value)") ? write.slice(0, -"(output, value)".length) : `(output, value) => ${write}`,
  ];
}

function enumSource(file: FileContext, { name, members }: EnumDefinition, ops: Ops<never>): string {
  const names = memberNames(members.map(({ name }) => name));
  const lines = members.map(({ value, docs }, i) => `${docstring(docs)}${names[i]}: ${value},`);
  file.used.add("xdrEnum");
  const literal = `{\n${indentLines(lines.join("\n"), "  ")}\n}`;
  const start = `export const ${file.names.of(name)} = /* @__PURE__ */ xdrEnum`;
  return call(start, [literal, ...codecArguments(file, ops)]);
}

/** The functions that read and write a type. */
function functionsOf(file: FileContext, ops: Ops<never>, subject: FunctionSubject): string[] {
  const functions = file.functions.get(ops);
  if (functions === undefined || ops.source === undefined) return [];
  const { own } = subject;
  const { read, write } = functions;
  file.used.add("XdrInput").add("XdrOutput");
  const body = (which: "read" | "write", locals: string[]) =>
    layOut(ops.source?.[which](new TypeScriptEmitter(file, subject, locals)) ?? [], "  ");
  return [
    `function ${read}(input: XdrInput): ${own} {\n${body("read", ["input", "start"])}\n}`,
    `function ${write}(output: XdrOutput, value: ${own}): void {\n${body("write", ["output", "value"])}\n}`,
  ];
}
