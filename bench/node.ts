/** The codec and XDR suites in Node. run-node.ts bundles this file first, because Node does not run TypeScript. */
import { availableParallelism } from "node:os";
import { jsonOf, lineOf, textOfOutcome } from "./outcome.ts";
import { PORTABLE, runPortable } from "./portable.ts";
import { suiteOptionsOf } from "./suite-options.ts";

const { suites, quick, pace, json } = suiteOptionsOf("bun run bench:node", PORTABLE);
const rows = await runPortable(suites, pace, (found) => {
  if (!json) console.error(found.map((row) => lineOf(row, quick)).join("\n"));
});
const outcome = { runtime: `Node ${process.versions.node}`, processors: availableParallelism(), quick, rows };
console.log(json ? jsonOf(outcome) : textOfOutcome(outcome));
