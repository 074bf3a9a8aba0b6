// The order of types, and recursion.

import { expect, test } from "bun:test";
import { parse, problems } from "./parse.ts";

/** The names of the types in order; those that are recursive with a star. */
function order(source: string): string {
  return parse(source)
    .types.map(({ name, recursive }) => `${name}${recursive ? "*" : ""}`)
    .join(" ");
}

test("a type comes after those that it uses, otherwise in the order of the source", () => {
  expect(order("struct a { c x; }; struct b { int x; }; typedef d c; enum d { D }; struct e { a x; };")).toBe(
    "d c a b e",
  );
});

test.each([
  ["an optional", "struct node { int v; node *next; };", "node*"],
  ["an array", "struct node { node children<>; };", "node*"],
  ["a union", "union u switch (int v) { case 0: u left; case 1: void; };", "u*"],
  ["a typedef of an array", "struct node { nodes children; }; typedef node nodes<>;", "nodes* node*"],
  ["a typedef of itself", "typedef list list<>;", "list*"],
  ["other types", "struct a { b *x; }; struct b { c x<>; }; struct c { a x; };", "a* b* c*"],
])("a type may contain itself by %s", (_, source, expected) => {
  expect(order(source)).toBe(expected);
});

test("within a recursion, what contains a type directly comes after that type", () => {
  const source =
    "struct a { b x; }; struct b { c x[2]; }; struct c { a *x; }; struct user { a x; }; struct other { int x; };";
  expect(order(source)).toBe("c* b* a* user other");
});

test("a type that only uses a recursive one is not recursive", () => {
  expect(order("struct user { node x<>; }; struct node { node *next; };")).toBe("node* user");
});

const BREAK = "Break it with an optional (*) or an array (<>)";

test.each([
  ["struct a { a x; };", [`1:8 a value would be infinite: a contains a. ${BREAK}`]],
  ["struct a { a x[2]; };", [`1:8 a value would be infinite: a contains a. ${BREAK}`]],
  ["typedef b a; typedef a b;", [`1:11 a value would be infinite: a contains b contains a. ${BREAK}`]],
  [
    "struct z { a x; }; struct a { b x; }; struct b { c x; }; typedef a c; struct d { d x; };",
    [
      `1:27 a value would be infinite: a contains b contains c contains a. ${BREAK}`,
      `1:78 a value would be infinite: d contains d. ${BREAK}`,
    ],
  ],
  [
    "typedef u t; union u switch (t d) { case 0: void; }; typedef w v; typedef v w; union x switch (v d) { case 0: void; };",
    ["1:32 the discriminant must be an int, unsigned int, bool or enum, not union"],
  ],
  [
    "typedef w v; typedef v w; union x switch (v d) { case 0: void; };",
    [`1:11 a value would be infinite: v contains w contains v. ${BREAK}`],
  ],
])("%s is refused", (source, expected) => {
  expect(problems(source)).toEqual(expected);
});

test("chains of ten thousand types, constants and members do not overflow the stack", () => {
  const count = 10_000;
  const lines = Array.from({ length: count }, (_, i) => `struct t${i} { t${i + 1} x; }; const C${i} = C${i + 1};`);
  const { types, constants } = parse(`${lines.join("\n")} typedef int t${count}; const C${count} = 7;`);
  expect(types[0]?.name).toBe(`t${count}`);
  expect(types.at(-1)?.name).toBe("t0");
  expect(constants[0]?.value).toBe(7);
  const members = Array.from({ length: count }, (_, i) => `M${i}`);
  const last = parse(`const LAST = M${count - 1}; enum e { ${members.join(", ")} };`).constants[0];
  expect(last?.value).toBe(count - 1);
});
