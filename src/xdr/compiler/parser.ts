import { DeclarationParser } from "./declaration-parser.ts";
import type { Diagnostics } from "./error.ts";
import { type Token, tokenize } from "./lexer.ts";
import type { Position } from "./schema.ts";
import type { BodySyntax, DefinitionSyntax, TypeSyntax } from "./syntax.ts";
import { positionOf, TokenReader } from "./token-reader.ts";

/**
 * Parses a file: the language of RFC 4506 §6.3, `program` as in RFC 5531 §12, and namespaces as Stellar's files have
 * them.
 */
export function parseSource(file: string, text: string, diagnostics: Diagnostics): DefinitionSyntax[] {
  return new Parser(new TokenReader(tokenize(file, text, diagnostics), diagnostics)).parse();
}

class Parser {
  readonly #tokens: TokenReader;
  readonly #declarations: DeclarationParser;
  readonly #definitions: DefinitionSyntax[] = [];

  constructor(tokens: TokenReader) {
    this.#tokens = tokens;
    this.#declarations = new DeclarationParser(tokens);
  }

  parse(): DefinitionSyntax[] {
    while (this.#tokens.token.kind !== "end") this.#definition("");
    return this.#definitions;
  }

  #definition(namespace: string): void {
    const { text } = this.#tokens.token;
    if (text === "namespace") this.#namespace(namespace);
    else if (text === "program") this.#program(namespace);
    else this.#definitions.push(this.#plainDefinition(namespace, text));
  }

  #plainDefinition(namespace: string, text: string): DefinitionSyntax {
    return this.#tokens.documented(() => {
      switch (text) {
        case "const":
          return this.#const(namespace);
        case "typedef":
        case "enum":
        case "struct":
        case "union":
          return this.#typeDefinition(namespace, text);
      }
      return this.#tokens.unexpected("a definition (const, typedef, enum, struct, union, program or namespace)");
    });
  }

  #namespace(outer: string): void {
    const start = this.#tokens.take();
    const name = this.#declarations.qualified().name;
    const namespace = outer === "" ? name : `${outer}::${name}`;
    this.#tokens.nested(start, () => {
      this.#tokens.expect("{");
      while (!this.#tokens.is("}")) this.#definition(namespace);
      this.#tokens.expect("}");
    });
    this.#tokens.takeIf(";");
  }

  #const(namespace: string): DefinitionSyntax {
    this.#tokens.take();
    const name = this.#tokens.name();
    this.#tokens.expect("=");
    const value = this.#declarations.value();
    this.#tokens.expect(";");
    return { kind: "const", name: name.text, namespace, position: positionOf(name), value };
  }

  #typeDefinition(namespace: string, kind: "typedef" | BodySyntax["kind"]): DefinitionSyntax {
    let named: { readonly name: string; readonly position: Position; readonly type: TypeSyntax };
    if (kind === "typedef") {
      this.#tokens.take();
      named = this.#declarations.declaration();
    } else {
      const start = this.#tokens.take();
      const name = this.#tokens.name();
      named = { name: name.text, position: positionOf(name), type: this.#declarations.body(kind, start) };
    }
    this.#tokens.expect(";");
    const { name, position, type } = named;
    return { kind: "type", name, namespace, position, type };
  }

  /** RFC 5531 §12.2: its numbers become constants, as in the headers that rpcgen writes. Arguments are skipped. */
  #program(namespace: string): void {
    this.#numbered(namespace, () => {
      this.#tokens.take();
      return this.#listed(() => {
        this.#numbered(namespace, () => {
          this.#tokens.expect("version");
          return this.#listed(() => this.#numbered(namespace, () => this.#procedure()));
        });
      });
    });
  }

  /** The name of a program or version, and its parts in braces. */
  #listed(part: () => void): Token {
    const name = this.#tokens.name();
    this.#tokens.expect("{");
    do part();
    while (!this.#tokens.is("}"));
    this.#tokens.expect("}");
    return name;
  }

  /** Takes what `named` parses, then ` = number;`, and adds the constant. */
  #numbered(namespace: string, named: () => Token): void {
    const index = this.#definitions.length;
    const definition = this.#tokens.documented((): DefinitionSyntax => {
      const name = named();
      this.#tokens.expect("=");
      const value = this.#declarations.value();
      this.#tokens.expect(";");
      return { kind: "const", name: name.text, namespace, position: positionOf(name), value, repeatable: true };
    });
    this.#definitions.splice(index, 0, definition);
  }

  #procedure(): Token {
    while (this.#tokens.token.kind === "name" && this.#tokens.after?.text !== "(") this.#resultPart();
    const name = this.#tokens.name();
    this.#tokens.expect("(");
    while (!this.#tokens.is(")")) {
      // A `)` is missing.
      if (this.#tokens.isOneOf("", "{", "}", ";", "=")) this.#tokens.unexpected('")"');
      this.#tokens.take();
    }
    this.#tokens.expect(")");
    return name;
  }

  /** A word of the type of a procedure's result, or the mark behind it. */
  #resultPart(): void {
    this.#tokens.take();
    while (this.#tokens.isOneOf("*", "<", ">", "::")) this.#tokens.take();
  }
}
