/**
 * Checks the release build. Several instances share one memory that the host lays out. So a module must not contain an
 * allocator, import anything except the memory, or run or write anything when it is instantiated: a second instance
 * would do that again.
 */

import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { main as asc } from "assemblyscript/asc";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";

const BUILD = join(import.meta.dir, "../..", "build");
/** Upper limit for the size of the codec, so that web pages can embed it. */
const MOST_BYTES = 4096;
const CODEC_EXPORTS = [
  "decode",
  "decodeBatch",
  "decodeColumns",
  "encodeAnnouncement",
  "encodeColumns",
  "encodeQuery",
  "memory",
];

/** A node of WebAssembly's text format: an atom, or a list in parentheses. */
type Node = string | Node[];

/** Parses the text format into atoms, strings (with their quotes) and lists. Skips both kinds of comments. */
function parse(text: string): Node[] {
  const token = /\s+|;;.*|\(;[\s\S]*?;\)|("(?:[^"\\]|\\[\s\S])*")|([()])|([^\s()";]+)/gy;
  const top: Node[] = [];
  const open: Node[][] = [top];
  while (token.lastIndex < text.length) {
    const at = token.lastIndex;
    const match = token.exec(text);
    if (match === null) throw new Error(`not WebAssembly text at ${at}: ${text.slice(at, at + 20)}`);
    const [, string, bracket, atom] = match;
    if (bracket === "(") {
      const list: Node[] = [];
      open.at(-1)!.push(list);
      open.push(list);
    } else if (bracket === ")") {
      open.pop();
      if (open.length === 0) throw new Error(`unexpected ")" at ${at}`);
    } else if (string !== undefined || atom !== undefined) {
      open.at(-1)!.push((string ?? atom)!);
    }
  }
  if (open.length !== 1) throw new Error('missing ")"');
  return top;
}

/** The fields of the only module in `text`. */
function fieldsOf(text: string): Node[][] {
  const [module, ...rest] = parse(text);
  if (!Array.isArray(module) || module[0] !== "module" || rest.length !== 0) throw new Error("not one module");
  return module.slice(1).filter((field) => Array.isArray(field));
}

/** All names and instructions, without strings. */
function atoms(node: Node): string[] {
  if (Array.isArray(node)) return node.flatMap(atoms);
  return node.startsWith('"') ? [] : [node];
}

function print(node: Node): string {
  return Array.isArray(node) ? `(${node.map(print).join(" ")})` : node;
}

function named(fields: Node[][], head: string): Node[][] {
  return fields.filter((field) => field[0] === head);
}

/** Problems of the module in `text`, which must have exactly the imports `imports`. Empty if there are none. */
function faults(text: string, imports: readonly string[]): string[] {
  const fields = fieldsOf(text);
  const found: string[] = [];
  const imported = named(fields, "import").map(print);
  // An import may also be written inside a definition: (memory (import "env" "memory") 1).
  for (const field of fields) {
    for (const part of field) if (Array.isArray(part) && part[0] === "import") imported.push(print(field));
  }
  for (const one of imported) if (!imports.includes(one)) found.push(`imports ${one}`);
  for (const one of imports) if (!imported.includes(one)) found.push(`does not import ${one}`);
  for (const start of named(fields, "start")) found.push(`starts ${print(start)}`);
  for (const head of ["data", "table", "elem"]) {
    for (const field of named(fields, head)) found.push(`has ${print(field)}`);
  }
  for (const head of ["func", "global"]) {
    for (const [, name] of named(fields, head)) {
      if (!String(name).startsWith("$assembly/")) found.push(`has ${head} ${name}`);
    }
  }
  for (const atom of new Set(fields.flatMap(atoms))) {
    if (/~lib\/(?:rt|memory)|__(?:new|alloc|renew|free|pin|visit|collect|heap_base|data_end|stack)/.test(atom)) {
      found.push(`names ${atom}`);
    }
    if (atom === "memory.grow") found.push("grows its memory");
  }
  return found;
}

/** Ids of the sections of a wasm binary: 2 imports, 7 exports, 8 start, 9 elements, 11 data. */
function sections(wasm: Uint8Array): number[] {
  const found: number[] = [];
  let at = 8;
  while (at < wasm.length) {
    found.push(wasm[at++]!);
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = wasm[at++]!;
      size |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    at += size;
  }
  return found;
}

const SHARED = '(import "env" "memory" (memory $0 1 65536 shared))';

const MODULES = [
  { name: "engine", imports: [SHARED] },
  { name: "codec", imports: [] },
  { name: "codec-simd", imports: [] },
] as const;

describe.each(MODULES)("build/$name", async ({ name, imports }) => {
  const text = await Bun.file(join(BUILD, `${name}.wat`)).text();
  const wasm = await Bun.file(join(BUILD, `${name}.wasm`)).bytes();

  test("has no allocator, no import except its memory, no start function and no data", () => {
    expect(faults(text, imports)).toEqual([]);
  });

  test("has no start function, table, elements or data in its binary form either", () => {
    const found = sections(wasm);
    for (const section of [4, 8, 9, 11]) expect(found).not.toContain(section);
    const module = new WebAssembly.Module(wasm);
    const imported = WebAssembly.Module.imports(module).map(({ module, name, kind }) => `${module}.${name} ${kind}`);
    expect(imported).toEqual(imports.length === 0 ? [] : ["env.memory memory"]);
    const exported = named(fieldsOf(text), "export").map((field) => JSON.parse(String(field[1])));
    expect(WebAssembly.Module.exports(module).map(({ name }) => name)).toEqual(exported);
  });

  // Each of these is added to the real module, to prove that the test above would detect it.
  test.each([
    ['(import "env" "abort" (func $assembly/abort (param i32)))', "imports"],
    ['(func $assembly/abort (import "env" "abort") (param i32))', "imports"],
    ["(start $assembly/x)", "starts"],
    ['(data (i32.const 1024) "x")', "has (data"],
    ['(data $0 (memory 0) (offset i32.const 8) "\\00(;")', "has (data"],
    ["(table $0 1 1 funcref)", "has (table"],
    ["(global $~lib/rt/stub/offset (mut i32) (i32.const 0))", "has global $~lib"],
    ["(global $~lib/memory/__heap_base i32 (i32.const 8))", "has global $~lib"],
    ["(func $~lib/rt/stub/__alloc (param $0 i32) (result i32) local.get $0)", "has func $~lib"],
    ["(func $assembly/x call $~lib/rt/stub/__new drop)", "names $~lib/rt/stub/__new"],
    ["(func $assembly/x i32.const 1 memory.grow drop)", "grows"],
  ])("would be rejected with %s in it", (field, fault) => {
    const found = faults(text.replace(/^\(module/, `(module\n ${field}`), imports);
    expect(found.join("\n")).toStartWith(fault);
  });

  test("is not rejected for such words in comments and strings", () => {
    const harmless = '(export "memory.grow __new (;" (memory $0))\n ;; (start $x) )\n (; (import "a" "b") ;)';
    expect(faults(text.replace(/^\(module/, `(module\n ${harmless}`), imports)).toEqual([]);
  });
});

describe.each(["codec", "codec-simd"])("build/%s", async (name) => {
  const codec = await Bun.file(join(BUILD, `${name}.wasm`)).bytes();

  test(`is at most ${MOST_BYTES} bytes long`, () => {
    expect(codec.length).toBeGreaterThan(0);
    expect(codec.length).toBeLessThanOrEqual(MOST_BYTES);
  });

  test("exports exactly what is documented", () => {
    const exports = WebAssembly.Module.exports(new WebAssembly.Module(codec));
    const kinds = Object.fromEntries(exports.map(({ name, kind }) => [name, kind]));
    expect(Object.keys(kinds).sort()).toEqual(CODEC_EXPORTS);
    for (const name of CODEC_EXPORTS) expect(kinds[name]).toBe(name === "memory" ? "memory" : "function");
  });

  test("has its own memory, which the host can grow", () => {
    const { memory } = new WebAssembly.Instance(new WebAssembly.Module(codec), {}).exports;
    if (!(memory instanceof WebAssembly.Memory)) throw new TypeError("no memory");
    expect(memory.buffer).toBeInstanceOf(ArrayBuffer);
    expect(memory.grow(1)).toBeGreaterThan(0);
  });
});

describe("a freshly compiled module", () => {
  /** Options of the release build. */
  const OPTIONS = ["--runtime", "stub", "--optimizeLevel", "3", "--converge", "--noAssert", "--textFile", "out.wat"];

  async function build(source: string): Promise<string> {
    let text = "";
    const { error } = await asc(["assembly/x.ts", ...OPTIONS], {
      readFile: (name) => (name === "assembly/x.ts" ? source : null),
      writeFile: (name, contents) => {
        if (name === "out.wat") text = String(contents);
      },
      listFiles: () => [],
    });
    if (error !== null) throw error;
    return text;
  }

  test.each([
    ["an array", "export function x(n: i32): usize { return changetype<usize>(new StaticArray<u8>(n)); }"],
    ["static data", "export function x(): usize { return memory.data<u8>([1, 2, 3]); }"],
    ["a start function", "let a = load<u32>(8); export function x(): u32 { return a; }"],
  ])(
    "with %s in it is rejected",
    async (_, source) => {
      expect(faults(await build(source), [])).not.toEqual([]);
    },
    TEST_LIMIT_MS,
  );

  test(
    "without any of these is not rejected",
    async () => {
      const source = "export function x(at: usize): u32 { return bswap(load<u32>(at)); }";
      expect(faults(await build(source), [])).toEqual([]);
    },
    TEST_LIMIT_MS,
  );
});
