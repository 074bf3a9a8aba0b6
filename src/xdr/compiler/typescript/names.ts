import { XDR_RUNTIME } from "../../../../build/xdr-runtime.ts";
import type { ConstDefinition, Schema, TypeDefinition } from "../schema.ts";

const words = (text: string) => text.trim().split(/\s+/);

/** Words of the language, and the globals of JavaScript: a declaration of the same name would hide them. */
const RESERVED = words(`
  arguments await break case catch class const continue debugger default delete do else enum eval export extends false
  finally for function if implements import in instanceof interface let new null package private protected public return
  static super switch this throw true try typeof undefined var void while with yield

  AggregateError Array ArrayBuffer Atomics BigInt BigInt64Array BigUint64Array Boolean DataView Date Error EvalError
  FinalizationRegistry Float16Array Float32Array Float64Array Function Infinity Int16Array Int32Array Int8Array Intl
  Iterator JSON Map Math NaN Number Object Promise Proxy RangeError ReferenceError Reflect RegExp Set SharedArrayBuffer
  String Symbol SyntaxError Temporal TextDecoder TypeError URIError Uint16Array Uint32Array Uint8Array
  Uint8ClampedArray WeakMap WeakRef WeakSet decodeURI decodeURIComponent encodeURI encodeURIComponent escape globalThis
  isFinite isNaN parseFloat parseInt unescape
`);

/**
 * What else a definition cannot be named: types of TypeScript itself, its words that cannot name a type, and the
 * parameters and variables of generated functions, which would hide an enum. Variables may have these names.
 */
const TYPES = new Set(
  words(`
    any bigint boolean never number object string symbol unknown ArrayBufferLike Exclude
    as infer intrinsic keyof readonly unique
    input output start value
  `),
);

/** The methods of an enum, which stand beside its members. */
const METHODS = new Set(["encode", "encodeInto", "decode", "tryDecode", "size", "validate", "nameOf"]);

/** Functions that read and write a type. */
export interface FunctionNames {
  readonly read: string;
  readonly write: string;
}

/**
 * The names in a file of TypeScript. A definition keeps its name, without the namespace, unless another has the same:
 * then both are qualified, with `_`. A trailing `_` keeps names apart from those that are taken.
 */
export class FileNames {
  readonly #taken = new Set([...RESERVED, ...TYPES, ...XDR_RUNTIME.map(({ name }) => name)]);
  readonly #definitions = new Map<string, string>();

  constructor({ constants, types }: Schema) {
    const definitions = [...constants, ...types].map((definition) => ({ definition, short: shortName(definition) }));
    const counts = new Map<string, number>();
    for (const { short } of definitions) counts.set(short, (counts.get(short) ?? 0) + 1);
    const keepsName = (short: string) => counts.get(short) === 1 && !this.#isTaken(short);
    const kept = definitions.filter(({ short }) => keepsName(short));
    const changed = definitions.filter(({ short }) => !keepsName(short));
    for (const { definition, short } of [...kept, ...changed]) {
      const namespace = definition.namespace.replaceAll("::", "_");
      const wanted = counts.get(short) === 1 || namespace === "" ? short : `${namespace}_${short}`;
      const [name = wanted] = this.#take([wanted]);
      this.#definitions.set(definition.name, name);
    }
  }

  /** The name of a constant or type, by its qualified name in the schema. */
  of(qualified: string): string {
    return this.#definitions.get(qualified) ?? qualified;
  }

  /** New names of the functions that read and write a type or a part of one: `readPoint` and `writePoint`. */
  functions(name: string): FunctionNames {
    const capitalized = name.charAt(0).toUpperCase() + name.slice(1);
    const [read = "", write = ""] = this.#take([`read${capitalized}`, `write${capitalized}`]);
    return { read, write };
  }

  /** Names of variables, for fields. They hide no name of the file, and none of `locals`. */
  variables(fields: readonly string[], locals: readonly string[]): string[] {
    return distinct(fields, (name) => locals.includes(name) || (this.#isTaken(name) && !TYPES.has(name)));
  }

  #isTaken(name: string): boolean {
    // What all objects inherit is global too.
    return this.#taken.has(name) || name in Object.prototype;
  }

  /** Takes names that are free. All of them get the same suffix. */
  #take(wanted: readonly string[]): string[] {
    let names = [...wanted];
    while (names.some((name) => this.#isTaken(name))) names = names.map((name) => `${name}_`);
    for (const name of names) this.#taken.add(name);
    return names;
  }
}

/** The names of an enum's members: not those of the methods beside them. */
export function memberNames(names: readonly string[]): string[] {
  return distinct(names, (name) => METHODS.has(name));
}

/** Names that differ from each other, as these do already, and from those that are taken. */
function distinct(names: readonly string[], isTaken: (name: string) => boolean): string[] {
  const given = new Set(names.filter((name) => !isTaken(name)));
  return names.map((wanted) => {
    if (given.has(wanted)) return wanted;
    let name = wanted;
    while (isTaken(name) || given.has(name)) name += "_";
    given.add(name);
    return name;
  });
}

function shortName(definition: ConstDefinition | TypeDefinition): string {
  if (definition.kind !== "const") return definition.path.join("_");
  const { name, namespace } = definition;
  return namespace === "" ? name : name.slice(namespace.length + "::".length);
}
