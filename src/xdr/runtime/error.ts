/**
 * Why input was rejected, and what {@link XdrError.offset} then points at:
 *
 * | code | the input | offset of |
 * |---|---|---|
 * | `truncated` | ends inside a field of fixed size, or inside padding | the field, or the padding |
 * | `length-over-maximum` | has a length or count greater than the declared maximum | the length; in a list, the bool |
 * | `length-over-input` | has a length or count that needs more bytes than are left | the length |
 * | `nonzero-padding` | has padding that is not zero (§3) | the first nonzero byte |
 * | `bad-bool` | has a bool other than 0 or 1 (§4.4, §4.19) | the bool |
 * | `unknown-enum` | has a number that the enum does not assign (§4.3) | the enum |
 * | `unknown-discriminant` | has a discriminant for which the union has no arm (§4.15) | the discriminant |
 * | `wrong-constant` | has a number other than the constant of its type | the number |
 * | `unsafe-integer` | has a hyper that a number cannot hold exactly | the hyper |
 * | `bad-utf8` | has a string that is not UTF-8 | the string's length |
 * | `refused` | has a value that `refine` or `transform` rejects | the value |
 * | `too-deep` | nests arrays, lists, unions and optionals deeper than `maxDepth` | the innermost one |
 * | `trailing-bytes` | has bytes after the value | the first of these bytes |
 * | `bad-text` | is text that is not hex or base64 | the first wrong character |
 *
 * The sections are those of RFC 4506.
 */
export type XdrErrorCode =
  | "truncated"
  | "length-over-maximum"
  | "length-over-input"
  | "nonzero-padding"
  | "bad-bool"
  | "unknown-enum"
  | "unknown-discriminant"
  | "wrong-constant"
  | "unsafe-integer"
  | "bad-utf8"
  | "refused"
  | "too-deep"
  | "trailing-bytes"
  | "bad-text";

/** Marks the errors of every copy of this class, so that `instanceof` works when a program has two. */
const XDR_ERROR: unique symbol = Symbol.for("whereabouts.XdrError") as never;

/**
 * Thrown when input is not valid XDR of the expected type. It is thrown for nothing else: a wrong argument, or a value
 * that cannot be encoded, is a `TypeError` (wrong type) or a `RangeError` (wrong value).
 *
 * @example
 * ```ts
 * const Names = array(string(255), 10);
 * try {
 *   Names.decode(Uint8Array.of(0, 0, 0, 1, 0, 0, 1, 0));
 * } catch (error) {
 *   if (!(error instanceof XdrError)) throw error;
 *   const { code, offset, path } = error;
 *   [code, offset, path]; // => ["length-over-maximum", 4, "[0]"]
 * }
 * ```
 */
export class XdrError extends Error {
  static override [Symbol.hasInstance](value: unknown): boolean {
    // Subclasses inherit this method.
    // biome-ignore lint/complexity/noThisInStatic: it is the class to the right of `instanceof`
    if (this !== XdrError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return Object(value) === value && (value as XdrError)[XDR_ERROR] === true;
  }

  /** Whether it is an error of this class, from any copy of it. @internal */
  get [XDR_ERROR](): true {
    return true;
  }

  override readonly name = "XdrError";
  /** Why the input was rejected. Programs check this; the message is for people. */
  readonly code: XdrErrorCode;
  /** Where the problem is, in bytes from the start of the input: see {@link XdrErrorCode}. */
  readonly offset: number;
  /**
   * Which part of the value is wrong, as in `entries[3].size`. Empty for the whole value, and for an XdrReader. Of a
   * path of more than 32 steps the outer ones are left out.
   */
  readonly path: string;
  /**
   * If the input only ends too early: how many bytes it needs in addition, at least. A program that reads from a stream
   * waits for as many, then decodes again.
   */
  readonly needs: number | undefined;

  /**
   * Creates an error. Readers and types do this; a program seldom needs to.
   *
   * @param code - why the input was rejected
   * @param offset - where the problem is, in bytes from the start of the input
   * @param detail - the reason for people, without path and offset: the message adds them
   * @param path - which part of the value is wrong
   * @param needs - how many bytes are missing, if the input only ends too early
   * @example
   * ```ts
   * new XdrError("truncated", 8, "expected 4 bytes", "size").message; // => "size: expected 4 bytes (at byte 8)"
   * ```
   */
  constructor(code: XdrErrorCode, offset: number, detail: string, path = "", needs?: number) {
    super(`${path && `${path}: `}${detail} (at byte ${offset})`);
    this.code = code;
    this.offset = offset;
    this.path = path;
    this.needs = needs;
  }
}
