/** Bundles programs for Node, which cannot run the sources of this package. */
import { join } from "node:path";
import { build } from "esbuild";

const SOURCES = join(import.meta.dir, "../../src");

/** Bundles a program and the client that it imports into one ES module. */
export async function bundleForNode(program: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [program],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    alias: { "whereabouts/client": join(SOURCES, "client/index.ts") },
    logLevel: "warning",
  });
}
