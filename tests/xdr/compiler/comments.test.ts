// Comments become the `docs` of what they stand at.

import { expect, test } from "bun:test";
import { enumIn, parse, structIn, typedefIn, unionIn } from "./parse.ts";

/** The docs of a struct `s` and of its fields. */
function docs(source: string): (string | undefined)[] {
  const struct = structIn(source, "s");
  return [struct.docs, ...struct.fields.map((field) => field.docs)];
}

test("a comment directly before a definition or a field belongs to it", () => {
  const source = `
    /* The struct. */
    struct s {
      // The field.
      int a;
      /** Another
       *  field. */ int b;
      int c;
    };`;
  expect(docs(source)).toEqual(["The struct.", "The field.", "Another\nfield.", undefined]);
});

test("a comment behind a definition or a field on its line belongs to it", () => {
  const source = `
    struct s { // The struct.
      int a; // The field.
      int b /* Another */; int c; /* and c */ int d;
    }; // struct s
    typedef int t; /* The type. */
    const C = 5; //!< The constant.
    struct u { int a; } /* u */; /* end of u */
  `;
  expect(docs(source)).toEqual(["The struct.", "The field.", "Another", "and c", undefined]);
  const schema = parse(source);
  expect(typedefIn(schema, "t").docs).toBe("The type.");
  expect(schema.constants[0]?.docs).toBe("The constant.");
  expect(structIn(schema, "u").docs).toBeUndefined();
});

test("a comment behind a field goes on in the next lines in the same column", () => {
  const source = `
    struct s {
      int a;      // The first,
                  // in two lines.
      int bbb;    // The second,
                  // in
                  // three.

                  // Not this.

      int c;      // The third.
      // The fourth.
      int d;
    };`;
  expect(docs(source)).toEqual([
    undefined,
    "The first,\nin two lines.",
    "The second,\nin\nthree.",
    "The third.",
    "The fourth.",
  ]);
});

test("an empty line separates a comment from what follows", () => {
  const source = `
    // Copyright of the file

    // Not this.

    /* This */
    // and this.
    struct s {
      // Not this.

      int a;
      // Not this either.
    };`;
  expect(docs(source)).toEqual(["This\nand this.", undefined]);
});

test("comments before and behind are joined", () => {
  expect(docs("// Before.\nstruct s { // Behind.\n  /* before */ int a; // behind\n};")).toEqual([
    "Before.\nBehind.",
    "before\nbehind",
  ]);
});

test("members of enums have comments", () => {
  const source = `
    enum e {
      A = 0, // a
      // b
      B,     /* and b */
      C /* c */ = 2, /* and c */ D, // d
      E      // e
    };`;
  expect(enumIn(source, "e").members.map((member) => member.docs)).toEqual(["a", "b\nand b", "c\nand c", "d", "e"]);
});

test("arms have the comments of their cases, and those of void; fields have their own", () => {
  const source = `
    // The union.
    union u switch (int d /* the discriminant */) { // of two
    // zero
    case 0: // nothing
    /* one */
    case 1:
      void; // at all
    case 2: // two
      // text
      string text<>; // of any length
    // else
    default: /* the rest */ struct { // a struct
      int i; // inside
    } rest; // of it
    };`;
  expect(unionIn(source, "u")).toMatchObject({
    docs: "The union.\nof two",
    discriminant: { docs: "the discriminant" },
    arms: [{ docs: "zero\nnothing\none\nat all" }, { docs: "two", field: { docs: "text\nof any length" } }],
    otherwise: { docs: "else\nthe rest", field: { docs: "a struct\nof it" } },
  });
  expect(structIn(source, "u.rest")).toMatchObject({ fields: [{ docs: "inside" }] });
});

test.each([
  ["// text  ", "text"],
  ["///    text", "   text"],
  ["//", undefined],
  ["/**/", undefined],
  ["/***/", undefined],
  ["/* text */", "text"],
  ["/*text*/", "text"],
  ["/** text **/", "text"],
  ["/*\n * first\n *   second\n *\n * third\n */", "first\n  second\n\nthird"],
  ["/* first\n\n     second\n       third\n*/", "first\n\nsecond\n  third"],
  ["/*\n\tfirst\n\t\tsecond\n*/", "first\n\tsecond"],
  ["/*\r\n * first\r\n * second\r\n */", "first\nsecond"],
  ["/****************\n * Title\n * ------\n ****************/", "Title"],
  ["//-----------\n// Title\n//-----------", "Title"],
  ["/* a // b */", "a // b"],
  ["// a /* b", "a /* b"],
  ["// a */ b", "a */ b"],
])("the text of the comment %j is %j", (comment, text) => {
  expect(docs(`${comment}\nstruct s { int a; };`)).toEqual([text, undefined]);
});
