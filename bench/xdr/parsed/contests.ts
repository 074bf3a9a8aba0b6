/**
 * Contests over types of .x files. The values of all contestants have the same shape: strings are bytes, so that all do
 * the same work.
 */
import type { Schema } from "../../../src/xdr/compiler/index.ts";
import { allowCodeGeneration } from "../../../src/xdr/index.ts";
import { agree, refuses } from "../../agree.ts";
import { type Contest, over } from "../../contest.ts";
import { jsXdrOf } from "./js-xdr.ts";
import { oursOf } from "./ours.ts";

/** One type, by one library. */
export interface ParsedType {
  decode(bytes: Uint8Array): unknown;
  encode(value: unknown): Uint8Array;
}

export interface ParsedContestant {
  readonly who: string;
  readonly type: ParsedType;
}

/**
 * The contestants for the type `name`.
 *
 * @param compiled - the type in the module that the compiler writes for the schema
 * @throws {Error} unless they decode each of `samples` to the same value, encode it again, and refuse other bytes
 */
export function contestantsOf(
  schema: Schema,
  name: string,
  compiled: ParsedType,
  samples: readonly Uint8Array[],
): ParsedContestant[] {
  const ours = oursOf(schema).get(name)!;
  const contestants = [
    { who: "schema", type: ours },
    { who: "compiled", type: compiled },
    { who: "interpreter", type: interpreted(oursOf(schema).get(name)!) },
    { who: "js-xdr", type: jsXdrOf(schema).get(name)! },
  ];
  for (const contestant of contestants) {
    checkType(contestant, samples);
    for (const bytes of samples) agree(`${contestant.who} decodes`, contestant.type.decode(bytes), ours.decode(bytes));
  }
  return contestants;
}

/** The type without generated code, as it is under a strict Content-Security-Policy. */
function interpreted(type: ParsedType): ParsedType {
  const without = <T>(run: () => T): T => {
    allowCodeGeneration(false);
    try {
      return run();
    } finally {
      allowCodeGeneration(true);
    }
  };
  return {
    decode: (bytes) => without(() => type.decode(bytes)),
    encode: (value) => without(() => type.encode(value)),
  };
}

function checkType({ who, type }: ParsedContestant, samples: readonly Uint8Array[]): void {
  for (const bytes of samples) agree(`${who} encodes`, new Uint8Array(type.encode(type.decode(bytes))), bytes);
  const [first = new Uint8Array(0)] = samples;
  for (let end = 0; end < first.length; end += 1) {
    refuses(`${who} decodes the first ${end} bytes of ${first.length}`, () => type.decode(first.slice(0, end)));
  }
  refuses(`${who} decodes bytes after the value`, () => type.decode(Uint8Array.of(...first, 0, 0, 0, 0)));
}

/** The contests to decode and to encode `samples`. `patience`: see {@link Contest}. */
export function contestsOf(
  what: string,
  contestants: readonly ParsedContestant[],
  samples: readonly Uint8Array[],
  patience = 1,
): Contest[] {
  const contest = (how: string, run: (type: ParsedType) => () => unknown): Contest => ({
    suite: "xdr",
    what: `${how}, ${what}`,
    size: samples.length,
    patience,
    contestants: contestants.map(({ who, type }) => ({ who, run: run(type) })),
  });
  return [
    contest("decode", (type) => over(samples, (bytes) => type.decode(bytes))),
    contest("encode", (type) =>
      over(
        samples.map((bytes) => type.decode(bytes)),
        (value) => type.encode(value),
      ),
    ),
  ];
}
