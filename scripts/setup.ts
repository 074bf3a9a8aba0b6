/**
 * Sets up a checkout: installs the packages of the lock file, and builds the wasm modules, the live page of the admin
 * server, and what the XDR compiler needs. It does only what is out of date. With `--production` it installs only the
 * runtime dependencies and the compiler of the wasm modules.
 *
 * package.json runs it before every script that needs it. So it prints nothing when there is nothing to do, and
 * otherwise prints to stderr.
 */
import { existsSync, rmSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { declarationsOf } from "./xdr-runtime.ts";

const root = join(import.meta.dir, "..");
const built = join(root, "build");

async function digest(files: readonly string[]): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  for (const file of files) {
    hasher.update(`${file}\0`);
    hasher.update(await Bun.file(join(root, file)).bytes());
  }
  return hasher.digest("hex");
}

async function upToDate(stamp: string, wanted: string): Promise<boolean> {
  const file = Bun.file(stamp);
  return (await file.exists()) && (await file.text()) === wanted;
}

async function run(what: string, command: readonly string[]): Promise<void> {
  const child = Bun.spawn([process.execPath, ...command], { cwd: root, stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) {
    console.error(`${out}${err}setup: ${what} failed (exit ${code})`);
    process.exit(1);
  }
}

/**
 * Each mode has a stamp of its own. `bun install` only adds packages and removes none, so the two modes cannot undo
 * each other's work, even when they run at the same time.
 */
async function install(production: boolean): Promise<void> {
  const wanted = await digest([
    "package.json",
    "assembly/package.json",
    "src/admin/page/package.json",
    "bunfig.toml",
    "bun.lock",
  ]);
  const everything = join(root, "node_modules", ".whereabouts");
  if (await upToDate(everything, wanted)) return;
  const stamp = production ? `${everything}-production` : everything;
  if (await upToDate(stamp, wanted)) return;
  console.error(`setup: installing ${production ? "runtime dependencies and the compiler" : "all dependencies"}`);
  await run("bun install", ["install", "--frozen-lockfile", ...(production ? ["--production"] : [])]);
  await Bun.write(stamp, wanted);
}

/** Each binary has a config of its own, since asc adds the entries of all configs that it is given. */
const BINARIES = [
  ["engine", "asconfig.json"],
  ["codec", "asconfig.codec.json"],
  ["codec-simd", "asconfig.codec-simd.json"],
] as const;

/** The live page of the admin server: path at the server, file, content type. */
const PAGE_FILES = [
  ["/", "index.html", "text/html; charset=utf-8"],
  ["/page.css", "page.css", "text/css; charset=utf-8"],
  ["/main.js", "main.js", "text/javascript; charset=utf-8"],
  ["/icon.svg", "icon.svg", "image/svg+xml"],
] as const;
const PAGE_SOURCES = "src/admin/page";
/** Files of other folders that the page has in it. */
const PAGE_IMPORTS = ["src/admin/transport-text.ts", "src/log/count.ts"];
const LICENSES =
  "/*! With uPlot, (c) Leon Sorokin, MIT License: https://github.com/leeoniya/uPlot/blob/master/LICENSE */";

/** Writes page.ts, the files of the page as text: importing it needs no file, also in a program that Bun compiled. */
async function buildPage(temporary: string): Promise<void> {
  const folder = join(temporary, "page");
  // In a process of its own, since Bun does not find packages that were installed after its start.
  const entries = ["main.ts", "page.css"].map((file) => join(PAGE_SOURCES, file));
  const options = ["--target=browser", "--minify", `--banner=${LICENSES}`, "--outdir", folder];
  await run("bun build of the page", ["build", ...entries, ...options]);
  const files = await Promise.all(
    PAGE_FILES.map(async ([path, file, contentType]) => {
      const bundled = Bun.file(join(folder, file));
      const bytes = await ((await bundled.exists()) ? bundled : Bun.file(join(root, PAGE_SOURCES, file))).bytes();
      const etag = `"${Bun.CryptoHasher.hash("sha256", bytes, "hex").slice(0, 16)}"`;
      return [path, { contentType, etag, gzip: Bun.gzipSync(bytes, { level: 9 }).toBase64() }];
    }),
  );
  const text = JSON.stringify(Object.fromEntries(files), undefined, 2);
  await Bun.write(
    join(temporary, "page.ts"),
    `/** The live page (generated): its files by path, compressed and in base64. */\nexport const PAGE = ${text};\n`,
  );
  await rm(folder, { recursive: true });
}

const XDR_RUNTIME = "src/xdr/runtime";

/** Writes xdr-runtime.ts, the functions that the XDR compiler adds to its output. */
async function buildXdrRuntime(temporary: string, files: readonly string[]): Promise<void> {
  const sources = await Promise.all(
    files.map(async (file) => [file, await Bun.file(join(root, file)).text()] as const),
  );
  const text = JSON.stringify(declarationsOf(sources), undefined, 2);
  await Bun.write(
    join(temporary, "xdr-runtime.ts"),
    `/** The declarations of ${XDR_RUNTIME} as text (generated), and which others each of them uses. */\nexport const XDR_RUNTIME = ${text};\n`,
  );
}

const OUTPUTS = [
  ...BINARIES.flatMap(([name]) => [`${name}.wasm`, `${name}.wat`]),
  "codec-wasm.ts",
  "page.ts",
  "xdr-runtime.ts",
];

async function build(): Promise<void> {
  const sources = (await readdir(join(root, "assembly"))).filter((file) => file.endsWith(".ts")).sort();
  const page = (await readdir(join(root, PAGE_SOURCES))).sort();
  const xdrRuntime = (await readdir(join(root, XDR_RUNTIME))).sort().map((file) => `${XDR_RUNTIME}/${file}`);
  const wanted = await digest([
    "scripts/setup.ts",
    "scripts/xdr-runtime.ts",
    ...xdrRuntime,
    "node_modules/assemblyscript/package.json",
    "node_modules/uplot/package.json",
    ...page.map((file) => `${PAGE_SOURCES}/${file}`),
    ...PAGE_IMPORTS,
    ...BINARIES.map(([, config]) => config),
    ...sources.map((file) => `assembly/${file}`),
  ]);
  if (OUTPUTS.every((file) => existsSync(join(built, file))) && (await upToDate(join(built, "stamp"), wanted))) return;
  console.error("setup: building the wasm modules and the live page");
  // Built in a folder of its own and then renamed, so that an aborted or concurrent build never leaves half a module.
  const temporary = join(root, `build.${process.pid}`);
  await mkdir(temporary, { recursive: true });
  process.on("exit", () => rmSync(temporary, { recursive: true, force: true }));
  await Promise.all([
    buildPage(temporary),
    buildXdrRuntime(temporary, xdrRuntime),
    ...BINARIES.map(([name, config]) => {
      const output = ["--outFile", join(temporary, `${name}.wasm`), "--textFile", join(temporary, `${name}.wat`)];
      return run(`asc of ${name}`, ["node_modules/assemblyscript/bin/asc.js", "--config", config, ...output]);
    }),
  ]);
  const base64 = async (name: string) => (await Bun.file(join(temporary, name)).bytes()).toBase64();
  await Bun.write(
    join(temporary, "codec-wasm.ts"),
    `/** codec.wasm and codec-simd.wasm as text (generated), so that importing them needs no file and no request. */
export const CODEC_WASM = "${await base64("codec.wasm")}";
export const CODEC_SIMD_WASM = "${await base64("codec-simd.wasm")}";
`,
  );
  await Bun.write(join(temporary, "stamp"), wanted);
  await rm(built, { recursive: true, force: true });
  try {
    await rename(temporary, built);
  } catch (error) {
    // A concurrent setup was faster. Its build is as good if it is of the same sources.
    if (!(await upToDate(join(built, "stamp"), wanted))) throw error;
  }
}

await install(process.argv.includes("--production"));
await build();
