// Compares the .x files of examples/stellar with the schemas of @stellar/stellar-sdk: each type, field, arm, member and
// limit. The SDK writes names in another case (accountID is accountId, SCV_BOOL is scvBool), and has no typedefs.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { AnySchema, XdrType } from "@stellar/js-xdr";
import { TransactionEnvelope } from "@stellar/stellar-sdk/xdr";
import { type Field, parseFilesSync, type Schema, type Type, type TypeDefinition } from "whereabouts/xdr/compiler";

const FILE = join(import.meta.dir, "../../../examples/stellar/transaction.x");
const KINDS = { int: "int32", uint: "uint32", hyper: "int64", uhyper: "uint64" } as const;

const plain = (name: string) => name.replaceAll("_", "").toLowerCase();

/** Describes all types that an envelope can contain, by their plain names. */
class OurTypes {
  readonly found = new Map<string, unknown>();
  readonly #types: ReadonlyMap<string, TypeDefinition>;

  constructor({ types }: Schema) {
    this.#types = new Map(types.map((type) => [type.name, type]));
  }

  describe(type: Type): unknown {
    switch (type.kind) {
      case "int":
      case "uint":
      case "hyper":
      case "uhyper":
        return KINDS[type.kind];
      case "fixedOpaque":
        return { opaque: type.length };
      case "opaque":
        return { varOpaque: type.maximum };
      case "string":
        return { string: type.maximum };
      case "array":
        return { array: this.describe(type.element), maximum: type.maximum };
      case "optional":
        return { option: this.describe(type.type) };
      case "ref":
        return this.#describeDefined(this.#types.get(type.name)!);
      default:
        return type.kind;
    }
  }

  #describeDefined(type: TypeDefinition): unknown {
    if (type.kind === "typedef") return this.describe(type.type);
    // The SDK names a type without a name after the type that has it and its field.
    const name = plain(type.path.join(""));
    if (this.found.has(name)) return name;
    this.found.set(name, undefined);
    const field = ({ name, type }: Field): [string, unknown] => [plain(name), this.describe(type)];
    if (type.kind === "enum") {
      this.found.set(name, Object.fromEntries(type.members.map(({ name, value }) => [plain(name), value])));
    } else if (type.kind === "struct") {
      this.found.set(name, type.fields.map(field));
    } else {
      const arms = type.arms.flatMap(({ cases, field: arm }) =>
        cases.map(({ value }) => [value, arm === undefined ? "void" : field(arm)]),
      );
      this.found.set(name, { on: field(type.discriminant), arms: Object.fromEntries(arms) });
    }
    return name;
  }
}

class TheirTypes {
  readonly found = new Map<string, unknown>();

  describe(type: XdrType<unknown>): unknown {
    const schema = type as AnySchema;
    switch (schema.kind) {
      case "opaque":
        return { opaque: schema.length };
      case "varOpaque":
      case "string":
        return { [schema.kind]: schema.maxLength };
      case "array":
        return { array: this.describe(schema.element), maximum: schema.maxLength };
      case "option":
        return { option: this.describe(schema.element) };
      case "lazy":
        return this.describe(schema.getSchema());
      case "enum":
      case "struct":
      case "union":
        return this.#describeDefined(schema);
      default:
        return schema.kind;
    }
  }

  #describeDefined(schema: AnySchema & { kind: "enum" | "struct" | "union" }): unknown {
    const name = plain(schema.name!);
    if (this.found.has(name)) return name;
    this.found.set(name, undefined);
    const field = (name: string, type: XdrType<unknown>) => [plain(name), this.describe(type)];
    if (schema.kind === "enum") {
      this.found.set(name, Object.fromEntries([...schema.nameByValue].map(([value, name]) => [plain(name), value])));
    } else if (schema.kind === "struct") {
      this.found.set(
        name,
        schema.entries.map(([name, type]) => field(name, type)),
      );
    } else {
      const arms = schema.cases.map(({ discriminant, arm }) => [
        discriminant,
        "schema" in arm ? field(arm.name, arm.schema) : "void",
      ]);
      this.found.set(name, { on: field(schema.switchKey, schema.switchOn), arms: Object.fromEntries(arms) });
    }
    return name;
  }
}

test("the .x files declare what stellar-sdk declares, and nothing else", () => {
  const schema = parseFilesSync([FILE], (path) => readFileSync(path, "utf8"));
  const ours = new OurTypes(schema);
  const theirs = new TheirTypes();
  ours.describe({ kind: "ref", name: "stellar::TransactionEnvelope" });
  theirs.describe(TransactionEnvelope.schema);
  expect(Object.fromEntries(ours.found)).toEqual(Object.fromEntries(theirs.found));
  expect(ours.found.size).toBeGreaterThan(130);
  expect(ours.found.size).toBe(schema.types.filter(({ kind }) => kind !== "typedef").length);
});
