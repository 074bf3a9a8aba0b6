/** Values of flags that are never printed. */
import type { Option } from "commander";

/** Whether a value of an option is secret: a token, or a URL with a password. */
export function isSecret(option: Option, value: unknown): boolean {
  if (option.attributeName() === "adminToken") return value !== undefined;
  return option.attributeName() === "journal" && typeof value === "string" && withoutPassword(value) !== value;
}

/** A URL with `***` in place of its password; any other text as it is. */
export function withoutPassword(text: string): string {
  // Up to the last @: a password may contain one, although a URL must not.
  return text.replace(/^([\w+]+:\/\/[^:@/]*:).+@/s, "$1***@");
}
