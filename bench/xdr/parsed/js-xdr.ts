import * as js from "@stellar/js-xdr";
import type { Schema, Type, TypeDefinition } from "../../../src/xdr/compiler/schema.ts";

/** Makes the types of a schema by js-xdr, by their qualified names. Their values have the same shapes as ours. */
export function jsXdrOf({ types }: Schema): ReadonlyMap<string, js.XdrType<unknown>> {
  const made = new Map<string, js.XdrType<unknown>>();
  for (const definition of types) made.set(definition.name, define(definition, made));
  return made;
}

type Made = ReadonlyMap<string, js.XdrType<unknown>>;

function define(definition: TypeDefinition, made: Made): js.XdrType<unknown> {
  switch (definition.kind) {
    case "enum":
      return js.enumType(
        definition.name,
        Object.fromEntries(definition.members.map(({ name, value }) => [name, value])),
      );
    case "struct":
      return js.struct(
        definition.name,
        Object.fromEntries(definition.fields.map(({ name, type }) => [name, make(type, made)])),
      );
    case "typedef":
      return make(definition.type, made);
    case "union": {
      const { discriminant, arms, otherwise } = definition;
      const armOf = ({ field }: (typeof arms)[number] | NonNullable<typeof otherwise>) =>
        field === undefined ? js.void() : js.field(field.name, make(field.type, made));
      return js.union(definition.name, {
        switchOn: make(discriminant.type, made) as js.XdrType<number | boolean>,
        switchKey: discriminant.name,
        cases: arms.flatMap((arm) => arm.cases.map(({ value }) => js.case(`case ${value}`, value, armOf(arm)))),
        ...(otherwise && { defaultArm: armOf(otherwise) }),
      }) as js.XdrType<unknown>;
    }
  }
}

function make(type: Type, made: Made): js.XdrType<unknown> {
  switch (type.kind) {
    case "int":
      return js.int32();
    case "uint":
      return js.uint32();
    case "hyper":
      return js.int64();
    case "uhyper":
      return js.uint64();
    case "float":
      return js.float();
    case "double":
      return js.double();
    case "bool":
      return js.bool();
    case "fixedOpaque":
      return js.opaque(type.length);
    case "opaque":
      return js.varOpaque(type.maximum);
    case "string":
      return js.string(type.maximum);
    case "fixedArray":
      return js.fixedArray(make(type.element, made), type.count);
    case "array":
      return js.array(make(type.element, made), type.maximum);
    case "optional":
      return js.option(make(type.type, made));
    case "ref":
      return made.get(type.name) ?? js.lazy(() => made.get(type.name)!);
  }
}
