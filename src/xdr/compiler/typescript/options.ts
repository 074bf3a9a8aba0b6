import { checkKeys } from "../../keys.ts";

/** What values are in the code that {@link compile} returns. */
export interface CompileOptions {
  /**
   * Strings are `"text"`, the default, which must be UTF-8; `"bytes"`; or `"either"`, text if the bytes are UTF-8, else
   * the bytes.
   */
  readonly strings?: "text" | "bytes" | "either";
  /** Hypers are of type `"bigint"`, the default; or `"number"`: then those that are not safe integers are refused. */
  readonly hypers?: "bigint" | "number";
  /**
   * Decoded opaque data are a `"view"` of the input, the default, or a copy where that is faster; or always a `"copy"`,
   * for inputs whose memory is reused.
   */
  readonly opaques?: "view" | "copy";
}

const CHOICES = {
  strings: ["text", "bytes", "either"],
  hypers: ["bigint", "number"],
  opaques: ["view", "copy"],
} as const;

/** The options with their defaults. */
export function completeOptions(options: CompileOptions): Required<CompileOptions> {
  checkKeys("options", options, Object.keys(CHOICES));
  for (const [name, allowed] of Object.entries(CHOICES)) {
    const value = options[name as keyof CompileOptions];
    if (value === undefined || (allowed as readonly string[]).includes(value)) continue;
    throw new RangeError(`${name}: expected ${allowed.map((each) => `"${each}"`).join(" or ")}, got ${value}`);
  }
  const { strings = "text", hypers = "bigint", opaques = "view" } = options;
  return { strings, hypers, opaques };
}
