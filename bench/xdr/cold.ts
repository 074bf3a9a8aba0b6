/** How long a program waits for its first value: it makes its types, then it decodes or encodes one value. */
import * as js from "@stellar/js-xdr";
import type { Schema } from "../../src/xdr/compiler/index.ts";
import { struct } from "../../src/xdr/index.ts";
import { agree } from "../agree.ts";
import { type Contest, type Contestant, kept } from "../contest.ts";
import type { ParsedType } from "./parsed/contests.ts";
import { jsXdrOf } from "./parsed/js-xdr.ts";
import { oursOf } from "./parsed/ours.ts";
import { benchSchema, stellarSchema } from "./parsed/schemas.ts";
import { schemaContestant } from "./schema.ts";
import { ENVELOPE, envelopes } from "./stellar.ts";
import { transaction } from "./values.ts";

/** Makes all types of a schema anew. Returns a struct with one field of the given name: the type that is used. */
type Make = (schema: Schema, type: string, field: string) => ParsedType;

const ours: Make = (schema, type, field) => struct({ [field]: oursOf(schema).get(type)! }) as ParsedType;
const theirs: Make = (schema, type, field) => js.struct("value", { [field]: jsXdrOf(schema).get(type)! }) as ParsedType;

export function coldContests(): Contest[] {
  const bytes = schemaContestant().transaction.encode(transaction(1));
  return [
    ...contestsFor("transaction of 6 operations", benchSchema(), "transaction", bytes),
    ...contestsFor("Stellar envelope", stellarSchema(), ENVELOPE, envelopes()[0]!),
  ];
}

function contestsFor(what: string, schema: Schema, name: string, bytes: Uint8Array): Contest[] {
  const value = oursOf(schema).get(name)!.decode(bytes);
  const contest = (how: string, one: (type: ParsedType, field: string) => unknown, expected: unknown): Contest => {
    const contestant = (who: string, make: Make): Contestant => {
      const run = newTypes(schema, name, make, one);
      agree(`${who}: ${how}, ${what}`, run(), expected);
      return { who, run };
    };
    return {
      suite: "xdr",
      what: `${how}, ${what}`,
      size: 1,
      contestants: [contestant("schema", ours), contestant("js-xdr", theirs)],
    };
  };
  return [
    contest("first decode", (type, field) => Reflect.get(type.decode(bytes) as object, field), value),
    contest("first encode", (type, field) => new Uint8Array(type.encode({ [field]: value })), bytes),
  ];
}

/** A run that makes types and uses one of them once. */
function newTypes(schema: Schema, name: string, make: Make, one: (type: ParsedType, field: string) => unknown) {
  let runs = 0;
  return () => {
    runs += 1;
    // Engines keep what they compiled for a source. With a new name in it, the source is new to them, as in a new process.
    const field = `value${runs}`;
    kept.last = one(make(schema, name, field), field);
    return kept.last;
  };
}
