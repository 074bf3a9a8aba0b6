/** The syntax tree of a file, before names are resolved. */

import type { Position } from "./schema.ts";

/** A number, or the name of a constant or enum member. */
export type ValueSyntax = { readonly kind: "number"; readonly value: bigint; readonly position: Position } | NameSyntax;

/** A name, which may be qualified: `Asset`, `stellar::Asset`. */
export interface NameSyntax {
  readonly kind: "name";
  readonly name: string;
  readonly position: Position;
}

export type TypeSyntax =
  | { readonly kind: "int" | "uint" | "hyper" | "uhyper" | "float" | "double" | "bool" }
  | { readonly kind: "fixedOpaque"; readonly length: ValueSyntax }
  | { readonly kind: "opaque" | "string"; readonly maximum: ValueSyntax | undefined }
  | { readonly kind: "fixedArray"; readonly element: TypeSyntax; readonly count: ValueSyntax }
  | { readonly kind: "array"; readonly element: TypeSyntax; readonly maximum: ValueSyntax | undefined }
  | { readonly kind: "optional"; readonly type: TypeSyntax }
  /** A type by its name; `tag` is the word before it, as in `struct foo`. */
  | { readonly kind: "named"; readonly name: NameSyntax; readonly tag?: BodySyntax["kind"] }
  | BodySyntax;

/** What stands between the braces of an enum, struct or union, with the discriminant of a union. */
export type BodySyntax = EnumSyntax | StructSyntax | UnionSyntax;

export interface EnumSyntax {
  readonly kind: "enum";
  readonly position: Position;
  readonly members: readonly MemberSyntax[];
}

export interface MemberSyntax {
  readonly name: string;
  /** If absent, one more than the member before it, or 0. */
  readonly value?: ValueSyntax;
  readonly docs?: string;
  readonly position: Position;
}

export interface StructSyntax {
  readonly kind: "struct";
  readonly position: Position;
  readonly fields: readonly FieldSyntax[];
}

export interface FieldSyntax {
  readonly name: string;
  readonly type: TypeSyntax;
  readonly docs?: string;
  readonly position: Position;
}

export interface UnionSyntax {
  readonly kind: "union";
  readonly position: Position;
  readonly discriminant: FieldSyntax;
  readonly arms: readonly ArmSyntax[];
  readonly otherwise: DefaultSyntax | undefined;
}

/** Without a field, it is `void`. */
export interface DefaultSyntax {
  readonly field?: FieldSyntax;
  readonly docs?: string;
}

export interface ArmSyntax extends DefaultSyntax {
  readonly cases: readonly ValueSyntax[];
}

interface Defined {
  readonly name: string;
  readonly namespace: string;
  readonly docs?: string;
  readonly position: Position;
}

export interface ConstSyntax extends Defined {
  readonly kind: "const";
  readonly value: ValueSyntax;
  /** Set for the numbers of a program and of a `#define`. C allows these twice: versions may share procedures. */
  readonly repeatable?: true;
}

/** A definition of a type. A typedef of a {@link BodySyntax} is that struct, union or enum. */
export interface TypeDefinitionSyntax extends Defined {
  readonly kind: "type";
  readonly type: TypeSyntax;
}

export type DefinitionSyntax = ConstSyntax | TypeDefinitionSyntax;
