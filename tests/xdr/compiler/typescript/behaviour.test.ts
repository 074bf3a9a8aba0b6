// What generated modules do when they run.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { compileFiles } from "../../../../src/xdr/compiler/index.ts";
import { MAX_LENGTH, XdrError } from "../../../../src/xdr/index.ts";
import { greedy, unbounded } from "../../schema/limits.ts";
import { type AnyCodec, compiled, evaluated, imported } from "./evaluate.ts";
import { NAMES, SMALL } from "./sources.ts";

const small = await evaluated(SMALL);
const { answer, file, filekind, filetype, folder, digest, hash, sort } = small;

const FILE = {
  filename: "sillyprog",
  type: { kind: 2, interpretor: "lisp" },
  owner: "john",
  data: Uint8Array.of(0x28, 0x71, 0x75, 0x69, 0x74, 0x29),
  modified: -1n,
  next: null,
  offsets: [0n, 2n ** 64n - 1n],
};

test("the example of RFC 4506 §7 has the bytes that the RFC shows", () => {
  const bytes = file.encode(FILE);
  expect(bytes.subarray(0, 48).toHex()).toBe(
    "0000000973696c6c7970726f67000000" +
      "00000002000000046c697370" +
      "000000046a6f686e" +
      "0000000628717569" +
      "74290000",
  );
  expect(file.decode(bytes)).toEqual(FILE);
  expect(file.size(FILE)).toBe(bytes.length);
  expect(folder.decode(folder.encode([FILE, { ...FILE, next: FILE }]))).toEqual([FILE, { ...FILE, next: FILE }]);
});

test("an enum has its members, their names, and the methods of a codec; a typedef of it reads and writes the same", () => {
  expect([filekind.TEXT, filekind.DATA, filekind.EXEC]).toEqual([0, 1, 2]);
  expect(filekind.decode(filekind.encode(filekind.EXEC))).toBe(2);
  expect([filekind.nameOf(1), filekind.nameOf(7)]).toEqual(["DATA", undefined]);
  expect(filekind.tryDecode(Uint8Array.of(0, 0, 0, 3))).toEqual({
    ok: false,
    code: "unknown-enum",
    offset: 0,
    path: "",
  });
  expect(sort.encode(filekind.DATA)).toEqual(filekind.encode(filekind.DATA));
});

test("typedefs of typedefs read and write as the type that they name", () => {
  const bytes = new Uint8Array(20).fill(7);
  expect(digest.encode(bytes)).toEqual(hash.encode(bytes));
  expect(digest.decode(bytes)).toEqual(bytes);
});

test("a union with a default arm for all other numbers has it, and cases without fields", () => {
  for (const value of [
    { status: 0, files: [] },
    { status: 1, files: [FILE] },
    { status: -1 },
    { status: 7, error: "no" },
  ]) {
    expect(answer.decode(answer.encode(value))).toEqual(value);
  }
});

describe("an error", () => {
  const bytes = file.encode(FILE);
  bytes[19] = 9;

  test("names code, offset and path, and is an XdrError of the module and of this library", () => {
    const thrown = catching(() => folder.decode(Uint8Array.of(0, 0, 0, 1, ...bytes)));
    expect(thrown).toBeInstanceOf(XdrError);
    expect(thrown).toBeInstanceOf(small.XdrError);
    expect(thrown).toMatchObject({ code: "unknown-enum", offset: 20, path: "[0].type.kind" });
    expect(new XdrError("truncated", 0, "")).toBeInstanceOf(small.XdrError);
  });

  test("of a wrong value is a TypeError or RangeError with the path", () => {
    expect(() => file.encode({ ...FILE, type: { kind: 1, creator: 5 } })).toThrow(
      new TypeError("type.creator: string: expected a string, got number"),
    );
    expect(() => file.encode({ ...FILE, owner: "x".repeat(33) })).toThrow(
      new RangeError("owner: string: length 33 is over the maximum of 32"),
    );
    expect(filetype.validate({ kind: 3 })).toMatchObject({ ok: false, path: "kind" });
  });
});

function catching(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

test("opaque data are copies if that is asked for, also of a Buffer; otherwise long ones are views", async () => {
  const source = "struct s { opaque a[100]; opaque b<100>; string c<>; };";
  const long = new Uint8Array(100).fill(0xff);
  const value = { a: long, b: long, c: long };
  const view = await evaluated(source, { strings: "either" });
  const copy = await evaluated(source, { strings: "either", opaques: "copy" });
  const bytes = view.s.encode(value);
  for (const input of [bytes, Buffer.from(bytes)]) {
    const viewed = view.s.decode(input);
    const copied = copy.s.decode(input);
    expect(copied).toEqual(value);
    input.fill(0);
    expect(copied).toEqual(value);
    expect([...Object.values<Uint8Array>(viewed)].map((part) => part.every((byte) => byte === 0))).toEqual([
      true,
      true,
      true,
    ]);
    input.set(bytes === input ? view.s.encode(value) : bytes);
  }
});

test("fields and members may have the names of what the module uses itself", async () => {
  const names = await evaluated(NAMES);
  const object = Object.fromEntries(
    ["input", "output", "value", "within", "class", "object", "Array", "readInt", "constructor", "encode", "type"].map(
      (name, i) => [name, i + 1],
    ),
  );
  const value = { ...object, encode: names.decode.static, type_: 12, undefined: 13 };
  expect(names.object_.decode(names.object_.encode(value))).toEqual(value);
  expect(() => names.object_.encode({ ...value, constructor: undefined })).toThrow(/^constructor: /);
  const { constructor: _, ...rest } = value as { constructor?: unknown };
  expect(() => names.object_.encode(rest)).toThrow(/^constructor: /);
  for (const union of [
    { constructor: names.decode.encode_, toString: 7 },
    { constructor: names.decode.static, start: { x: [1] } },
    { constructor: names.decode.size_, hasOwnProperty: { x: 1 } },
  ]) {
    expect(names.Uint.decode(names.Uint.encode(union))).toEqual(union);
  }
  for (const union of [{ this: 1 }, { this: 2, this_: 3n }]) {
    expect(names.infer_.decode(names.infer_.encode(union))).toEqual(union);
  }
  for (const union of [
    { t: names.start_.INPUT, a: 1 },
    { t: names.start_.OUTPUT, b: names.value_.VALUE },
  ]) {
    expect(names.output_.decode(names.output_.encode(union))).toEqual(union);
  }
  expect(names.Uses.decode(names.Uses.encode({ kind: 1, inner: { outer: { x: 5 } } }))).toEqual({
    kind: 1,
    inner: { outer: { x: 5 } },
  });
});

/** The types of limits.ts in the XDR language. It has no lists, and void is only an arm. */
const GREEDY = `
typedef opaque opaques<>;
typedef string strings<>;
typedef bool bools<>;
typedef opaques many_opaques<>;
union nothing switch (int d) { case 0: void; default: void; };
typedef nothing unions<>;
typedef int ints<>;
typedef ints int_arrays<>;
typedef int_arrays arrays<>;
typedef int most[4294967295];
typedef most fixed[4294967295];
typedef ints *maybe;
typedef maybe optionals<>;
struct tree { tree children<>; };
`;
const SAME: { readonly [name: string]: string } = {
  opaques: "opaque",
  strings: "string",
  bools: "array of bool",
  many_opaques: "array of opaque",
  unions: "array of unions",
  arrays: "array of arrays",
  fixed: "fixed array",
  optionals: "optional of an array",
  tree: "tree",
};

test("inputs that request as much as possible are refused as the types of this library refuse them", async () => {
  const module = await evaluated(GREEDY);
  const types = unbounded();
  let deep = 0;
  for (const [name, same] of Object.entries(SAME)) {
    const codec: AnyCodec = module[name];
    for (const bytes of [4, 8, 40, 40_000].flatMap(greedy)) {
      const result = codec.tryDecode(bytes);
      const expected = types[same]!.tryDecode(bytes);
      if (!result.ok) expect(result, name).toEqual(expected as typeof result);
      else expect(Bun.deepEquals(result, expected), name).toBe(true);
      if (!result.ok && result.code === "too-deep") deep += 1;
    }
  }
  expect(deep).toBeGreaterThan(0);
});

test("the depth of reading and writing is limited, and the limit can be set", () => {
  let nested = FILE as { next: unknown };
  for (let i = 0; i < 500; i += 1) nested = { ...FILE, next: nested };
  // Each optional is a level, and the last union another.
  expect(() => file.encode(nested)).toThrow(/^….*\.next\.type: nested deeper than the maxDepth of 500/);
  const bytes = file.encode(nested, { maxDepth: 501 });
  expect(file.tryDecode(bytes)).toMatchObject({ ok: false, code: "too-deep" });
  expect(file.tryDecode(bytes, { maxDepth: 501 }).ok).toBe(true);
  expect(() => file.decode(bytes, { maxDepht: 501 })).toThrow(/^options has no key "maxDepht"/);
  expect(() => file.decode(bytes, { maxDepth: MAX_LENGTH + 1 })).toThrow(RangeError);
});

test("a cycle of values is refused instead of overflowing the stack", () => {
  const cycle: { next: unknown } = { ...FILE };
  cycle.next = cycle;
  expect(() => file.encode(cycle)).toThrow(/nested deeper than the maxDepth of 500: is it a cycle\?/);
});

test("the compiler makes the same code when it is bundled and its names are shortened", async () => {
  const entry = new URL("../../../../src/xdr/compiler/index.ts", import.meta.url).pathname;
  const options = { bundle: true, minify: true, format: "esm", write: false } as const;
  const { outputFiles } = await build({ entryPoints: [entry], ...options });
  const folder = mkdtempSync(join(tmpdir(), "xdr-compiler-"));
  try {
    await Bun.write(join(folder, "compiler.js"), outputFiles[0]!.contents);
    const { compile, parseFilesSync } = await import(join(folder, "compiler.js"));
    for (const options of [{}, { strings: "either", hypers: "number", opaques: "copy" }] as const) {
      const module = compile(
        parseFilesSync(["a.x"], () => SMALL),
        options,
      );
      expect(module === compiled(SMALL, options)).toBe(true);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe("what a program does not use is not in its bundle", () => {
  const folder = mkdtempSync(join(tmpdir(), "xdr-bundle-"));
  const entry = join(folder, "program.ts");
  const prepare = async (program: string) => {
    await Bun.write(join(folder, "small.ts"), compiled(SMALL));
    await Bun.write(entry, program);
  };
  const withBun = async () => {
    const { outputs } = await Bun.build({ entrypoints: [entry], minify: { syntax: true, whitespace: true } });
    return await outputs[0]!.text();
  };
  const withEsbuild = async () => {
    const { outputFiles } = await build({ entryPoints: [entry], bundle: true, format: "esm", write: false });
    return outputFiles[0]!.text;
  };

  test.each([
    ["Bun", withBun],
    ["esbuild", withEsbuild],
  ])("of %s", async (_, bundle) => {
    await prepare('import { hash } from "./small.ts"; console.log(hash.decode(new Uint8Array(20)));');
    const hashOnly = await bundle();
    expect(hashOnly).toContain("readFixedOpaque");
    expect(hashOnly.match(/readFile|readFilekind|xdrEnum|readString|decodeUtf8|TextDecoder|countOf/g)).toBeNull();
    await prepare('import { MAXFILELEN } from "./small.ts"; console.log(MAXFILELEN);');
    expect((await bundle()).match(/\b(read|write)[A-Z]|xdrCodec|XdrInput/g)).toBeNull();
  });
  afterAll(() => rmSync(folder, { recursive: true }));
});

test("a module imports nothing, and generates no code", () => {
  expect(compiled(SMALL).match(/^import\b.*|\beval\(|\bFunction\(/gm)).toBeNull();
});

test("the module of Stellar's transactions reads real envelopes, and writes the same bytes", async () => {
  const root = join(import.meta.dir, "../../../..");
  const envelopes: { [name: string]: string } = await Bun.file(join(root, "bench/xdr/stellar-envelopes.json")).json();
  const schema = await compileFiles([join(root, "examples/stellar/transaction.x")], (file) => Bun.file(file).text(), {
    strings: "bytes",
  });
  const { TransactionEnvelope } = await imported(schema);
  for (const text of Object.values(envelopes)) {
    const bytes = Uint8Array.fromBase64(text);
    expect(TransactionEnvelope.encode(TransactionEnvelope.decode(bytes))).toEqual(bytes);
  }
  expect(Object.keys(envelopes).length).toBeGreaterThan(3);
});
