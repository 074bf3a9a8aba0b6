import { voidType } from "./basic.ts";
import type { Emitter, Lines, Ops } from "./ops.ts";
import { typeName } from "./runtime/check.ts";
import { within } from "./runtime/cursor.ts";
import { sizeWith } from "./runtime/entry.ts";
import { noArm, tooDeep } from "./runtime/input.ts";
import { isObject, isTooDeep, own, rejectArm } from "./runtime/output.ts";
import {
  type Fields,
  fieldsOf,
  interpretFields,
  type NamedOps,
  partsOf,
  readFields,
  returnWithin,
  type StructValue,
  type Values,
  writeFields,
  writeValues,
} from "./struct.ts";
import { opsOf, typeOf, type XdrType } from "./type.ts";

/** A discriminant. */
type Tagged = number | boolean;

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

/** The type that {@link union} returns. */
export interface XdrUnion<Tag extends string, D extends number | boolean, Arms, Otherwise>
  extends XdrType<UnionValue<Tag, D, Arms, Otherwise>> {
  /** The name of the property with the discriminant. */
  readonly tag: Tag;
  /** The type of the discriminant. */
  readonly discriminant: XdrType<D>;
  /** The arms by discriminant. */
  readonly cases: Arms;
  /** The default arm; `undefined` if there is none. */
  readonly otherwise: Otherwise;
}

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
 * @throws {RangeError} if a key of `arms` is not a value of the discriminant, if the tag is named `__proto__`, or if a
 *   field is named like the tag, `__proto__` or an integer
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
): XdrUnion<Tag, D, Arms, Otherwise> {
  if (typeof tag !== "string") throw new TypeError(`tag: expected a string, got ${typeName(tag)}`);
  // It would set the prototype.
  if (tag === "__proto__") throw new RangeError("tag: __proto__ is not allowed");
  const ops = opsOf(discriminant) as Ops<Tagged>;
  const self = unionOps(tag, ops, casesOf(ops as Ops<never>, arms, tag), armOf(otherwise, tag));
  const type = typeOf<UnionValue<Tag, D, Arms, Otherwise>>("union", self as Ops<never>);
  return Object.assign(type, { tag, discriminant, cases: arms, otherwise: otherwise as Otherwise });
}

/** The fields of an arm. */
function armOf(arm: Arm | undefined, tag: string): readonly NamedOps[] | undefined {
  if (arm === undefined) return undefined;
  return arm === voidType ? [] : fieldsOf(arm as Fields, tag);
}

/** The fields of each arm by discriminant. Discriminants with the same object of fields share them. */
function casesOf(discriminant: Ops<never>, arms: object, tag: string): Map<Tagged, readonly NamedOps[]> {
  const cases = new Map<Tagged, readonly NamedOps[]>();
  const known = new Map<Arm, readonly NamedOps[]>();
  for (const [key, arm] of Object.entries(arms) as [string, Arm][]) {
    const value = key === "true" || (key !== "false" && Number(key));
    if (String(value) !== key || !Number.isInteger(Number(value))) {
      throw new RangeError(`arms: "${key}" is not a discriminant`);
    }
    // Throws if the discriminant cannot have this value.
    sizeWith(discriminant, value as never);
    const fields = known.get(arm) ?? armOf(arm, tag) ?? [];
    known.set(arm, fields);
    cases.set(value, fields);
  }
  return cases;
}

function unionOps(
  tag: string,
  discriminant: Ops<Tagged>,
  cases: ReadonlyMap<Tagged, readonly NamedOps[]>,
  otherwise: readonly NamedOps[] | undefined,
): Ops<Values> {
  return {
    minimum: (used) => discriminant.minimum(used),
    parts: [discriminant as Ops<never>, ...[...cases.values(), otherwise ?? []].flatMap(partsOf)],
    read(input) {
      if (input.depth >= input.maxDepth) return tooDeep(input);
      const start = input.at;
      const found = discriminant.read(input);
      if (input.failed) return within(input, tag);
      const fields = cases.get(found) ?? otherwise;
      if (fields === undefined) return noArm(input, start, found);
      const values: Values = { [tag]: found };
      input.depth += 1;
      interpretFields(input, fields, values);
      input.depth -= 1;
      return values;
    },
    write(output, values) {
      if (!isObject(output, "union", values) || isTooDeep(output)) return;
      const found = own(values, tag) as Tagged;
      const fields = cases.get(found) ?? otherwise;
      discriminant.write(output, found);
      if (fields === undefined && !output.failed) rejectArm(output, found);
      if (fields === undefined || output.failed) {
        within(output, tag);
        return;
      }
      output.depth += 1;
      writeValues(output, fields, values);
      output.depth -= 1;
    },
    source: {
      read: (emitter) => readBody(emitter, tag, discriminant as Ops<never>, cases, otherwise),
      write: (emitter) => writeBody(emitter, tag, discriminant as Ops<never>, cases, otherwise),
    },
  };
}

/** A `switch` over the discriminant `found`. `arm` emits the statements for the discriminants that share an arm. */
function switchOver(
  emitter: Emitter,
  found: string,
  cases: ReadonlyMap<Tagged, readonly NamedOps[]>,
  arm: (fields: readonly NamedOps[], literals: readonly string[]) => Lines,
  otherwise: Lines,
): Lines {
  const shared = new Map<readonly NamedOps[], string[]>();
  for (const [value, fields] of cases) {
    shared.set(fields, [...(shared.get(fields) ?? []), emitter.literal(value)]);
  }
  const labelled = (labels: readonly string[], lines: Lines): Lines => {
    const start = labels.map((label) => `${label}:`);
    if (lines.length === 1) return [...start, lines];
    return [...start.slice(0, -1), `${start.at(-1)} {`, lines, "}"];
  };
  const blocks = [...shared].flatMap(([fields, literals]) =>
    labelled(
      literals.map((literal) => `case ${literal}`),
      arm(fields, literals),
    ),
  );
  return [`switch (${found}) {`, [...blocks, ...labelled(["default"], otherwise)], "}"];
}

function readBody(
  emitter: Emitter,
  tag: string,
  discriminant: Ops<never>,
  cases: ReadonlyMap<Tagged, readonly NamedOps[]>,
  otherwise: readonly NamedOps[] | undefined,
): Lines {
  // In no arm may the variable of a field hide it.
  const names = [...cases.values(), otherwise ?? []].flat().map(({ name }) => name);
  const found = emitter.variables([tag, ...names])[0] as string;
  const arm = (fields: readonly NamedOps[], literals: readonly string[]): Lines => {
    const { lines, properties } = readFields(emitter, fields, found);
    const [literal = found, ...more] = literals;
    const value = [emitter.property(tag, more.length === 0 ? literal : found), ...properties];
    const result = `return { ${value.join(", ")} };`;
    return fields.length === 0 ? [result] : ["input.depth += 1;", ...lines, "input.depth -= 1;", result];
  };
  const missing = () => [`return ${emitter.use("noArm", noArm)}(input, start, ${found});`];
  return [
    `if (input.depth >= input.maxDepth) return ${emitter.use("tooDeep", tooDeep)}(input);`,
    ...(otherwise === undefined ? ["const start = input.at;"] : []),
    `const ${found} = ${emitter.read(discriminant)};`,
    returnWithin(emitter, "input", JSON.stringify(tag)),
    ...switchOver(emitter, found, cases, arm, otherwise === undefined ? missing() : arm(otherwise, [])),
  ];
}

function writeBody(
  emitter: Emitter,
  tag: string,
  discriminant: Ops<never>,
  cases: ReadonlyMap<Tagged, readonly NamedOps[]>,
  otherwise: readonly NamedOps[] | undefined,
): Lines {
  const found = emitter.variables([tag])[0] as string;
  const arm = (fields: readonly NamedOps[], literals: readonly string[]): Lines => {
    const names = fields.map(({ name }) => name);
    return [...writeFields(emitter, fields, emitter.arm("value", names, literals.length === 0)), "break;"];
  };
  const tagName = JSON.stringify(tag);
  const missing = () => [
    `${emitter.use("rejectArm", rejectArm)}(output, ${found});`,
    `${emitter.use("within", within)}(output, ${tagName});`,
    "return;",
  ];
  const member =
    tag in Object.prototype ? `${emitter.use("own", own)}(value, ${tagName})` : emitter.member("value", tag);
  return [
    `if (!${emitter.use("isObject", isObject)}(output, "union", value) || ${emitter.use("isTooDeep", isTooDeep)}(output)) return;`,
    `const ${found} = ${member};`,
    emitter.write(discriminant, found),
    returnWithin(emitter, "output", tagName),
    "output.depth += 1;",
    ...switchOver(emitter, found, cases, arm, otherwise === undefined ? missing() : arm(otherwise, [])),
    "output.depth -= 1;",
  ];
}
