import { expect, test } from "bun:test";
import { dirname, join, relative } from "node:path";

const ROOT = join(import.meta.dir, "../..");
/** The folders of src/, from the top layer down. Folders of one layer do not import each other. */
const LAYERS = [
  ["cli"],
  ["admin"],
  ["syncthing", "server", "client"],
  ["journal", "transport", "engine"],
  ["codec"],
  ["xdr"],
];
const IMPORT =
  /(?:^|\n)(?:import|export)\b[^;]*?\bfrom "([^"]+)"|(?:^|\n)import "([^"]+)"|\b(?:import|require|import\.meta\.resolve)\(\s*"([^"]+)"/g;
/** Everything that codec and XDR may import, so that they run in every environment. */
const PORTABLE = /^(?:src\/(?:codec|xdr)\/[\w/-]+\.ts|assembly\/layout\.ts|build\/codec-wasm\.ts)$/;

function layerOf(folder: string): number {
  return LAYERS.findIndex((folders) => folders.includes(folder));
}

/** The imports of a source file, as written there. */
function specifiers(text: string): string[] {
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3]!);
}

/** The path from the root of the file that `file` imports. The name of a package stays as it is. */
function resolved(file: string, specifier: string): string {
  if (!specifier.startsWith(".")) return specifier;
  const target = relative(ROOT, join(ROOT, dirname(file), specifier));
  // AssemblyScript imports without the extension.
  return /\.\w+$/.test(target) ? target : `${target}.ts`;
}

/** Everything that a file imports. */
async function imports(file: string): Promise<string[]> {
  return specifiers(await Bun.file(join(ROOT, file)).text()).map((specifier) => resolved(file, specifier));
}

async function sources(pattern: string): Promise<string[]> {
  return (await Array.fromAsync(new Bun.Glob(pattern).scan({ cwd: ROOT }))).sort();
}

test("imports point down the layers only", async () => {
  const wrong: string[] = [];
  let seen = 0;
  for (const file of await sources("src/*/**/*.ts")) {
    const folder = file.split("/")[1]!;
    expect(layerOf(folder), `${folder} is in no layer`).toBeGreaterThanOrEqual(0);
    for (const target of await imports(file)) {
      const [top, other] = target.split("/");
      if (top !== "src" || other === folder) continue;
      seen++;
      if (layerOf(other!) <= layerOf(folder)) wrong.push(`${file} imports ${target}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(seen).toBeGreaterThan(5);
});

/** The cycles of `graph`, each as its files in order. Imports of types count too. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const start = path.indexOf(file);
    if (start >= 0) found.push([...path.slice(start), file].join(" > "));
    if (start >= 0 || done.has(file)) return;
    path.push(file);
    for (const target of graph.get(file) ?? []) visit(target);
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return found;
}

test("there are no import cycles", async () => {
  const files = await sources("{src,assembly,bench,examples,scripts,tests}/**/*.ts");
  const graph = new Map(await Promise.all(files.map(async (file) => [file, await imports(file)] as const)));
  expect(cycles(graph)).toEqual([]);
  expect(graph.size).toBeGreaterThan(300);
});

test("an import cycle of any length is found", () => {
  const graph = new Map([
    ["a", ["b", "d"]],
    ["b", ["c"]],
    ["c", ["a"]],
    ["d", ["c"]],
    ["e", ["e"]],
  ]);
  expect(cycles(graph)).toEqual(["a > b > c > a", "e > e"]);
});

test("codec and XDR import only themselves, the layout and the inlined wasm module", async () => {
  const files = await sources("src/{codec,xdr}/**/*.ts");
  const wrong: string[] = [];
  let seen = 0;
  for (const file of files) {
    for (const target of await imports(file)) {
      seen++;
      if (!PORTABLE.test(target)) wrong.push(`${file} imports ${target}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(files.length).toBeGreaterThan(20);
  expect(seen).toBeGreaterThan(files.length);
});

test.each([
  ['import { join } from "node:path";', ["node:path"]],
  ['import type { A } from "bun";\nexport { b } from "./b.ts";', ["bun", "./b.ts"]],
  ['import "commander";', ["commander"]],
  ['const c = await import("ipaddr.js");', ["ipaddr.js"]],
  ['import {\n  d,\n} from "../d.ts";', ["../d.ts"]],
])("an import is found in every syntax: %s", (text, found) => {
  expect(specifiers(text)).toEqual(found);
});

test("assembly/ imports only itself", async () => {
  for (const file of await sources("assembly/*.ts")) {
    for (const target of await imports(file)) expect(target).toStartWith("assembly/");
  }
});
