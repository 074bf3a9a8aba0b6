/** Bundles programs for Node, which cannot run the sources of this package. */
import { join } from "node:path";
import { build } from "esbuild";

const SOURCES = join(import.meta.dir, "../../src");

/** Bundles a program and the modules of the package that it imports into one ES module. */
export async function bundleForNode(program: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [program],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    alias: Object.fromEntries(
      ["client", "codec", "xdr"].map((name) => [`whereabouts/${name}`, join(SOURCES, name, "index.ts")]),
    ),
    logLevel: "warning",
  });
}
