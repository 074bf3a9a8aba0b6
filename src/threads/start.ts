/** Starts the threads of this program: in a checkout, in the package, and in a binary made by `bun build --compile`. */
import { readdirSync } from "node:fs";

/** The entry points of threads, as paths in src/. A compiled binary needs them as additional entry points. */
export const THREADS = [
  "server/workers/worker.ts",
  "journal/sqlite/worker.ts",
  "cli/signals/guard.ts",
  "server/https/worker.ts",
] as const;

/**
 * Starts a thread.
 *
 * @param onError - called with the error that ended the thread, also if its entry point cannot be loaded
 * @throws {Error} if this is a compiled binary that does not contain the entry point
 */
export function startThread(thread: (typeof THREADS)[number], onError: (message: string) => void): Worker {
  const worker = new Worker(entryPoint(thread));
  worker.onerror = (event) => {
    // By default it would also be an uncaught error of the thread that started this one.
    event.preventDefault();
    onError(event.message);
  };
  return worker;
}

/**
 * In a compiled binary all modules of the program are one file, and each additional entry point is a file of its own. Its
 * name in the binary is its path below the folder that all entry points have in common, so only its end is known here.
 */
function entryPoint(thread: string): string {
  if (!Bun.isStandaloneExecutable) return new URL(`../${thread}`, import.meta.url).href;
  const files = readdirSync(import.meta.dir, { recursive: true }) as string[];
  const name = thread.replace(/ts$/, "js");
  const file = files.find((file) => file === name || file.endsWith(`/${name}`));
  if (file !== undefined) return `${import.meta.dir}/${file}`;
  throw new Error(
    `this program was compiled without ${thread}: add the file src/${thread} of whereabouts to the entry points of bun build --compile`,
  );
}
