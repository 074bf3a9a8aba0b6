// Files, #include, conditions and other directives.

import { expect, test } from "bun:test";
import { parseFiles, parseFilesSync, XdrCompileError } from "../../../src/xdr/compiler/index.ts";
import { parse, problems } from "./parse.ts";

/** Parses `main.x` with files that it can include. Returns the schema and what was read. */
function compile(files: { readonly [file: string]: string }, ...entries: string[]) {
  const reads: string[] = [];
  const schema = parseFilesSync(entries.length > 0 ? entries : ["main.x"], (path, from) => {
    reads.push(from === undefined ? path : `${path} from ${from}`);
    return files[path];
  });
  return { ...schema, reads };
}

test("files that are given together see each other's definitions", () => {
  const { files, types } = compile({ "b.x": "typedef a b;", "a.x": "typedef int a; typedef b c;" }, "b.x", "a.x");
  expect(files).toEqual(["b.x", "a.x"]);
  expect(types.map(({ name, position }) => `${position.file}:${position.line}:${position.column} ${name}`)).toEqual([
    "a.x:1:13 a",
    "b.x:1:11 b",
    "a.x:1:26 c",
  ]);
});

test("a file that is included is read once, and comes before the file that includes it", () => {
  const { files, reads, types } = compile({
    "main.x": '#include "lib/a.x"\n  #  include <lib/b.x> // here\ntypedef a c;',
    "lib/a.x": '#include "b.x"\n#include "../common.x"\ntypedef b a;',
    "lib/b.x": '#include "./../common.x" /* there */\ntypedef common b;',
    "common.x": "typedef int common;",
  });
  expect(files).toEqual(["common.x", "lib/b.x", "lib/a.x", "main.x"]);
  expect(reads).toEqual(["main.x", "lib/a.x from main.x", "lib/b.x from lib/a.x", "common.x from lib/b.x"]);
  expect(types.map(({ name }) => name)).toEqual(["common", "b", "a", "c"]);
});

test("files may include each other and themselves", () => {
  const { files, types } = compile({
    "main.x": '#include "main.x"\n#include "a.x"\nstruct m { a *x; };',
    "a.x": '#include "main.x"\nstruct a { m *y; };',
  });
  expect(files).toEqual(["a.x", "main.x"]);
  expect(types.map(({ name, recursive }) => [name, recursive])).toEqual([
    ["a", true],
    ["m", true],
  ]);
});

test("includes that have no end are reported", () => {
  const parse = () => parseFilesSync(["main.x"], () => '#include "link/main.x"');
  expect(parse).toThrow(/link\/main\.x:1:1: files include each other more than 200 deep/);
});

test.each([
  ["a.x", "b.x", "b.x"],
  ["./a.x", "b.x", "b.x"],
  ["x/y/a.x", "../b.x", "x/b.x"],
  ["x/y/a.x", "../../../b.x", "../b.x"],
  ["../a.x", "../b.x", "../../b.x"],
  ["/x/a.x", "b.x", "/x/b.x"],
  ["/x/a.x", "/y/./b.x", "/y/b.x"],
  ["/a.x", "../b.x", "/../b.x"],
  ["https://host/x/a.x", "../b.x", "https://host/b.x"],
  ["x/a.x", "https://host/b.x", "https://host/b.x"],
  ["C:\\x\\a.x", "b.x", "C:\\x\\b.x"],
])("the file %s that includes %s reads %s", (entry, path, expected) => {
  const reads: string[] = [];
  parseFilesSync([entry], (file) => {
    reads.push(file);
    return reads.length === 1 ? `#include "${path}"` : "";
  });
  expect(reads[1]).toBe(expected);
});

test("a file that is missing is reported where it is included", () => {
  expect(problems({ "a.x": 'typedef int a;\n #include "none.x"' })).toEqual(["2:2 there is no file none.x"]);
  expect(() => compile({})).toThrow(
    new XdrCompileError([{ file: "main.x", line: 1, column: 1, reason: "there is no file main.x" }]),
  );
});

test("an error of the callback that reads is the cause of the error", async () => {
  const cause = new Error("EACCES: permission denied");
  const read = (path: string) => {
    if (path === "a.x") return '#include "b.x"';
    throw cause;
  };
  const expected = { file: "a.x", line: 1, column: 1, cause };
  const reason = "b.x cannot be read: EACCES: permission denied";
  for (const attempt of [
    async () => parseFilesSync(["a.x"], read),
    () => parseFiles(["a.x"], async (path) => read(path)),
  ]) {
    const error = await attempt().catch((thrown) => thrown);
    expect(error).toBeInstanceOf(XdrCompileError);
    expect(error).toMatchObject(expected);
    expect(error.problems[0].reason).toBe(reason);
  }
});

test("parseFiles awaits what is read, and gives the same as parseFilesSync", async () => {
  const files: { [path: string]: string } = { "a.x": '#include "b.x"\ntypedef b a;', "b.x": "typedef int b;" };
  const schema = await parseFiles(["a.x"], async (path) => {
    await Promise.resolve();
    return files[path];
  });
  expect(schema).toEqual(parseFilesSync(["a.x"], (path) => files[path]));
  expect(schema).toEqual(await parseFiles(["a.x"], (path) => files[path]));
  expect(schema.files).toEqual(["b.x", "a.x"]);
});

test("lines that begin with % are dropped", () => {
  const source = "%#include <foo.h>\n  % struct broken {\n%/* no comment\nstruct s {\n% int x;\n int a;\n};\n%";
  expect(parse(source).types.map(({ name }) => name)).toEqual(["s"]);
});

/** The names that remain of a source of typedefs. */
function names(source: string, defines?: { [name: string]: number | bigint | true }): string {
  const { constants, types } = parse(source, defines && { defines });
  return [...constants, ...types].map(({ name }) => name).join(" ");
}

test.each([
  ["#ifdef A\nx\n#endif", "", ""],
  ["#ifdef A\nx\n#endif", "A", "x"],
  ["#ifndef A\nx\n#else\ny\n#endif", "", "x"],
  ["#ifndef A\nx\n#else\ny\n#endif", "A", "y"],
  ["#if defined(A)\nx\n#elif defined B\ny\n#else\nz\n#endif", "A B", "x"],
  ["#if defined(A)\nx\n#elif defined B\ny\n#else\nz\n#endif", "B", "y"],
  ["#if defined(A)\nx\n#elif defined B\ny\n#else\nz\n#endif", "", "z"],
  ["#if !defined(A) && ! defined( B ) || C\nx\n#endif", "A", ""],
  ["#if !defined(A) && ! defined( B ) || C\nx\n#endif", "", "x"],
  ["#if !defined(A) && ! defined( B ) || C\nx\n#endif", "A C", "x"],
  ["#if 0\nx\n#elif 1\ny\n#elif 1\nz\n#endif", "", "y"],
  ["#if A\nx\n#endif", "", ""],
  ["#if !!A\nx\n#endif", "A", "x"],
  ["#ifdef A\n#ifdef B\nx\n#else\ny\n#endif\n#else\n#ifdef B\nz\n#else\nw\n#endif\n#endif", "B", "z"],
  ["#ifdef A\n#if (what) is this?\n#elif ()\n#endif\n#else\nx\n#endif", "", "x"],
  ["#define A\n#ifdef A\nx\n#endif\n#undef A\n#ifdef A\ny\n#endif", "", "x"],
  ['#ifdef A\n#define B\n#include "none"\n#unknown\n#error no\n\'"@\n#endif\n#ifdef B\nx\n#endif', "", ""],
  ["#if 0 /* a\n#endif\n*/\nx\n#endif\ny", "", "y"],
  ["#if 0\n/* a\n#endif\n*/ x\n#endif\ny", "", "y"],
  ["#if 0 /* a\n#endif\n*/ x\n*/ #else /*\n*/ #endif\ny", "", "y"],
  ["#if 1 /* a\n*/ #endif\ny", "", "y"],
  ["#define A /*\nx */ typedef int b; /*\ny\n*/\n#ifdef A\nz\n#endif", "", "b z"],
  ["/*\n#if 0\n*/\nx\n/*\n#endif */", "", "x"],
  ["#ifdef A // comment\nx\n# /* null */ \n#endif /* A */ ", "A", "x"],
  ['#pragma once\n#ident "a.x 1.2"\nx', "", "x"],
])("of %j with %j defined remains %j", (source, defined, expected) => {
  const defines = Object.fromEntries(defined.split(" ").map((name) => [name, true] as const));
  expect(names(source.replace(/^[w-z]$/gm, "typedef int $&;"), defines)).toBe(expected);
});

test("a define with a number is a constant, and a condition", () => {
  const source = `#define MAX 0x10 // the maximum
#define NAMED MAX
#define NEGATIVE (-3)
#define ZERO 0
struct s {
#define INSIDE 5
  opaque a<MAX>;
  opaque b[NAMED];
  int c[INSIDE];
};
#define MAX 16
#if ZERO
typedef int no;
#elif MAX
typedef int yes;
#endif`;
  expect(names(source)).toBe("MAX NAMED NEGATIVE ZERO INSIDE s yes");
  expect(parse(source).constants.map(({ value }) => value)).toEqual([16, 16, -3, 0, 5]);
});

test("a file of C's own include guards is read once", () => {
  const guarded = "#ifndef A_X\n#define A_X\ntypedef int a;\n#endif\n";
  expect(compile({ "main.x": '#include "a.x"\n#include "a.x"\ntypedef a b;', "a.x": guarded }).types).toHaveLength(2);
});

test("what an included file defines holds in the rest of the file that includes it", () => {
  const main = '#ifdef FLAG\ntypedef int no;\n#endif\n#include "a.x"\n#ifdef FLAG\ntypedef int yes;\n#endif';
  expect(compile({ "main.x": main, "a.x": "#define FLAG" }).types.map(({ name }) => name)).toEqual(["yes"]);
});

test("defines with numbers are constants from outside, which are not in the schema", () => {
  const source = "union u switch (int type) { case VIR_INT: int i; case VIR_BIG: void; }; struct s { opaque a<LEN>; };";
  expect(problems(source)).toEqual([
    "1:34 there is no constant VIR_INT",
    "1:55 there is no constant VIR_BIG",
    "1:93 there is no constant LEN",
  ]);
  const schema = parse(source, { defines: { VIR_INT: 1, VIR_BIG: -2n, LEN: 64 } });
  expect(schema.constants).toEqual([]);
  expect(schema.types[0]).toMatchObject({
    arms: [{ cases: [{ value: 1, name: "VIR_INT" }] }, { cases: [{ value: -2, name: "VIR_BIG" }] }],
  });
  expect(names("const LEN = 3; typedef opaque a[LEN];", { LEN: 64 })).toBe("LEN a");
  expect(parse("const LEN = 3; typedef opaque a[LEN];", { defines: { LEN: 64 } }).types[0]).toMatchObject({
    type: { length: 3 },
  });
});

test("directives of many spaces or brackets do not keep the compiler busy for ever", () => {
  for (const directive of [`#define A ${" ".repeat(50_000)}((`, `#include ${"<".repeat(300_000)}`]) {
    expect(() => compile({ "main.x": directive })).toThrow(/write #/);
  }
});

test("a byte order mark is no part of the source", () => {
  expect(problems("\uFEFFstruct a { nothing b; };").map(String)).toEqual(
    problems("struct a { nothing b; };").map(String),
  );
});

test("arguments of a wrong kind are TypeErrors", () => {
  expect(() => parseFilesSync("a.x" as never, () => "")).toThrow(new TypeError("files: expected an array, got string"));
  expect(() => parseFilesSync(["a.x"], "a.x" as never)).toThrow(new TypeError("read: expected a function, got string"));
});

test("wrong options are refused", () => {
  expect(() => parse("", { define: {} } as never)).toThrow(
    new TypeError('options has no key "define": did you mean "defines"?'),
  );
  expect(() => parse("", { defines: { A: "1" } } as never)).toThrow(
    new TypeError("defines.A: expected a number, a bigint or true, got string"),
  );
  expect(() => parse("", { defines: { A: 1.5 } })).toThrow(new RangeError("defines.A: expected an integer, got 1.5"));
});
