/** The greatest length or count in XDR, 2^32 - 1. In RFC 4506 it is the maximum that an empty `<>` stands for. */
export const MAX_LENGTH = 0xffff_ffff;

/**
 * The default of `maxDepth`: how deep arrays, lists, unions and optionals may nest. Without a limit, a few kilobytes of
 * input for a recursive type could overflow the call stack. 500 levels, at several stack frames each, fit in the
 * smallest stacks in use, those of browsers.
 */
export const DEFAULT_MAX_DEPTH = 500;

/** Options of readers, and of encoding. */
export interface XdrOptions {
  /** How deep arrays, lists, unions and optionals may nest, 0 to 2^32 - 1. Default {@link DEFAULT_MAX_DEPTH}. */
  readonly maxDepth?: number;
}

/** Options of a writer. */
export interface XdrWriterOptions extends XdrOptions {
  /** The array to write into. It does not grow. Default: an array of the writer's own, which grows as needed. */
  readonly target?: Uint8Array;
  /** Where to start writing, in bytes from the start of `target`. Default 0. */
  readonly offset?: number;
}

/** Options of decoding. */
export interface DecodeOptions extends XdrOptions {
  /** Whether bytes may follow the value. Default `false`: they are rejected with `trailing-bytes`. */
  readonly allowTrailing?: boolean;
}
