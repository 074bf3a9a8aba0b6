/**
 * Runs examples and records which of their stated results were right: `bun example-checks.ts REPORT FILE…`. In these
 * files examples.ts has replaced each stated result by a call of `gives` or `throws` below.
 */
import { writeFileSync } from "node:fs";
import { inspect, isDeepStrictEqual } from "node:util";

/** The result of running one example. */
export interface Outcome {
  /** The numbers of the stated results that were right. */
  readonly done: number[];
  /** The error that it threw, if any. */
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
  // On exit, so that the report also covers an early exit and results that come after the import has returned.
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
