/**
 * Runs many command lines of benches, of the fuzzer and of the soak tests in one process, which is much cheaper than a process for each.
 * For those that end at once: they ask for help, are wrong, or report what was measured before. Reads {@link BenchLine}s from standard
 * input, as JSON, and prints an {@link Outcome} for each.
 */
import { resolve } from "node:path";
import type { BenchLine } from "./bench.ts";
import type { Outcome } from "./one-process-main.ts";

/** Thrown where the program would end the process. */
class Exit extends Error {
  constructor(readonly code: number) {
    super(`exit ${code}`);
  }
}

async function outcomeOf({ file, args }: BenchLine, number: number): Promise<Outcome> {
  const written = { out: "", err: "" };
  const { log, error } = console;
  console.log = (line: string) => {
    written.out += `${line}\n`;
  };
  console.error = (line: string) => {
    written.err += `${line}\n`;
  };
  process.argv = [process.execPath, file, ...args];
  try {
    // With another query a module runs again; those that it imports do not.
    await import(`${resolve(file)}?${number}`);
    return { ...written, code: 0 };
  } catch (thrown) {
    if (!(thrown instanceof Exit)) throw thrown;
    return { ...written, code: thrown.code };
  } finally {
    Object.assign(console, { log, error });
  }
}

const { exit } = process;
process.exit = (code) => {
  throw new Exit(Number(code));
};
const outcomes: Outcome[] = [];
for (const [number, line] of (await Bun.stdin.json()).entries()) outcomes.push(await outcomeOf(line, number));
process.exit = exit;
await Bun.write(Bun.stdout, JSON.stringify(outcomes));
process.exit(0);
