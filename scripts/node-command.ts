/** Builds the command line for Node: dist/cli.js. Tests build it, too. */
import { join } from "node:path";
import { buildSync } from "esbuild";

const ENTRY = join(import.meta.dir, "..", "src", "cli", "node.ts");

/** @param outfile - the module to write; it must be where Node finds the dependencies of the package */
export function buildNodeCommand(outfile: string): void {
  buildSync({
    entryPoints: [ENTRY],
    outfile,
    bundle: true,
    packages: "external",
    format: "esm",
    platform: "node",
    target: "node20",
    sourcemap: true,
    sourcesContent: false,
    logLevel: "warning",
  });
}
