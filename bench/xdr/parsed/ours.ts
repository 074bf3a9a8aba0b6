import type { Schema, Type, TypeDefinition } from "../../../src/xdr/compiler/schema.ts";
import * as xdr from "../../../src/xdr/index.ts";

/** Makes the types of a schema by this project's functions, by their qualified names. Strings are bytes. */
export function oursOf({ types }: Schema): ReadonlyMap<string, xdr.XdrType<unknown>> {
  const made = new Map<string, xdr.XdrType<unknown>>();
  for (const definition of types) made.set(definition.name, define(definition, made));
  return made;
}

const { int, uint, hyper, uhyper, float, double, bool } = xdr;
const SCALARS = { int, uint, hyper, uhyper, float, double, bool };

type Made = ReadonlyMap<string, xdr.XdrType<unknown>>;

function define(definition: TypeDefinition, made: Made): xdr.XdrType<unknown> {
  switch (definition.kind) {
    case "enum":
      return xdr.enumType(Object.fromEntries(definition.members.map(({ name, value }) => [name, value])));
    case "struct":
      return xdr.struct(Object.fromEntries(definition.fields.map(({ name, type }) => [name, make(type, made)])));
    case "typedef":
      return make(definition.type, made);
    case "union": {
      const { discriminant, arms, otherwise } = definition;
      const armOf = ({ field }: (typeof arms)[number] | NonNullable<typeof otherwise>): xdr.Arm =>
        field === undefined ? xdr.voidType : { [field.name]: make(field.type, made) };
      const cases = arms.flatMap((arm) => {
        const fields = armOf(arm);
        return arm.cases.map(({ value }) => [value, fields] as const);
      });
      const tag = make(discriminant.type, made) as xdr.XdrType<number>;
      return xdr.union(discriminant.name, tag, Object.fromEntries(cases), otherwise && armOf(otherwise));
    }
  }
}

function make(type: Type, made: Made): xdr.XdrType<unknown> {
  switch (type.kind) {
    case "fixedOpaque":
      return xdr.fixedOpaque(type.length);
    case "opaque":
      return xdr.opaque(type.maximum);
    case "string":
      return xdr.string(type.maximum, { as: "bytes" });
    case "fixedArray":
      return xdr.fixedArray(make(type.element, made), type.count);
    case "array":
      return xdr.array(make(type.element, made), type.maximum);
    case "optional":
      return xdr.optional(make(type.type, made) as xdr.XdrType<object>);
    case "ref":
      return made.get(type.name) ?? xdr.lazy(() => made.get(type.name)!);
    default:
      return SCALARS[type.kind];
  }
}
