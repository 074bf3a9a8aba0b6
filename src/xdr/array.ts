import type { Emitter, Lines, Ops } from "./ops.ts";
import { checkNumber } from "./runtime/check.ts";
import { within } from "./runtime/cursor.ts";
import { readLength, readNext, tooDeep } from "./runtime/input.ts";
import { countOf, writeWord, type XdrOutput } from "./runtime/output.ts";
import { returnWithin } from "./struct.ts";
import { opsOf, typeOf, type XdrType } from "./type.ts";

/** The type that {@link array}, {@link fixedArray} and {@link list} return. */
export interface XdrArray<T> extends XdrType<T[]> {
  /** The type of the elements. */
  readonly element: XdrType<T>;
  /** The number of elements of a fixed array, the maximum of it for the others. */
  readonly bound: number;
}

/**
 * A variable-length array (RFC 4506 §4.13), `T name<maximum>`: a count of 4 bytes, then the elements. Values are
 * arrays.
 *
 * @param element - the type of the elements. It must take at least one byte
 * @param maximum - the maximum number of elements, 0 to 2^32 - 1. For `<>` use {@link MAX_LENGTH}
 * @returns the type
 * @throws {TypeError} if `element` is not an XdrType, or `maximum` is not a number
 * @throws {RangeError} if `maximum` is out of range, or if elements take no bytes: then 4 bytes of input could request
 *   four billion elements
 * @example
 * ```ts
 * const Names = array(string(255), 100);
 * Names.decode(Names.encode(["a", "b"])); // => ["a", "b"]
 * ```
 */
export function array<T>(element: XdrType<T>, maximum: number): XdrArray<T> {
  checkNumber("maximum", maximum);
  return arrayType("array", element, maximum);
}

/**
 * A fixed-length array (RFC 4506 §4.12), `T name[count]`: the elements without a count. Values are arrays.
 *
 * @param element - the type of the elements. It must take at least one byte
 * @param count - the number of elements, 0 to 2^32 - 1
 * @returns the type
 * @throws {TypeError} if `element` is not an XdrType, or `count` is not a number
 * @throws {RangeError} if `count` is out of range, or elements take no bytes
 * @example
 * ```ts
 * fixedArray(int, 3).encode([1, 2, 3]).length; // => 12
 * ```
 */
export function fixedArray<T>(element: XdrType<T>, count: number): XdrArray<T> {
  checkNumber("count", count);
  return arrayType("fixedArray", element, count);
}

function arrayType<T>(kind: "array" | "fixedArray", element: XdrType<T>, bound: number): XdrArray<T> {
  const ops = arrayOps(opsOf(element), bound, kind === "fixedArray");
  return Object.assign(typeOf<T[]>(kind, ops), { element, bound });
}

function arrayOps<T>(element: Ops<T>, bound: number, exact: boolean): Ops<T[]> {
  const measure = (used: boolean): number => {
    const size = element.minimum(used);
    // The size of the input would not limit the work: the count in it alone would.
    if (size === 0) throw new RangeError("element: must take at least one byte");
    return size;
  };
  let unit = measure(false);
  return {
    minimum(used) {
      if (!exact) return 4;
      return bound === 0 ? 0 : bound * (used ? measure(true) : unit);
    },
    parts: [element as Ops<never>],
    check() {
      unit = measure(true);
    },
    read(input) {
      if (input.depth >= input.maxDepth) return tooDeep(input);
      const count = exact ? bound : readLength(input, bound, unit);
      if (input.failed) return undefined as never;
      const values: T[] = [];
      input.depth += 1;
      for (let i = 0; i < count; i += 1) {
        const value = element.read(input);
        if (input.failed) return within(input, i);
        values.push(value);
      }
      input.depth -= 1;
      return values;
    },
    write(output, values) {
      const count = countOf(output, "array", values, bound, exact);
      if (output.failed) return;
      if (!exact) writeWord(output, count);
      writeElements(output, element, values, count, false);
    },
    source: {
      read: (emitter) => [
        `if (input.depth >= input.maxDepth) return ${emitter.use("tooDeep", tooDeep)}(input);`,
        `const count = ${exact ? bound : `${emitter.use("readLength", readLength)}(input, ${emitter.bound(bound)}, ${measure(true)})`};`,
        ...(exact ? [] : [`if (input.failed) return undefined${emitter.type(() => " as never")};`]),
        ...valuesOf(emitter, element as Ops<never>, "let i = 0; i < count; i += 1"),
      ],
      write: (emitter) => elementsOf(emitter, element as Ops<never>, "array", bound, exact),
    },
  };
}

/** Writes the elements. In a list, a bool `true` goes before each. */
function writeElements<T>(
  output: XdrOutput,
  element: Ops<T>,
  values: readonly T[],
  count: number,
  linked: boolean,
): void {
  output.depth += 1;
  for (let i = 0; i < count; i += 1) {
    if (linked) writeWord(output, 1);
    element.write(output, values[i] as T);
    if (output.failed) {
      within(output, i);
      return;
    }
  }
  output.depth -= 1;
}

/** Statements that read elements in a loop and return them. */
function valuesOf(emitter: Emitter, element: Ops<never>, loop: string): Lines {
  return [
    `const values${emitter.type((own) => `: ${own}`)} = [];`,
    "input.depth += 1;",
    `for (${loop}) {`,
    [`const value = ${emitter.read(element)};`, returnWithin(emitter, "input", "values.length"), "values.push(value);"],
    "}",
    "input.depth -= 1;",
    "return values;",
  ];
}

/** Statements that write the elements of an array, or of a list: kind `list`. */
function elementsOf(emitter: Emitter, element: Ops<never>, kind: string, bound: number, exact: boolean): Lines {
  const word = emitter.use("writeWord", writeWord);
  const linked = kind === "list";
  const value = `value[i]${emitter.type((_, type) => ` as ${type}`)}`;
  return [
    `const count = ${emitter.use("countOf", countOf)}(output, "${kind}", value, ${emitter.bound(bound)}, ${exact});`,
    "if (output.failed) return;",
    ...(exact || linked ? [] : [`${word}(output, count);`]),
    "output.depth += 1;",
    "for (let i = 0; i < count; i += 1) {",
    [...(linked ? [`${word}(output, 1);`] : []), emitter.write(element, value), returnWithin(emitter, "output", "i")],
    "}",
    "output.depth -= 1;",
    ...(linked ? [`${word}(output, 0);`] : []),
  ];
}

/**
 * A linked list (RFC 4506 §4.19), `struct entry { …; entry *next; }`: a bool `true` before each element, and `false`
 * after the last. Values are arrays. A list of any length counts as one level of `maxDepth`.
 *
 * @param element - the type of an element without its last field, the pointer to the next element
 * @param maximum - the maximum number of elements, 0 to 2^32 - 1
 * @returns the type
 * @throws {TypeError} if `element` is not an XdrType, or `maximum` is not a number
 * @throws {RangeError} if `maximum` is out of range
 * @example
 * ```ts
 * const Stack = list(struct({ item: string(255) }), 1000);
 * Stack.encode([{ item: "one" }, { item: "two" }]).length; // => 28
 * ```
 */
export function list<T>(element: XdrType<T>, maximum: number): XdrArray<T> {
  checkNumber("maximum", maximum);
  return Object.assign(typeOf<T[]>("list", listOps(opsOf(element), maximum)), { element, bound: maximum });
}

function listOps<T>(element: Ops<T>, maximum: number): Ops<T[]> {
  return {
    minimum: () => 4,
    parts: [element as Ops<never>],
    read(input) {
      if (input.depth >= input.maxDepth) return tooDeep(input);
      const values: T[] = [];
      input.depth += 1;
      while (readNext(input, values.length, maximum)) {
        const value = element.read(input);
        if (input.failed) break;
        values.push(value);
      }
      input.depth -= 1;
      return input.failed ? within(input, values.length) : values;
    },
    write(output, values) {
      const count = countOf(output, "list", values, maximum, false);
      if (output.failed) return;
      writeElements(output, element, values, count, true);
      if (!output.failed) writeWord(output, 0);
    },
    source: {
      read(emitter) {
        const next = `${emitter.use("readNext", readNext)}(input, values.length, ${emitter.bound(maximum)})`;
        const lines = valuesOf(emitter, element as Ops<never>, `; ${next};`);
        return [
          `if (input.depth >= input.maxDepth) return ${emitter.use("tooDeep", tooDeep)}(input);`,
          ...lines.slice(0, -1),
          returnWithin(emitter, "input", "values.length"),
          ...lines.slice(-1),
        ];
      },
      write: (emitter) => elementsOf(emitter, element as Ops<never>, "list", maximum, false),
    },
  };
}
