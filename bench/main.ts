/**
 * `bun bench`: what codec, XDR and packet engine cost, side by side with others that do the same: wasm, its TypeScript
 * twin, hand-written DataView code, @stellar/js-xdr, micro-packed, and, for the engine, a server as most would write it.
 * A table of nanoseconds, and a short one of ratios last. `bun run bench:node` and `bun run bench:chromium` run the same
 * codec and XDR elsewhere.
 */
import { SUITES } from "./contest.ts";
import { benchEngine } from "./engine/engine.ts";
import { optionsOf } from "./options.ts";
import { jsonOf, lineOf, textOfOutcome } from "./outcome.ts";
import { PORTABLE, runPortable } from "./portable.ts";

const { suites, quick, pace, json, nodes } = optionsOf("bun bench", SUITES);
const say = json ? () => {} : (line: string) => console.error(line);

const rows = await runPortable(
  PORTABLE.filter((suite) => suites.includes(suite)),
  pace,
  (found) => say(found.map(lineOf).join("\n")),
);
if (suites.includes("engine")) {
  await benchEngine(nodes, pace, (row) => {
    rows.push(row);
    say(lineOf(row));
  });
}
const outcome = { runtime: `Bun ${Bun.version}`, processors: navigator.hardwareConcurrency, quick, rows };
console.log(json ? jsonOf(outcome) : textOfOutcome(outcome));
