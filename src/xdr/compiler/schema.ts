/**
 * The schema that the parser returns: plain data, with all names resolved and all constants computed. The lowering to
 * types and the TypeScript output read nothing else.
 *
 * Structs, unions and enums are definitions, never parts of a {@link Type}. One without a name, written in the place
 * of a field's type, becomes a definition of its own, named after the field: `Operation.body`. A `.` never occurs in
 * a name in the source, so these names are unique.
 */

/** A place in the source. Lines and columns count from 1, columns in UTF-16 units as editors do. */
export interface Position {
  /** The path of the file. */
  readonly file: string;
  /** The line, from 1. */
  readonly line: number;
  /** The column, from 1. */
  readonly column: number;
}

/** A whole schema: all files that were parsed together. */
export interface Schema {
  /** The paths of the files. An included file comes before the file that includes it. */
  readonly files: readonly string[];
  /** The constants, in the order of the source. Enum members are not among them. */
  readonly constants: readonly ConstDefinition[];
  /**
   * The types. Each comes after those that it uses, otherwise in the order of the source. Only within a recursion does
   * a type refer to itself or to a later one: through an optional, an array or an arm of a union. It is then
   * `recursive`.
   */
  readonly types: readonly TypeDefinition[];
}

/** The definition of a type. Its `kind` tells which. */
export type TypeDefinition = EnumDefinition | StructDefinition | UnionDefinition | TypedefDefinition;

interface Named {
  /** The qualified name, unique in the schema: `Operation`, `stellar::Operation`, `stellar::Operation.body`. */
  readonly name: string;
  /** The namespace: empty, `stellar`, or `a::b`. */
  readonly namespace: string;
  /**
   * The comment in the source, without its marks and indentation; lines are separated by `\n`. It may contain `*` and
   * `/` next to each other.
   */
  readonly docs?: string;
  /** Of the name; of the word `struct`, `union` or `enum` if it has no name in the source. */
  readonly position: Position;
}

interface NamedType extends Named {
  /** The name without the namespace: `["Operation"]`, or `["Operation", "body"]` if it has no name in the source. */
  readonly path: readonly string[];
  /** Whether a value of the type can contain another value of the type. */
  readonly recursive: boolean;
}

/** `const NAME = value;`, `#define NAME value`, and the numbers of programs, versions and procedures. */
export interface ConstDefinition extends Named {
  /** Tells it from other definitions. */
  readonly kind: "const";
  /** The value. A bigint if it is not a safe integer. */
  readonly value: number | bigint;
}

/** An enumeration (RFC 4506 §4.3). */
export interface EnumDefinition extends NamedType {
  /** Tells it from other definitions. */
  readonly kind: "enum";
  /** The members, in the order of the source. Two members may have the same value. */
  readonly members: readonly EnumMember[];
}

/** A member of an enumeration. */
export interface EnumMember {
  /** The name, not qualified. */
  readonly name: string;
  /** The value, -2^31 to 2^31 - 1. */
  readonly value: number;
  /** The comment in the source: see {@link EnumDefinition.docs}. */
  readonly docs?: string;
  /** The place of the name. */
  readonly position: Position;
}

/** A structure (RFC 4506 §4.14). */
export interface StructDefinition extends NamedType {
  /** Tells it from other definitions. */
  readonly kind: "struct";
  /** The fields in their order, at least one. */
  readonly fields: readonly Field[];
}

/** A field of a struct or of an arm, or the discriminant of a union. */
export interface Field {
  /** The name. */
  readonly name: string;
  /** The type. */
  readonly type: Type;
  /** The comment in the source: see {@link StructDefinition.docs}. */
  readonly docs?: string;
  /** The place of the name. */
  readonly position: Position;
}

/** A discriminated union (RFC 4506 §4.15). */
export interface UnionDefinition extends NamedType {
  /** Tells it from other definitions. */
  readonly kind: "union";
  /** The discriminant. No field of an arm has its name. */
  readonly discriminant: Field;
  /** What the discriminant's type is without typedefs: the type of the case values. */
  readonly switchOn: "int" | "uint" | "bool" | "enum";
  /** The arms, at least one. No case value occurs twice, and no two arms have a field of the same name. */
  readonly arms: readonly Arm[];
  /** The default arm. Without one, all other values of the discriminant are invalid. */
  readonly otherwise?: DefaultArm;
}

/** What follows the discriminant if no other arm has its value. */
export interface DefaultArm {
  /** The field; absent for `void`. */
  readonly field?: Field;
  /** The comment at `case` or `default`, or at `void`. That at the field is the field's own. */
  readonly docs?: string;
}

/** What follows the discriminant if it has one of some values. */
export interface Arm extends DefaultArm {
  /** The values, at least one, in the order of the source. */
  readonly cases: readonly Case[];
}

/** A value of the discriminant that selects an arm. */
export interface Case {
  /** The value. A boolean if the union switches on a bool. */
  readonly value: number | boolean;
  /** The enum member, also if the source has its number; or the constant, if the source names one. Not qualified. */
  readonly name?: string;
}

/** `typedef`. `typedef struct { … } Name` and the like are the struct, union or enum itself, not a typedef. */
export interface TypedefDefinition extends NamedType {
  /** Tells it from other definitions. */
  readonly kind: "typedef";
  /** The type that it names. */
  readonly type: Type;
}

/** The types of fields. The kinds have the names of the functions and constants of `whereabouts/xdr`. */
export type Type =
  | { readonly kind: "int" | "uint" | "hyper" | "uhyper" | "float" | "double" | "bool" }
  | { readonly kind: "fixedOpaque"; readonly length: number }
  | { readonly kind: "opaque"; readonly maximum: number }
  | { readonly kind: "string"; readonly maximum: number }
  | { readonly kind: "fixedArray"; readonly element: Type; readonly count: number }
  | { readonly kind: "array"; readonly element: Type; readonly maximum: number }
  | { readonly kind: "optional"; readonly type: Type }
  /** The type definition of this qualified name. */
  | { readonly kind: "ref"; readonly name: string };
