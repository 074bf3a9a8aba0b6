/**
 * Builds the command line as one file per target, for machines without Bun: `bun run build:binary`. Bun downloads its runtime
 * for other targets from the npm registry, once.
 */
import { statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { THREADS } from "../src/threads/start.ts";

const SOURCES = join(import.meta.dir, "../src");
/** glibc and musl (Alpine). `x64-baseline` is for processors without AVX2. */
const TARGETS = ["x64", "arm64", "x64-musl", "arm64-musl"];
const MORE_TARGETS = ["x64-baseline", "x64-musl-baseline"];

const HELP = `Usage: bun run build:binary [--target NAME ...] [--out FOLDER]

Builds the command line as one file for Linux that needs no Bun: FOLDER/whereabouts-NAME.

  --target NAME   ${[...TARGETS, ...MORE_TARGETS].join(", ")}; may be repeated; default: ${TARGETS.join(", ")}
  --out FOLDER    default: build/bin`;

/**
 * Builds one binary.
 *
 * @returns its path
 * @throws {Error} if it cannot be built, for instance because the runtime cannot be downloaded
 */
async function buildBinary(target: string, folder: string): Promise<string> {
  const outfile = join(folder, `whereabouts-${target}`);
  const result = await Bun.build({
    entrypoints: [join(SOURCES, "cli/main.ts"), ...THREADS.map((thread) => join(SOURCES, thread))],
    // Names are kept: they are in error texts and stack traces.
    minify: { whitespace: true, syntax: true, identifiers: false },
    compile: {
      target: `bun-linux-${target}` as Bun.Build.CompileTarget,
      outfile,
      // Files that happen to be in the folder where the binary is started must not change what it does.
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      autoloadPackageJson: false,
    },
  });
  if (!result.success) throw new Error(result.logs.join("; "));
  return outfile;
}

function parse() {
  try {
    return parseArgs({
      options: {
        target: { type: "string", multiple: true },
        out: { type: "string", default: join(import.meta.dir, "../build/bin") },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    return refuse((error as Error).message);
  }
}

function refuse(why: string): never {
  console.error(`build:binary: ${why.split("\n")[0]}; see --help`);
  process.exit(2);
}

const { target: targets = TARGETS, out, help } = parse();
if (help) {
  console.log(HELP);
  process.exit(0);
}
for (const target of targets) {
  if (![...TARGETS, ...MORE_TARGETS].includes(target)) refuse(`there is no target ${target}`);
}
await mkdir(out, { recursive: true });
let built = 0;
for (const target of targets) {
  try {
    const file = await buildBinary(target, out);
    console.log(`${relative(process.cwd(), file)}: ${(statSync(file).size / 1e6).toFixed(1)} MB`);
    built++;
  } catch (error) {
    console.error(`build:binary: ${target} could not be built: ${(error as Error).message.trim().split("\n")[0]}`);
  }
}
process.exit(built > 0 ? 0 : 1);
