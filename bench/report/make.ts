/** What `--report` does, for all benches that have it. */
import type { ReportOptions } from "./flags.ts";
import { type Bench, type Origin, readRun } from "./runs.ts";

/**
 * Writes a report, or updates one. Ends the process with one line if it cannot.
 *
 * @param run - undefined to read it from the file of `--from`
 */
export async function makeReport(options: ReportOptions, bench: Bench, run: Origin | undefined): Promise<void> {
  try {
    const found = run ?? readRun(options.from!, bench);
    // Only reports need the library that draws, which takes long to load.
    const { writeReport } = await import("./write.ts");
    console.error(await writeReport(options, bench, found));
  } catch (error) {
    console.error(`bench: no report: ${(error as Error).message}`);
    process.exit(1);
  }
}
