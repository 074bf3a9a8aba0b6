/** Options of a writer. */
export interface XdrWriterOptions {
  /** How deep arrays, lists, unions and optionals may nest, 0 to 2^32 - 1. Default 500. */
  readonly maxDepth?: number;
  /** The array to write into. It does not grow. Default: an array of the writer's own, which grows as needed. */
  readonly target?: Uint8Array;
  /** Where to start writing, in bytes from the start of `target`. Default 0. */
  readonly offset?: number;
}
