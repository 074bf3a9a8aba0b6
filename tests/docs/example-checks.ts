/**
 * Runs examples, and counts the results that they state: `bun example-checks.ts REPORT FILE…`. The examples, once their
 * results have become calls of what is here, import it.
 */
import { writeFileSync } from "node:fs";
import { inspect, isDeepStrictEqual } from "node:util";

/** What became of one example. */
export interface Outcome {
  /** The numbers of the results that it gave as it says. */
  readonly done: number[];
  /** Why it came to no good end. */
  error?: string;
}

const outcomes: Record<string, Outcome> = {};

export function gives(file: string, number: number, code: string, actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) {
    throw new Error(`${code} is ${inspect(actual)}, not ${inspect(expected)}`);
  }
  outcomes[file]!.done.push(number);
}

export async function throws(
  file: string,
  number: number,
  code: string,
  run: () => Promise<unknown>,
  name: string,
): Promise<void> {
  let thrown: unknown;
  try {
    await run();
  } catch (error) {
    thrown = error;
  }
  const kinds: string[] = [];
  for (let kind = thrown; kind instanceof Object; kind = Object.getPrototypeOf(kind)) kinds.push(kind.constructor.name);
  if (!kinds.includes(name)) throw new Error(`${code} throws ${inspect(thrown)}, not ${name}`);
  outcomes[file]!.done.push(number);
}

if (import.meta.main) {
  const [report, ...files] = process.argv.slice(2);
  // At the very end, so that what ends early, or is still to come when an example seems to be over, is seen.
  process.on("exit", () => writeFileSync(report!, JSON.stringify(outcomes)));
  for (const file of files) {
    outcomes[file] = { done: [] };
    try {
      await import(file);
    } catch (error) {
      outcomes[file].error = error instanceof Error ? error.message : inspect(error);
    }
  }
}
