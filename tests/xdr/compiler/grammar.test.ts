// The language of RFC 4506 §6.3, and what rpcgen and Stellar's compilers add to it.

import { expect, test } from "bun:test";
import { bare, enumIn, parse, problems, structIn, unionIn } from "./parse.ts";

const MAX = 0xffff_ffff;

/** The type of a field, without what it refers to. */
function fieldType(declaration: string, before = "") {
  return structIn(`${before}\nstruct s { ${declaration}; };`, "s").fields[0];
}

test.each([
  ["int a", { kind: "int" }],
  ["unsigned a", { kind: "uint" }],
  ["unsigned int a", { kind: "uint" }],
  ["hyper a", { kind: "hyper" }],
  ["unsigned hyper a", { kind: "uhyper" }],
  ["float a", { kind: "float" }],
  ["double a", { kind: "double" }],
  ["bool a", { kind: "bool" }],
  ["opaque a[7]", { kind: "fixedOpaque", length: 7 }],
  ["opaque a[0]", { kind: "fixedOpaque", length: 0 }],
  ["opaque a<7>", { kind: "opaque", maximum: 7 }],
  ["opaque a<>", { kind: "opaque", maximum: MAX }],
  ["string a<0x10>", { kind: "string", maximum: 16 }],
  ["string a<>", { kind: "string", maximum: MAX }],
  ["int a[010]", { kind: "fixedArray", element: { kind: "int" }, count: 8 }],
  ["int a<4294967295>", { kind: "array", element: { kind: "int" }, maximum: MAX }],
  ["int a<>", { kind: "array", element: { kind: "int" }, maximum: MAX }],
  ["unsigned hyper *a", { kind: "optional", type: { kind: "uhyper" } }],
  ["unsigned hyper* a", { kind: "optional", type: { kind: "uhyper" } }],
])("the declaration %s has its type", (declaration, type) => {
  expect(fieldType(declaration)).toEqual({ name: "a", type } as never);
});

test.each([
  ["char a", "int"],
  ["short a", "int"],
  ["short int a", "int"],
  ["long a", "int"],
  ["long int a", "int"],
  ["unsigned char a", "uint"],
  ["unsigned short a", "uint"],
  ["unsigned long a", "uint"],
  ["unsigned long int a", "uint"],
  ["unsigned long *a", "uint"],
  ["hyper int a", "hyper"],
  ["unsigned hyper int a", "uhyper"],
  ["u_int a", "uint"],
  ["int32_t a", "int"],
  ["uint64_t a", "uhyper"],
  ["longlong_t a", "hyper"],
  ["bool_t a", "bool"],
])("the declaration %s of C has the type that rpcgen gives it", (declaration, kind) => {
  const type = fieldType(declaration)?.type;
  expect(type?.kind === "optional" ? type.type : type).toEqual({ kind } as never);
});

test("a definition hides a type of C of the same name", () => {
  expect(fieldType("uint64_t a", "typedef opaque uint64_t[8];")?.type).toEqual({ kind: "ref", name: "uint64_t" });
});

test("words of C, of programs and of namespaces are ordinary names elsewhere", () => {
  const source = "struct program { int version; unsigned long; int namespace; int short; int string_; };";
  const names = structIn(source, "program").fields.map(({ name }) => name);
  expect(names).toEqual(["version", "long", "namespace", "short", "string_"]);
});

test("a type is used by its name, with or without struct, union or enum before it", () => {
  const before = "struct t { int x; }; union u switch (int v) { case 0: void; }; enum e { A };";
  for (const [declaration, name] of [
    ["t a", "t"],
    ["struct t a", "t"],
    ["union u a", "u"],
    ["enum e a", "e"],
  ] as const) {
    expect(fieldType(declaration, before)?.type).toEqual({ kind: "ref", name });
  }
  expect(problems(`${before} struct s { union t a; }; struct r { struct e a; };`)).toEqual([
    "1:95 t is a struct, not a union",
    "1:121 e is an enum, not a struct",
  ]);
});

test("constants are decimal, octal or hexadecimal, and may have 64 bits", () => {
  const source = `
    const A = 12; const B = -12; const C = 0x1F; const D = -0x1f; const E = 017; const F = 0; const G = A;
    const H = 9007199254740991; const I = 0xffffffffffffffff; const J = -9223372036854775808; const K = M; enum e { M = 5 };`;
  expect(parse(source).constants.map(({ name, value }) => [name, value])).toEqual([
    ["A", 12],
    ["B", -12],
    ["C", 31],
    ["D", -31],
    ["E", 15],
    ["F", 0],
    ["G", 12],
    ["H", Number.MAX_SAFE_INTEGER],
    ["I", 0xffff_ffff_ffff_ffffn],
    ["J", -(2n ** 63n)],
    ["K", 5],
  ]);
});

test("a member of an enum without a value is one more than the member before it", () => {
  const source = "enum e { A, B, C = 0x10, D, E = -2, F, G = D, H, };";
  const members = enumIn(source, "e").members.map(({ name, value }) => `${name}=${value}`);
  expect(members.join(" ")).toBe("A=0 B=1 C=16 D=17 E=-2 F=-1 G=17 H=18");
});

test("a union has arms with one or more cases, and perhaps a default arm", () => {
  const source = `
    enum kind { A, B, C, D };
    union u switch (kind k) { case A: case C: int i; case 3: void; default: opaque o<>; };`;
  expect<unknown>(unionIn(source, "u")).toEqual({
    name: "u",
    namespace: "",
    path: ["u"],
    kind: "union",
    discriminant: { name: "k", type: { kind: "ref", name: "kind" } },
    switchOn: "enum",
    arms: [
      {
        cases: [
          { value: 0, name: "A" },
          { value: 2, name: "C" },
        ],
        field: { name: "i", type: { kind: "int" } },
      },
      { cases: [{ value: 3, name: "D" }] },
    ],
    otherwise: { field: { name: "o", type: { kind: "opaque", maximum: MAX } } },
    recursive: false,
  });
});

test.each([
  ["int", "-1", "int", { value: -1 }],
  ["int", "LIMIT", "int", { value: 9, name: "LIMIT" }],
  ["unsigned", "0xffffffff", "uint", { value: MAX }],
  ["u_long", "2", "uint", { value: 2 }],
  ["bool", "TRUE", "bool", { value: true }],
  ["bool", "FALSE", "bool", { value: false }],
  ["bool", "1", "bool", { value: true }],
  ["flag", "FALSE", "bool", { value: false }],
  ["color", "RED", "enum", { value: 0, name: "RED" }],
  ["color", "0", "enum", { value: 0, name: "RED" }],
  ["paint", "BLUE", "enum", { value: 9, name: "BLUE" }],
  ["paint", "LIMIT", "enum", { value: 9, name: "BLUE" }],
  ["enum { ON = 2 }", "ON", "enum", { value: 2, name: "ON" }],
])("a union may switch on %s with the case %s", (type, value, switchOn, expected) => {
  const source = `
    const LIMIT = 9; enum color { RED, BLUE = 9, AZURE = 9 }; typedef bool flag; typedef color tint; typedef tint paint;
    union u switch (${type} d) { case ${value}: void; };`;
  const union = unionIn(source, "u");
  expect(union.switchOn).toBe(switchOn as never);
  expect(union.arms).toEqual([{ cases: [expected] }]);
});

test("the default arm may come first, and may have the only field", () => {
  const union = unionIn("union u switch (int d) { default: int a; case 0: void; };", "u");
  expect(union.otherwise?.field?.name).toBe("a");
});

test("structs, unions and enums without a name are named after their fields", () => {
  const source = `
    namespace n {
    struct s {
      enum { X } e;
      struct { int i; struct { int j; } inner<5>; } list<>;
      union switch (enum { Y } tag) { case Y: struct { int k; } *arm; default: struct { int m; } rest; } u;
    };
    typedef struct { int p; } t;
    typedef union switch (int d) { case 1: void; } v;
    typedef enum { Z } w;
    typedef struct { int q; } many<3>;
    typedef struct { int r; } *maybe;
    }`;
  const { types } = parse(source);
  expect(types.map(({ name, kind }) => `${name} ${kind}`)).toEqual([
    "n::s.e enum",
    "n::s.list.inner struct",
    "n::s.list struct",
    "n::s.u.tag enum",
    "n::s.u.arm struct",
    "n::s.u.rest struct",
    "n::s.u union",
    "n::s struct",
    "n::t struct",
    "n::v union",
    "n::w enum",
    "n::many.element struct",
    "n::many typedef",
    "n::maybe.element struct",
    "n::maybe typedef",
  ]);
  expect(types[4]?.path).toEqual(["s", "u", "arm"]);
  expect(types.every(({ namespace }) => namespace === "n")).toBeTrue();
  expect(bare(types.at(-1))).toMatchObject({
    type: { kind: "optional", type: { kind: "ref", name: "n::maybe.element" } },
  });
});

test("names are looked up in the namespace and then in those around it", () => {
  const source = `
    const LENGTH = 1; typedef int id;
    namespace a {
      const LENGTH = 2;
      typedef opaque one[LENGTH];
      namespace b { const LENGTH = 3; typedef opaque two[LENGTH]; typedef id plain; }
      typedef opaque three[b::LENGTH];
    };
    namespace a::b { typedef hyper id; typedef one four<>; typedef opaque five[a::LENGTH]; }
    namespace c { typedef a::b::id six; typedef id seven; typedef opaque eight[LENGTH]; }`;
  const types = parse(source).types.map(
    (type) => `${type.name} ${type.kind === "typedef" && JSON.stringify(type.type)}`,
  );
  expect(types).toEqual([
    'id {"kind":"int"}',
    'a::one {"kind":"fixedOpaque","length":2}',
    'a::b::two {"kind":"fixedOpaque","length":3}',
    'a::b::id {"kind":"hyper"}',
    'a::b::plain {"kind":"ref","name":"a::b::id"}',
    'a::three {"kind":"fixedOpaque","length":3}',
    'a::b::four {"kind":"array","element":{"kind":"ref","name":"a::one"},"maximum":4294967295}',
    'a::b::five {"kind":"fixedOpaque","length":2}',
    'c::six {"kind":"ref","name":"a::b::id"}',
    'c::seven {"kind":"ref","name":"id"}',
    'c::eight {"kind":"fixedOpaque","length":1}',
  ]);
});

test("members of the discriminant's enum need no namespace in a case", () => {
  const source =
    "namespace a { enum e { X, Y }; } namespace b { union u switch (a::e d) { case X: void; case a::Y: void; }; }";
  expect(unionIn(source, "b::u").arms.map(({ cases }) => cases[0]?.name)).toEqual(["X", "Y"]);
});

test("the numbers of programs, versions and procedures are constants", () => {
  const source = `
    struct pair { int a; int b; };
    /* Mounts. */
    program MOUNT {
      version ONE {
        void PING(void) = 0; /* does nothing */
        unsigned int SUM(pair, struct pair, string<>) = 1;
        pair *NEXT(int<4>) = 2;
        ns::list SOME(void) = 0x3;
      } = 1;
      version TWO { void PING(void) = 0; } = 2; // the newer one
    } = 100005;`;
  const { constants, types } = parse(source);
  expect(types.map(({ name }) => name)).toEqual(["pair"]);
  expect<unknown>(bare(constants)).toEqual([
    { name: "MOUNT", namespace: "", kind: "const", value: 100005, docs: "Mounts." },
    { name: "ONE", namespace: "", kind: "const", value: 1 },
    { name: "PING", namespace: "", kind: "const", value: 0, docs: "does nothing" },
    { name: "SUM", namespace: "", kind: "const", value: 1 },
    { name: "NEXT", namespace: "", kind: "const", value: 2 },
    { name: "SOME", namespace: "", kind: "const", value: 3 },
    { name: "TWO", namespace: "", kind: "const", value: 2, docs: "the newer one" },
  ]);
  expect(
    problems("program P { version V { void A(void) = 0; } = 1; version W { void A(void) = 7; } = 2; } = 1;"),
  ).toEqual(["1:67 A is already defined at a.x:1:30"]);
});

test("programs in different namespaces may share numbers", () => {
  const source = "program P { version V { void A(void) = 0; } = 1; } = 1;";
  const { constants } = parse(`${source} namespace n { ${source} }`);
  expect(constants.map(({ name }) => name)).toEqual(["P", "V", "A", "n::P", "n::V", "n::A"]);
});

test("the example of RFC 4506 §7 is understood", () => {
  const source = `
    const MAXUSERNAME = 32;     /* max length of a user name */
    const MAXFILELEN = 65535;   /* max length of a file      */
    const MAXNAMELEN = 255;     /* max length of a file name */

    enum filekind { TEXT = 0, DATA = 1, EXEC = 2 };

    union filetype switch (filekind kind) {
    case TEXT: void;                       /* no extra information */
    case DATA: string creator<MAXNAMELEN>;      /* data creator */
    case EXEC: string interpretor<MAXNAMELEN>;  /* program interpretor */
    };

    struct file {
       string filename<MAXNAMELEN>; /* name of file    */
       filetype type;               /* info about file */
       string owner<MAXUSERNAME>;   /* owner of file   */
       opaque data<MAXFILELEN>;     /* file data       */
    };`;
  const schema = parse(source);
  expect(structIn(schema, "file")).toMatchObject({
    fields: [
      { name: "filename", type: { kind: "string", maximum: 255 }, docs: "name of file" },
      { name: "type", type: { kind: "ref", name: "filetype" }, docs: "info about file" },
      { name: "owner", type: { kind: "string", maximum: 32 }, docs: "owner of file" },
      { name: "data", type: { kind: "opaque", maximum: 65535 }, docs: "file data" },
    ],
  });
  expect(unionIn(schema, "filetype")).toMatchObject({
    arms: [{ docs: "no extra information" }, { field: { docs: "data creator" } }, { field: { name: "interpretor" } }],
  });
});

test("an empty file and a file of comments have no definitions", () => {
  for (const source of ["", "\uFEFF// nothing", "/* nothing */\r\n"]) {
    expect(parse(source)).toEqual({ files: ["a.x"], constants: [], types: [] });
  }
});
