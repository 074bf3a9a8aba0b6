import type { XdrInput } from "./runtime/input.ts";
import type { XdrOutput } from "./runtime/output.ts";

/** The implementation of one type. */
export interface Ops<T> {
  /**
   * The minimum size of a value, in bytes. Before a type is used, it is NaN if it depends on a lazy type, which can be
   * looked up only when `used` is set.
   */
  minimum(used: boolean): number;
  /** Reads a value. If it cannot, the result is undefined, and `input.failed` is set. */
  read(input: XdrInput): T;
  /** Writes a value. If it is wrong, `output.failed` is set. */
  write(output: XdrOutput, value: T): void;
  /** Whether `null` is a value. */
  nullable?(): boolean;
  /** The source of the same functions, for types that consist of others: see emit/. */
  readonly source?: Source;
  /** The types that it contains. */
  readonly parts?: readonly Ops<never>[];
  /** Throws if the type is wrong in a way that shows only when lazy types are known: see first-use.ts. */
  check?(): void;
  /** The type that this one only refers to. */
  target?(): Ops<T>;
  /** The functions that read and write a type without parts, and their last argument: a length, say. */
  readonly leaf?: Leaf<T>;
}

/** Functions of runtime/. */
export interface Leaf<T> {
  read(input: XdrInput, argument: number): T;
  write(output: XdrOutput, value: T, argument: number): void;
  /** Reads a value from bytes that are known to be there, if any bytes of the type's size are a value. */
  readonly at: ((input: XdrInput, at: number, argument: number) => T) | undefined;
  readonly argument: number;
}

/** Lines of source. A list within the list is a block. */
export type Lines = (string | Lines)[];

/** Emits the bodies of the functions that read and write the values of a type. */
interface Source {
  read(emitter: Emitter): Lines;
  write(emitter: Emitter): Lines;
}

/**
 * The two languages that source is emitted in: JavaScript for `new Function` (emit/compile.ts), and files of TypeScript
 * (compiler/).
 */
export interface Emitter {
  /** The name by which the source calls `helper`, a function of runtime/ with this name. */
  use(name: string, helper: unknown): string;
  /** An expression that reads a value of `ops` from `input`. */
  read(ops: Ops<never>): string;
  /** An expression that reads a value of `ops` at a position: see {@link Leaf.at}. */
  readAt(ops: Ops<never>, at: string): string;
  /** A statement that writes `value` to `output`. */
  write(ops: Ops<never>, value: string): string;
  /** Variables for the values of these fields. */
  variables(fields: readonly string[]): string[];
  /** A property of an object literal. */
  property(name: string, value: string): string;
  /** An expression for a property of an object. */
  member(object: string, name: string): string;
  /** A maximum, or the number of elements. */
  bound(bound: number): string;
  /** A value of a discriminant. */
  literal(value: number | boolean): string;
  /** The variable `value`, a value of a union, as one that has the fields of an arm. */
  arm(value: string, fields: readonly string[], isDefault: boolean): string;
  /** `text`, if it emits types: those of the value and, if it is an array, of its elements. */
  type(text: (own: string, element: string) => string): string;
}
