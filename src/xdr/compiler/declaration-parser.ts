import { numberOf, type Token } from "./lexer.ts";
import type { Position } from "./schema.ts";
import type {
  ArmSyntax,
  BodySyntax,
  DefaultSyntax,
  EnumSyntax,
  FieldSyntax,
  MemberSyntax,
  NameSyntax,
  StructSyntax,
  TypeSyntax,
  UnionSyntax,
  ValueSyntax,
} from "./syntax.ts";
import { isKeyword, positionOf, type TokenReader } from "./token-reader.ts";

/** Words that may follow `unsigned` although they are no keywords. rpcgen gives all of these 4 bytes. */
const C_INTEGERS = new Set(["char", "short", "long"]);

/** Parses declarations, and the bodies of structs, unions and enums. */
export class DeclarationParser {
  readonly #tokens: TokenReader;

  constructor(tokens: TokenReader) {
    this.#tokens = tokens;
  }

  /** RFC 4506 §6.3, `declaration`, without `void`. */
  declaration(): Omit<FieldSyntax, "docs"> {
    const start = this.#tokens.token;
    if (start.text === "void")
      this.#tokens.fail(start, "void can only stand in an arm of a union, in place of a field");
    if (start.text === "opaque" || start.text === "string") return this.#bytesDeclaration(start.text);
    const type = this.#typeSpecifier();
    if (this.#tokens.takeIf("*")) {
      if (this.#tokens.is("*")) this.#tokens.fail(this.#tokens.token, "only one * is allowed");
      return { ...this.#declared(), type: { kind: "optional", type } };
    }
    const declared = this.#declared();
    if (this.#tokens.takeIf("[")) {
      const count = this.value();
      this.#tokens.expect("]");
      return { ...declared, type: { kind: "fixedArray", element: type, count } };
    }
    if (this.#tokens.is("<")) return { ...declared, type: { kind: "array", element: type, maximum: this.#maximum() } };
    return { ...declared, type };
  }

  #declared(): { name: string; position: Position } {
    const name = this.#tokens.name();
    return { name: name.text, position: positionOf(name) };
  }

  #bytesDeclaration(kind: "opaque" | "string"): Omit<FieldSyntax, "docs"> {
    this.#tokens.take();
    const declared = this.#declared();
    if (this.#tokens.is("<")) return { ...declared, type: { kind, maximum: this.#maximum() } };
    if (kind === "string") this.#tokens.unexpected('"<" and a maximum length, or "<>"');
    if (!this.#tokens.takeIf("[")) this.#tokens.unexpected('"[" or "<", and a length');
    const length = this.value();
    this.#tokens.expect("]");
    return { ...declared, type: { kind: "fixedOpaque", length } };
  }

  #maximum(): ValueSyntax | undefined {
    this.#tokens.expect("<");
    const maximum = this.#tokens.is(">") ? undefined : this.value();
    this.#tokens.expect(">");
    return maximum;
  }

  /** RFC 4506 §6.3, `type-specifier`. */
  #typeSpecifier(): TypeSyntax {
    const token = this.#tokens.token;
    switch (token.text) {
      case "int":
      case "hyper":
        this.#tokens.take();
        // As rpcgen allows: `hyper int`.
        if (token.text === "hyper") this.#tokens.takeIf("int");
        return { kind: token.text };
      case "float":
      case "double":
      case "bool":
        this.#tokens.take();
        return { kind: token.text };
      case "unsigned":
        return this.#unsigned();
      case "quadruple":
        return this.#tokens.fail(token, "quadruple is not supported: JavaScript has no such numbers. Use opaque x[16]");
      case "opaque":
      case "string":
        return this.#tokens.fail(token, `${token.text} cannot stand here: give it a name with typedef`);
      case "enum":
      case "struct":
      case "union":
        return this.#tagged(token.text);
    }
    if (token.kind !== "name" || isKeyword(token.text)) this.#tokens.unexpected("a type");
    const name = this.qualified();
    if (C_INTEGERS.has(token.text)) this.#tokens.takeIf("int");
    return { kind: "named", name };
  }

  #unsigned(): TypeSyntax {
    this.#tokens.take();
    const { text } = this.#tokens.token;
    if (text === "hyper") {
      this.#tokens.take();
      this.#tokens.takeIf("int");
      return { kind: "uhyper" };
    }
    const after = this.#tokens.after;
    // `unsigned long;` declares a field that is named `long`.
    if (C_INTEGERS.has(text) && (after?.kind === "name" || after?.text === "*")) this.#tokens.take();
    this.#tokens.takeIf("int");
    return { kind: "uint" };
  }

  /** `struct { … }` and the like, or `struct name` as rpcgen allows. */
  #tagged(tag: BodySyntax["kind"]): TypeSyntax {
    const start = this.#tokens.take();
    if (this.#tokens.is("{") || (tag === "union" && this.#tokens.is("switch"))) return this.body(tag, start);
    const name = this.qualified();
    if (this.#tokens.is("{") || this.#tokens.is("switch")) {
      this.#tokens.fail(name.position, `a ${tag} inside of another definition has no name`);
    }
    return { kind: "named", name, tag };
  }

  qualified(): NameSyntax {
    const first = this.#tokens.name();
    const names = [first.text];
    while (this.#tokens.takeIf("::")) names.push(this.#tokens.name().text);
    return { kind: "name", name: names.join("::"), position: positionOf(first) };
  }

  value(): ValueSyntax {
    const token = this.#tokens.token;
    const minus = this.#tokens.takeIf("-");
    if (!minus && token.kind === "name") return this.qualified();
    const { kind, text } = this.#tokens.token;
    if (kind !== "number") this.#tokens.unexpected(minus ? "a number" : "a number or the name of a constant");
    this.#tokens.take();
    const value = numberOf(minus ? `-${text}` : text);
    if (typeof value === "string") this.#tokens.fail(token, value);
    return { kind: "number", value, position: positionOf(token) };
  }

  body(kind: BodySyntax["kind"], start: Token): BodySyntax {
    const position = positionOf(start);
    return this.#tokens.nested(start, () => {
      if (kind === "enum") return this.#enum(position);
      return kind === "struct" ? this.#struct(position) : this.#union(position);
    });
  }

  #enum(position: Position): EnumSyntax {
    this.#tokens.expect("{");
    const members: MemberSyntax[] = [];
    do {
      members.push(
        this.#tokens.documented(() => {
          const declared = this.#declared();
          const value = this.#tokens.takeIf("=") ? { value: this.value() } : {};
          // The comma may be missing behind the last member only.
          if (!this.#tokens.takeIf(",") && !this.#tokens.is("}")) this.#tokens.unexpected('"," or "}"');
          return { ...declared, ...value };
        }),
      );
    } while (!this.#tokens.is("}"));
    this.#tokens.expect("}");
    return { kind: "enum", position, members };
  }

  #struct(position: Position): StructSyntax {
    this.#tokens.expect("{");
    const fields: FieldSyntax[] = [];
    do fields.push(this.#field());
    while (!this.#tokens.is("}"));
    this.#tokens.expect("}");
    return { kind: "struct", position, fields };
  }

  #field(): FieldSyntax {
    return this.#tokens.documented(() => {
      const declaration = this.declaration();
      this.#tokens.expect(";");
      return declaration;
    });
  }

  #union(position: Position): UnionSyntax {
    this.#tokens.expect("switch");
    this.#tokens.expect("(");
    const discriminant = this.#tokens.documented(() => this.declaration());
    this.#tokens.expect(")");
    this.#tokens.expect("{");
    const arms: ArmSyntax[] = [];
    let otherwise: DefaultSyntax | undefined;
    do {
      if (this.#tokens.is("default")) {
        if (otherwise) this.#tokens.fail(this.#tokens.token, "the union has two default arms");
        otherwise = this.#arm([this.#label(() => this.#tokens.expect("default"))]);
      } else {
        const labels: Label<ValueSyntax>[] = [];
        do labels.push(this.#label(() => this.#case()));
        while (this.#tokens.is("case"));
        const cases = labels.map(({ value }) => value);
        arms.push({ cases, ...this.#arm(labels) });
      }
    } while (!this.#tokens.is("}"));
    if (arms.length === 0) this.#tokens.fail(this.#tokens.token, "the union has no case");
    this.#tokens.expect("}");
    return { kind: "union", position, discriminant, arms, otherwise };
  }

  #case(): ValueSyntax {
    if (!this.#tokens.takeIf("case")) this.#tokens.unexpected('"case", "default" or "}"');
    return this.value();
  }

  /** A label of an arm, and its colon. */
  #label<T>(parse: () => T): Label<T> {
    return this.#tokens.documented(() => {
      const value = parse();
      this.#tokens.expect(":");
      return { value };
    });
  }

  /** What follows the labels of an arm. */
  #arm(labels: readonly Label<unknown>[]): DefaultSyntax {
    if (!this.#tokens.is("void")) return { ...docsOf(labels), field: this.#field() };
    const rest = this.#tokens.documented(() => {
      this.#tokens.take();
      this.#tokens.expect(";");
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
