/** The codec and XDR under Node: bundled, since Node does not run TypeScript, by run-node.ts. */
import { availableParallelism } from "node:os";
import { optionsOf } from "./options.ts";
import { jsonOf, lineOf, textOfOutcome } from "./outcome.ts";
import { PORTABLE, runPortable } from "./portable.ts";

const { suites, quick, pace, json } = optionsOf("bun run bench:node", PORTABLE);
const rows = await runPortable(suites, pace, (found) => {
  if (!json) console.error(found.map(lineOf).join("\n"));
});
const outcome = { runtime: `Node ${process.versions.node}`, processors: availableParallelism(), quick, rows };
console.log(json ? jsonOf(outcome) : textOfOutcome(outcome));
