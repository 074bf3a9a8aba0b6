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
 * | `bad-utf8` | has a string that is not UTF-8 | the string's length |
 * | `too-deep` | nests arrays, lists, unions and optionals deeper than `maxDepth` | the innermost one |
 * | `trailing-bytes` | has bytes after the value | the first of these bytes |
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
  | "bad-utf8"
  | "too-deep"
  | "trailing-bytes";

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
  override readonly name = "XdrError";
  /** Why the input was rejected. Programs check this; the message is for people. */
  readonly code: XdrErrorCode;
  /** Where the problem is, in bytes from the start of the input: see {@link XdrErrorCode}. */
  readonly offset: number;
  /** Which part of the value is wrong, as in `entries[3].size`. Empty for the whole value, and for an XdrReader. */
  readonly path: string;

  /**
   * Creates an error. Readers and types do this; a program seldom needs to.
   *
   * @param code - why the input was rejected
   * @param offset - where the problem is, in bytes from the start of the input
   * @param detail - the reason for people, without path and offset: the message adds them
   * @param path - which part of the value is wrong
   * @example
   * ```ts
   * new XdrError("truncated", 8, "expected 4 bytes", "size").message; // => "size: expected 4 bytes (at byte 8)"
   * ```
   */
  constructor(code: XdrErrorCode, offset: number, detail: string, path = "") {
    super(`${path && `${path}: `}${detail} (at byte ${offset})`);
    this.code = code;
    this.offset = offset;
    this.path = path;
  }
}
