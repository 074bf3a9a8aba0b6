import { checkArray, checkLength, checkUint32 } from "./check.ts";
import { ops } from "./ops.ts";
import { BOOL, UINT } from "./scalar.ts";
import { opsOf, typeOf, type XdrType } from "./type.ts";
import { type UnrolledArray, unrolledArray } from "./unrolled-array.ts";

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
export function array<T>(element: XdrType<T>, maximum: number): XdrType<T[]> {
  checkUint32("maximum", maximum);
  return arrayType(element, maximum, false);
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
export function fixedArray<T>(element: XdrType<T>, count: number): XdrType<T[]> {
  checkUint32("count", count);
  return arrayType(element, count, true);
}

function arrayType<T>(element: XdrType<T>, bound: number, exact: boolean): XdrType<T[]> {
  const each = opsOf(element);
  const unit = each.minimum();
  // The size of the input would not limit the work: the count in it alone would.
  if (unit === 0) throw new RangeError("element: must take at least one byte");
  let elements: UnrolledArray<T> | undefined;
  return typeOf(
    ops<T[]>(
      exact ? unit * bound : 4,
      (input) => {
        const count = exact ? bound : input.length(bound, unit);
        input.enter();
        if (!exact) input.at += 4;
        input.open();
        elements ??= unrolledArray(each);
        const values = elements.read(input, count);
        input.close();
        input.leave();
        return values;
      },
      (output, values) => {
        checkArray("array", values);
        const count = values.length;
        checkLength("array", count, bound, exact);
        output.enter();
        if (!exact) UINT.write(output, count);
        output.open();
        elements ??= unrolledArray(each);
        elements.write(output, values, count);
        output.close();
        output.leave();
      },
    ),
  );
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
export function list<T>(element: XdrType<T>, maximum: number): XdrType<T[]> {
  checkUint32("maximum", maximum);
  const each = opsOf(element);
  return typeOf(
    ops<T[]>(
      4,
      (input) => {
        input.enter();
        input.open();
        const values: T[] = [];
        for (;;) {
          const { at } = input;
          input.to(values.length);
          if (!BOOL.read(input)) break;
          if (values.length >= maximum) {
            input.at = at;
            input.tooLong(values.length + 1, maximum);
          }
          values.push(each.read(input));
        }
        input.close();
        input.leave();
        return values;
      },
      (output, values) => {
        checkArray("list", values);
        const count = values.length;
        checkLength("list", count, maximum, false);
        output.enter();
        output.open();
        for (let i = 0; i < count; i += 1) {
          output.to(i);
          BOOL.write(output, true);
          each.write(output, values[i] as T);
        }
        BOOL.write(output, false);
        output.close();
        output.leave();
      },
    ),
  );
}
