import { expect, test } from "bun:test";
import { dirname, join, relative } from "node:path";

const ROOT = join(import.meta.dir, "../..");
/** The folders of src/, from the top layer down. Folders of one layer do not import each other. */
const LAYERS = [
  ["cli"],
  ["admin"],
  ["server"],
  ["syncthing"],
  ["client"],
  ["journal", "transport", "engine"],
  ["codec"],
  ["xdr"],
  ["log", "threads"],
];
const IMPORT =
  /(?:^|\n)(?:import|export)\b[^;]*?\bfrom "([^"]+)"|(?:^|\n)import "([^"]+)"|\b(?:import|require|import\.meta\.resolve)\(\s*"([^"]+)"/g;
/** Everything that codec and XDR may import, so that they run in every environment. */
const PORTABLE = /^(?:src\/(?:codec|xdr)\/[\w/-]+\.ts|assembly\/layout\.ts|build\/(?:codec-wasm|xdr-runtime)\.ts)$/;

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

test("codec and XDR import only themselves, the layout, the inlined wasm module and the compiler's runtime", async () => {
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

/** What must not be reached under Node: it is Bun's. But src/journal/device.ts has only types and numbers. */
const BUN_FOLDERS = /^src\/(?:server|engine|transport|journal|threads)\/(?!device\.ts$)/;
/** The only file of the client that uses Bun's API. It does so under Bun only. */
const BUN_SOCKETS = "src/client/sockets/bun.ts";
/**
 * The API of Bun, and what Node 20 lacks. Its AbortSignal.any leaks: of each call some bytes remain as long as one of the signals, and
 * a discoverer's may live for months.
 */
const NOT_IN_NODE =
  /\bBun\.\w+|\.(?:toHex|fromHex)\(|\b(?:Promise\.withResolvers|Array\.fromAsync|AbortSignal\.any)\b|import\.meta\.\w+/;

/** The first use of something that Node 20 lacks. Types and comments do not count. */
function notInNode(source: string): string | undefined {
  return NOT_IN_NODE.exec(new Bun.Transpiler({ loader: "ts" }).transformSync(source))?.[0];
}

/**
 * The files that `entries` import, directly or not, themselves included. Types do not count.
 *
 * @param atStart - only those that are loaded with the entries, not those that `import(…)` loads later
 */
async function reached(
  entries: readonly string[],
  atStart = false,
): Promise<{ files: Set<string>; modules: Set<string> }> {
  const files = new Set(entries);
  const modules = new Set<string>();
  for (const file of files) {
    if (!file.endsWith(".ts")) continue;
    const text = await Bun.file(join(ROOT, file)).text();
    for (const { path, kind } of new Bun.Transpiler({ loader: "ts" }).scanImports(text)) {
      if (atStart && kind === "dynamic-import") continue;
      const target = resolved(file, path);
      (path.startsWith(".") ? files : modules).add(target);
    }
  }
  return { files, modules };
}

test("what runs under Node imports nothing of Bun's and uses no API that Node 20 lacks", async () => {
  const { files, modules } = await reached(["src/cli/node.ts", "src/client/index.ts", "src/syncthing/index.ts"]);
  const wrong: string[] = [];
  for (const file of files) {
    if (BUN_FOLDERS.test(file)) wrong.push(`${file} is reached`);
    if (!file.startsWith("src/") || file === BUN_SOCKETS) continue;
    const use = notInNode(await Bun.file(join(ROOT, file)).text());
    if (use !== undefined) wrong.push(`${file} uses ${use}`);
  }
  expect(wrong).toEqual([]);
  expect([...modules].filter((name) => /^bun(?::|$)/.test(name))).toEqual([]);
  for (const name of ["commander", "string-width", "node:tty"]) expect(modules).toContain(name);
  for (const file of ["src/cli/node-commands.ts", "src/cli/watch.ts", BUN_SOCKETS, "src/codec/ts.ts"])
    expect(files).toContain(file);
});

test("the command line starts without what only other commands need", async () => {
  const start = await reached(["src/cli/commands.ts", "src/cli/program.ts"], true);
  expect([...start.files]).not.toContainEqual(
    expect.stringMatching(/^src\/(?:admin|server|engine|journal|transport)\//),
  );
  expect([...start.files]).not.toContainEqual(expect.stringMatching(/^src\/cli\/(?:decode|server|lookup)\.ts$/));
  expect([...start.modules]).toEqual(["commander"]);
  const light = ["decode", "lookup", "announce", "watch"].map((name) => `src/cli/${name}.ts`);
  const { files } = await reached(light, true);
  expect([...files]).not.toContainEqual(
    expect.stringMatching(/^src\/(?:admin|server|engine|journal|transport|client\/(?:lan|sockets))\//),
  );
  for (const file of light) expect(files).toContain(file);
});

test("whereabouts/syncthing imports built-in modules of Node only", async () => {
  const { files, modules } = await reached(["src/syncthing/index.ts"]);
  expect([...modules].sort()).toEqual(["node:crypto", "node:https", "node:tls"]);
  for (const file of ["src/client/lan/beacon.ts", "src/syncthing/global/server.ts"]) expect(files).toContain(file);
});

test("the client imports no module of a runtime, so that it can be bundled for all", async () => {
  const { files, modules } = await reached(["src/client/index.ts"]);
  expect([...modules]).toEqual([]);
  expect(files.size).toBeGreaterThan(25);
});

test.each([
  ["await Bun.sleep(1);", "Bun.sleep"],
  ["const text = bytes.toHex();", ".toHex("],
  ["const { promise } = Promise.withResolvers<void>();", "Promise.withResolvers"],
  ["const stop = AbortSignal.any([]);", "AbortSignal.any"],
  ["const folder: string = import.meta.dir;", "import.meta.dir"],
  ['// Bun.sleep\nlet socket: Bun.udp.Socket<"buffer">; const inBun = "Bun" in globalThis;', undefined],
])("a use of what Node 20 lacks is found: %s", (source, use) => {
  expect(notInNode(source)).toBe(use);
});
