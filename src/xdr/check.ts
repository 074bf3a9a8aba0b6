import { MAX_LENGTH } from "./options.ts";

/** Throws a `TypeError` if `value` is not of type `kind`, else a `RangeError`. */
export function refuse(name: string, value: unknown, kind: string, expected: string): never {
  if (typeof value !== kind) wrongKind(name, value, `a ${kind}`);
  throw new RangeError(`${name}: expected ${expected}, got ${value}`);
}

export function wrongKind(name: string, value: unknown, expected: string): never {
  throw new TypeError(`${name}: expected ${expected}, got ${typeName(value)}`);
}

/**
 * Used for lengths and maximums as well as for values: `length > maximum` is never true if `maximum` is not a number.
 */
export function checkUint32(name: string, value: number): void {
  if (typeof value !== "number" || value >>> 0 !== value) {
    refuse(name, value, "number", `an integer, 0 to ${MAX_LENGTH}`);
  }
}

export function checkBytes(name: string, value: Uint8Array): void {
  if (value instanceof Uint8Array) return;
  // A Uint8Array of another realm (an iframe, a test runner) has another class, but the same tag.
  if (ArrayBuffer.isView(value) && (value as Uint8Array)[Symbol.toStringTag] === "Uint8Array") return;
  wrongKind(name, value, "a Uint8Array");
}

export function checkArray(name: string, value: readonly unknown[]): void {
  if (!Array.isArray(value)) wrongKind(name, value, "an array");
}

export function checkObject(name: string, value: object): void {
  if (Object(value) !== value) wrongKind(name, value, "an object");
}

export function checkDiscriminant(value: number | boolean): void {
  if (typeof value !== "number" && typeof value !== "boolean") {
    wrongKind("union", value, "a number or boolean as discriminant");
  }
}

export function checkLength(name: string, length: number, bound: number, exact: boolean): void {
  checkUint32(exact ? "length" : "maximum", bound);
  if (exact ? length !== bound : length > bound) {
    throw new RangeError(`${name}: length ${length} is ${exact ? "not" : "over the maximum of"} ${bound}`);
  }
}

/** The type of a value for messages: `null` or the class name, which help more than `object`. */
function typeName(value: unknown): string {
  if (value === null) return "null";
  return typeof value === "object" ? (value.constructor?.name ?? "object") : typeof value;
}
