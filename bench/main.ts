/**
 * `bun bench`: what the codec, XDR and the packet engine cost beside other implementations of the same: wasm, its
 * TypeScript twin, hand-written DataView code, @stellar/js-xdr, micro-packed, and, for the engine, a server as most
 * people would write it. Prints a table of nanoseconds, then a table of ratios. `bun run bench:node` and `bun run
 * bench:chromium` run the codec and XDR in Node and in a browser.
 */
import { SUITES } from "./contest.ts";
import { benchEngine } from "./engine/engine.ts";
import { jsonOf, lineOf, textOfOutcome } from "./outcome.ts";
import { PORTABLE, runPortable } from "./portable.ts";
import { suiteOptionsOf } from "./suite-options.ts";
import "./xdr/parsed/plugin.ts";

const { suites, quick, pace, json, nodes } = suiteOptionsOf("bun bench", SUITES);
const report = json ? () => {} : (line: string) => console.error(line);

const rows = await runPortable(
  PORTABLE.filter((suite) => suites.includes(suite)),
  pace,
  (found) => report(found.map((row) => lineOf(row, quick)).join("\n")),
);
if (suites.includes("engine")) {
  await benchEngine(nodes, pace, (row) => {
    rows.push(row);
    report(lineOf(row, quick));
  });
}
const outcome = { runtime: `Bun ${Bun.version}`, processors: navigator.hardwareConcurrency, quick, rows };
console.log(json ? jsonOf(outcome) : textOfOutcome(outcome));
