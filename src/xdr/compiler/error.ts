import type { Position } from "./schema.ts";

/** One thing that is wrong with a schema. */
export interface Problem extends Position {
  /** The reason, without its place. */
  readonly reason: string;
}

/** How many problems a message lists. One missing file can cause hundreds. */
const MAX_LISTED = 20;

/**
 * Thrown when the source of a schema cannot be compiled. `file`, `line` and `column` are those of the first problem.
 * The message lists the problems, each with its line of the source.
 *
 * @example
 * ```ts
 * try {
 *   parseFilesSync(["point.x"], () => "struct point { int x; itn y; };");
 * } catch (error) {
 *   if (!(error instanceof XdrCompileError)) throw error;
 *   const { file, line, column } = error;
 *   [file, line, column]; // => ["point.x", 1, 23]
 *   error.problems[0]?.reason; // => "there is no type itn"
 * }
 * ```
 */
export class XdrCompileError extends Error {
  override readonly name = "XdrCompileError";
  /** The file of the first problem. */
  readonly file: string;
  /** The line of the first problem, from 1. */
  readonly line: number;
  /** The column of the first problem, from 1, in UTF-16 units. */
  readonly column: number;
  /** All problems that were found. After one that makes the rest of a file unreadable, others are not looked for. */
  readonly problems: readonly Problem[];

  /**
   * Creates an error. The compiler does this; a program seldom needs to.
   *
   * @param problems - at least one
   * @param lineOf - returns the line of the source that a problem is in, if it is known
   * @param cause - the error that caused this one
   * @example
   * ```ts
   * const error = new XdrCompileError([{ file: "a.x", line: 1, column: 8, reason: "expected a name" }]);
   * error.message; // => "a.x:1:8: expected a name"
   * ```
   */
  constructor(problems: readonly Problem[], lineOf?: (at: Position) => string | undefined, cause?: unknown) {
    const listed = problems.slice(0, MAX_LISTED).map((problem) => describe(problem, lineOf?.(problem)));
    const more = problems.length - listed.length;
    super([...listed, ...(more > 0 ? [`and ${more} more`] : [])].join("\n"), cause === undefined ? {} : { cause });
    const [first] = problems;
    this.file = first?.file ?? "";
    this.line = first?.line ?? 0;
    this.column = first?.column ?? 0;
    this.problems = problems;
  }
}

/** How much of a long line is shown, in characters before and behind the place. */
const SHOWN = 60;

function describe({ file, line, column, reason }: Problem, source?: string): string {
  const message = `${file}:${line}:${column}: ${reason}`;
  if (source === undefined) return message;
  const start = Math.max(0, column - 1 - SHOWN);
  const shown = source.slice(start, column - 1 + SHOWN);
  // A tab stays a tab, so that the caret stands below the right character.
  const indent = shown.slice(0, column - 1 - start).replace(/[^\t]/g, " ");
  return `${message}\n  ${shown}\n  ${indent}^`;
}

/** Collects the problems of a compilation, and knows the sources, for the lines in the message. */
export class Diagnostics {
  readonly #sources = new Map<string, string>();
  readonly #problems: Problem[] = [];

  addSource(file: string, text: string): void {
    this.#sources.set(file, text);
  }

  get count(): number {
    return this.#problems.length;
  }

  report({ file, line, column }: Position, reason: string): void {
    this.#problems.push({ file, line, column, reason });
  }

  /** Reports a problem after which nothing else can be found. */
  fail(at: Position, reason: string, cause?: unknown): never {
    this.report(at, reason);
    throw this.#error(cause);
  }

  /** Throws if a problem has been reported. */
  check(): void {
    if (this.#problems.length > 0) throw this.#error();
  }

  #error(cause?: unknown): XdrCompileError {
    const lines = new Map<string, string[]>();
    const lineOf = ({ file, line }: Position) => {
      const source = this.#sources.get(file);
      if (source !== undefined && !lines.has(file)) lines.set(file, linesOf(source));
      return lines.get(file)?.[line - 1];
    };
    return new XdrCompileError([...this.#problems], lineOf, cause);
  }
}

export function linesOf(text: string): string[] {
  return text.split(/\r\n?|\n/);
}
