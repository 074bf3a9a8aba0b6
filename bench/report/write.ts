/** Writes a report: the JSON of a run, and what can be drawn and listed from all runs in the folder. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ReportOptions } from "./flags.ts";
import { page } from "./page.ts";
import { pictures, type Runs } from "./pictures.ts";
import { type Bench, type Origin, type PacketRun, readRun, type ServerRun, textOfRun } from "./runs.ts";
import { tables } from "./tables.ts";

/** @returns a line that says what was written */
export async function writeReport(options: ReportOptions, bench: Bench, run: Origin): Promise<string> {
  const { folder } = options;
  for (const path of [folder, options.pictures]) mkdirSync(path, { recursive: true });
  writeFileSync(join(folder, `${bench}.json`), textOfRun(run));
  const runs = runsIn(folder);
  const drawn = await pictures(runs);
  for (const { name, svg } of drawn) writeFileSync(join(options.pictures, `${name}.svg`), svg);
  writeFileSync(join(folder, "tables.md"), tables(runs));
  writeFileSync(join(folder, "report.html"), page(runs, drawn));
  return `report: ${join(folder, "report.html")}, and ${drawn.length} plots in ${options.pictures}`;
}

export function runsIn(folder: string): Runs {
  const read = <Run extends Origin>(name: Bench) => {
    const file = join(folder, `${name}.json`);
    return existsSync(file) ? readRun<Run>(file, name) : undefined;
  };
  return { bench: read<PacketRun>("bench"), server: read<ServerRun>("server") };
}
