/**
 * Makes dist/: what the package is where there is no Bun, which runs the sources themselves. ES modules, each one file,
 * and declarations, which serve everyone. `npm pack` runs it (prepack); all it needs is Bun.
 */
import "./setup.ts";
import { rmSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { elsewhere } from "./elsewhere.ts";

// Not before the set-up, which installs it.
const { build } = await import("esbuild");

const root = join(import.meta.dir, "..");
const dist = join(root, "dist");
/** Made aside and moved, so that a build that is cut short leaves no half of a package. */
const aside = join(root, `dist.${process.pid}`);

/** Entries that run anywhere, and those that need Bun. */
const ANYWHERE = ["codec", "xdr"];
const FOR_BUN = ["client", "server"];

const source = (entry: string): string => join(root, "src", entry, "index.ts");

async function modules(): Promise<void> {
  const common = {
    bundle: true,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    outdir: aside,
    sourcemap: true,
    // The package has the sources themselves.
    sourcesContent: false,
    logLevel: "warning",
  } as const;
  await build({ ...common, entryPoints: Object.fromEntries(ANYWHERE.map((entry) => [entry, source(entry)])) });
  for (const entry of FOR_BUN) {
    await Bun.write(join(aside, `${entry}.js`), elsewhere(`whereabouts/${entry}`, await import(source(entry))));
  }
  // It imports the others, so that a class is the same one whichever entry it was taken from.
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

/** A relative path in a declaration: what leads up to it, and the path without its `.ts`. */
const IMPORTED = /(\bfrom |\bimport\(|^import )"(\.[^"]*)\.ts"/gm;

/** Has declarations made of all sources, and keeps those that an entry's lead to. */
async function declarations(): Promise<void> {
  // As deep in the tree as where they will lie: their source maps lead to src/.
  const all = join(aside, "all");
  const tsc = ["node_modules/typescript/bin/tsc", "-p", "tsconfig.dist.json", "--outDir", all];
  const child = Bun.spawn([process.execPath, ...tsc], { cwd: root, stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(`tsc failed (exit ${code})\n${out}${err}`);
  const kept = new Set<string>();
  const keep = async (file: string): Promise<void> => {
    if (kept.has(file)) return;
    kept.add(file);
    const text = await Bun.file(join(all, file)).text();
    // tsc leaves `.ts` in there, of which not every tool makes `.d.ts`.
    await Bun.write(join(aside, "types", file), text.replaceAll(IMPORTED, '$1"$2.js"'));
    await Bun.write(join(aside, "types", `${file}.map`), Bun.file(join(all, `${file}.map`)));
    for (const [, , path] of text.matchAll(IMPORTED)) await keep(`${join(dirname(file), path!)}.d.ts`);
  };
  await keep("src/index.d.ts");
  await rm(all, { recursive: true });
}

process.on("exit", () => rmSync(aside, { recursive: true, force: true }));
await Promise.all([modules(), declarations()]);
for (let tries = 3; ; tries--) {
  await rm(dist, { recursive: true, force: true });
  try {
    await rename(aside, dist);
    break;
  } catch (error) {
    // A build beside this one can put its own there in between.
    if (tries === 0) throw error;
  }
}
