import { MAX_LENGTH } from "./options.ts";

/** Throws: `TypeError` where `value` is not even a `kind`, `RangeError` where it is one that will not do. */
export function refuse(name: string, value: unknown, kind: string, expected: string): never {
  if (typeof value !== kind) throw new TypeError(`${name}: expected a ${kind}, got ${kindOf(value)}`);
  throw new RangeError(`${name}: expected ${expected}, got ${value}`);
}

/** For values, and for lengths and maxima as well: a bound that is not a number would let everything pass. */
export function checkUint32(name: string, value: number): void {
  if (typeof value !== "number" || value >>> 0 !== value) {
    refuse(name, value, "number", `an integer, 0 to ${MAX_LENGTH}`);
  }
}

/** By tag and not by class, so that bytes from another realm (an iframe, a test runner) count. */
export function checkBytes(name: string, value: Uint8Array): void {
  if (!ArrayBuffer.isView(value) || value[Symbol.toStringTag] !== "Uint8Array") {
    throw new TypeError(`${name}: expected a Uint8Array, got ${kindOf(value)}`);
  }
}

export function checkArray(name: string, value: readonly unknown[]): void {
  if (!Array.isArray(value)) throw new TypeError(`${name}: expected an array, got ${kindOf(value)}`);
}

export function checkDiscriminant(value: number | boolean): void {
  if (typeof value !== "number" && typeof value !== "boolean") {
    throw new TypeError(`union: expected a number or boolean as discriminant, got ${kindOf(value)}`);
  }
}

export function checkExact(name: string, length: number, expected: number): void {
  checkUint32("length", expected);
  if (length !== expected) throw new RangeError(`${name}: expected a length of ${expected}, got ${length}`);
}

export function checkMaximum(name: string, length: number, maximum: number): void {
  checkUint32("maximum", maximum);
  if (length > maximum) throw new RangeError(`${name}: length ${length} is over the maximum of ${maximum}`);
}

/** For messages: `null` and `Uint8Array` say more than `object`. */
function kindOf(value: unknown): string {
  if (value === null) return "null";
  return typeof value === "object" ? (value.constructor?.name ?? "object") : typeof value;
}
