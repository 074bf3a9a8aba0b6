/**
 * Why input was refused, and what {@link XdrError.offset} then points at:
 *
 * | code | the input | offset of |
 * |---|---|---|
 * | `truncated` | ends inside a field of fixed size, or inside padding | that field, or that padding |
 * | `length-over-maximum` | states a length or count over the declared maximum | the length |
 * | `length-over-input` | states a length or count that what is left cannot hold | the length |
 * | `nonzero-padding` | has padding that is not zero (§3) | the first such byte |
 * | `bad-bool` | has a bool other than 0 or 1 (§4.4, §4.19) | the bool |
 * | `unknown-enum` | has an enum value without an assignment (§4.3) | the enum |
 * | `unknown-discriminant` | has a union discriminant without an arm (§4.15) | the discriminant |
 * | `bad-utf8` | has a string that is not UTF-8 | the string's length |
 * | `too-deep` | nests arrays, unions and optionals deeper than `maxDepth` | the innermost of them |
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
  | "bad-utf8"
  | "too-deep"
  | "trailing-bytes";

/**
 * Raised by a reader for input that is not the XDR it was asked to read, and for nothing else: a wrong argument
 * or a value that cannot be written is a `TypeError` (wrong kind) or a `RangeError` (wrong value).
 *
 * @example
 * try {
 *   decode(packet, readFile);
 * } catch (error) {
 *   if (!(error instanceof XdrError)) throw error;
 *   console.warn(error.code, error.offset);
 * }
 */
export class XdrError extends Error {
  override readonly name = "XdrError";
  /** Why the input was refused: for programs; the message is for people. */
  readonly code: XdrErrorCode;
  /** Where, in bytes from the start of the reader's input: see {@link XdrErrorCode}. */
  readonly offset: number;

  /**
   * @param code - why the input was refused
   * @param offset - where, in bytes from the start of the reader's input
   * @param detail - the same for people, without the offset
   */
  constructor(code: XdrErrorCode, offset: number, detail: string) {
    super(`${detail} (at byte ${offset})`);
    this.code = code;
    this.offset = offset;
  }
}
