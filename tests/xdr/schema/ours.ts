/** Makes schemas of this library of the types of js-xdr-types.ts. */
import {
  array,
  bool,
  double,
  enumType,
  type Fields,
  fixedArray,
  fixedOpaque,
  float,
  hyper,
  int,
  opaque,
  optional,
  string,
  struct,
  transform,
  uhyper,
  uint,
  union,
  voidType,
  type XdrType,
} from "../../../src/xdr/index.ts";
import { type Type, utf8, type Value } from "../js-xdr-types.ts";

const SCALARS = { int, uint, hyper, uhyper, float, double, bool, void: voidType };

/** The type as a schema of this library. Strings are bytes, as in js-xdr. */
export function ours(type: Type): XdrType<Value> {
  switch (type.kind) {
    case "enum":
      return enumType(Object.fromEntries(type.values.map((value, i) => [`m${i}`, value])));
    case "fixedOpaque":
      return fixedOpaque(type.length);
    case "opaque":
      return opaque(type.maximum);
    case "string":
      return transform(string(type.maximum), { decode: utf8.encode, encode: utf8.decode });
    case "fixedArray":
      return fixedArray(ours(type.element), type.count);
    case "array":
      return array(ours(type.element), type.maximum);
    case "optional":
      return optional(ours(type.element));
    case "struct":
      return struct(Object.fromEntries(type.fields.map((field, i) => [`f${i}`, ours(field)])));
    case "union": {
      const arm = (type: Type): Fields | typeof voidType => (type.kind === "void" ? voidType : { value: ours(type) });
      const key = (d: number) => (type.on.kind === "bool" ? d === 1 : d);
      const arms = Object.fromEntries(type.arms.map(([d, type]) => [key(d), arm(type)]));
      const otherwise = type.otherwise === null ? undefined : arm(type.otherwise);
      return union("type", ours(type.on) as XdrType<number>, arms, otherwise);
    }
    default:
      return SCALARS[type.kind] as XdrType<Value>;
  }
}
