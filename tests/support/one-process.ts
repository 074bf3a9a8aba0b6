/** Runs command lines in one process, one after the other, which is much cheaper than a process for each. */
import { join } from "node:path";
import { CLEAN } from "./command.ts";
import type { Answer, CommandLine, Outcome } from "./one-process-main.ts";

type Waiting = PromiseWithResolvers<Outcome>;

/** The running process, and the callers that wait for its answers, in order. */
let shared: { readonly child: Bun.Subprocess; readonly waiting: Waiting[] } | undefined;

function startProcess(): NonNullable<typeof shared> {
  const waiting: Waiting[] = [];
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "one-process-main.ts")], {
    env: { ...CLEAN, TZ: "UTC" },
    // Not a terminal: commands draw on one.
    stdio: ["ignore", "ignore", "pipe"],
    ipc: (answer: Answer) => {
      const { resolve, reject } = waiting.shift()!;
      if ("outcome" in answer) resolve(answer.outcome);
      else reject(new Error(answer.stack));
    },
    onExit: async ({ stderr }) => {
      shared = undefined;
      const text = await (stderr as ReadableStream).text();
      for (const { reject } of waiting)
        reject(new Error(`a command line ended the process that runs them all: ${text}`));
    },
  });
  // The process ends with this one.
  child.unref();
  return { child, waiting };
}

/**
 * Runs a command line that ends by itself, starts nothing and reads no standard input. Its outcome is that of a process of its own.
 * HOME cannot be set: a process reads it once. Whether a process of its own would end, it does not show: open handles are not noticed.
 */
export function runInOneProcess(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  shared ??= startProcess();
  const outcome = Promise.withResolvers<Outcome>();
  shared.waiting.push(outcome);
  shared.child.send({ words, env } satisfies CommandLine);
  return outcome.promise;
}
