/** The longest length and the highest count that XDR can state, 2^32 - 1: what RFC 4506 takes `<>` to mean. */
export const MAX_LENGTH = 0xffff_ffff;

/**
 * How deep arrays, lists, unions and optionals may nest unless told otherwise. A recursive type lets a few kilobytes of
 * input overflow the call stack; this stays clear of the smallest stacks in use (a browser's, at several frames a level).
 */
export const DEFAULT_MAX_DEPTH = 500;

/** How a reader or a writer is set up, and how values of a type are encoded. */
export interface XdrOptions {
  /** How deep arrays, lists, unions and optionals may nest, 0 to 2^32 - 1. Default {@link DEFAULT_MAX_DEPTH}. */
  readonly maxDepth?: number;
}

/** How a writer is set up. */
export interface XdrWriterOptions extends XdrOptions {
  /** Bytes to write into, instead of bytes of the writer's own, which grow. */
  readonly target?: Uint8Array;
  /** Where to begin, in bytes from the start of `target`. Default 0. */
  readonly offset?: number;
}

/** How `decode` is to take its input. */
export interface DecodeOptions extends XdrOptions {
  /** Whether bytes after the value are let pass. Default `false`. */
  readonly allowTrailing?: boolean;
}
