// Reads and writes the types of js-xdr-types.ts with XdrReader and XdrWriter.
import type { XdrReader, XdrWriter } from "../../src/xdr/index.ts";
import { minimumSize, type Type, utf8, type Value } from "./js-xdr-types.ts";

export function read(r: XdrReader, type: Type): Value {
  switch (type.kind) {
    case "enum":
      return r.enum(new Set(type.values));
    case "fixedOpaque":
      return r.fixedOpaque(type.length);
    case "opaque":
      return r.opaque(type.maximum);
    case "string":
      return utf8.encode(r.string(type.maximum));
    case "fixedArray":
      return r.fixedArray(type.count, (r) => read(r, type.element));
    case "array":
      return r.array(type.maximum, (r) => read(r, type.element), minimumSize(type.element));
    case "optional":
      return r.optional((r) => read(r, type.element));
    case "struct":
      return Object.fromEntries(type.fields.map((field, i) => [`f${i}`, read(r, field)]));
    case "union": {
      let discriminant: Value;
      const readDiscriminant = (r: XdrReader) => {
        discriminant = read(r, type.on);
        return discriminant as number | boolean;
      };
      const readArm = (arm: Type) => (r: XdrReader) =>
        arm.kind === "void" ? { type: discriminant } : { type: discriminant, value: read(r, arm) };
      const arms = Object.fromEntries(type.arms.map(([d, arm]) => [d, readArm(arm)]));
      return r.union(readDiscriminant, arms, type.otherwise === null ? undefined : readArm(type.otherwise));
    }
    default:
      return r[type.kind]();
  }
}

export function write(w: XdrWriter, type: Type, value: Value): void {
  switch (type.kind) {
    case "enum":
      w.enum(value, new Set(type.values));
      break;
    case "fixedOpaque":
      w.fixedOpaque(value, type.length);
      break;
    case "opaque":
      w.opaque(value, type.maximum);
      break;
    case "string":
      w.string(utf8.decode(value), type.maximum);
      break;
    case "fixedArray":
      w.fixedArray<Value>(value, type.count, (w, v) => write(w, type.element, v));
      break;
    case "array":
      w.array<Value>(value, type.maximum, (w, v) => write(w, type.element, v));
      break;
    case "optional":
      w.optional<Value>(value, (w, v) => write(w, type.element, v));
      break;
    case "struct":
      type.fields.forEach((field, i) => {
        write(w, field, value[`f${i}`]);
      });
      break;
    case "union": {
      const writeArm = (arm: Type) => (w: XdrWriter) => write(w, arm, value.value);
      const arms = Object.fromEntries(type.arms.map(([d, arm]) => [d, writeArm(arm)]));
      const otherwise = type.otherwise === null ? undefined : writeArm(type.otherwise);
      w.union<number | boolean>(value.type, (w, d) => write(w, type.on, d), arms, otherwise);
      break;
    }
    case "void":
      w.void();
      break;
    default:
      w[type.kind](value as never);
      break;
  }
}
