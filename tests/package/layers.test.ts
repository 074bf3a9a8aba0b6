import { expect, test } from "bun:test";
import { dirname, join, relative } from "node:path";

const ROOT = join(import.meta.dir, "../..");
/** From the top down; what stands in one row does not know its neighbours. */
const LAYERS = [["cli"], ["admin", "server", "client"], ["journal", "transport", "engine"], ["codec"], ["xdr"]];
const IMPORT =
  /(?:^|\n)(?:import|export)\b[^;]*?\bfrom "([^"]+)"|(?:^|\n)import "([^"]+)"|\b(?:import|require|import\.meta\.resolve)\(\s*"([^"]+)"/g;
/** All that codec and XDR are made of: they run anywhere, with nothing beside them. */
const PORTABLE = /^(?:src\/(?:codec|xdr)\/[\w/-]+\.ts|assembly\/layout\.ts|build\/codec-wasm\.ts)$/;

function level(room: string): number {
  return LAYERS.findIndex((rooms) => rooms.includes(room));
}

/** What a source imports, as it says it. */
function specifiers(text: string): string[] {
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3]!);
}

/** A file that `file` imports, from the top of the tree; what is bare stays as it is. */
function resolved(file: string, specifier: string): string {
  return specifier.startsWith(".") ? relative(ROOT, join(ROOT, dirname(file), specifier)) : specifier;
}

/** The files that a source file imports, from the top of the tree. */
async function imports(file: string): Promise<string[]> {
  const targets = specifiers(await Bun.file(join(ROOT, file)).text());
  return targets.filter((to) => to.startsWith(".")).map((to) => resolved(file, to));
}

async function sources(pattern: string): Promise<string[]> {
  return (await Array.fromAsync(new Bun.Glob(pattern).scan({ cwd: ROOT }))).sort();
}

test("imports point down the layers only", async () => {
  const wrong: string[] = [];
  let seen = 0;
  for (const file of await sources("src/*/**/*.ts")) {
    const room = file.split("/")[1]!;
    expect(level(room), `${room} has no place in the layers`).toBeGreaterThanOrEqual(0);
    for (const target of await imports(file)) {
      const [top, other] = target.split("/");
      if (top !== "src" || other === room) continue;
      seen++;
      if (level(other!) <= level(room)) wrong.push(`${file} imports ${target}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(seen).toBeGreaterThan(5);
});

/** Circles of imports among `graph`'s files, each as its files in order; type imports count as well. */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[] {
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

test("no file imports itself through others", async () => {
  const graph = new Map<string, readonly string[]>();
  for (const file of await sources("{src,assembly,bench,examples,scripts,tests}/**/*.ts")) {
    // AssemblyScript imports without the ending.
    graph.set(
      file,
      (await imports(file)).map((target) => (/\.\w+$/.test(target) ? target : `${target}.ts`)),
    );
  }
  expect(circles(graph)).toEqual([]);
  expect(graph.size).toBeGreaterThan(300);
});

test("a circle of imports is seen, however long it is", () => {
  const graph = new Map([
    ["a", ["b", "d"]],
    ["b", ["c"]],
    ["c", ["a"]],
    ["d", ["c"]],
    ["e", ["e"]],
  ]);
  expect(circles(graph)).toEqual(["a > b > c > a", "e > e"]);
});

test("codec and XDR import themselves, the layout and the inlined module, and nothing else", async () => {
  const files = await sources("src/{codec,xdr}/**/*.ts");
  const wrong: string[] = [];
  let seen = 0;
  for (const file of files) {
    for (const to of specifiers(await Bun.file(join(ROOT, file)).text())) {
      seen++;
      if (!PORTABLE.test(resolved(file, to))) wrong.push(`${file} imports ${to}`);
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
])("an import is seen however it is written: %s", (text, found) => {
  expect(specifiers(text)).toEqual(found);
});

test("assembly imports nothing but itself", async () => {
  for (const file of await sources("assembly/*.ts")) {
    for (const target of await imports(file)) expect(target).toStartWith("assembly/");
  }
});
