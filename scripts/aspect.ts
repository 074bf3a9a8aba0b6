/**
 * Runs the specs of `tests/assembly` with as-pect, which compiles them together with the modules of `assembly/` and
 * runs them in wasm.
 *
 * as-pect also exits with 0 if it finds no specs or prints nothing at all. So this does not rely on the exit code
 * alone: the summary must say that all tests passed, and every spec file must have had tests.
 */
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const AS_PECT = "node_modules/@as-pect/cli/lib/test.js";
const SPECS = "tests/assembly";
/** A spec that waits for a lock which is never released would run forever. */
const TIME_LIMIT_MS = 120_000;

export interface AspectResult {
  passed: number;
  failed: number;
  /** Whether all tests of all files ran and passed. */
  ok: boolean;
  /** The output of as-pect without its banner, then one line for each problem. */
  output: string;
}

/** Compiles and runs the specs; takes a few seconds. */
export async function runAspect(): Promise<AspectResult> {
  const config = ["--config", `${SPECS}/as-pect.config.js`, "--as-config", `${SPECS}/as-pect.asconfig.json`];
  const child = Bun.spawn([process.execPath, "--bun", AS_PECT, ...config], {
    cwd: root,
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0" },
    stdout: "pipe",
    stderr: "pipe",
    timeout: TIME_LIMIT_MS,
    killSignal: "SIGKILL",
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  const files = await Array.fromAsync(new Bun.Glob(`${SPECS}/*.as.ts`).scan({ cwd: root }));
  const end = child.signalCode === null ? `as-pect ended with ${code}` : `as-pect was stopped: ${child.signalCode}`;
  return evaluate(Bun.stripANSI(`${out}${err}`), code === 0 ? [] : [end], files.sort());
}

/**
 * Evaluates a run of as-pect.
 *
 * @param printed its whole output
 * @param problems found so far
 * @param files all spec files
 */
function evaluate(printed: string, problems: string[], files: readonly string[]): AspectResult {
  const summary = /^\s*\[Tests\]: (\d+) \/ (\d+)$/m.exec(printed);
  const passed = Number(summary?.[1] ?? 0);
  const total = Number(summary?.[2] ?? 0);
  if (summary === null) problems.push("as-pect printed no summary");
  else if (total === 0) problems.push("no tests ran");
  else if (passed !== total) problems.push(`${total - passed} of ${total} tests failed`);
  if (!/^\s*\[Result\]: ✔ Pass!$/m.test(printed)) problems.push('the result is not "Pass!"');
  for (const file of total > 0 ? files : []) {
    const line = printed.split("\n").find((line) => line.slice(2).startsWith(`${file} `));
    if (!/ Pass: \d+ \/ [1-9]/.test(line ?? "")) problems.push(`${file} has no tests`);
  }
  const output = [...withoutBanner(printed), ...problems.map((problem) => `aspect: ${problem}`), ""].join("\n");
  return { passed, failed: total - passed, ok: problems.length === 0, output };
}

/** Also removes the lines of the compiler's own minified source, which it quotes when it crashes. */
function withoutBanner(printed: string): string[] {
  const lines = printed.trimEnd().split("\n");
  const version = lines.findIndex((line) => line.startsWith("ASC Version"));
  return lines.slice(version + 1).filter((line) => !/^\s*\d+ \| /.test(line));
}

if (import.meta.main) {
  const { ok, output } = await runAspect();
  console.log(output);
  process.exit(ok ? 0 : 1);
}
