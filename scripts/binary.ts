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

/** Starts that are measured. */
const RUNS = 5;

const HELP = `Usage: bun run build:binary [--target NAME ...] [--out FOLDER]

Builds the command line as one file for Linux that needs no Bun: FOLDER/whereabouts-NAME.

  --target NAME   ${[...TARGETS, ...MORE_TARGETS].join(", ")}; may be repeated; default: ${TARGETS.join(", ")}
  --out FOLDER    default: build/bin
  --measure       also starts the server of the binary for this machine 5 times, on loopback, and prints after how many
                  milliseconds it listens (median; target: less than 300)`;

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
        measure: { type: "boolean" },
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

/** @returns the median of the times from the start of the process until the server listens, in ms */
async function timeToListen(file: string): Promise<number> {
  const times: number[] = [];
  while (times.length < RUNS) {
    const from = performance.now();
    const flags = ["--host", "127.0.0.1", "--port", "0", "--admin", "off", "--journal", "memory"];
    const child = Bun.spawn([file, "server", ...flags], { env: {}, stdout: "pipe", stderr: "inherit" });
    let log = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      log += text;
      if (log.includes("listens on")) break;
    }
    times.push(performance.now() - from);
    child.kill("SIGTERM");
    await child.exited;
  }
  return times.sort((a, b) => a - b)[RUNS >> 1]!;
}

const { target: asked, out, measure, help } = parse();
const targets = asked ?? TARGETS;
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
    if (measure && target === process.arch) console.log(`  listens after ${Math.round(await timeToListen(file))} ms`);
  } catch (error) {
    // "Bundle failed" has the reason inside.
    const { message } = error instanceof AggregateError ? (error.errors[0] as Error) : (error as Error);
    console.error(`build:binary: ${target} could not be built: ${message.trim().split("\n")[0]}`);
  }
}
// A target that was asked for by name must not be missing.
process.exit(built === targets.length || (asked === undefined && built > 0) ? 0 : 1);
