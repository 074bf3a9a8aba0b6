/** `whereabouts bench`: runs the benches, which are in a checkout of the sources and not in the package. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command, Help, Option } from "commander";

const ROOT = join(import.meta.dir, "..", "..");
const MAIN = join(ROOT, "bench", "main.ts");
/** They compare with development dependencies; that these are there is told by one of them. */
const NEEDED = "mitata/package.json";

/** What bench/options.ts takes: to be read here, and passed on as it is. */
const FLAGS = [
  new Option("--only <suite>", "codec, xdr or engine; default: all three"),
  new Option("--nodes <n>", "nodes that the engine's registry holds; default: 10000, and 1000000"),
  new Option("--quick", "see that all of it works; the figures say little"),
  new Option("--json", "print for machines"),
];

export function benchCommand(): Command {
  return new Command("bench")
    .description("Measure codec, XDR and packet engine beside others that do the same. Needs a checkout.")
    .usage("[options]")
    .allowUnknownOption()
    .allowExcessArguments()
    .configureHelp({ visibleOptions: (command) => [...FLAGS, ...new Help().visibleOptions(command)] })
    .action((_options: object, command: Command) => run(command));
}

async function run(command: Command): Promise<void> {
  if (!existsSync(MAIN) || !resolves(NEEDED)) {
    command.error(
      "error: the benches are not in the package: get the sources of Whereabouts, and run bun bench there",
      {
        exitCode: 2,
      },
    );
  }
  const child = Bun.spawn([process.execPath, MAIN, ...command.args], { stdio: ["ignore", "inherit", "inherit"] });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => child.kill(signal));
  process.exit(await child.exited);
}

function resolves(module: string): boolean {
  try {
    Bun.resolveSync(module, ROOT);
    return true;
  } catch {
    return false;
  }
}
