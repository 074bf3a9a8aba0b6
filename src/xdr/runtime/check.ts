/** The greatest length or count in XDR, 2^32 - 1. In RFC 4506 it is the maximum that an empty `<>` stands for. */
export const MAX_LENGTH = 0xffff_ffff;

/** What a length, or a value of an unsigned int, must be. */
export const UINT32 = `an integer, 0 to ${MAX_LENGTH}`;

/** The type of a value for messages: `null` or the class name, which help more than `object`. */
export function typeName(value: unknown): string {
  if (value === null) return "null";
  if (typeof value !== "object") return typeof value;
  // The value may be parsed JSON with a field of the name `constructor`, which holds anything.
  const name: unknown = value.constructor?.name;
  return typeof name === "string" ? name : "object";
}

export function isInt32(value: unknown): value is number {
  return typeof value === "number" && (value | 0) === value;
}

export function isUint32(value: unknown): value is number {
  return typeof value === "number" && value >>> 0 === value;
}

/** Throws if a length, count or offset of the program is none. */
export function checkNumber(name: string, value: number): void {
  if (isUint32(value)) return;
  if (typeof value !== "number") throw new TypeError(`${name}: expected a number, got ${typeName(value)}`);
  throw new RangeError(`${name}: expected ${UINT32}, got ${value}`);
}

/** Throws if options are no object, or have a key that is not known: plain JavaScript would ignore a misspelt option. */
export function checkKeys(options: object, known: readonly string[]): void {
  if (Object(options) !== options) throw new TypeError(`options: expected an object, got ${typeName(options)}`);
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new TypeError(`options has no key "${unknown}": known are ${known.join(", ")}`);
}

export function isBytes(value: unknown): value is Uint8Array {
  if (value instanceof Uint8Array) return true;
  // A Uint8Array of another realm (an iframe, a test runner) has another class, but the same tag.
  return ArrayBuffer.isView(value) && (value as Uint8Array)[Symbol.toStringTag] === "Uint8Array";
}

/**
 * Whether a view still has its bytes: they are lost when its buffer is transferred, or shrinks below it. Its length is
 * then 0, which must not be taken for empty data. All methods of typed arrays throw for such a view.
 */
export function isAttached(bytes: Uint8Array): boolean {
  try {
    // Not `bytes.includes`: Node's Buffer has one of its own, which does not throw.
    return bytes.length > 0 || !Uint8Array.prototype.includes.call(bytes, 0);
  } catch {
    return false;
  }
}

/** Throws a TypeError if an argument is not a Uint8Array, or one that has lost its bytes. */
export function checkBytes(name: string, bytes: Uint8Array): void {
  if (!isBytes(bytes)) throw new TypeError(`${name}: expected a Uint8Array, got ${typeName(bytes)}`);
  if (!isAttached(bytes)) throw new TypeError(`${name}: its buffer is detached`);
}
