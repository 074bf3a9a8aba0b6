/** What the commands of the client share: writing out, and ending. */
import type { Command } from "commander";
import { Discoverer, type DiscovererOptions } from "../../client/index.ts";
import { visible } from "./style.ts";

/** Lines that go out in one write at most. */
const BATCH = 1000;

// Each write tells its own caller of its error; but where nobody listens as well, an error ends the process.
const deaf = () => {};

/**
 * Writes to standard output, and waits until it is out.
 *
 * @returns false when nobody reads it any more: a pipe that was closed, a terminal that is gone.
 * @throws other errors: a disk that is full.
 */
export function print(text: string): Promise<boolean> {
  if (!process.stdout.listeners("error").includes(deaf)) process.stdout.on("error", deaf);
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error && !["EPIPE", "EIO"].includes((error as NodeJS.ErrnoException).code ?? "")) reject(error);
      else resolve(!error);
    });
  });
}

/** Lines to standard output: those of one turn of the event loop go out together. */
export class Lines {
  /** Resolves when nobody reads them any more. */
  readonly gone: Promise<void>;
  readonly #lost: () => void;
  #lines: string[] = [];
  #scheduled = false;
  #failed = false;
  #written: Promise<void> = Promise.resolve();

  constructor() {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.gone = promise;
    this.#lost = resolve;
  }

  /**
   * @returns a promise where the lines come faster than they go out: to be waited for.
   * @throws what {@link print} does, perhaps for earlier lines.
   */
  add(line: string): Promise<void> | undefined {
    this.#lines.push(line);
    if (this.#failed || this.#lines.length >= BATCH) return this.flush();
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.flush().catch(() => {
          this.#failed = true;
        });
      });
    }
    return undefined;
  }

  flush(): Promise<void> {
    this.#written = this.#written.then(async () => {
      const lines = this.#lines;
      this.#lines = [];
      if (lines.length > 0 && !(await print(`${lines.join("\n")}\n`))) this.#lost();
    });
    return this.#written;
  }
}

/** A line on standard error. */
export function complain(line: string): void {
  if (!process.stderr.listeners("error").includes(deaf)) process.stderr.on("error", deaf);
  process.stderr.write(`${line}\n`);
}

/** The first signal to end. One may come twice: a terminal sends it to the whole group, and `bun run` passes it on. */
export function untilSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => resolve(signal));
  });
}

/** Starts a discoverer; what keeps it from starting ends the command in one line. */
export async function startDiscoverer(options: DiscovererOptions, command: Command): Promise<Discoverer> {
  try {
    return await Discoverer.start(options);
  } catch (error) {
    const wrongUse = error instanceof RangeError || error instanceof TypeError;
    return command.error(`error: ${visible((error as Error).message)}`, { exitCode: wrongUse ? 2 : 1 });
  }
}
