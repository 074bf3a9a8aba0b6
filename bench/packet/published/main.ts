/**
 * `bun run bench:codec`: measures the codec in Bun, Node and Chromium, and writes the tables of docs/codec.md. Each runtime's
 * figures are kept in docs/performance/codec-*.json, so that the tables can be written again without a run.
 */
import { cpus, release, type } from "node:os";
import { join } from "node:path";
import type { Row } from "../../contest.ts";
import { nameOf, optionsOf, someOf, toggle } from "../../options.ts";
import { measureCold } from "./cold.ts";
import { RUNTIMES, type Runtime, readFigures, warmOf, writeFigures } from "./figures.ts";
import { type AllFigures, withTables } from "./tables.ts";

const BENCH = join(import.meta.dir, "../..");
const PAGE = join(BENCH, "../docs/codec.md");

/** The bench of each runtime, started with `--only codec --json`. */
const PROGRAMS: Readonly<Record<Runtime, string>> = {
  bun: "main.ts",
  node: "run-node.ts",
  chromium: "page/chromium.ts",
};
/** New processes or pages for each cold figure. */
const COLD_SAMPLES = 15;

const program = {
  command: "bun run bench:codec",
  about: `Measures the codec, cold and warm, in Bun, Node and Chromium: two minutes for each. Writes the figures to
docs/performance/codec-*.json and their tables to docs/codec.md. Run it on a machine that does nothing else.`,
  flags: {
    only: someOf({
      names: RUNTIMES,
      value: "<list>",
      default: RUNTIMES,
      help: "measure in these runtimes, and keep the figures of the others: bun, node, chromium (default: all)",
    }),
    tables: toggle("measure nothing: write the tables from the figures that are there"),
  },
} as const;

const { only, tables } = optionsOf(program);
try {
  if (!tables) for (const runtime of only) await measure(runtime);
  const figures = await Promise.all(RUNTIMES.map(async (runtime) => [runtime, await readFigures(runtime)]));
  const all: AllFigures = Object.fromEntries(figures);
  await Bun.write(PAGE, withTables(await Bun.file(PAGE).text(), all));
} catch (error) {
  console.error(`${nameOf(program)}: ${(error as Error).message}`);
  process.exit(1);
}

async function measure(runtime: Runtime): Promise<void> {
  console.error(`${runtime}: the first use`);
  const cold = await measureCold(runtime, COLD_SAMPLES);
  console.error(`${runtime}: the codec suite`);
  const outcome = await suite(runtime);
  await writeFigures(runtime, {
    runtime: outcome.runtime,
    processor: cpus()[0]?.model ?? "unknown",
    processors: outcome.processors,
    system: `${type()} ${release()} ${process.arch}`,
    date: new Date().toISOString().slice(0, 10),
    command: program.command,
    cold,
    warm: warmOf(outcome.rows),
  });
}

async function suite(runtime: Runtime): Promise<{ runtime: string; processors: number; rows: Row[] }> {
  const command = [process.execPath, join(BENCH, PROGRAMS[runtime]), "--only", "codec", "--json"];
  const child = Bun.spawn(command, { stdio: ["ignore", "pipe", "inherit"] });
  const [out, exit] = await Promise.all([child.stdout.text(), child.exited]);
  if (exit !== 0) throw new Error(`the codec suite failed in ${runtime} (exit ${exit})`);
  return JSON.parse(out);
}
