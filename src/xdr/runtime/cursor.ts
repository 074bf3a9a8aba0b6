/** One step of a path: the name of a field, or the index of an element. */
export type Part = string | number;

/** The state that reading and writing have in common. */
export interface Cursor {
  /** The position, in bytes from the start of the input or output. */
  at: number;
  /** How many arrays, lists, unions and optionals enclose the position. */
  depth: number;
  /** The maximum of `depth`. */
  maxDepth: number;
  /**
   * Set when a read or write fails. All code that called it then returns at once, and calls {@link within} on its way,
   * which makes the path to the part that failed: innermost step first.
   */
  failed: { readonly path: Part[] } | undefined;
}

/** The longest path that is kept: hostile input can nest deep. Of a longer one, the outer steps are left out. */
const MAX_PARTS = 32;

/**
 * Adds a step to the path of a failure. Returns `undefined` in place of the value, so that a function can end with
 * `return within(input, "name")`.
 */
export function within<T>({ failed }: Cursor, part: Part): T {
  if (failed) failed.path[Math.min(failed.path.length, MAX_PARTS)] = failed.path.length < MAX_PARTS ? part : "…";
  return undefined as T;
}

/** The path as in code: `entries[3].size`. */
export function pathText(path: readonly Part[]): string {
  let text = "";
  for (let i = path.length; i-- > 0; ) {
    const part = path[i] as Part;
    text += typeof part === "number" ? `[${part}]` : text ? `.${part}` : part;
  }
  return text;
}
