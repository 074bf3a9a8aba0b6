import { isBytes, typeName } from "./runtime/check.ts";

/** Throws a `TypeError` if `value` is not of type `kind`, else a `RangeError`. */
export function refuse(name: string, value: unknown, kind: string, expected: string): never {
  if (typeof value !== kind) wrongKind(name, value, `a ${kind}`);
  throw new RangeError(`${name}: expected ${expected}, got ${value}`);
}

export function wrongKind(name: string, value: unknown, expected: string): never {
  throw new TypeError(`${name}: expected ${expected}, got ${typeName(value)}`);
}

export function checkBytes(name: string, value: Uint8Array): void {
  if (!isBytes(value)) wrongKind(name, value, "a Uint8Array");
}

export function checkArray(name: string, value: readonly unknown[]): void {
  if (!Array.isArray(value)) wrongKind(name, value, "an array");
}

export function checkObject(name: string, value: object): void {
  if (Object(value) !== value) wrongKind(name, value, "an object");
}
