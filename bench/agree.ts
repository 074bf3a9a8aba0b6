/** Contestants that do different things are not worth comparing: a wrong one ends the bench. */

const SHOWN = 200;

/** @throws {Error} unless the two are the same, bytes by bytes and fields by fields. */
export function agree(what: string, found: unknown, expected: unknown): void {
  if (!same(found, expected)) throw new Error(`bench: ${what} ${textOf(found)} where ${textOf(expected)} is expected`);
}

/** @throws {Error} unless `run` does. */
export function refuses(what: string, run: () => unknown): void {
  let outcome: unknown;
  try {
    outcome = run();
  } catch {
    return;
  }
  throw new Error(`bench: ${what} as ${textOf(outcome)} where a refusal is expected`);
}

function same(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return Object.is(a, b);
  if (a instanceof Uint8Array !== b instanceof Uint8Array || Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && same(Reflect.get(a, key), Reflect.get(b, key)));
}

/** Enough of a value to know it by. */
function textOf(value: unknown): string {
  const text = JSON.stringify(value, (_, part) => {
    if (part instanceof Uint8Array) return Array.from(part, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return typeof part === "bigint" ? `${part}n` : part;
  });
  return text === undefined || text.length <= SHOWN ? String(text) : `${text.slice(0, SHOWN)}…`;
}

/** The bytes that hex digits, in groups, stand for. */
export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(" ", "").match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
}
