/** `whereabouts bench`: runs the benchmarks, which are in a checkout of the sources but not in the package. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command, Help, Option } from "commander";
import { DESCRIPTIONS } from "./bun-commands.ts";

const ROOT = join(import.meta.dir, "..", "..");
const MAIN = join(ROOT, "bench", "main.ts");
/** One of the development dependencies that the benchmarks need. If it is installed, so are the others. */
const NEEDED = "mitata/package.json";

/** The flags of bench/suite-options.ts, for the help text. They are passed on unparsed. */
const FLAGS = [
  new Option("--only <list>", "suites, separated by commas: codec, xdr, engine; default: all three"),
  new Option("--nodes <n>", "nodes in the engine's registry; default: 10000 and 1000000"),
  new Option("--quick", "smoke test: run everything once and check that the results agree; measures nothing"),
  new Option("--json", "print JSON"),
  new Option("--report <folder>", "write the figures, plots, tables and a page of all into this folder"),
  new Option("--pictures <folder>", "write the plots of --report into this folder instead"),
  new Option("--from <file>", "measure nothing: make the report from this JSON of an earlier run"),
];

export function benchCommand(): Command {
  return new Command("bench")
    .description(DESCRIPTIONS.bench)
    .usage("[options]")
    .allowUnknownOption()
    .allowExcessArguments()
    .configureHelp({ visibleOptions: (command) => [...FLAGS, ...new Help().visibleOptions(command)] })
    .action((_options: object, command: Command) => run(command));
}

async function run(command: Command): Promise<void> {
  if (Bun.isStandaloneExecutable || !existsSync(MAIN)) {
    refuse(command, "bench needs a checkout: get the sources of Whereabouts and run bun bench there");
  }
  // bun run whereabouts installs only what the other commands need.
  if (!resolves(NEEDED)) refuse(command, "the benches need more packages: run bun bench, which installs them first");
  const child = Bun.spawn([process.execPath, MAIN, ...command.args], { stdio: ["ignore", "inherit", "inherit"] });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => child.kill(signal));
  process.exit(await child.exited);
}

function refuse(command: Command, why: string): never {
  command.error(`error: ${why}`, { exitCode: 2 });
}

function resolves(module: string): boolean {
  try {
    Bun.resolveSync(module, ROOT);
    return true;
  } catch {
    return false;
  }
}
