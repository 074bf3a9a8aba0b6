import { MAX_LENGTH } from "./options.ts";

/** Throws: `TypeError` where `value` is not even a `kind`, `RangeError` where it is one that will not do. */
export function refuse(name: string, value: unknown, kind: string, expected: string): never {
  if (typeof value !== kind) wrongKind(name, value, `a ${kind}`);
  throw new RangeError(`${name}: expected ${expected}, got ${value}`);
}

export function wrongKind(name: string, value: unknown, expected: string): never {
  throw new TypeError(`${name}: expected ${expected}, got ${kindOf(value)}`);
}

/** For values, and for lengths and maxima as well: a bound that is not a number would let everything pass. */
export function checkUint32(name: string, value: number): void {
  if (typeof value !== "number" || value >>> 0 !== value) {
    refuse(name, value, "number", `an integer, 0 to ${MAX_LENGTH}`);
  }
}

export function checkBytes(name: string, value: Uint8Array): void {
  if (value instanceof Uint8Array) return;
  // By tag where the class is another, so that bytes from another realm (an iframe, a test runner) count.
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

/** For messages: `null` and `Uint8Array` say more than `object`. */
function kindOf(value: unknown): string {
  if (value === null) return "null";
  return typeof value === "object" ? (value.constructor?.name ?? "object") : typeof value;
}
