import type { Schema, Type, TypeDefinition } from "whereabouts/xdr/compiler";
import type { Random } from "../../support/random.ts";

/** The greatest number of elements of an array, and of bytes of opaque data and strings. */
const MAX_ELEMENTS = 3;
const MAX_BYTES = 9;
/** From this depth on, recursive values end: arrays are empty, optionals absent, and unions have their first arm. */
const MAX_DEPTH = 12;

// biome-ignore lint/suspicious/noExplicitAny: the schema says what the value is
type Value = any;

/** Makes random values of the types of a schema. Its strings are bytes, its hypers bigints. */
export class RandomValues {
  readonly #types: ReadonlyMap<string, TypeDefinition>;
  readonly #random: Random;

  constructor(schema: Schema, random: Random) {
    this.#types = new Map(schema.types.map((type) => [type.name, type]));
    this.#random = random;
  }

  /** @param name - the qualified name of the type */
  make(name: string): Value {
    return this.#make({ kind: "ref", name }, 0);
  }

  #make(type: Type, depth: number): Value {
    const random = this.#random;
    switch (type.kind) {
      case "int":
        return this.#edge() | 0;
      case "uint":
        return this.#edge();
      case "hyper":
      case "uhyper": {
        const bits = (BigInt(this.#edge()) << 32n) | BigInt(this.#edge());
        return type.kind === "hyper" ? BigInt.asIntN(64, bits) : bits;
      }
      case "float":
      case "double":
        return Math.fround(random.word() / 7);
      case "bool":
        return random.once(2);
      case "fixedOpaque":
        return random.bytes(type.length);
      case "opaque":
      case "string":
        return random.bytes(random.below(Math.min(type.maximum, MAX_BYTES) + 1));
      case "fixedArray":
        return Array.from({ length: type.count }, () => this.#make(type.element, depth + 1));
      case "array": {
        const length = depth > MAX_DEPTH ? 0 : random.below(Math.min(type.maximum, MAX_ELEMENTS) + 1);
        return Array.from({ length }, () => this.#make(type.element, depth + 1));
      }
      case "optional":
        return depth > MAX_DEPTH || random.once(2) ? null : this.#make(type.type, depth + 1);
      case "ref":
        return this.#makeDefined(this.#types.get(type.name)!, depth);
    }
  }

  #makeDefined(definition: TypeDefinition, depth: number): Value {
    switch (definition.kind) {
      case "typedef":
        return this.#make(definition.type, depth);
      case "enum":
        return this.#random.pick(definition.members).value;
      case "struct":
        return Object.fromEntries(definition.fields.map(({ name, type }) => [name, this.#make(type, depth + 1)]));
      case "union": {
        const { arms, discriminant, otherwise } = definition;
        if (otherwise !== undefined) throw new Error(`${definition.name} has a default arm`);
        const { cases, field } = depth > MAX_DEPTH ? arms[0]! : this.#random.pick(arms);
        const tag = { [discriminant.name]: this.#random.pick(cases).value };
        return field === undefined ? tag : { ...tag, [field.name]: this.#make(field.type, depth + 1) };
      }
    }
  }

  /** A random word, or one near the ends of its range. */
  #edge(): number {
    return this.#random.once(3)
      ? this.#random.pick([0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff])
      : this.#random.word();
  }
}
