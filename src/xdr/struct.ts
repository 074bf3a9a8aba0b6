import type { Emitter, Lines, Ops } from "./ops.ts";
import { typeName } from "./runtime/check.ts";
import { within } from "./runtime/cursor.ts";
import { takeFields, truncatedWithin, type XdrInput } from "./runtime/input.ts";
import { isObject, own, type XdrOutput } from "./runtime/output.ts";
import { type Infer, opsOf, typeOf, XdrType } from "./type.ts";

/** The fields of a {@link struct}, or of an arm of a {@link union}: their types by name, in wire order. */
export type Fields = { readonly [name: string]: XdrType<unknown> };

/** The values of a {@link struct} with these fields. */
export type StructValue<F extends Fields> = { -readonly [Name in keyof F]: Infer<F[Name]> };

/** The type that {@link struct} returns. */
export interface XdrStruct<F extends Fields> extends XdrType<StructValue<F>> {
  /** The types of the fields by name, in wire order. */
  readonly fields: F;
}

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
export function struct<const F extends Fields>(fields: F): XdrStruct<F> {
  const type = typeOf<StructValue<F>>("struct", structOps(fieldsOf(fields)) as Ops<never>);
  return Object.assign(type, { fields });
}

/** A struct value whose type only the caller knows. */
export type Values = { [name: string]: unknown };

/** A field: its name, and how it is read and written. */
export interface NamedOps {
  readonly name: string;
  readonly ops: Ops<unknown>;
  /** Whether all objects inherit a property of this name, such as `constructor`. */
  readonly inherited: boolean;
}

/** A property as an assignment makes it. */
const ASSIGNED = { configurable: true, enumerable: true, writable: true };

/** @param tag - for the fields of a union's arm: the name of the discriminant, which no field may have */
export function fieldsOf(fields: Fields, tag?: string): NamedOps[] {
  if (fields instanceof XdrType || Object(fields) !== fields) {
    throw new TypeError(`fields: expected names with types, got ${typeName(fields)}`);
  }
  return Object.entries(fields).map(([name, type]) => {
    // `__proto__` would set the prototype. Integer keys come first in an object, wherever they are written.
    if (name === tag || /^(\d+|__proto__)$/.test(name)) throw new RangeError(`fields: ${name} is not allowed`);
    return { name, ops: opsOf(type), inherited: name in Object.prototype };
  });
}

export function partsOf(fields: readonly NamedOps[]): Ops<never>[] {
  return fields.map(({ ops }) => ops as Ops<never>);
}

/** Reads the fields into `values`. */
export function interpretFields(input: XdrInput, fields: readonly NamedOps[], values: Values): void {
  for (const { name, ops, inherited } of fields) {
    const value = ops.read(input);
    // An inherited property may be read-only, or have a setter: then an assignment would make no property.
    if (inherited) Object.defineProperty(values, name, { ...ASSIGNED, value });
    else values[name] = value;
    if (input.failed) {
      within(input, name);
      return;
    }
  }
}

/** Writes the fields of `values`. */
export function writeValues(output: XdrOutput, fields: readonly NamedOps[], values: Values): void {
  for (const { name, ops, inherited } of fields) {
    ops.write(output, inherited ? own(values, name) : values[name]);
    if (output.failed) {
      within(output, name);
      return;
    }
  }
}

function structOps(fields: readonly NamedOps[]): Ops<Values> {
  let size = Number.NaN;
  return {
    minimum(used) {
      // Once: if each of many structs has the one before it twice, adding up all of them has no end.
      if (Number.isNaN(size)) size = fields.reduce((sum, { ops }) => sum + ops.minimum(used), 0);
      return size;
    },
    parts: partsOf(fields),
    read(input) {
      const values: Values = {};
      interpretFields(input, fields, values);
      return values;
    },
    write(output, values) {
      if (isObject(output, "struct", values)) writeValues(output, fields, values);
    },
    source: {
      read(emitter) {
        const { lines, properties } = readFields(emitter, fields);
        return [...lines, `return { ${properties.join(", ")} };`];
      },
      write: (emitter) => [
        `if (!${emitter.use("isObject", isObject)}(output, "struct", value)) return;`,
        ...writeFields(emitter, fields, "value"),
      ],
    },
  };
}

/**
 * Statements that read the fields, and the properties of an object literal that they make. For fields of a fixed size that
 * follow one another, they check the size of the input once.
 *
 * @param found - for the arm of a union: the variable of the discriminant
 */
export function readFields(emitter: Emitter, fields: readonly NamedOps[], found?: string) {
  const taken = new Set([...(found === undefined ? [] : [found]), ...fields.map(({ name }) => name)]);
  const names = fields.flatMap(({ name }, i) =>
    runFrom(fields, i).length > 0 ? [name, addName("at", taken)] : [name],
  );
  const variables = found === undefined ? emitter.variables(names) : emitter.variables([found, ...names]).slice(1);
  const lines: Lines = [];
  let at = "";
  let place = 0;
  let end = 0;
  const properties = fields.map(({ name, ops }, i) => {
    const variable = variables.shift() as string;
    const run = runFrom(fields, i);
    if (run.length > 0) {
      at = variables.shift() as string;
      place = 0;
      end = i + run.length;
      lines.push(...takeRun(emitter, run, at));
    }
    if (i < end) {
      lines.push(`const ${variable} = ${emitter.readAt(ops as Ops<never>, place ? `${at} + ${place}` : at)};`);
      place += ops.minimum(true);
    } else {
      lines.push(
        `const ${variable} = ${emitter.read(ops as Ops<never>)};`,
        returnWithin(emitter, "input", JSON.stringify(name)),
      );
    }
    return emitter.property(name, variable);
  });
  return { lines, properties };
}

/** Adds a name to those that are taken, with a suffix if it is one of them. */
function addName(name: string, taken: Set<string>): string {
  let free = name;
  for (let n = 2; taken.has(free); n += 1) free = `${name}${n}`;
  taken.add(free);
  return free;
}

/** The fields of a fixed size that start with field `i` and follow one another: none if there are not several. */
function runFrom(fields: readonly NamedOps[], i: number): readonly NamedOps[] {
  if (fields[i - 1]?.ops.leaf?.at) return [];
  let end = i;
  while (fields[end]?.ops.leaf?.at) end += 1;
  return end - i > 1 ? fields.slice(i, end) : [];
}

/** Statements that move past the fields of a run. */
function takeRun(emitter: Emitter, run: readonly NamedOps[], at: string): Lines {
  const size = run.reduce((sum, { ops }) => sum + ops.minimum(true), 0);
  const sizes = run.map(({ name, ops }) => `[${JSON.stringify(name)}, ${ops.minimum(true)}]`);
  return [
    `const ${at} = ${emitter.use("takeFields", takeFields)}(input, ${size});`,
    `if (${at} < 0) return ${emitter.use("truncatedWithin", truncatedWithin)}(input, [${sizes.join(", ")}]);`,
  ];
}

/** Statements that write the fields of an object. */
export function writeFields(emitter: Emitter, fields: readonly NamedOps[], object: string): Lines {
  return fields.flatMap(({ name, ops, inherited }) => {
    // What all objects inherit is no field.
    const member = inherited
      ? `${emitter.use("own", own)}(${object}, ${JSON.stringify(name)})`
      : emitter.member(object, name);
    return [emitter.write(ops as Ops<never>, member), returnWithin(emitter, "output", JSON.stringify(name))];
  });
}

/** The statement that leaves a function after a failure in one of its parts. `part` is an expression. */
export function returnWithin(emitter: Emitter, cursor: string, part: string): string {
  const leave = `${emitter.use("within", within)}(${cursor}, ${part})`;
  return `if (${cursor}.failed) ${cursor === "input" ? `return ${leave};` : `{ ${leave}; return; }`}`;
}
