/**
 * Why input was refused, and what {@link XdrError.offset} then points at:
 *
 * | code | the input | offset of |
 * |---|---|---|
 * | `truncated` | ends inside a field of fixed size, or inside padding | that field, or that padding |
 * | `length-over-maximum` | states a length or count over the declared maximum | the length; in a list, the bool |
 * | `length-over-input` | states a length or count that what is left cannot hold | the length |
 * | `nonzero-padding` | has padding that is not zero (§3) | the first such byte |
 * | `bad-bool` | has a bool other than 0 or 1 (§4.4, §4.19) | the bool |
 * | `unknown-enum` | has an enum value without an assignment (§4.3) | the enum |
 * | `unknown-discriminant` | has a union discriminant without an arm (§4.15) | the discriminant |
 * | `wrong-constant` | has another value where its type has a constant | the value |
 * | `bad-utf8` | has a string that is not UTF-8 | the string's length |
 * | `too-deep` | nests arrays, lists, unions and optionals deeper than `maxDepth` | the innermost of them |
 * | `trailing-bytes` | goes on after the value | the first byte left over |
 *
 * Sections are those of RFC 4506.
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
 * Raised for input that is not the XDR that a reader or a type was asked to read, and for nothing else: a wrong
 * argument, or a value that cannot be written, is a `TypeError` (wrong kind) or a `RangeError` (wrong value).
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
  /** Why the input was refused: for programs; the message is for people. */
  readonly code: XdrErrorCode;
  /** Where, in bytes from the start of the reader's input: see {@link XdrErrorCode}. */
  readonly offset: number;
  /** Which part of the value, as in `entries[3].size`; empty for the value as a whole, and where a reader reads. */
  readonly path: string;

  /**
   * Makes an error, as a reader does.
   *
   * @param code - why the input was refused
   * @param offset - where, in bytes from the start of the reader's input
   * @param detail - the same for people, without the offset
   * @param path - which part of the value
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
