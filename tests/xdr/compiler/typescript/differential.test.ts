// Random types in the XDR language: the generated code, types of this library with and without `new Function`, and
// js-xdr write the same bytes, read the same values, and refuse the same.
import { afterEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { CompileOptions } from "../../../../src/xdr/compiler/index.ts";
import { allowCodeGeneration, type XdrType } from "../../../../src/xdr/index.ts";
import { CASES } from "../../js-xdr-cases.ts";
import { change, changes, hasNaN, type Type, theirs, utf8, type Value } from "../../js-xdr-types.ts";
import { type AnyCodec, evaluated } from "./evaluate.ts";
import { cases, combined, expressible, renamed, SchemaWriter } from "./random-schemas.ts";

afterEach(() => allowCodeGeneration(true));

const SEED = 4506;

/** One type as all implementations have it. */
interface Subject {
  readonly type: Type;
  /** A value in the form of js-xdr, and as one of this library. */
  readonly theirs: Value;
  readonly ours: Value;
  readonly generated: AnyCodec;
  readonly compiled: AnyCodec;
  readonly interpreted: AnyCodec;
}

/** Makes these types, all in one schema. */
async function subjects(list: readonly { type: Type; value: Value }[], options: CompileOptions): Promise<Subject[]> {
  const writer = new SchemaWriter();
  for (const [i, { type }] of list.entries()) writer.define(`T${i}`, type);
  const module = await evaluated(writer.source, options);
  const text = options.strings === "bytes" ? (bytes: Uint8Array) => bytes : utf8.decode;
  const big = (value: bigint) => (options.hypers === "number" ? Number(BigInt.asUintN(40, value)) : value);
  return list.map(({ type, value }, i) => ({
    type,
    theirs: value,
    ours: value === undefined ? undefined : renamed(type, value, text, big),
    generated: module[`T${i}`],
    compiled: codecOf(combined(type, options)),
    interpreted: codecOf(combined(type, options)),
  }));
}

function codecOf(type: XdrType<Value>): AnyCodec {
  return type as unknown as AnyCodec;
}

/** The result of one call, which all paths must have: the value, or the error. */
function same<T>({ generated, compiled, interpreted }: Subject, run: (codec: AnyCodec) => T): T {
  const result = run(generated);
  allowCodeGeneration(true);
  expect(run(compiled)).toStrictEqual(result);
  allowCodeGeneration(false);
  expect(run(interpreted)).toStrictEqual(result);
  allowCodeGeneration(true);
  return result;
}

const sample = fc.sample(cases, { seed: SEED, numRuns: 250 });
const mutations = fc.sample(changes, { seed: SEED, numRuns: 250 });

describe("for random types, the generated code does as the types of this library and js-xdr do:", async () => {
  const list = await subjects(sample, { strings: "bytes" });

  test("it writes values as the same bytes, and reads them back", () => {
    for (const subject of list) {
      const bytes = same(subject, (codec) => codec.encode(subject.ours));
      expect<Uint8Array>(bytes).toEqual(theirs(subject.type).encode(subject.theirs));
      expect(same(subject, (codec) => codec.decode(bytes))).toStrictEqual(subject.ours);
      expect(same(subject, (codec) => codec.size(subject.ours))).toBe(bytes.length);
      const target = new Uint8Array(bytes.length + 8);
      expect(same(subject, (codec) => codec.encodeInto(subject.ours, target, 4))).toBe(bytes.length);
      expect(target.subarray(4, -4)).toEqual(bytes);
    }
  });

  test("it accepts or refuses mutated bytes", () => {
    let accepted = 0;
    for (const [i, subject] of list.entries()) {
      const original = subject.generated.encode(subject.ours);
      for (const mutation of mutations.slice(i, i + 5)) {
        const bytes = change(original, mutation);
        const result = same(subject, (codec) => codec.tryDecode(bytes));
        expect(result.ok).toBe(theirs(subject.type).validateXdr(bytes));
        if (!result.ok) continue;
        accepted += 1;
        if (!hasNaN(result.value)) expect<Uint8Array>(subject.generated.encode(result.value)).toEqual(bytes);
      }
    }
    expect(accepted).toBeWithin(200, 1800);
  });

  test("it refuses each input that ends too early, and tells how much is missing", () => {
    let refused = 0;
    for (const subject of list) {
      const bytes = subject.generated.encode(subject.ours);
      for (let length = 0; length < Math.min(bytes.length, 64); length += 3) {
        const result = same(subject, (codec) => codec.tryDecode(bytes.subarray(0, length)));
        if (!result.ok) refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });

  test("it refuses values of other types, with the same path and message", () => {
    const paths = new Set<string>();
    for (const [i, subject] of list.entries()) {
      const others = [null, undefined, {}, [], 7, -1, 2 ** 40, 7n, "x", new Uint8Array(3)];
      const values = [...others, ...list.slice(i, i + 10).map(({ ours }) => ours)];
      for (const value of [...values, ...damaged(subject.ours, values)]) {
        const result = same(subject, (codec) => codec.validate(value));
        if (!result.ok) paths.add(result.path);
      }
    }
    expect(paths.size).toBeGreaterThan(100);
  });
});

/** Copies of an object in which one property is another value. */
function damaged(value: Value, others: readonly Value[]): Value[] {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return [];
  return Object.keys(value).flatMap((key, i) => {
    const replace = (replacement: Value) =>
      Object.assign(Array.isArray(value) ? [...value] : { ...value }, replacement);
    const inner = damaged(value[key], others).slice(0, 3);
    return [others[i % others.length], ...inner].map((other) => replace({ [key]: other }));
  });
}

describe.each<Required<CompileOptions>>([
  { strings: "text", hypers: "number", opaques: "copy" },
  { strings: "either", hypers: "bigint", opaques: "view" },
  { strings: "bytes", hypers: "number", opaques: "copy" },
])("with strings as $strings, hypers as $hypers and opaques as $opaques, the generated code", async (options) => {
  const list = await subjects(sample.slice(0, 200), options);

  test("reads, writes and refuses as the types of this library do", () => {
    for (const [i, subject] of list.entries()) {
      const bytes = same(subject, (codec) => codec.encode(subject.ours));
      expect(same(subject, (codec) => codec.decode(bytes))).toStrictEqual(subject.ours);
      for (const mutation of mutations.slice(i, i + 5)) {
        const mutated = change(bytes, mutation);
        same(subject, (codec) => codec.tryDecode(mutated));
      }
      for (const { ours } of list.slice(i, i + 5)) same(subject, (codec) => codec.validate(ours));
    }
  });
});

describe("js-xdr's own cases", async () => {
  // The fields of a struct and void are only parts of other types in the XDR language.
  const list = CASES.filter(({ type }) => isDeepEqual(expressible(type), type));
  const made = await subjects(
    list.map((each) => ({ type: each.type, value: each.values?.[0]?.[0] })),
    { strings: "bytes" },
  );
  test.each(list.map((each, i) => ({ ...each, subject: made[i]! })))("$about", (each) => {
    const { subject, type, values = [], badBytes = [], badValues = [] } = each;
    const bytesOf = (hex: string) => Uint8Array.fromHex(hex.replaceAll(/\s/g, ""));
    const identity = <T>(value: T) => value;
    for (const [value, hex] of values) {
      const ours = renamed(type, value, identity, identity);
      expect<Uint8Array>(same(subject, (codec) => codec.encode(ours))).toEqual(bytesOf(hex));
      expect(same(subject, (codec) => codec.decode(bytesOf(hex)))).toStrictEqual(ours);
    }
    for (const hex of badBytes) expect(same(subject, (codec) => codec.tryDecode(bytesOf(hex))).ok).toBe(false);
    for (const value of badValues) expect(same(subject, (codec) => codec.validate(value)).ok).toBe(false);
  });
});

function isDeepEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
