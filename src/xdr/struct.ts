import { checkObject, wrongKind } from "./check.ts";
import type { Ops } from "./ops.ts";
import { type Infer, opsOf, typeOf, XdrType } from "./type.ts";
import { type NamedOps, type UnrolledStruct, unrolledStruct, type Values } from "./unrolled-struct.ts";

/** The fields of a {@link struct}, or of an arm of a {@link union}: their types by name, in wire order. */
export type Fields = { readonly [name: string]: XdrType<unknown> };

/** The values of a {@link struct} with these fields. */
export type StructValue<F extends Fields> = { -readonly [Name in keyof F]: Infer<F[Name]> };

/**
 * A structure (RFC 4506 §4.14): its fields, one after the other. Values are plain objects.
 *
 * @param fields - the types of the fields by name, in wire order
 * @returns the type
 * @throws {TypeError} if a field is not an XdrType
 * @throws {RangeError} if a field has the name `__proto__`, which sets the prototype, or an integer such as `0`:
 *   JavaScript moves integer keys to the front
 * @example
 * ```ts
 * const Query = struct({ magic: constant(0x19760309), nodeId: string(64) });
 * type Query = Infer<typeof Query>; // { magic: 0x19760309; nodeId: string }
 * const query: Query = { magic: 0x19760309, nodeId: "NODE" };
 * Query.decode(Query.encode(query)); // => { magic: 0x19760309, nodeId: "NODE" }
 * ```
 */
export function struct<const F extends Fields>(fields: F): XdrType<StructValue<F>> {
  return typeOf(structOps(fieldsOf(fields)) as Ops<StructValue<F>>);
}

/** @param tag - for the fields of a union's arm: the name of the discriminant, which no field may have */
export function fieldsOf(fields: Fields, tag?: string): NamedOps[] {
  if (fields instanceof XdrType) wrongKind("fields", fields, "names with types");
  return Object.entries(fields).map(([name, type]) => {
    // `__proto__` would set the prototype. Integer keys come first in an object, wherever they are written.
    if (name === tag || /^(\d+|__proto__)$/.test(name)) throw new RangeError(`fields: ${name} is not allowed`);
    return { ...opsOf(type), name };
  });
}

export function structOps(fields: readonly NamedOps[]): Ops<Values> {
  let unrolled: UnrolledStruct | undefined;
  return {
    minimum: () => fields.reduce((sum, field) => sum + field.minimum(), 0),
    read(input) {
      unrolled ??= unrolledStruct(fields);
      input.open();
      const values = unrolled.read(input);
      input.close();
      return values;
    },
    write(output, values) {
      checkObject("struct", values);
      unrolled ??= unrolledStruct(fields);
      output.open();
      unrolled.write(output, values);
      output.close();
    },
  };
}
