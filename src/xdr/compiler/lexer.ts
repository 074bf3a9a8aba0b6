import type { Diagnostics } from "./error.ts";
import type { Position } from "./schema.ts";

/** A token. Its position is that of its first character. */
export interface Token extends Position {
  /** `mark` is punctuation, `end` the end of the file. Keywords are names. */
  readonly kind: "name" | "number" | "mark" | "end";
  readonly text: string;
  /** The comments directly before it, which begin on lines of their own. */
  readonly before: readonly string[];
  /** The comments behind it on its line, and those below them in the same column. */
  readonly behind: string[];
}

// Sticky, with the next match at `lastIndex`. Comments in blocks are found by their start: their end may be far away.
const TOKEN = /[^\S\n]+|\n|\/\/[^\n]*|\/\*|[A-Za-z_]\w*|\d\w*|::|[{}()[\]<>=;:,*-]/y;
const NONE: readonly string[] = [];

/**
 * Splits the source of a file into tokens.
 *
 * @param text - the source, without directives of the preprocessor
 * @returns the tokens; the last one is of kind `end`
 */
export function tokenize(file: string, text: string, diagnostics: Diagnostics): Token[] {
  const tokens: Token[] = [];
  const comments = new Comments(tokens);
  let line = 1;
  let lineStart = 0;
  let at = 0;
  const here = () => ({ file, line, column: at - lineStart + 1 });
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text)?.[0];
    if (found === undefined) {
      diagnostics.fail(here(), `unexpected character ${JSON.stringify(String.fromCodePoint(text.codePointAt(at)!))}`);
    }
    const position = here();
    if (found === "\n") {
      line += 1;
      lineStart = at + 1;
    } else if (found === "/*") {
      const end = text.indexOf("*/", at + 2);
      if (end < 0) diagnostics.fail(here(), "the comment has no end");
      const comment = text.slice(at, end + 2);
      for (let i = comment.indexOf("\n"); i >= 0; i = comment.indexOf("\n", i + 1)) {
        line += 1;
        lineStart = at + i + 1;
      }
      comments.add(comment, position, line);
      at = end + 2;
      continue;
    } else if (found.startsWith("//")) {
      comments.add(found, position, line);
    } else if (found.trim() !== "") {
      const before = comments.takeBefore(line);
      tokens.push({ kind: kindOf(found), text: found, ...position, before, behind: [] });
    }
    at += found.length;
  }
  tokens.push({ kind: "end", text: "", ...here(), before: NONE, behind: [] });
  return tokens;
}

function kindOf(text: string): Token["kind"] {
  if (/^\d/.test(text)) return "number";
  return /^\w/.test(text) ? "name" : "mark";
}

/** Decides which token each comment belongs to. */
class Comments {
  readonly #tokens: readonly Token[];
  /** Comments on lines of their own, which may belong to the next token. */
  #pending: string[] = [];
  /** The line on which the last comment ended. */
  #lastLine = 0;
  /** The last comment behind a token, which the next line may continue. */
  #trailing: { token: Token; column: number } | undefined;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  add(comment: string, { line, column }: Position, endLine: number): void {
    const token = this.#tokens.at(-1);
    const adjacent = line <= this.#lastLine + 1;
    if (token?.line === line) {
      if (!this.#closes()) token.behind.push(comment);
      this.#trailing = { token, column };
    } else if (adjacent && this.#trailing?.token === token && this.#trailing?.column === column) {
      if (!this.#closes()) token!.behind.push(comment);
    } else {
      if (!adjacent) this.#pending = [];
      this.#pending.push(comment);
      this.#trailing = undefined;
    }
    this.#lastLine = endLine;
  }

  /** Whether the last token ends a block. Then a comment behind it only repeats what ends there. */
  #closes(): boolean {
    const { length } = this.#tokens;
    const last = this.#tokens[length - 1]?.text;
    return last === "}" || (last === ";" && this.#tokens[length - 2]?.text === "}");
  }

  /** The comments that belong to a token on `line`. An empty line separates. */
  takeBefore(line: number): readonly string[] {
    if (this.#pending.length === 0) return NONE;
    const taken = line <= this.#lastLine + 1 ? this.#pending : NONE;
    this.#pending = [];
    return taken;
  }
}

/** Decimal, hexadecimal or octal, as in C (RFC 4506 §6.2). */
const NUMBER = /^-?(?:0[xX][\da-fA-F]+|0[0-7]*|[1-9]\d*)$/;
/** Longer than any number of 64 bits, in every base, unless it has leading zeros. */
const MAX_DIGITS = 32;

/** The value of a number token, or why it has none. Numbers have at most 64 bits. */
export function numberOf(text: string): bigint | string {
  if (!NUMBER.test(text)) return `${text} is not a number`;
  const negative = text.startsWith("-");
  const digits = text.replace(/^-/, "").replace(/^0(?=[0-7])/, "0o");
  const value = digits.length > MAX_DIGITS ? 2n ** 64n : BigInt(digits);
  if (value > (negative ? 2n ** 63n : 2n ** 64n - 1n)) return `${text} does not fit in 64 bits`;
  return negative ? -value : value;
}
