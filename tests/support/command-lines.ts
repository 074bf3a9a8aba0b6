/**
 * Runs many command lines in one process, which is much cheaper than a process for each. For those that end by themselves and start
 * nothing. Reads them from standard input, as JSON, and prints an {@link Outcome} for each.
 */
import { COMMANDS } from "../../src/cli/commands.ts";
import { runProgram } from "../../src/cli/program.ts";

export interface Outcome {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

async function outcomeOf(words: readonly string[]): Promise<Outcome> {
  const written = { out: "", err: "" };
  const { stdout, stderr } = process;
  const originals = [stdout.write, stderr.write] as const;
  const collect = (to: "out" | "err") => (text: string, done?: () => void) => {
    written[to] += text;
    done?.();
    return true;
  };
  stdout.write = collect("out") as typeof stdout.write;
  stderr.write = collect("err") as typeof stderr.write;
  process.argv = [...process.argv.slice(0, 2), ...words];
  process.exitCode = 0;
  try {
    await runProgram(COMMANDS);
  } finally {
    [stdout.write, stderr.write] = originals;
  }
  return { ...written, code: Number(process.exitCode) };
}

const outcomes: Outcome[] = [];
for (const words of await Bun.stdin.json()) outcomes.push(await outcomeOf(words));
process.exitCode = 0;
await Bun.write(Bun.stdout, JSON.stringify(outcomes));
