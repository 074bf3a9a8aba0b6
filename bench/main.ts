/**
 * `bun bench`: what the codec, XDR and the packet engine cost beside other implementations of the same: wasm, its
 * TypeScript twin, hand-written DataView code, @stellar/js-xdr, micro-packed, and, for the engine, a server as most
 * people would write it. Prints a table of nanoseconds, then a table of ratios; `--report` writes plots. `bun run bench:node` and `bun run
 * bench:chromium` run the codec and XDR in Node and in a browser.
 */
import { SUITES } from "./contest.ts";
import { benchEngine } from "./engine/engine.ts";
import { jsonOf, lineOf, textOfOutcome } from "./outcome.ts";
import { PORTABLE, runPortable } from "./portable.ts";
import { makeReport } from "./report/make.ts";
import { originOf } from "./report/runs.ts";
import { suiteOptionsOf } from "./suite-options.ts";
import "./xdr/parsed/plugin.ts";

const COMMAND = "bun bench";
const { suites, quick, pace, json, nodes, report } = suiteOptionsOf(COMMAND, SUITES);
const progress = json ? () => {} : (line: string) => console.error(line);

async function measure() {
  const origin = originOf(COMMAND);
  const rows = await runPortable(
    PORTABLE.filter((suite) => suites.includes(suite)),
    pace,
    (found) => progress(found.map((row) => lineOf(row, quick)).join("\n")),
  );
  if (suites.includes("engine")) {
    await benchEngine(nodes, pace, (row) => {
      rows.push(row);
      progress(lineOf(row, quick));
    });
  }
  return { ...origin, runtime: `Bun ${Bun.version}`, processors: navigator.hardwareConcurrency, quick, rows };
}

const run = report?.from === undefined ? await measure() : undefined;
if (run !== undefined) console.log(json ? jsonOf(run) : textOfOutcome(run));
if (report !== undefined) await makeReport(report, "bench", run);
