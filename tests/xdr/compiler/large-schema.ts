import { Random } from "../../support/random.ts";

const FILES = 12;
const TYPES = 400;
/** A type is used directly within another only if it is smaller, in bytes: otherwise sizes would grow exponentially. */
const MAX_DIRECT_SIZE = 120;
const BASIC = ["int", "unsigned int", "hyper", "unsigned hyper", "float", "double", "bool", "unsigned", "long"];

interface Planned {
  readonly kind: "enum" | "struct" | "union" | "typedef";
  readonly namespace: string;
  readonly name: string;
  /** Whether it is a typedef of an optional. */
  readonly optional: boolean;
  /** How many members it has, for an enum. */
  readonly members: number;
  /** The least size of a value in bytes, once it is written. */
  size: number;
}

/**
 * A schema of 400 types in a dozen files, the same in every run: recursion, default arms, several cases an arm, unions
 * and structs without a name within others, namespaces with types of the same name, and comments. The files use each
 * other's types.
 *
 * @returns the sources by the names of the files
 */
export function largeSchema(): { readonly [file: string]: string } {
  const random = new Random(16);
  const plan = Array.from({ length: TYPES }, (_, index) => planned(index, random));
  const writer = new Writer(plan, random);
  const files = Array.from({ length: FILES }, (_, file) => {
    const types = plan.flatMap((type, index) => (index % FILES === file ? [writer.definition(type, index)] : []));
    const includes = file > 0 && file % 3 === 0 ? `#include "part${file - 1}.x"\n` : "";
    const constants = `// The longest name.\nconst MAX_NAME = ${16 + file};\n`;
    const source = `${includes}%#include "part${file}.h"\n\nnamespace part${file} {\n\n${constants}\n${types.join("\n\n")}\n\n}\n`;
    return [`part${file}.x`, source] as const;
  });
  return Object.fromEntries(files);
}

function planned(index: number, random: Random): Planned {
  const kinds = ["enum", "struct", "union", "struct", "typedef", "struct", "union"] as const;
  const file = index % FILES;
  const place = Math.floor(index / FILES);
  const kind = kinds[(place + file) % kinds.length]!;
  // Every namespace has a Header and a Kind.
  const name = place < 2 ? ["Header", "Kind"][place]! : `${kind[0]!.toUpperCase()}${kind.slice(1)}${index}`;
  const optional = kind === "typedef" && random.once(4);
  return { kind, namespace: `part${file}`, name, optional, members: 2 + random.below(9), size: 0 };
}

class Writer {
  readonly #plan: readonly Planned[];
  readonly #random: Random;
  /** The types that have been written. */
  readonly #written: Planned[] = [];

  constructor(plan: readonly Planned[], random: Random) {
    this.#plan = plan;
    this.#random = random;
  }

  definition(type: Planned, index: number): string {
    const source = this.#comment() + this.#source(type, index);
    this.#written.push(type);
    return source;
  }

  #source(type: Planned, index: number): string {
    switch (type.kind) {
      case "enum": {
        type.size = 4;
        const members = Array.from({ length: type.members }, (_, i) => `  ${member(index, i)} = ${i * 3 - 2}`);
        return `enum ${type.name} {\n${members.join(", // a member\n")}\n};`;
      }
      case "typedef": {
        if (type.optional) {
          type.size = 4;
          return `typedef ${this.#anyStruct()} *${type.name};`;
        }
        const [source, size] = this.#declaration(type.name, type.namespace);
        type.size = size;
        return `typedef ${source};`;
      }
      case "struct": {
        const [source, size] = this.#fields(type.namespace, 2 + this.#random.below(6), 0);
        type.size = size;
        return `struct ${type.name} {\n${source}\n};`;
      }
      case "union":
        type.size = 4;
        return `union ${type.name} ${this.#unionBody(type.namespace, 0)};`;
    }
  }

  /** Fields of a struct, and their least size. */
  #fields(namespace: string, count: number, depth: number): [source: string, size: number] {
    const indent = "  ".repeat(depth + 1);
    let total = 0;
    const lines = Array.from({ length: count }, (_, i) => {
      if (depth < 2 && this.#random.once(6)) {
        total += 4;
        return `${indent}union ${this.#unionBody(namespace, depth + 1)} body${i};`;
      }
      if (depth < 2 && this.#random.once(12)) {
        const [source, size] = this.#fields(namespace, 2, depth + 1);
        const many = this.#random.once(2);
        total += many ? 4 : size;
        return `${indent}struct {\n${source}\n${indent}} part${i}${many ? "<7>" : ""};`;
      }
      const [source, size] = this.#declaration(`field${i}`, namespace);
      total += size;
      return `${indent}${source};${this.#random.once(5) ? " // what the field is for" : ""}`;
    });
    return [lines.join("\n"), total];
  }

  #unionBody(namespace: string, depth: number): string {
    const indent = "  ".repeat(depth);
    const enums = this.#written.filter(({ kind }) => kind === "enum");
    const [discriminant, labels] = this.#discriminant(enums);
    const arms: string[] = [];
    for (let i = 0; i < labels.length; ) {
      const together = labels.slice(i, i + 1 + this.#random.below(3));
      i += together.length;
      const cases = together.map((label) => `${indent}case ${label}:\n`).join("");
      arms.push(`${cases}${indent}  ${this.#arm(`arm${arms.length}`, namespace, depth)}`);
    }
    if (this.#random.once(3)) arms.push(`${indent}default:\n${indent}  ${this.#arm("other", namespace, depth)}`);
    return `switch (${discriminant}) {\n${arms.join("\n")}\n${indent}}`;
  }

  #discriminant(enums: readonly Planned[]): [source: string, labels: string[]] {
    if (enums.length > 0 && !this.#random.once(3)) {
      const type = this.#random.pick(enums);
      const index = this.#plan.indexOf(type);
      // Some members have no arm.
      const labels = Array.from({ length: type.members }, (_, i) => member(index, i));
      return [`${type.namespace}::${type.name} kind`, labels.slice(0, 1 + this.#random.below(labels.length))];
    }
    if (this.#random.once(4)) return ["bool set", ["TRUE", "FALSE"].slice(this.#random.below(2))];
    return this.#random.once(3) ? ["unsigned int v", ["0", "0x10", "4294967295"]] : ["int v", ["0", "-1", "2", "017"]];
  }

  #arm(name: string, namespace: string, depth: number): string {
    if (this.#random.once(4)) return "void;";
    if (depth < 2 && this.#random.once(4)) {
      const [source] = this.#fields(namespace, 2, depth + 1);
      return `struct {\n${source}\n${"  ".repeat(depth)}  } ${name};`;
    }
    return `${this.#declaration(name, namespace)[0]};`;
  }

  /** A declaration, and the least size of its values. */
  #declaration(name: string, namespace: string): [source: string, size: number] {
    const random = this.#random;
    const small = this.#written.filter(({ size }) => size > 0 && size <= MAX_DIRECT_SIZE);
    switch (random.below(small.length > 0 ? 10 : 4)) {
      case 0:
        return [`opaque ${name}[${4 * (1 + random.below(8))}]`, 32];
      case 1:
        return [`opaque ${name}<${1 + random.below(1000)}>`, 4];
      case 2:
        return [`string ${name}<${random.once(2) ? "MAX_NAME" : ""}>`, 4];
      case 3:
      case 4:
        return [`${random.pick(BASIC)} ${name}`, 8];
      case 5:
        return [`${this.#anyStruct()} *${name}`, 4];
      case 6:
        return [`${this.#anyStruct()} ${name}<${random.once(2) ? "" : 1 + random.below(20)}>`, 4];
      case 7:
        return [`${random.pick(BASIC)} ${name}[${1 + random.below(4)}]`, 32];
    }
    const type = random.pick(small);
    const local = type.namespace === namespace ? type.name : `${type.namespace}::${type.name}`;
    return random.once(6) ? [`${local} ${name}[2]`, 2 * type.size] : [`${local} ${name}`, type.size];
  }

  /** Any struct or union, also one that comes later: this makes recursion. */
  #anyStruct(): string {
    const { namespace, name } = this.#random.pick(
      this.#plan.filter(({ kind }) => kind === "struct" || kind === "union"),
    );
    return `${namespace}::${name}`;
  }

  #comment(): string {
    const comments = [
      "",
      "",
      "// In one line: `a` $b */ \\c\n",
      "/*\n * In two lines,\n *   @indented.\n */\n",
      "/** é 💡 */\n",
    ];
    return this.#random.pick(comments);
  }
}

/** The name of a member of the enum of an index. */
function member(index: number, i: number): string {
  return `E${index}_MEMBER${i}`;
}
