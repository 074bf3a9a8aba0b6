import { textOf } from "./comments.ts";
import type { Diagnostics } from "./error.ts";
import { numberOf, type Token, tokenize } from "./lexer.ts";
import type { Position } from "./schema.ts";
import type {
  ArmSyntax,
  BodySyntax,
  DefaultSyntax,
  DefinitionSyntax,
  EnumSyntax,
  FieldSyntax,
  MemberSyntax,
  NameSyntax,
  StructSyntax,
  TypeSyntax,
  UnionSyntax,
  ValueSyntax,
} from "./syntax.ts";

/** RFC 4506 §6.4, note 1. `program`, `version` and `namespace` are ordinary names elsewhere. */
const KEYWORDS = new Set(
  (
    "bool case const default double quadruple enum float hyper int opaque string struct switch typedef union " +
    "unsigned void"
  ).split(" "),
);
/** Words that may follow `unsigned` although they are no keywords. rpcgen gives all of these 4 bytes. */
const C_INTEGERS = new Set(["char", "short", "long"]);
/** How deep bodies and namespaces may nest. Without a limit, a hostile file could overflow the call stack. */
const MAX_NESTING = 100;

/**
 * Parses a file: the language of RFC 4506 §6.3, `program` as in RFC 5531 §12, and namespaces as Stellar's files have
 * them.
 */
export function parseSource(file: string, text: string, diagnostics: Diagnostics): DefinitionSyntax[] {
  return new Parser(tokenize(file, text, diagnostics), diagnostics).parse();
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #diagnostics: Diagnostics;
  readonly #definitions: DefinitionSyntax[] = [];
  #next = 0;
  #nesting = 0;
  /** The comments that belong to what is being parsed. */
  #comments: string[] = [];

  constructor(tokens: readonly Token[], diagnostics: Diagnostics) {
    this.#tokens = tokens;
    this.#diagnostics = diagnostics;
  }

  parse(): DefinitionSyntax[] {
    while (this.#token.kind !== "end") this.#definition("");
    return this.#definitions;
  }

  // ---- Tokens

  get #token(): Token {
    return this.#tokens[this.#next]!;
  }

  #take(): Token {
    const token = this.#token;
    if (token.kind !== "end") this.#next += 1;
    this.#comments.push(...token.behind);
    return token;
  }

  #is(text: string): boolean {
    return this.#token.text === text;
  }

  #takeIf(text: string): boolean {
    const found = this.#is(text);
    if (found) this.#take();
    return found;
  }

  #expect(text: string): Token {
    return this.#is(text) ? this.#take() : this.#unexpected(`"${text}"`);
  }

  #name(): Token {
    const token = this.#token;
    if (token.kind !== "name") this.#unexpected("a name");
    if (KEYWORDS.has(token.text)) this.#fail(token, `expected a name, but "${token.text}" is a keyword`);
    if (token.text === "__proto__") this.#fail(token, "__proto__ cannot be the name of a property in JavaScript");
    return this.#take();
  }

  #unexpected(expected: string): never {
    const { kind, text } = this.#token;
    return this.#fail(
      this.#token,
      `expected ${expected}, found ${kind === "end" ? "the end of the file" : `"${text}"`}`,
    );
  }

  #fail(at: Position, reason: string): never {
    return this.#diagnostics.fail(at, reason);
  }

  // ---- Comments

  /** Parses a construct together with its comments. */
  #documented<T extends object>(parse: () => T): T & { readonly docs?: string } {
    const outer = this.#comments;
    this.#comments = [...this.#token.before];
    const result = parse();
    const docs = textOf(this.#comments);
    this.#comments = outer;
    return docs === "" ? result : { ...result, docs };
  }

  #nested<T>(at: Token, parse: () => T): T {
    this.#nesting += 1;
    if (this.#nesting > MAX_NESTING) this.#fail(at, `nested deeper than ${MAX_NESTING} levels`);
    const result = parse();
    this.#nesting -= 1;
    return result;
  }

  // ---- Definitions

  #definition(namespace: string): void {
    const { text } = this.#token;
    if (text === "namespace") this.#namespace(namespace);
    else if (text === "program") this.#program(namespace);
    else this.#definitions.push(this.#plainDefinition(namespace, text));
  }

  #plainDefinition(namespace: string, text: string): DefinitionSyntax {
    return this.#documented(() => {
      switch (text) {
        case "const":
          return this.#const(namespace);
        case "typedef":
        case "enum":
        case "struct":
        case "union":
          return this.#typeDefinition(namespace, text);
      }
      return this.#unexpected("a definition (const, typedef, enum, struct, union, program or namespace)");
    });
  }

  #namespace(outer: string): void {
    const start = this.#take();
    const name = this.#qualified().name;
    const namespace = outer === "" ? name : `${outer}::${name}`;
    this.#nested(start, () => {
      this.#expect("{");
      while (!this.#is("}")) this.#definition(namespace);
      this.#expect("}");
    });
    this.#takeIf(";");
  }

  #const(namespace: string): DefinitionSyntax {
    this.#expect("const");
    const name = this.#name();
    this.#expect("=");
    const value = this.#value();
    this.#expect(";");
    return { kind: "const", name: name.text, namespace, position: positionOf(name), value };
  }

  #typeDefinition(namespace: string, kind: "typedef" | BodySyntax["kind"]): DefinitionSyntax {
    let named: { readonly name: string; readonly position: Position; readonly type: TypeSyntax };
    if (kind === "typedef") {
      this.#take();
      named = this.#declaration();
    } else {
      const start = this.#take();
      const name = this.#name();
      named = { name: name.text, position: positionOf(name), type: this.#body(kind, start) };
    }
    this.#expect(";");
    const { name, position, type } = named;
    return { kind: "type", name, namespace, position, type };
  }

  /** RFC 5531 §12.2: its numbers become constants, as in the headers that rpcgen writes. Arguments are skipped. */
  #program(namespace: string): void {
    this.#numbered(namespace, () => {
      this.#take();
      return this.#listed(() => {
        this.#numbered(namespace, () => {
          if (!this.#is("version")) this.#unexpected('"version"');
          this.#take();
          return this.#listed(() => this.#numbered(namespace, () => this.#procedure()));
        });
      });
    });
  }

  /** The name of a program or version, and its parts in braces. */
  #listed(part: () => void): Token {
    const name = this.#name();
    this.#expect("{");
    do part();
    while (!this.#is("}"));
    this.#expect("}");
    return name;
  }

  /** Takes what `named` parses, then ` = number;`, and adds the constant. */
  #numbered(namespace: string, named: () => Token): void {
    const index = this.#definitions.length;
    const definition = this.#documented((): DefinitionSyntax => {
      const name = named();
      this.#expect("=");
      const value = this.#value();
      this.#expect(";");
      return { kind: "const", name: name.text, namespace, position: positionOf(name), value, repeatable: true };
    });
    this.#definitions.splice(index, 0, definition);
  }

  #procedure(): Token {
    while (this.#token.kind === "name" && this.#tokens[this.#next + 1]?.text !== "(") this.#resultPart();
    const name = this.#name();
    this.#expect("(");
    while (!this.#is(")")) {
      if (this.#token.kind === "end" || this.#is("{") || this.#is(";")) this.#unexpected('")"');
      this.#take();
    }
    this.#expect(")");
    return name;
  }

  /** A word of the type of a procedure's result, or the mark behind it. */
  #resultPart(): void {
    this.#take();
    while (this.#is("*") || this.#is("<") || this.#is(">") || this.#is("::")) this.#take();
  }

  // ---- Types

  /** RFC 4506 §6.3, `declaration`, without `void`. */
  #declaration(): Omit<FieldSyntax, "docs"> {
    const start = this.#token;
    if (this.#is("void")) this.#fail(start, "void can only stand in place of a field in an arm of a union");
    if (this.#is("opaque") || this.#is("string")) return this.#bytesDeclaration();
    const type = this.#typeSpecifier();
    if (this.#takeIf("*")) {
      if (this.#is("*")) this.#fail(this.#token, "only one * is allowed");
      return { ...this.#declared(), type: { kind: "optional", type } };
    }
    const declared = this.#declared();
    if (this.#takeIf("[")) {
      const count = this.#value();
      this.#expect("]");
      return { ...declared, type: { kind: "fixedArray", element: type, count } };
    }
    if (this.#is("<")) return { ...declared, type: { kind: "array", element: type, maximum: this.#maximum() } };
    return { ...declared, type };
  }

  #declared(): { name: string; position: Position } {
    const name = this.#name();
    return { name: name.text, position: positionOf(name) };
  }

  #bytesDeclaration(): Omit<FieldSyntax, "docs"> {
    const kind = this.#take().text as "opaque" | "string";
    const declared = this.#declared();
    if (this.#is("<")) return { ...declared, type: { kind, maximum: this.#maximum() } };
    if (kind === "string") this.#unexpected('"<" and a maximum length, or "<>"');
    if (!this.#takeIf("[")) this.#unexpected('"[" or "<", and a length');
    const length = this.#value();
    this.#expect("]");
    return { ...declared, type: { kind: "fixedOpaque", length } };
  }

  #maximum(): ValueSyntax | undefined {
    this.#expect("<");
    const maximum = this.#is(">") ? undefined : this.#value();
    this.#expect(">");
    return maximum;
  }

  /** RFC 4506 §6.3, `type-specifier`. */
  #typeSpecifier(): TypeSyntax {
    const token = this.#token;
    switch (token.text) {
      case "int":
      case "hyper":
        this.#take();
        // As rpcgen allows: `hyper int`.
        if (token.text === "hyper") this.#takeIf("int");
        return { kind: token.text };
      case "float":
      case "double":
      case "bool":
        this.#take();
        return { kind: token.text };
      case "unsigned":
        return this.#unsigned();
      case "quadruple":
        return this.#fail(token, "quadruple is not supported: JavaScript has no numbers of 128 bits. Use opaque x[16]");
      case "opaque":
      case "string":
        return this.#fail(token, `${token.text} cannot stand here: give it a name with typedef`);
      case "enum":
      case "struct":
      case "union":
        return this.#tagged(token.text);
    }
    if (token.kind !== "name" || KEYWORDS.has(token.text)) this.#unexpected("a type");
    const name = this.#qualified();
    if (C_INTEGERS.has(token.text)) this.#takeIf("int");
    return { kind: "named", name };
  }

  #unsigned(): TypeSyntax {
    this.#take();
    const { text } = this.#token;
    if (text === "hyper") {
      this.#take();
      this.#takeIf("int");
      return { kind: "uhyper" };
    }
    const after = this.#tokens[this.#next + 1];
    // `unsigned long;` declares a field that is named `long`.
    if (C_INTEGERS.has(text) && (after?.kind === "name" || after?.text === "*")) this.#take();
    this.#takeIf("int");
    return { kind: "uint" };
  }

  /** `struct { … }` and the like, or `struct name` as rpcgen allows. */
  #tagged(tag: BodySyntax["kind"]): TypeSyntax {
    const start = this.#take();
    if (this.#is("{") || (tag === "union" && this.#is("switch"))) return this.#body(tag, start);
    const name = this.#qualified();
    if (this.#is("{") || this.#is("switch")) {
      this.#fail(name.position, `a ${tag} inside of another definition has no name`);
    }
    return { kind: "named", name, tag };
  }

  #qualified(): NameSyntax {
    const first = this.#name();
    const names = [first.text];
    while (this.#takeIf("::")) names.push(this.#name().text);
    return { kind: "name", name: names.join("::"), position: positionOf(first) };
  }

  #value(): ValueSyntax {
    const token = this.#token;
    const minus = this.#takeIf("-");
    if (!minus && token.kind === "name") return this.#qualified();
    if (this.#token.kind !== "number") this.#unexpected(minus ? "a number" : "a number or the name of a constant");
    const value = numberOf(`${minus ? "-" : ""}${this.#take().text}`);
    if (typeof value === "string") this.#fail(token, value);
    return { kind: "number", value, position: positionOf(token) };
  }

  // ---- Bodies

  #body(kind: BodySyntax["kind"], start: Token): BodySyntax {
    const position = positionOf(start);
    return this.#nested(start, () => {
      if (kind === "enum") return this.#enum(position);
      return kind === "struct" ? this.#struct(position) : this.#union(position);
    });
  }

  #enum(position: Position): EnumSyntax {
    this.#expect("{");
    const members: MemberSyntax[] = [];
    do {
      members.push(
        this.#documented(() => {
          const declared = this.#declared();
          const value = this.#takeIf("=") ? { value: this.#value() } : {};
          // The comma may be missing behind the last member only.
          if (!this.#takeIf(",") && !this.#is("}")) this.#unexpected('"," or "}"');
          return { ...declared, ...value };
        }),
      );
    } while (!this.#is("}"));
    this.#expect("}");
    return { kind: "enum", position, members };
  }

  #struct(position: Position): StructSyntax {
    this.#expect("{");
    const fields: FieldSyntax[] = [];
    do fields.push(this.#field());
    while (!this.#is("}"));
    this.#expect("}");
    return { kind: "struct", position, fields };
  }

  #field(): FieldSyntax {
    return this.#documented(() => {
      const declaration = this.#declaration();
      this.#expect(";");
      return declaration;
    });
  }

  #union(position: Position): UnionSyntax {
    this.#expect("switch");
    this.#expect("(");
    const discriminant = this.#documented(() => this.#declaration());
    this.#expect(")");
    this.#expect("{");
    const arms: ArmSyntax[] = [];
    let otherwise: DefaultSyntax | undefined;
    do {
      if (this.#is("default")) {
        if (otherwise) this.#fail(this.#token, "the union has two default arms");
        otherwise = this.#arm([this.#label(() => this.#expect("default"))]);
      } else {
        const labels: Label<ValueSyntax>[] = [];
        do labels.push(this.#label(() => this.#case()));
        while (this.#is("case"));
        const cases = labels.map(({ value }) => value);
        arms.push({ cases, ...this.#arm(labels) });
      }
    } while (!this.#is("}"));
    if (arms.length === 0) this.#fail(this.#token, "the union has no case");
    this.#expect("}");
    return { kind: "union", position, discriminant, arms, otherwise };
  }

  #case(): ValueSyntax {
    if (!this.#is("case")) this.#unexpected('"case", "default" or "}"');
    this.#take();
    return this.#value();
  }

  /** A label of an arm, and its colon. */
  #label<T>(parse: () => T): Label<T> {
    return this.#documented(() => {
      const value = parse();
      this.#expect(":");
      return { value };
    });
  }

  /** What follows the labels of an arm. */
  #arm(labels: readonly Label<unknown>[]): DefaultSyntax {
    if (!this.#is("void")) return { ...docsOf(labels), field: this.#field() };
    const rest = this.#documented(() => {
      this.#take();
      this.#expect(";");
      return {};
    });
    return docsOf([...labels, rest]);
  }
}

interface Label<T> {
  readonly value: T;
  readonly docs?: string;
}

function docsOf(documented: readonly { readonly docs?: string }[]): { readonly docs?: string } {
  const docs = documented.flatMap((part) => part.docs ?? []).join("\n");
  return docs === "" ? {} : { docs };
}

function positionOf({ file, line, column }: Position): Position {
  return { file, line, column };
}
