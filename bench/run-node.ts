/** `bun run bench:node`: bundles the bench for Node, into build/bench/, and runs it there. */
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const file = join(root, "build", "bench", "node.mjs");

const node = Bun.which("node");
if (node === null) {
  console.error("bench: there is no node on the PATH");
  process.exit(1);
}
const { outputs } = await Bun.build({ entrypoints: [join(import.meta.dir, "node.ts")], target: "node" });
await Bun.write(file, outputs[0]!);
const child = Bun.spawn([node, file, ...Bun.argv.slice(2)], { stdio: ["ignore", "inherit", "inherit"] });
process.exit(await child.exited);
