import { textOf } from "./comments.ts";
import type { Diagnostics } from "./error.ts";
import type { Token } from "./lexer.ts";
import type { Position } from "./schema.ts";

/** RFC 4506 §6.4, note 1. `program`, `version` and `namespace` are ordinary names elsewhere. */
const KEYWORDS = new Set(
  (
    "bool case const default double quadruple enum float hyper int opaque string struct switch typedef union " +
    "unsigned void"
  ).split(" "),
);
/** How deep bodies and namespaces may nest. Without a limit, a hostile file could overflow the call stack. */
const MAX_NESTING = 100;

/** The tokens of a file, taken one after the other. */
export class TokenReader {
  readonly #tokens: readonly Token[];
  readonly #diagnostics: Diagnostics;
  #next = 0;
  #nesting = 0;
  /** The comments that belong to what is being parsed. */
  #comments: string[] = [];

  constructor(tokens: readonly Token[], diagnostics: Diagnostics) {
    this.#tokens = tokens;
    this.#diagnostics = diagnostics;
  }

  /** The next token. */
  get token(): Token {
    return this.#tokens[this.#next]!;
  }

  /** The token after the next one. */
  get after(): Token | undefined {
    return this.#tokens[this.#next + 1];
  }

  take(): Token {
    const token = this.token;
    if (token.kind !== "end") this.#next += 1;
    for (const comment of token.behind) this.#comments.push(comment);
    return token;
  }

  is(text: string): boolean {
    return this.token.text === text;
  }

  isOneOf(...texts: readonly string[]): boolean {
    return texts.includes(this.token.text);
  }

  takeIf(text: string): boolean {
    const found = this.is(text);
    if (found) this.take();
    return found;
  }

  expect(text: string): Token {
    return this.is(text) ? this.take() : this.unexpected(`"${text}"`);
  }

  name(): Token {
    const token = this.token;
    if (token.kind !== "name") this.unexpected("a name");
    if (KEYWORDS.has(token.text)) this.fail(token, `expected a name, but "${token.text}" is a keyword`);
    if (token.text === "__proto__") this.fail(token, "__proto__ cannot be the name of a property in JavaScript");
    return this.take();
  }

  unexpected(expected: string): never {
    const { kind, text } = this.token;
    return this.fail(this.token, `expected ${expected}, found ${kind === "end" ? "the end of the file" : `"${text}"`}`);
  }

  fail(at: Position, reason: string): never {
    return this.#diagnostics.fail(at, reason);
  }

  /** Parses a construct together with its comments. */
  documented<T extends object>(parse: () => T): T & { readonly docs?: string } {
    const outer = this.#comments;
    this.#comments = [...this.token.before];
    const result = parse();
    const docs = textOf(this.#comments);
    this.#comments = outer;
    return docs === "" ? result : { ...result, docs };
  }

  /** Parses a construct that may contain itself. */
  nested<T>(at: Token, parse: () => T): T {
    this.#nesting += 1;
    if (this.#nesting > MAX_NESTING) this.fail(at, `nested deeper than ${MAX_NESTING} levels`);
    const result = parse();
    this.#nesting -= 1;
    return result;
  }
}

export function isKeyword(text: string): boolean {
  return KEYWORDS.has(text);
}

export function positionOf({ file, line, column }: Position): Position {
  return { file, line, column };
}
