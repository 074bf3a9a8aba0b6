/** The most characters of a string that are quoted. */
const MAX_QUOTED = 40;

/** Describes a value for the end of an error message: `must be a number, not the string "22000"`. */
export function describeValue(value: unknown): string {
  if (typeof value === "string") {
    return `the string ${JSON.stringify(value.length > MAX_QUOTED ? `${value.slice(0, MAX_QUOTED)}…` : value)}`;
  }
  if (typeof value === "bigint") return `the bigint ${value}`;
  if (typeof value === "symbol" || typeof value === "function") return `a ${typeof value}`;
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return "an array";
  const name: unknown = value.constructor?.name;
  return typeof name !== "string" || name === "Object" ? "an object" : `an instance of ${name}`;
}
