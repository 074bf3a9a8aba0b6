// No source makes the compiler throw anything but an XdrCompileError, whose places are within the source.

import { expect, test } from "bun:test";
import { parseFilesSync, type Schema, XdrCompileError } from "../../../src/xdr/compiler/index.ts";
import { Random } from "../../support/random.ts";

const WORDS = (
  "const typedef enum struct union switch case default void int unsigned hyper float double quadruple bool opaque " +
  "string long short char u_int program version namespace TRUE FALSE a b c d e f g A B C D E a::b a::A __proto__ " +
  "{ } ( ) [ ] < > = ; : :: , * - { } ; ; { } 0 1 2 3 0x10 017 4294967295 4294967296 08 1x " +
  '//_\n /*_*/ /* \n \n#define_A_3\n \n#if_A\n \n#else\n \n#endif\n \n#ifdef_B\n \n#include_"b.x"\n \n%\n @ # " é \r\n \t'
).split(" ");

/** Compiles, and checks the error if there is one. Returns the schema. */
function compile(files: { readonly [file: string]: string }, entry: string): Schema | undefined {
  try {
    return parseFilesSync([entry], (path) => files[path]);
  } catch (error) {
    if (!(error instanceof XdrCompileError)) throw error;
    expect(error.problems.length).toBeGreaterThan(0);
    for (const { file, line, column, reason } of error.problems) {
      const text = (files[file] ?? "").split(/\r\n?|\n/)[line - 1];
      if (text === undefined || column < 1 || column > text.length + 1) throw new Error(`${file}:${line}:${column}`);
      expect(reason).not.toMatch(/undefined|\[object/);
    }
    return undefined;
  }
}

test("random words", () => {
  const random = new Random(1);
  const text = (length: number) => {
    const words = Array.from({ length }, () => random.pick(WORDS).replaceAll("_", " "));
    return words.join(random.once(20) ? "" : " ");
  };
  for (let i = 0; i < 5000; i++) compile({ "a.x": text(random.below(30)), "b.x": text(random.below(10)) }, "a.x");
});

/** A definition that is often right, of few names, so that they often refer to each other. */
function definition(random: Random): string {
  const name = () => random.pick(["a", "b", "c", "d", "n::a", "n::b"]);
  const number = () => random.pick(["0", "1", "2", "A", "B", "C", "-1", "0xffffffff", "n::A"]);
  const declaration = (field: string, depth: number): string => {
    const type = random.pick(["int", "bool", "unsigned", name(), name(), name(), "struct a", "enum b"]);
    if (depth < 3 && random.once(5)) return `${body(random.pick(["struct", "union", "enum"]), "", depth + 1)} ${field}`;
    const [before, behind] = random.pick([
      ["", ""],
      ["", ""],
      ["", ""],
      ["*", ""],
      ["", "<>"],
      ["", `<${number()}>`],
      ["", `[${number()}]`],
    ]);
    return random.once(6) ? `opaque ${field}[${number()}]` : `${type} ${before}${field}${behind}`;
  };
  const body = (kind: string, own: string, depth: number): string => {
    const field = () => declaration(random.pick(["x", "y", "z"]), depth);
    if (kind === "enum")
      return `enum ${own} { ${random.pick(["A", "B", "C"])} = ${number()}, ${random.pick(["D", "E"])} }`;
    if (kind === "struct") return `struct ${own} { ${field()}; ${random.once(2) ? `${field()}; ` : ""}}`;
    const rest = random.pick(["", "default: void; ", `default: ${field()}; `]);
    return `union ${own} switch (${declaration("t", depth)}) { case ${number()}: ${field()}; case ${number()}: void; ${rest}}`;
  };
  const own = random.pick(["a", "b", "c", "d"]);
  const kind = random.pick(["const", "typedef", "enum", "struct", "struct", "union"]);
  const source =
    kind === "const"
      ? `const ${own.toUpperCase()} = ${number()}`
      : kind === "typedef"
        ? `typedef ${declaration(own, 0)}`
        : body(kind, own, 0);
  return random.once(6) ? `namespace n { ${source}; }` : `${source};`;
}

test("random definitions, of which some are right", () => {
  const random = new Random(2);
  let right = 0;
  for (let i = 0; i < 5000; i++) {
    const source = Array.from({ length: 1 + random.below(4) }, () => definition(random)).join("\n");
    if (compile({ "a.x": source }, "a.x")) right++;
  }
  expect(right).toBeGreaterThan(200);
});

test("a good schema with a token or a character deleted, doubled, moved or replaced", async () => {
  const random = new Random(3);
  const good = await Bun.file(`${import.meta.dir}/schemas/nfs3.x`).text();
  expect(compile({ "a.x": good }, "a.x")).toBeDefined();
  for (let i = 0; i < 600; i++) {
    const pieces = random.once(2) ? [...good] : good.split(/(?<=\W)|(?=\W)/);
    const at = random.below(pieces.length);
    const other = random.pick([[], [pieces[at]!, pieces[at]!], [random.pick(pieces)], [random.pick(WORDS)]]);
    pieces.splice(at, 1, ...other);
    compile({ "a.x": pieces.join("") }, "a.x");
  }
});

test("random bytes", () => {
  const random = new Random(4);
  for (let i = 0; i < 1000; i++) {
    const bytes = random.bytes(random.below(60));
    compile({ "a.x": new TextDecoder("latin1").decode(bytes) }, "a.x");
    compile({ "a.x": String.fromCharCode(...new Uint16Array(bytes.buffer, 0, bytes.length >> 1)) }, "a.x");
  }
});
