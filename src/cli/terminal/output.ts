/** Output and signals, shared by the commands. */
import { withResolvers } from "../../client/with-resolvers.ts";

/** The most lines in one write. */
const BATCH = 1000;

// Each write reports its error to its caller; but a stream error without a listener would also end the process.
const ignoreError = () => {};

/**
 * Writes to standard output and waits until the text is written.
 *
 * @returns false if nobody reads it any more: the pipe or the terminal was closed
 * @throws other system errors, for instance that the disk is full
 */
export function print(text: string): Promise<boolean> {
  if (!process.stdout.listeners("error").includes(ignoreError)) process.stdout.on("error", ignoreError);
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => {
      if (error && !["EPIPE", "EIO"].includes((error as NodeJS.ErrnoException).code ?? "")) reject(error);
      else resolve(!error);
    });
  });
}

/** Something that is drawn below the lines on the same terminal, and must be erased while lines are written. */
export interface Overlay {
  hide(): void;
  show(): void;
}

/** Lines to standard output. Lines of one turn of the event loop are written together. */
export class Lines {
  /** Resolves when nobody reads the output any more. */
  readonly gone: Promise<void>;
  /** Rejects as {@link print} does. Without this, the next line would be the first to tell of a failure. */
  readonly failed: Promise<never>;
  readonly #reportGone: () => void;
  readonly #reportFailure: (error: unknown) => void;
  readonly #overlay: Overlay | undefined;
  #lines: string[] = [];
  #scheduled = false;
  #failed = false;
  #written: Promise<void> = Promise.resolve();

  constructor(overlay?: Overlay) {
    let reportGone = () => {};
    this.gone = new Promise((resolve) => {
      reportGone = resolve;
    });
    this.#reportGone = reportGone;
    const { promise, reject } = withResolvers<never>();
    this.failed = promise;
    this.#reportFailure = reject;
    // An unhandled rejection here must not crash the program: `add` throws the error, too.
    promise.catch(() => {});
    this.#overlay = overlay;
  }

  /**
   * @returns a promise to wait for if lines come faster than they are written
   * @throws as {@link print} does, perhaps for earlier lines
   */
  add(line: string): Promise<void> | undefined {
    this.#lines.push(line);
    if (this.#failed || this.#lines.length >= BATCH) return this.flush();
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.flush().catch((error) => {
          this.#failed = true;
          this.#reportFailure(error);
        });
      });
    }
    return undefined;
  }

  flush(): Promise<void> {
    this.#written = this.#written.then(async () => {
      const lines = this.#lines;
      this.#lines = [];
      if (lines.length === 0) return;
      this.#overlay?.hide();
      if (!(await print(`${lines.join("\n")}\n`))) this.#reportGone();
      this.#overlay?.show();
    });
    return this.#written;
  }
}

/** Writes a line to standard error. */
export function printError(line: string): void {
  if (!process.stderr.listeners("error").includes(ignoreError)) process.stderr.on("error", ignoreError);
  process.stderr.write(`${line}\n`);
}

/**
 * Resolves with the first SIGTERM or SIGINT. Further ones are ignored: a terminal signals the whole process group and
 * `bun run` passes its signal on, so one Ctrl-C may arrive twice.
 */
export function untilSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => resolve(signal));
  });
}
