/**
 * Builds dist/, the part of the package for Node and browsers: each entry as one ES module, the command line for Node, and
 * type declarations for all users. (Bun runs the sources.) `npm pack` runs this as prepack, `npm run dist` in a checkout, both
 * after setup.ts: a process of its own, since Bun does not find packages that were installed after its start.
 */
import { rmSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { manPage } from "./man.ts";
import { buildNodeCommand } from "./node-command.ts";
import { stubModule } from "./stub.ts";

const root = join(import.meta.dir, "..");
const dist = join(root, "dist");
/** Built here and then renamed, so that an aborted build leaves no incomplete dist/. */
const temporary = join(root, `dist.${process.pid}`);

/** Entries that run everywhere. (The client can be loaded everywhere, and used under Bun, Node and Electron.) */
const PORTABLE = ["codec", "xdr", "xdr/compiler", "client"];
/** Entries that import built-in modules of Node, so that they run under Bun and Node. */
const NODE_ENTRIES = ["syncthing"];
/** Entries that need Bun. dist/ has stubs of them. */
const BUN_ONLY = ["server"];

/** The class DiscoveryError, which whereabouts/client exports. */
const ERRORS = join(root, "src", "client", "error.ts");

const source = (entry: string): string => join(root, "src", entry, "index.ts");

async function modules(): Promise<void> {
  const common = {
    bundle: true,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    outdir: temporary,
    sourcemap: true,
    // The source maps refer to the sources in the package.
    sourcesContent: false,
    logLevel: "warning",
    // Inlines constants, which a user's bundler cannot do any more in a module that was bundled before.
    minifySyntax: true,
    // Under Bun the sources run, so dist/ needs no Bun sockets: the client is smaller without them.
    define: { Bun: "undefined" },
  } as const;
  await build({ ...common, entryPoints: Object.fromEntries(PORTABLE.map((entry) => [entry, source(entry)])) });
  await build({
    ...common,
    platform: "node",
    entryPoints: Object.fromEntries(NODE_ENTRIES.map((entry) => [entry, source(entry)])),
    plugins: [
      {
        name: "client's errors",
        setup({ onResolve }) {
          // A program that uses both entries has one class of errors.
          onResolve({ filter: /\/error\.ts$/ }, ({ resolveDir, path }) => {
            return join(resolveDir, path) === ERRORS ? { path: "./client.js", external: true } : undefined;
          });
        },
      },
    ],
  });
  for (const entry of BUN_ONLY) {
    await Bun.write(join(temporary, `${entry}.js`), stubModule(`whereabouts/${entry}`, await import(source(entry))));
  }
  // The index imports the other entries instead of bundling them, so that it exports the same classes as they do.
  await build({
    ...common,
    entryPoints: { index: join(root, "src", "index.ts") },
    plugins: [
      {
        name: "entries",
        setup({ onResolve }) {
          onResolve({ filter: /^\.\/\w+\/index\.ts$/ }, ({ path }) => ({
            path: `${dirname(path)}.js`,
            external: true,
          }));
        },
      },
    ],
  });
}

/** An import of a relative path in a declaration file: the text before it, and the path without `.ts`. */
const IMPORTED = /(\bfrom |\bimport\(|^import )"(\.[^"]*)\.ts"/gm;

/** Builds the declarations of all sources and keeps those that the entries need. */
async function declarations(): Promise<void> {
  // This folder must be at the same depth as the final one, since the source maps have relative paths to src/.
  const all = join(temporary, "all");
  const tsc = ["node_modules/typescript/bin/tsc", "-p", "tsconfig.dist.json", "--outDir", all];
  const child = Bun.spawn([process.execPath, ...tsc], { cwd: root, stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(`tsc failed (exit ${code})\n${out}${err}`);
  const kept = new Set<string>();
  const keep = async (file: string): Promise<void> => {
    if (kept.has(file)) return;
    kept.add(file);
    const text = await Bun.file(join(all, file)).text();
    // tsc leaves `.ts` in the imports. Not every tool resolves that to `.d.ts`, but all resolve `.js`.
    await Bun.write(join(temporary, "types", file), text.replaceAll(IMPORTED, '$1"$2.js"'));
    await Bun.write(join(temporary, "types", `${file}.map`), Bun.file(join(all, `${file}.map`)));
    for (const [, , path] of text.matchAll(IMPORTED)) await keep(`${join(dirname(file), path!)}.d.ts`);
  };
  for (const entry of ["", "xdr/compiler", ...NODE_ENTRIES]) await keep(join("src", entry, "index.d.ts"));
  await rm(all, { recursive: true });
}

process.on("exit", () => rmSync(temporary, { recursive: true, force: true }));
await Promise.all([
  modules(),
  declarations(),
  manPage().then((page) => Bun.write(join(temporary, "whereabouts.1"), page)),
]);
buildNodeCommand(temporary);
for (let tries = 3; ; tries--) {
  await rm(dist, { recursive: true, force: true });
  try {
    await rename(temporary, dist);
    break;
  } catch (error) {
    // A concurrent build may have renamed its own dist/ in between.
    if (tries === 0) throw error;
  }
}
