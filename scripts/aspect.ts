/**
 * Runs the specs of `tests/assembly`, which as-pect compiles with the modules of `assembly/` and runs in wasm.
 *
 * as-pect can be green without a test: it exits with 0 when it finds no specs, and when it prints nothing at all. So
 * its exit code alone is not believed: the summary must say that all tests passed, and each file of specs that it had
 * some.
 */
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const AS_PECT = "node_modules/@as-pect/cli/lib/test.js";
const SPECS = "tests/assembly";
/** A spec that waits for a lock which nobody lets go never ends. */
const TIME_LIMIT_MS = 120_000;

export interface AspectResult {
  passed: number;
  failed: number;
  /** Whether all tests of all files were run and passed. */
  ok: boolean;
  /** What as-pect printed, without its banner, and what is wrong with it. */
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
  return judge(Bun.stripANSI(`${out}${err}`), code === 0 ? [] : [end], files.sort());
}

/** What a run of as-pect amounts to, from all it printed, what is wrong already, and the files of specs there are. */
function judge(printed: string, faults: string[], files: readonly string[]): AspectResult {
  const summary = /^\s*\[Tests\]: (\d+) \/ (\d+)$/m.exec(printed);
  const passed = Number(summary?.[1] ?? 0);
  const total = Number(summary?.[2] ?? 0);
  if (summary === null) faults.push("as-pect did not come to its summary");
  else if (total === 0) faults.push("no tests were run");
  else if (passed !== total) faults.push(`${total - passed} of ${total} tests failed`);
  if (!/^\s*\[Result\]: ✔ Pass!$/m.test(printed)) faults.push('the result is not "Pass!"');
  for (const file of total > 0 ? files : []) {
    const line = printed.split("\n").find((line) => line.slice(2).startsWith(`${file} `));
    if (!/ Pass: \d+ \/ [1-9]/.test(line ?? "")) faults.push(`${file} has no tests`);
  }
  const output = [...withoutBanner(printed), ...faults.map((fault) => `aspect: ${fault}`), ""].join("\n");
  return { passed, failed: total - passed, ok: faults.length === 0, output };
}

/** Nor with the lines of its own minified source that the compiler quotes when it fails. */
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
