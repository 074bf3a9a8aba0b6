/** `bun run bench:node`: bundles node.ts into build/bench/ and runs it in Node. */
import { join } from "node:path";
import { PORTABLE } from "./portable.ts";
import { suiteOptionsOf } from "./suite-options.ts";
import { bundled } from "./xdr/parsed/plugin.ts";

// Answers --help and wrong flags here, also where there is no Node. node.ts reads the same flags again.
suiteOptionsOf("bun run bench:node", PORTABLE);

const root = join(import.meta.dir, "..");
const file = join(root, "build", "bench", "node.mjs");

const node = Bun.which("node");
if (node === null) {
  console.error("bench:node: there is no node on the PATH");
  process.exit(1);
}
const { outputs } = await Bun.build({
  entrypoints: [join(import.meta.dir, "node.ts")],
  target: "node",
  plugins: [bundled],
});
await Bun.write(file, outputs[0]!);
const child = Bun.spawn([node, file, ...Bun.argv.slice(2)], { stdio: ["ignore", "inherit", "inherit"] });
process.exit(await child.exited);
