import { type Diagnostics, linesOf } from "./error.ts";
import { numberOf } from "./lexer.ts";
import type { Position } from "./schema.ts";
import type { ConstSyntax, ValueSyntax } from "./syntax.ts";

/** The defined names; those with a number are constants too. */
export type Macros = Map<string, bigint | true>;

/** Loads a file that is included at a place. It yields what {@link preprocess} then yields. */
export type Include<Request> = (path: string, at: Position) => Generator<Request, void, string | undefined>;

export interface Preprocessed {
  /** The source with the same lines, but those empty that are directives, excluded, or begin with `%`. */
  readonly text: string;
  /** From `#define NAME number`. */
  readonly constants: readonly ConstSyntax[];
}

/**
 * Does what the C preprocessor does for rpcgen: `#include`, `#define` of a flag or a number, `#undef`, and conditions.
 * Macros are not replaced in the text; one with a number becomes a constant. Lines that begin with `%`, which rpcgen
 * copies to its output, are dropped.
 *
 * @param include - called for each `#include`. It may add macros
 */
export function* preprocess<Request>(
  file: string,
  source: string,
  macros: Macros,
  diagnostics: Diagnostics,
  include: Include<Request>,
): Generator<Request, Preprocessed, string | undefined> {
  const directives = new Directives(macros, diagnostics);
  const lines = linesOf(source);
  /** The state of the comment that is open: one in a line that is dropped is dropped to its end. */
  let open: "kept" | "dropped" | undefined;
  for (const [index, original] of lines.entries()) {
    let line = original;
    if (open === "dropped") {
      line = withoutCommentEnd(original);
      lines[index] = "";
      if (line === "") continue;
      open = undefined;
    }
    const first = open === "kept" ? "" : (/^\s*([#%])/.exec(line)?.[1] ?? "");
    if (first === "#") {
      const position = { file, line: index + 1, column: line.indexOf("#") + 1 };
      const included = directives.take(withoutComments(line).trim().slice(1).trim(), position);
      if (included !== undefined) yield* include(included, position);
    }
    const kept = first === "" && directives.included;
    lines[index] = kept ? line : "";
    if (first === "%") continue;
    open = commentIsOpen(line, open === "kept") ? (kept ? "kept" : "dropped") : undefined;
  }
  directives.finish();
  return { text: lines.join("\n"), constants: directives.constants };
}

/** Whether a comment in a block is open after a line. */
function commentIsOpen(line: string, openBefore: boolean): boolean {
  let at = 0;
  let open = openBefore;
  for (;;) {
    if (open) {
      const end = line.indexOf("*/", at);
      if (end < 0) return true;
      at = end + 2;
    }
    const start = line.indexOf("/*", at);
    const rest = line.indexOf("//", at);
    if (start < 0 || (rest >= 0 && rest < start)) return false;
    at = start + 2;
    open = true;
  }
}

/** A line in which a comment ends that began before it; that part of the line becomes spaces. */
function withoutCommentEnd(line: string): string {
  const end = line.indexOf("*/");
  return end < 0 ? "" : " ".repeat(end + 2) + line.slice(end + 2);
}

/** A directive without the comments in it. What is in quotes stays: a URL has `//` in it. */
function withoutComments(line: string): string {
  return line.replace(/"[^"]*"|<[^<>]*>|\/\*.*?(?:\*\/|$)|\/\/.*/g, (part) => (part.startsWith("/") ? " " : part));
}

/** An `#if` that has no `#endif` yet. */
interface Condition {
  readonly position: Position;
  /** Whether the lines around it are included. */
  readonly outer: boolean;
  /** Whether the lines of the current branch are included. */
  included: boolean;
  /** Whether a branch has been included. */
  taken: boolean;
  otherwise: boolean;
}

class Directives {
  readonly constants: ConstSyntax[] = [];
  readonly #macros: Macros;
  readonly #diagnostics: Diagnostics;
  readonly #conditions: Condition[] = [];

  constructor(macros: Macros, diagnostics: Diagnostics) {
    this.#macros = macros;
    this.#diagnostics = diagnostics;
  }

  /** Whether the current line is included. */
  get included(): boolean {
    return this.#conditions.at(-1)?.included ?? true;
  }

  finish(): void {
    const open = this.#conditions.at(-1);
    if (open) this.#diagnostics.fail(open.position, "there is no #endif for this condition");
  }

  /** Obeys a directive. Returns the path of a file to be included. */
  take(directive: string, at: Position): string | undefined {
    const [, word = "", rest = ""] = /^(\w*)\s*(.*)$/.exec(directive) ?? [];
    if (this.#takeCondition(word, rest, at) || !this.included) return;
    switch (word) {
      case "include": {
        const path = /^(?:"([^"]+)"|<([^>]+)>)$/.exec(rest);
        if (!path) return this.#diagnostics.fail(at, 'write #include "FILE" or #include <FILE>');
        return path[1] ?? path[2];
      }
      case "define":
        return this.#define(rest, at);
      case "undef":
        this.#macros.delete(this.#nameIn(rest, at));
        return;
      // They do not change what a file means.
      case "pragma":
      case "ident":
      case "":
        return;
      case "error":
        return this.#diagnostics.fail(at, `#error ${rest}`);
    }
    this.#diagnostics.fail(at, `the directive #${word} is unknown`);
  }

  #define(rest: string, at: Position): undefined {
    const found = /^([A-Za-z_]\w*)(?:\s+\(?\s*(-?\s*\w+)\s*\)?)?$/.exec(rest.replace(/\s+/g, " "));
    if (!found) this.#diagnostics.fail(at, "write #define NAME or #define NAME NUMBER: other macros are not supported");
    const [, name = "", text] = found;
    if (text === undefined) {
      this.#macros.set(name, true);
      return;
    }
    const value = this.#valueOf(text.replace(/\s/g, ""), at);
    this.#macros.set(name, value.kind === "number" ? value.value : true);
    this.constants.push({ kind: "const", name, namespace: "", position: at, value, repeatable: true });
  }

  #valueOf(text: string, position: Position): ValueSyntax {
    if (/^[A-Za-z_]/.test(text)) return { kind: "name", name: text, position };
    const value = numberOf(text);
    if (typeof value === "string") this.#diagnostics.fail(position, value);
    return { kind: "number", value, position };
  }

  /** Obeys a directive for conditions. Returns whether it is one. */
  #takeCondition(word: string, rest: string, position: Position): boolean {
    switch (word) {
      case "if":
      case "ifdef":
      case "ifndef": {
        const outer = this.included;
        const included = outer && this.#holds(word, rest, position);
        this.#conditions.push({ position, outer, included, taken: included, otherwise: false });
        return true;
      }
      case "elif":
      case "else": {
        const condition = this.#conditions.at(-1);
        if (!condition || condition.otherwise) return this.#diagnostics.fail(position, `#${word} without #if`);
        condition.otherwise = word === "else";
        const holds = condition.outer && !condition.taken && (word === "else" || this.#holds("if", rest, position));
        condition.included = holds;
        condition.taken ||= holds;
        return true;
      }
      case "endif":
        if (!this.#conditions.pop()) this.#diagnostics.fail(position, "#endif without #if");
        return true;
    }
    return false;
  }

  #holds(word: "if" | "ifdef" | "ifndef", rest: string, at: Position): boolean {
    if (word !== "if") return this.#macros.has(this.#nameIn(rest, at)) === (word === "ifdef");
    return rest.split("||").some((either) => either.split("&&").every((term) => this.#termHolds(term.trim(), at)));
  }

  /** `NAME`, `NUMBER`, `defined NAME` or `defined(NAME)`, with any number of `!` before it. */
  #termHolds(term: string, at: Position): boolean {
    const [, nots = "", inBrackets, bare, word = ""] =
      /^([!\s]*)(?:defined\s*\(\s*([A-Za-z_]\w*)\s*\)|defined\s+([A-Za-z_]\w*)|(\w+))$/.exec(term) ??
      this.#diagnostics.fail(at, "only NAME, NUMBER, defined(NAME), !, && and || are supported in a condition");
    const defined = inBrackets ?? bare;
    const holds = defined === undefined ? this.#isNotZero(word, at) : this.#macros.has(defined);
    return holds !== (nots.replace(/\s/g, "").length % 2 === 1);
  }

  #isNotZero(word: string, at: Position): boolean {
    const value = /^\d/.test(word) ? numberOf(word) : (this.#macros.get(word) ?? 0n);
    if (typeof value === "string") this.#diagnostics.fail(at, value);
    return value !== 0n;
  }

  #nameIn(rest: string, at: Position): string {
    return /^[A-Za-z_]\w*$/.test(rest) ? rest : this.#diagnostics.fail(at, "expected a name");
  }
}
