/**
 * Checks of option objects. TypeScript finds misspelled keys and values of a wrong type by itself; these checks are for
 * callers in plain JavaScript, where such an option would be ignored or misread.
 */
import { describeValue } from "../xdr/describe-value.ts";
import { checkKeys } from "../xdr/keys.ts";

/** One check for each option. It gets the option's name and its value, which is not undefined, and throws if it is wrong. */
export type Checks<T> = { readonly [K in keyof T]-?: (name: string, value: unknown) => void };

/** An option that is undefined has its default, like one that is missing. */
export function checkOptions<T>(what: string, options: unknown, checks: Checks<T>): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`${what} must be an object, not ${describeValue(options)}`);
  }
  // It has no key of its own that would be unknown.
  if (options instanceof AbortSignal) {
    throw new TypeError(`${what} must be an object, not ${describeValue(options)}: write { signal }`);
  }
  checkKeys(what, options, Object.keys(checks));
  for (const key in checks) {
    const value = (options as T)[key];
    if (value !== undefined) checks[key](key, value);
  }
}

export function checkType(name: string, value: unknown, type: "number" | "boolean" | "string", wanted: string): void {
  if (typeof value !== type) throw new TypeError(`${name} must be ${wanted}, not ${describeValue(value)}`);
}

export function checkBoolean(name: string, value: unknown): void {
  checkType(name, value, "boolean", "true or false");
}

export function checkPort(name: string, value: unknown, min: number): void {
  checkType(name, value, "number", "a number");
  const port = value as number;
  if (!Number.isInteger(port) || port < min || port > 65535) {
    throw new RangeError(`${name} must be a whole number from ${min} to 65535, not ${port}`);
  }
}

export function checkInterfaces(name: string, value: unknown): void {
  const names = checkStrings(name, value);
  if (names.length === 0 || names.includes("")) {
    throw new RangeError(`${name} must be names of network interfaces, such as ["eth0"]: leave it out to use all`);
  }
}

export function checkStrings(name: string, value: unknown): string[] {
  if (!Array.isArray(value)) {
    const hint = typeof value === "string" ? ": put it in brackets" : "";
    throw new TypeError(`${name} must be an array of strings, not ${describeValue(value)}${hint}`);
  }
  for (const [i, item] of value.entries()) checkType(`${name}[${i}]`, item, "string", "a string");
  return value;
}

/** @param zero - whether it may be 0 */
export function checkMs(name: string, value: unknown, zero: boolean): void {
  checkType(name, value, "number", "a number of milliseconds");
  if ((value as number) > 0 || (zero && value === 0)) return;
  throw new RangeError(`${name} must be milliseconds ${zero ? "from" : "above"} 0, not ${value}`);
}

/** Looks at the methods, not the class: polyfills and test doubles of AbortSignal are fine. */
export function checkSignal(name: string, value: unknown): void {
  const signal = value as Partial<AbortSignal> | null;
  if (typeof signal === "object" && typeof signal?.addEventListener === "function" && "aborted" in signal) return;
  const hint = value instanceof AbortController ? ": pass its signal" : "";
  throw new TypeError(`${name} must be an AbortSignal, not ${describeValue(value)}${hint}`);
}

/** Checks intervals and timeouts. @param defaults - all that there are */
export function checkTimings(name: string, value: unknown, defaults: object): void {
  const check = (key: string, ms: unknown) => checkMs(`${name}.${key}`, ms, false);
  checkOptions(name, value, Object.fromEntries(Object.keys(defaults).map((key) => [key, check])));
}

/** All of `defaults`, but for what is given and not undefined. */
export function withDefaults<T extends object>(given: Partial<T> = {}, defaults: T): T {
  return { ...defaults, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}
