/** Runs benches as their users do, and many wrong command lines of theirs at once. */
import { join } from "node:path";
import type { Outcome } from "./one-process-main.ts";
import { TEST_LIMIT_MS } from "./time-limits.ts";

const ROOT = join(import.meta.dir, "../..");

/** Runs a program to its end, in a process of its own. @param file - from the root of the repository */
export async function runBench(file: string, args: readonly string[], env = Bun.env): Promise<Outcome> {
  const child = Bun.spawn([process.execPath, join(ROOT, file), ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { out, err, code };
}

export interface BenchLine {
  /** The program, from the root of the repository. */
  readonly file: string;
  readonly args: readonly string[];
}

/** Runs command lines that end at once, all in one process: see bench-lines.ts. */
export async function runBenchLines(lines: readonly BenchLine[], env = Bun.env): Promise<readonly Outcome[]> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "bench-lines.ts")], {
    cwd: ROOT,
    env,
    stdin: new Blob([JSON.stringify(lines)]),
    stdout: "pipe",
    stderr: "inherit",
    timeout: TEST_LIMIT_MS,
  });
  return child.stdout.json();
}
