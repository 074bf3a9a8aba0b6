import { voidType } from "./basic.ts";
import { checkObject } from "./check.ts";
import { type Ops, ops } from "./ops.ts";
import { Output } from "./output.ts";
import { type Fields, fieldsOf, type StructValue, structOps } from "./struct.ts";
import { opsOf, typeOf, type XdrType } from "./type.ts";
import type { Values } from "./unrolled-struct.ts";

/** One arm of a {@link union}: the fields that follow the discriminant, or `voidType` for none. */
export type Arm = Fields | XdrType<undefined>;

/** The keys of arms: the discriminants, or `"true"` and `"false"` if the discriminant is a bool. */
type Key<D extends number | boolean> = D extends boolean ? `${D}` : D;

/** The discriminant of a key. */
type Discriminant<K> = K extends number ? K : K extends `${infer D extends number | boolean}` ? D : never;

/** The values of an arm. */
type ArmValue<Tag extends string, D, A> = Flat<
  { [T in Tag]: D } & (A extends XdrType<unknown> ? unknown : A extends Fields ? StructValue<A> : never)
>;

/** The same type, which editors then show as one object type instead of an intersection. */
type Flat<T> = { [K in keyof T]: T[K] };

/** The values of a {@link union}: one object type per arm, distinguished by the tag. */
export type UnionValue<Tag extends string, D extends number | boolean, Arms, Otherwise> =
  | { [K in keyof Arms]: ArmValue<Tag, Discriminant<K>, Arms[K]> }[keyof Arms]
  | (Otherwise extends Arm ? ArmValue<Tag, Exclude<D, Discriminant<keyof Arms>>, Otherwise> : never);

/**
 * A discriminated union (RFC 4506 §4.15): a discriminant, then the fields of the arm that it selects. Values are plain
 * objects, in which the property `tag` is the discriminant, beside the fields of the arm. TypeScript treats them as a
 * discriminated union: in a `switch` over the tag it knows the fields of each arm, and reports arms that are missing.
 *
 * @param tag - the name of the property with the discriminant
 * @param discriminant - the type of the discriminant: `int`, `uint`, an enum or `bool`
 * @param arms - the arms by discriminant (`true` and `false` for a bool). Each is an object of fields, or `voidType`
 * @param otherwise - the default arm, for all discriminants without an arm of their own
 * @returns the type. Without `otherwise`, a discriminant without an arm is rejected with `unknown-discriminant`
 * @throws {TypeError} if the discriminant or a field is not an XdrType, or a key of `arms` has the wrong type
 * @throws {RangeError} if a key of `arms` is not a value of the discriminant, or if a field is named like the tag,
 *   `__proto__` or an integer
 * @example
 * ```ts
 * const Kind = enumType({ TEXT: 0, DATA: 1, EXEC: 2 });
 * const FileType = union("kind", Kind, {
 *   [Kind.values.TEXT]: voidType,
 *   [Kind.values.DATA]: { creator: string(255) },
 *   [Kind.values.EXEC]: { interpretor: string(255) },
 * });
 * const type = FileType.decode(FileType.encode({ kind: Kind.values.EXEC, interpretor: "lisp" }));
 * if (type.kind === Kind.values.EXEC) {
 *   type.interpretor; // => "lisp"
 * }
 * ```
 */
export function union<
  const Tag extends string,
  D extends number | boolean,
  const Arms extends { readonly [K in Key<D>]?: Arm },
  const Otherwise extends Arm | undefined = undefined,
>(
  tag: Tag,
  discriminant: XdrType<D>,
  arms: Arms & { readonly [K in Exclude<keyof Arms, Key<D>>]: never },
  otherwise?: Otherwise,
): XdrType<UnionValue<Tag, D, Arms, Otherwise>> {
  type Value = UnionValue<Tag, D, Arms, Otherwise>;
  return typeOf(unionOps(tag, opsOf(discriminant), arms as { [key: string]: Arm }, otherwise) as Ops<Value>);
}

function unionOps(tag: string, discriminant: Ops<unknown>, arms: { [key: string]: Arm }, otherwise?: Arm): Ops<Values> {
  // Each arm is a struct whose first field is the discriminant. It has been read already when the arm is chosen, so
  // reading this field returns `found`.
  let found: unknown;
  const tagged = { ...discriminant, name: tag, read: () => found };
  const structOf = (arm: Arm) => structOps([tagged, ...(arm === voidType ? [] : fieldsOf(arm as Fields, tag))]);
  const structs = new Map<unknown, Ops<Values>>();
  for (const [key, arm] of Object.entries(arms)) {
    const value = key === "true" || (key !== "false" && Number(key));
    discriminant.write(new Output(0), value);
    structs.set(value, structOf(arm));
  }
  const rest = otherwise && structOf(otherwise);
  return ops<Values>(
    4,
    (input) => {
      const start = input.at;
      input.enter();
      input.open();
      input.to(tag);
      found = discriminant.read(input);
      input.close();
      const struct = structs.get(found) ?? rest;
      if (struct === undefined) return input.fail("unknown-discriminant", start, `the union has no arm for ${found}`);
      const values = struct.read(input);
      input.leave();
      return values;
    },
    (output, values) => {
      checkObject("union", values);
      const struct = structs.get(values[tag]) ?? rest;
      output.enter();
      if (struct === undefined) {
        output.open();
        output.to(tag);
        discriminant.write(output, values[tag]);
        throw new RangeError(`the union has no arm for ${values[tag]}`);
      }
      struct.write(output, values);
      output.leave();
    },
  );
}
