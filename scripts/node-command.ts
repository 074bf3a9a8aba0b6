/** Builds the command line for Node: dist/cli.js. Tests build it, too. */
import { join } from "node:path";
import { buildSync } from "esbuild";

const ENTRY = join(import.meta.dir, "..", "src", "cli", "node.ts");

/**
 * Writes cli.js and the module that it loads if Node is not too old.
 *
 * @param folder - must be where Node finds the dependencies of the package
 */
export function buildNodeCommand(folder: string): void {
  buildSync({
    entryPoints: { cli: ENTRY },
    outdir: folder,
    bundle: true,
    splitting: true,
    chunkNames: "cli-[name]-[hash]",
    packages: "external",
    format: "esm",
    platform: "node",
    target: "node20",
    sourcemap: true,
    sourcesContent: false,
    logLevel: "warning",
  });
}
