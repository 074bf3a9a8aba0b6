// Compares the two paths of types of every kind, generated code and the interpreter, with each other, and with the same
// types written by hand with XdrReader and XdrWriter.
import { describe, expect, spyOn, test } from "bun:test";
import { join } from "node:path";
import fc from "fast-check";
import {
  allowCodeGeneration,
  encode,
  type Infer,
  int,
  list,
  opaque,
  struct,
  uint,
  union,
  voidType,
  XdrError,
  XdrReader,
  type XdrType,
} from "../../../src/xdr/index.ts";
import { change, changes, hasNaN, type Type, type Value } from "../js-xdr-types.ts";
import { on, onBoth } from "./paths.ts";
import { make, type Node, nodes, read, typed, write } from "./random-types.ts";

const SEED = 4506;

/** What `run` returns, or all that there is to know about the error that it throws. */
function outcome<T>(run: () => T): { value: T } | { [fact: string]: unknown } {
  try {
    return { value: run() };
  } catch (error) {
    const { name, message } = error as Error;
    if (!(error instanceof XdrError)) return { name, message };
    const { code, offset, path, needs } = error;
    return { name, message, code, offset, path, needs };
  }
}

/** Whether the bytes are a value of the type. All ways to read them must agree. */
function readsAlike(node: Node, types: readonly XdrType<Value>[], bytes: Uint8Array): boolean {
  const [generated, interpreted] = types.map((type) => outcome(() => type.decode(bytes)));
  expect(interpreted).toStrictEqual(generated!);
  const byHand = outcome(() => {
    const reader = new XdrReader(bytes);
    const value = read(reader, bytes, node);
    reader.end();
    return value;
  });
  if ("value" in generated!) {
    expect(byHand).toStrictEqual(generated);
    for (const type of types) {
      expect(type.tryDecode(bytes)).toStrictEqual({ ok: true, value: generated.value });
      const again = outcome(() => type.encode(generated.value as Value));
      // Only the payload of a NaN may be lost.
      if (!hasNaN(generated.value)) expect(again).toEqual({ value: bytes });
    }
    return true;
  }
  const { code, offset, path, needs } = generated as { [fact: string]: unknown };
  expect(byHand).toMatchObject({ name: "XdrError", code, offset, needs });
  const refusal = needs === undefined ? { ok: false, code, offset, path } : { ok: false, code, offset, path, needs };
  for (const type of types) expect(type.tryDecode(bytes)).toStrictEqual(refusal as never);
  return false;
}

/** Whether the value is one of the type. All ways to write it must agree. */
function writesAlike(types: readonly XdrType<Value>[], value: Value): boolean {
  const [generated, interpreted] = types.map((type) => outcome(() => type.encode(value)));
  expect(interpreted).toStrictEqual(generated!);
  const target = new Uint8Array(4000).fill(0xa5);
  for (const type of types) {
    const result = type.validate(value);
    if ("value" in generated!) {
      const bytes = generated.value as Uint8Array;
      expect(result).toStrictEqual({ ok: true, value });
      expect(type.size(value)).toBe(bytes.length);
      expect(type.encodeInto(value, target, 8)).toBe(bytes.length);
      expect(target.subarray(8, 8 + bytes.length)).toEqual(bytes as never);
      target.fill(0xa5);
      continue;
    }
    if (result.ok) expect.unreachable();
    const { name, message } = generated as { [fact: string]: unknown };
    expect(["TypeError", "RangeError"]).toContain(name as string);
    expect(message).toBe(result.path === "" ? result.message : `${result.path}: ${result.message}`);
    expect(outcome(() => type.size(value))).toEqual(generated!);
    expect(outcome(() => type.encodeInto(value, target, 8))).toEqual(generated!);
    expect(target.every((byte) => byte === 0xa5)).toBe(true);
  }
  return "value" in generated!;
}

/** A copy of a value in which one part, chosen by `which`, is replaced. */
function replaced(value: Value, which: number, junk: unknown): Value {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array || which % 4 === 0) return junk;
  const keys = Object.keys(value);
  if (keys.length === 0) return junk;
  const copy = Array.isArray(value) ? [...value] : { ...value };
  const key = keys[which % keys.length]!;
  copy[key] = replaced(copy[key], Math.floor(which / 4), junk);
  return copy;
}

const junk = fc.oneof(
  fc.constantFrom<unknown>(null, undefined, -1, 1.5, 2 ** 32, 2n ** 64n, -1n, "", "\ud800", "x".repeat(99), true, NaN),
  fc.constantFrom<unknown>([], [1], {}, { valueOf: 9 }, new Uint8Array(99), new Uint16Array(2), Symbol.iterator),
);

describe("for random types of every kind, generated code and the interpreter agree with types written by hand:", () => {
  test("values have the same bytes, or are rejected for the same reason in the same place", () => {
    let accepted = 0;
    fc.assert(
      fc.property(typed, ({ node, value }) => {
        const types = onBoth(() => make(node));
        if (!writesAlike(types, value)) return;
        accepted += 1;
        const bytes = types[0]!.encode(value);
        expect(bytes).toEqual(encode((w) => write(w, node, value)));
        expect(readsAlike(node, types, bytes)).toBe(true);
      }),
      { seed: SEED, numRuns: 250 },
    );
    expect(accepted).toBeWithin(150, 245);
  });

  test("mutated bytes have the same value, or are refused with the same code, offset, path, needs and message", () => {
    let accepted = 0;
    let refused = 0;
    fc.assert(
      fc.property(typed, fc.array(changes, { minLength: 2, maxLength: 4 }), ({ node, value }, lists) => {
        const types = onBoth(() => make(node));
        const encoded = outcome(() => types[0]!.encode(value));
        const bytes = "value" in encoded ? (encoded.value as Uint8Array) : new Uint8Array(40);
        for (const list of lists) {
          if (readsAlike(node, types, change(bytes, list))) accepted += 1;
          else refused += 1;
        }
      }),
      { seed: SEED, numRuns: 250 },
    );
    expect(accepted).toBeGreaterThan(60);
    expect(refused).toBeGreaterThan(250);
  });

  test("wrong values throw the same error, and validate gives the same path and message", () => {
    let accepted = 0;
    let rejected = 0;
    fc.assert(
      fc.property(
        typed,
        fc.array(fc.tuple(fc.nat(4000), junk), { minLength: 2, maxLength: 4 }),
        ({ node, value }, list) => {
          const types = onBoth(() => make(node));
          for (const [which, wrong] of list) {
            if (writesAlike(types, replaced(value, which, wrong))) accepted += 1;
            else rejected += 1;
          }
        },
      ),
      { seed: SEED, numRuns: 250 },
    );
    expect(accepted).toBeGreaterThan(10);
    expect(rejected).toBeGreaterThan(250);
  });

  test("the same depth is too deep", () => {
    let tooDeep = 0;
    fc.assert(
      fc.property(typed, fc.nat(3), ({ node, value }, maxDepth) => {
        const types = onBoth(() => make(node));
        const encoded = outcome(() => types[0]!.encode(value));
        if (!("value" in encoded)) return;
        const [first, second] = types.map((type) => [
          outcome(() => type.decode(encoded.value as Uint8Array, { maxDepth })),
          outcome(() => type.encode(value, { maxDepth })),
        ]);
        expect(second).toStrictEqual(first!);
        // What may be encoded may be decoded, and the reverse.
        expect("value" in first![0]!).toBe("value" in first![1]!);
        if (!("value" in first![0]!)) tooDeep += 1;
      }),
      { seed: SEED, numRuns: 300 },
    );
    expect(tooDeep).toBeGreaterThan(50);
  });

  test("fed byte by byte, each refusal needs no more than is missing, and following it ends in the value", () => {
    fc.assert(
      fc.property(typed, ({ node, value }) => {
        const types = onBoth(() => make(node));
        const encoded = outcome(() => types[0]!.encode(value));
        if (!("value" in encoded)) return;
        const bytes = encoded.value as Uint8Array;
        const after = Uint8Array.of(...bytes, 1, 2, 3);
        for (const type of types) {
          for (let size = 0; size < Math.min(bytes.length, 60); size += 1) {
            const reader = new XdrReader(bytes.subarray(0, size));
            const result = type.tryDecodeFrom(reader);
            if (result.ok) expect.unreachable();
            expect(result.needs).toBeWithin(1, bytes.length - size + 1);
            expect(reader.offset).toBe(0);
          }
          let size = 0;
          for (let result = type.tryDecodeFrom(new XdrReader(after.subarray(0, size))); !result.ok; ) {
            size += result.needs!;
            const reader = new XdrReader(after.subarray(0, size));
            result = type.tryDecodeFrom(reader);
            if (result.ok) expect(reader.offset).toBe(bytes.length);
          }
          expect(size).toBe(bytes.length);
        }
      }),
      { seed: SEED, numRuns: 100 },
    );
  });
});

describe("code is generated", () => {
  /** How many functions are made of source while `run` runs. */
  function generated(run: () => void): number {
    const spy = spyOn(globalThis, "Function");
    try {
      run();
      return spy.mock.calls.length;
    } finally {
      spy.mockRestore();
    }
  }
  const make = () => struct({ a: list(struct({ b: int }), 9), c: union("d", int, { 1: voidType }) });

  test("once for reading and once for writing a type with all its parts", () => {
    const type = make();
    const value: Infer<ReturnType<typeof make>> = { a: [{ b: 1 }], c: { d: 1 } };
    expect(generated(() => type.encode(value))).toBe(1);
    expect(generated(() => type.decode(type.encode(value)))).toBe(1);
    expect(
      generated(() => {
        type.decode(type.encode(value));
        type.fields.a.encode([{ b: 1 }]);
        type.fields.c.decode(type.fields.c.encode({ d: 1 }));
      }),
    ).toBe(0);
  });

  test("not for the first 99 uses of a type, unless the program asks for it", async () => {
    const module = JSON.stringify(join(import.meta.dir, "../../../src/xdr/index.ts"));
    const program = `
      const { allowCodeGeneration, struct, uint } = await import(${module});
      const original = globalThis.Function;
      let count = 0;
      globalThis.Function = function (...source) {
        count++;
        return original(...source);
      };
      const counts = [];
      const [first, second] = [struct({ a: uint }), struct({ a: uint })];
      for (let i = 0; i < 99; i++) first.encode({ a: 7 });
      counts.push(count);
      first.encode({ a: 7 });
      counts.push(count);
      allowCodeGeneration(true);
      second.encode({ a: 7 });
      counts.push(count);
      console.log(JSON.stringify(counts));`;
    const child = Bun.spawn([process.execPath, "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
    expect(JSON.parse(await child.stdout.text())).toEqual([0, 1, 2]);
  });

  test("not when types are created, so that it can still be forbidden", () => {
    expect(generated(() => make())).toBe(0);
  });

  test("not after allowCodeGeneration(false)", () => {
    expect(generated(() => on("interpreted", make))).toBe(0);
    expect(generated(() => on("generated", make))).toBe(2);
    expect(generated(() => on("generated", () => opaque(9)))).toBe(0);
  });

  test("not again after the first attempt was forbidden: no code is needed", () => {
    const original = globalThis.Function;
    let attempts = 0;
    globalThis.Function = (() => {
      attempts += 1;
      throw new EvalError("unsafe-eval is not allowed");
    }) as never;
    try {
      for (const type of [make(), make()]) {
        expect(type.decode(type.encode({ a: [], c: { d: 1 } }))).toEqual({ a: [], c: { d: 1 } });
      }
      expect(attempts).toBe(1);
    } finally {
      globalThis.Function = original;
      allowCodeGeneration(true);
    }
  });
});

test("the random types have every kind", () => {
  const text = JSON.stringify(fc.sample(nodes, { seed: SEED, numRuns: 300 }));
  const found = new Set([...text.matchAll(/"kind":"(\w+)"/g)].map(([, kind]) => kind!));
  const kinds: (Node["kind"] | Type["kind"])[] = [
    ...(["leaf", "safeHyper", "safeUhyper", "constant", "string", "array", "list", "fixedArray", "optional"] as const),
    ...(["refine", "transform", "lazy", "nested", "struct", "union", "recursive", "int", "uint", "hyper"] as const),
    ...(["uhyper", "float", "double", "bool", "void", "enum", "fixedOpaque", "opaque"] as const),
  ];
  expect([...found].sort()).toEqual(kinds.sort());
});

test("a host that forbids generated code with any error gets the interpreter", () => {
  const real = globalThis.Function;
  const type = struct({ a: uint });
  allowCodeGeneration(true);
  try {
    globalThis.Function = (() => {
      throw new TypeError("code generation is off");
    }) as never;
    expect(type.decode(Uint8Array.of(0, 0, 0, 7))).toEqual({ a: 7 });
    expect(type.encode({ a: 7 })).toEqual(Uint8Array.of(0, 0, 0, 7));
  } finally {
    globalThis.Function = real;
    allowCodeGeneration(true);
  }
});
