/**
 * Checks that contestants give the same results. If they do not, their times cannot be compared: the bench ends with an
 * error.
 */

/** Characters of a value that an error message shows. */
const MAX_SHOWN = 200;

/** @throws {Error} unless the two values are deeply equal. */
export function agree(what: string, found: unknown, expected: unknown): void {
  if (!same(found, expected)) throw new Error(`bench: ${what}: got ${textOf(found)}, expected ${textOf(expected)}`);
}

/** @throws {Error} unless `run` throws. */
export function refuses(what: string, run: () => unknown): void {
  let outcome: unknown;
  try {
    outcome = run();
  } catch {
    return;
  }
  throw new Error(`bench: ${what}: got ${textOf(outcome)}, expected an error`);
}

function same(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return Object.is(a, b);
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    // Object.keys would make a string of each index, which takes many times as long.
    return a.length === b.length && a.every((byte, i) => byte === b[i]);
  }
  if (a instanceof Uint8Array !== b instanceof Uint8Array || Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && same(Reflect.get(a, key), Reflect.get(b, key)));
}

/** The start of a value as JSON, with bytes in hex. */
function textOf(value: unknown): string {
  const text = JSON.stringify(value, (_, part) => {
    if (part instanceof Uint8Array) return Array.from(part, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return typeof part === "bigint" ? `${part}n` : part;
  });
  return text === undefined || text.length <= MAX_SHOWN ? String(text) : `${text.slice(0, MAX_SHOWN)}…`;
}

/** Bytes from hex digits; spaces are ignored. */
export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(" ", "").match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}
