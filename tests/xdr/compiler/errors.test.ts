// Input that is refused: the code, the offset and the path.

import { expect, test } from "bun:test";
import { XdrCompileError } from "../../../src/xdr/compiler/index.ts";
import { parse, problems } from "./parse.ts";

test.each([
  ["typedef int @;", '1:13 unexpected character "@"'],
  ["typedef int 😀;", '1:13 unexpected character "😀"'],
  ["int #define", '1:5 unexpected character "#"'],
  ["\n  /* open", "2:3 the comment has no end"],
  ["const A = 08;", "1:11 08 is not a number"],
  ["const A = 0x;", "1:11 0x is not a number"],
  ["const A = 12ab;", "1:11 12ab is not a number"],
  ["const A = -09;", "1:11 -09 is not a number"],
  ["const A = 18446744073709551616;", "1:11 18446744073709551616 does not fit in 64 bits"],
  ["const A = -9223372036854775809;", "1:11 -9223372036854775809 does not fit in 64 bits"],
  [`const A = 1${"0".repeat(40)};`, `1:11 1${"0".repeat(40)} does not fit in 64 bits`],
  ["const A = - B;", '1:13 expected a number, found "B"'],
  ["const A = ;", '1:11 expected a number or the name of a constant, found ";"'],
  ["const A 3;", '1:9 expected "=", found "3"'],
  ["const int = 3;", '1:7 expected a name, but "int" is a keyword'],
  ["struct __proto__ { int x; };", "1:8 __proto__ cannot be the name of a property in JavaScript"],
  ["foo;", '1:1 expected a definition (const, typedef, enum, struct, union, program or namespace), found "foo"'],
  [
    "namespace a {",
    "1:14 expected a definition (const, typedef, enum, struct, union, program or namespace), found the end of the file",
  ],
  ["namespace a int", '1:13 expected "{", found "int"'],
  ["struct s { int x; }", '1:20 expected ";", found the end of the file'],
  ["struct s { };", '1:12 expected a type, found "}"'],
  ["struct s { int; };", '1:15 expected a name, found ";"'],
  ["struct s { int x };", '1:18 expected ";", found "}"'],
  ["struct s { int x, y; };", '1:17 expected ";", found ","'],
  ["struct s { void; };", "1:12 void can only stand in an arm of a union, in place of a field"],
  ["struct s { void *x; };", "1:12 void can only stand in an arm of a union, in place of a field"],
  ["struct s { int **x; };", "1:17 only one * is allowed"],
  ["struct s { int *x<>; };", '1:18 expected ";", found "<"'],
  ["struct s { int x[]; };", '1:18 expected a number or the name of a constant, found "]"'],
  ["struct s { int x[2; };", '1:19 expected "]", found ";"'],
  ["struct s { int x<2; };", '1:19 expected ">", found ";"'],
  ["struct s { opaque x; };", '1:20 expected "[" or "<", and a length, found ";"'],
  ["struct s { string x; };", '1:20 expected "<" and a maximum length, or "<>", found ";"'],
  ["struct s { string x[5]; };", '1:20 expected "<" and a maximum length, or "<>", found "["'],
  ["struct s { opaque *x; };", '1:19 expected a name, found "*"'],
  ["struct s { quadruple x; };", "1:12 quadruple is not supported: JavaScript has no such numbers. Use opaque x[16]"],
  ["struct s { unsigned float x; };", '1:21 expected a name, but "float" is a keyword'],
  ["struct s { case x; };", '1:12 expected a type, found "case"'],
  ["struct s { struct t { int x; } y; };", "1:19 a struct inside of another definition has no name"],
  [
    "struct s { union t switch (int x) { case 0: void; } y; };",
    "1:18 a union inside of another definition has no name",
  ],
  ["enum e { };", '1:10 expected a name, found "}"'],
  ["enum e { A B };", '1:12 expected "," or "}", found "B"'],
  ["enum e { A, , B };", '1:13 expected a name, found ","'],
  ["union u { int x; };", '1:9 expected "switch", found "{"'],
  ["union u switch (int x) { };", '1:26 expected "case", "default" or "}", found "}"'],
  ["union u switch (int x) { int y; };", '1:26 expected "case", "default" or "}", found "int"'],
  ["union u switch (int x) { case 1 void; };", '1:33 expected ":", found "void"'],
  ["union u switch (int x) { case 1: };", '1:34 expected a type, found "}"'],
  ["union u switch (int x) { default: void; };", "1:41 the union has no case"],
  ["union u switch (int x) { case 0: void; default: void; default: void; };", "1:55 the union has two default arms"],
  ["union u switch (int x;) { case 0: void; };", '1:22 expected ")", found ";"'],
  ["program P { int x; } = 1;", '1:13 expected "version", found "int"'],
  ["program P { version V { } = 1; } = 1;", '1:25 expected a name, found "}"'],
  ["program P { version V { void A(void = 1; } = 1; } = 1;", '1:37 expected ")", found "="'],
])("%j is refused where it is wrong", (source, problem) => {
  expect(problems(source)).toEqual([problem]);
});

test.each([
  ["typedef foo bar;", ["1:9 there is no type foo"]],
  ["typedef pint bar; typedef int point;", ["1:9 there is no type pint: did you mean point?"]],
  ["typedef a::point bar; namespace a { typedef int pont; }", ["1:9 there is no type a::point: did you mean a::pont?"]],
  ["typedef struct foo bar;", ["1:16 there is no type foo"]],
  [
    "typedef opaque bar<LEN>; typedef opaque baz<LENGHT>; const LENGTH = 5;",
    ["1:20 there is no constant LEN", "1:45 there is no constant LENGHT: did you mean LENGTH?"],
  ],
  ["const A = 1; typedef A b;", ["1:22 A is a constant, not a type"]],
  ["typedef int a; const B = a;", ["1:26 a is a type, not a constant"]],
  ["const A = B; const B = C; const C = A;", ["1:7 A is defined by itself"]],
  ["enum e { A = B, B = C, C }; const D = C;", ["1:24 C is defined by itself"]],
  ["const A = 1; typedef int A;", ["1:26 A is already defined at a.x:1:7"]],
  ["enum e { A, B, A };", ["1:16 A is already defined at a.x:1:10"]],
  ["enum e { A }; enum f { A };", ["1:24 A is already defined at a.x:1:10"]],
  [
    "struct s { int x; }; namespace n { struct s { int x; }; struct s { int x; }; }",
    ["1:64 n::s is already defined at a.x:1:43"],
  ],
  [
    "enum e { A = 2147483648, B = -2147483649, C = 2147483647, D };",
    [
      "1:10 A is 2147483648, but enums have 32 bits: -2147483648 to 2147483647",
      "1:26 B is -2147483649, but enums have 32 bits: -2147483648 to 2147483647",
      "1:59 D is 2147483648, but enums have 32 bits: -2147483648 to 2147483647",
    ],
  ],
  [
    "typedef opaque a[-1]; typedef int b<4294967296>; const C = -5; typedef string d<C>;",
    [
      "1:18 a length must be 0 to 4294967295, not -1",
      "1:37 a length must be 0 to 4294967295, not 4294967296",
      "1:81 a length must be 0 to 4294967295, not -5",
    ],
  ],
  ["struct s { int a; hyper b; opaque a[3]; };", ["1:35 there are two fields a"]],
  [
    "union u switch (int a) { case 0: int b; case 1: int a; default: int b; };",
    ["1:53 the discriminant is named a too", "1:69 there are two fields b"],
  ],
  [
    "enum e { A, B = 5 }; union u switch (e d) { case A: void; case 3: void; case 5: void; case B: void; };",
    ["1:64 3 is no value of the discriminant", "1:92 there are two cases B"],
  ],
  [
    "enum e { A }; enum f { B }; union u switch (e d) { case A: void; case C: void; };",
    ["1:71 there is no constant C"],
  ],
  [
    "enum e { A }; enum f { B = 7 }; union u switch (e d) { case A: void; case B: void; };",
    ["1:75 B is no value of the discriminant"],
  ],
  [
    "union u switch (bool d) { case TRUE: void; case 2: void; case 1: void; };",
    ["1:49 2 is no value of the discriminant", "1:63 there are two cases 1"],
  ],
  [
    "union u switch (int d) { case 2147483648: void; case -1: void; };",
    ["1:31 2147483648 is no value of the discriminant"],
  ],
  [
    "union u switch (unsigned d) { case 2147483648: void; case -1: void; };",
    ["1:59 -1 is no value of the discriminant"],
  ],
  [
    "union u switch (hyper d) { case 0: void; };",
    ["1:23 the discriminant must be an int, unsigned int, bool or enum, not hyper"],
  ],
  [
    "union u switch (t d) { case 0: void; }; typedef unsigned hyper t;",
    ["1:19 the discriminant must be an int, unsigned int, bool or enum, not unsigned hyper"],
  ],
  [
    "union u switch (int d<>) { case 0: void; };",
    ["1:21 the discriminant must be an int, unsigned int, bool or enum, not an array"],
  ],
  [
    "struct s { int x; }; union u switch (s d) { case 0: void; };",
    ["1:40 the discriminant must be an int, unsigned int, bool or enum, not struct"],
  ],
  [
    "typedef opaque none[0]; struct s { none a; opaque b[0]; }; struct r { s many<5>; int x; }; typedef s three[3];",
    [
      "1:73 the elements of an array must take at least one byte",
      "1:102 the elements of an array must take at least one byte",
    ],
  ],
  [
    "typedef int *a; typedef a b; struct s { b *x; a y<>; }; typedef a *c;",
    [
      "1:44 an optional directly within an optional: null could mean either. Put a struct in between",
      "1:68 an optional directly within an optional: null could mean either. Put a struct in between",
    ],
  ],
  ["typedef t *t;", ["1:12 an optional directly within an optional: null could mean either. Put a struct in between"]],
])("%s is refused, with all that is wrong", (source, expected) => {
  expect(problems(source)).toEqual(expected);
});

test.each([
  ["#else", "1:1 #else without #if"],
  [" #elif 1", "1:2 #elif without #if"],
  ["#if 1\n#else\n#else\n#endif", "3:1 #else without #if"],
  ["#endif", "1:1 #endif without #if"],
  ["#if 1\n#ifdef A\n#endif", "1:1 there is no #endif for this condition"],
  ["#if A + 1\n#endif", "1:1 only NAME, NUMBER, defined(NAME), !, && and || are supported in a condition"],
  ["#if\n#endif", "1:1 only NAME, NUMBER, defined(NAME), !, && and || are supported in a condition"],
  ["#if 09\n#endif", "1:1 09 is not a number"],
  ["#ifdef 5\n#endif", "1:1 expected a name"],
  ["#undef", "1:1 expected a name"],
  ["#define", "1:1 write #define NAME or #define NAME NUMBER: other macros are not supported"],
  ["#define F(x) x", "1:1 write #define NAME or #define NAME NUMBER: other macros are not supported"],
  ["#define A 1 + 2", "1:1 write #define NAME or #define NAME NUMBER: other macros are not supported"],
  ["#define A 09", "1:1 09 is not a number"],
  ["#define A B", "1:1 there is no constant B"],
  ["#define A 1\n#define A 2", "2:1 A is already defined at a.x:1:1"],
  ["#include foo.x", '1:1 write #include "FILE" or #include <FILE>'],
  ["  #line 5", "1:3 the directive #line is unknown"],
  ["#error no such thing", "1:1 #error no such thing"],
])("the directive %j is refused", (source, problem) => {
  expect(problems(source)).toEqual([problem]);
});

test("each file has its syntax error", () => {
  const files = { "a.x": "typedef int;", "b.x": "typedef int b;", "c.x": "\nenum;" };
  expect(problems(files)).toEqual(['1:12 expected a name, found ";"', 'c.x:2:5 expected a name, found ";"']);
});

/** The message of the error of a source. */
function message(source: string): string {
  try {
    parse(source);
  } catch (error) {
    if (error instanceof XdrCompileError) return error.message;
  }
  throw new Error("no XdrCompileError");
}

test("the message has the line of the source with a caret below the place", () => {
  expect(message("\nstruct s {\n\tfoo\tx;\n  bar y;\n};")).toBe(
    "a.x:3:2: there is no type foo\n  \tfoo\tx;\n  \t^\na.x:4:3: there is no type bar\n    bar y;\n    ^",
  );
  expect(message("// %\r\nstruct s {\r\n  foo x;\r\n};")).toBe("a.x:3:3: there is no type foo\n    foo x;\n    ^");
  expect(message("struct s {\n  int x;")).toBe(
    "a.x:2:9: expected a type, found the end of the file\n    int x;\n          ^",
  );
});

test("the message shows a part of a long line", () => {
  const [, line = "", caret = ""] = message(
    `${"typedef int a; /**/ ".repeat(1000)} @ ${"typedef int b; ".repeat(1000)}`,
  ).split("\n");
  expect(line.length).toBeLessThan(150);
  expect(line[caret.indexOf("^")]).toBe("@");
});

test("the message lists up to 20 problems, the error has all of them", () => {
  const source = Array.from({ length: 50 }, (_, i) => `typedef foo${i} bar${i};`).join("\n");
  expect(problems(source)).toHaveLength(50);
  const lines = message(source).split("\n");
  expect(lines).toHaveLength(61);
  expect(lines.at(-1)).toBe("and 30 more");
});

test("the fields of the error are the place of its first problem", () => {
  const error = (() => {
    try {
      return parse({ "dir/b.x": "typedef int a;\n  typedef c d; typedef e f;" });
    } catch (thrown) {
      return thrown;
    }
  })();
  expect(error).toBeInstanceOf(XdrCompileError);
  expect(error).toMatchObject({ name: "XdrCompileError", file: "dir/b.x", line: 2, column: 11 });
});

test("nesting is limited, and deep nesting does not overflow the stack", () => {
  const nested = (depth: number) => `${"struct { ".repeat(depth)}int x; ${"} a; ".repeat(depth)}`;
  expect(problems(`typedef ${nested(100).slice(0, -2)};`)).toEqual([]);
  expect(problems(`typedef ${nested(101).slice(0, -2)};`)).toEqual(["1:909 nested deeper than 100 levels"]);
  expect(problems(`typedef ${nested(20_000).slice(0, -2)};`)).toEqual(["1:909 nested deeper than 100 levels"]);
  expect(problems("namespace a { ".repeat(20_000))).toEqual(["1:1401 nested deeper than 100 levels"]);
});
