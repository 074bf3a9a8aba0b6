/** The process of one-process.ts. Each message is a command line, and is answered by its outcome. */
import { COMMANDS } from "../../src/cli/commands.ts";
import { runProgram } from "../../src/cli/program.ts";

export interface Outcome {
  readonly out: string;
  readonly err: string;
  readonly code: number;
}

/** A command line, and variables that it has beside those of the process. */
export interface CommandLine {
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** The outcome of a command line, or the stack of an error that the command did not expect. */
export type Answer = { readonly outcome: Outcome } | { readonly stack: string };

const CLEAN = { ...process.env };
const ARGV = process.argv.slice(0, 2);

async function outcomeOf({ words, env }: CommandLine): Promise<Outcome> {
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
  process.argv = [...ARGV, ...words];
  process.exitCode = 0;
  // The program removes empty variables.
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, CLEAN, env);
  try {
    await runProgram(COMMANDS);
  } finally {
    [stdout.write, stderr.write] = originals;
  }
  const code = Number(process.exitCode);
  process.exitCode = 0;
  return { ...written, code };
}

let last: Promise<void> = Promise.resolve();
process.on("message", (line: CommandLine) => {
  last = last.then(async () => {
    const answer: Answer = await outcomeOf(line).then(
      (outcome) => ({ outcome }),
      (error: Error) => ({ stack: error.stack ?? error.message }),
    );
    process.send!(answer);
  });
});
process.on("disconnect", () => process.exit());
