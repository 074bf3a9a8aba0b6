import { writeEnum } from "./enum.ts";
import type { XdrWriterOptions } from "./options.ts";
import { checkKeys, checkNumber, typeName } from "./runtime/check.ts";
import { DEFAULT_MAX_DEPTH } from "./runtime/entry.ts";
import {
  countOf,
  isTooDeep,
  rejectArm,
  writeErrorOf,
  writeFixedOpaque,
  writeOpaque,
  writeString,
  XdrOutput,
} from "./runtime/output.ts";
import { BOOL, DOUBLE, FLOAT, HYPER, INT, UHYPER, UINT } from "./scalar.ts";
import { STATE } from "./state.ts";

/** A function that writes one value. */
export type Write<T> = (writer: XdrWriter, value: T) => void;

/**
 * Writes XDR (RFC 4506), value by value, into an array of its own that grows, or into a target, where it allocates
 * nothing after the constructor. Use it for formats that no schema can describe; where a schema can, {@link struct} and
 * the other types are shorter. To write a struct (§4.14), write its fields in order.
 *
 * Every value is checked. A value of the wrong type throws a `TypeError`. A value that is out of range, longer than its
 * maximum, or does not fit in the target throws a `RangeError`. A write that throws does not move the writer. If an
 * array, union or optional fails half way, the bytes it has written are set to zero.
 *
 * @example
 * ```ts
 * const writer = new XdrWriter({ target: new Uint8Array(1024), offset: 8 });
 * writer.string("sillyprog", 255);
 * writer.uhyper(6n);
 * writer.length; // => 24
 * ```
 */
export class XdrWriter {
  /** The bytes written so far. @internal */
  declare readonly [STATE]: XdrOutput;
  #start = 0;

  /**
   * Creates a writer.
   *
   * @param options - the target and the offset to start at, and the maximum nesting depth. Without a target, the writer
   *   has an array of its own, which grows as needed
   * @throws {TypeError} if `target` is not a Uint8Array
   * @throws {RangeError} if `offset` is past the end of `target`, or `maxDepth` is out of range
   * @example
   * ```ts
   * new XdrWriter().length; // => 0
   * ```
   */
  constructor(options: XdrWriterOptions = {}) {
    checkKeys(options, ["maxDepth", "target", "offset"]);
    const { target, offset = 0, maxDepth = DEFAULT_MAX_DEPTH } = options;
    checkNumber("maxDepth", maxDepth);
    this[STATE] = new XdrOutput(maxDepth, target, true);
    this.reset(offset);
  }

  /** How many bytes have been written. */
  get length(): number {
    return this[STATE].at - this.#start;
  }

  /**
   * Returns the bytes written so far, without copying them.
   *
   * @returns a view that is valid until the next write or {@link reset}
   * @example
   * ```ts
   * const writer = new XdrWriter();
   * writer.uint(256);
   * writer.bytes(); // => Uint8Array.of(0, 0, 1, 0)
   * ```
   */
  bytes(): Uint8Array {
    return this[STATE].bytes.subarray(this.#start, this[STATE].at);
  }

  /**
   * Returns a copy of the bytes written so far.
   *
   * @returns a new array, which later writes do not change
   * @example
   * ```ts
   * const writer = new XdrWriter();
   * writer.uint(256);
   * writer.finish(); // => Uint8Array.of(0, 0, 1, 0)
   * ```
   */
  finish(): Uint8Array<ArrayBuffer> {
    return this.bytes().slice() as Uint8Array<ArrayBuffer>;
  }

  /**
   * Starts over, and overwrites what was written before. It reuses the memory.
   *
   * @param offset - where to start, in bytes from the start of the target. Default: where the writer started before
   * @throws {RangeError} if `offset` is past the end of the target, or is not 0 for a writer without a target
   * @example
   * ```ts
   * const writer = new XdrWriter();
   * writer.uint(1);
   * writer.reset();
   * writer.length; // => 0
   * ```
   */
  reset(offset: number = this.#start): void {
    checkNumber("offset", offset);
    const { grows, bytes } = this[STATE];
    const last = grows ? 0 : bytes.length;
    if (offset > last) throw new RangeError(`offset: ${offset} is past the end, ${last}`);
    this.#start = offset;
    this[STATE].at = offset;
  }

  /**
   * Writes an int (§4.1), 4 bytes.
   *
   * @param value - an integer, -2^31 to 2^31 - 1
   * @throws {TypeError} if `value` is not a number
   * @throws {RangeError} if `value` is not an integer, or is out of range
   * @example
   * ```ts
   * encode((w) => w.int(-1)); // => Uint8Array.of(0xff, 0xff, 0xff, 0xff)
   * ```
   */
  int(value: number): void {
    this.#run((output) => INT.write(output, value));
  }

  /**
   * Writes an unsigned int (§4.2), 4 bytes.
   *
   * @param value - an integer, 0 to 2^32 - 1
   * @throws {TypeError} if `value` is not a number
   * @throws {RangeError} if `value` is not an integer, or is out of range
   * @example
   * ```ts
   * encode((w) => w.uint(256)); // => Uint8Array.of(0, 0, 1, 0)
   * ```
   */
  uint(value: number): void {
    this.#run((output) => UINT.write(output, value));
  }

  /**
   * Writes a hyper (§4.5), 8 bytes.
   *
   * @param value - a bigint, -2^63 to 2^63 - 1
   * @throws {TypeError} if `value` is not a bigint
   * @throws {RangeError} if `value` is out of range
   * @example
   * ```ts
   * encode((w) => w.hyper(-1n)); // => Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
   * ```
   */
  hyper(value: bigint): void {
    this.#run((output) => HYPER.write(output, value));
  }

  /**
   * Writes an unsigned hyper (§4.5), 8 bytes.
   *
   * @param value - a bigint, 0 to 2^64 - 1
   * @throws {TypeError} if `value` is not a bigint
   * @throws {RangeError} if `value` is out of range
   * @example
   * ```ts
   * encode((w) => w.uhyper(6n)); // => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 6)
   * ```
   */
  uhyper(value: bigint): void {
    this.#run((output) => UHYPER.write(output, value));
  }

  /**
   * Writes a float (§4.6), 4 bytes.
   *
   * @param value - any number. It is rounded to IEEE 754 single precision; the sign and payload of a NaN may be lost
   * @throws {TypeError} if `value` is not a number
   * @throws {RangeError} if `value` is finite but rounds to an infinity
   * @example
   * ```ts
   * encode((w) => w.float(1.5)); // => Uint8Array.of(0x3f, 0xc0, 0, 0)
   * ```
   */
  float(value: number): void {
    this.#run((output) => FLOAT.write(output, value));
  }

  /**
   * Writes a double (§4.7), 8 bytes.
   *
   * @param value - any number. The sign and payload of a NaN may be lost
   * @throws {TypeError} if `value` is not a number
   * @example
   * ```ts
   * encode((w) => w.double(1.5)); // => Uint8Array.of(0x3f, 0xf8, 0, 0, 0, 0, 0, 0)
   * ```
   */
  double(value: number): void {
    this.#run((output) => DOUBLE.write(output, value));
  }

  /**
   * Writes a bool (§4.4), 4 bytes.
   *
   * @param value - `true` or `false`. Truthy and falsy values are not accepted
   * @throws {TypeError} if `value` is not a boolean
   * @example
   * ```ts
   * encode((w) => w.bool(true)); // => Uint8Array.of(0, 0, 0, 1)
   * ```
   */
  bool(value: boolean): void {
    this.#run((output) => BOOL.write(output, value));
  }

  /**
   * Writes an enum (§4.3), 4 bytes, signed.
   *
   * @param value - one of `allowed`
   * @param allowed - the values that the enum assigns, each an int
   * @throws {TypeError} if `value` is not a number
   * @throws {RangeError} if `value` is not in `allowed`, or is not an int
   * @example
   * ```ts
   * const KINDS = new Set([0, 1, 2]);
   * encode((w) => w.enum(2, KINDS)); // => Uint8Array.of(0, 0, 0, 2)
   * ```
   */
  enum<E extends number>(value: E, allowed: ReadonlySet<E>): void {
    this.#run((output) => writeEnum(output, value, (found) => allowed.has(found as E)));
  }

  /**
   * Writes a void (§4.16), no bytes. For union arms without fields.
   *
   * @example
   * ```ts
   * encode((w) => w.void()).length; // => 0
   * ```
   */
  void(): void {}

  /**
   * Writes fixed-length opaque data (§4.9): the bytes, then their padding.
   *
   * @param value - exactly `length` bytes
   * @param length - in bytes, 0 to 2^32 - 1
   * @throws {TypeError} if `value` is not a Uint8Array
   * @throws {RangeError} if `value` has more or fewer than `length` bytes
   * @example
   * ```ts
   * encode((w) => w.fixedOpaque(Uint8Array.of(1, 2), 2)); // => Uint8Array.of(1, 2, 0, 0)
   * ```
   */
  fixedOpaque(value: Uint8Array, length: number): void {
    checkNumber("length", length);
    this.#run((output) => writeFixedOpaque(output, value, length));
  }

  /**
   * Writes variable-length opaque data (§4.10): a length of 4 bytes, the bytes, then their padding.
   *
   * @param value - at most `maximum` bytes
   * @param maximum - the maximum length in bytes, 0 to 2^32 - 1
   * @throws {TypeError} if `value` is not a Uint8Array
   * @throws {RangeError} if `value` has more than `maximum` bytes
   * @example
   * ```ts
   * encode((w) => w.opaque(Uint8Array.of(1, 2), 64)); // => Uint8Array.of(0, 0, 0, 2, 1, 2, 0, 0)
   * ```
   */
  opaque(value: Uint8Array, maximum: number): void {
    checkNumber("maximum", maximum);
    this.#run((output) => writeOpaque(output, value, maximum));
  }

  /**
   * Writes a string (§4.11) in UTF-8. The RFC specifies ASCII, of which UTF-8 is a superset.
   *
   * @param value - at most `maximum` bytes of text
   * @param maximum - the maximum length in bytes (not characters), 0 to 2^32 - 1
   * @throws {TypeError} if `value` is not a string
   * @throws {RangeError} if `value` has more than `maximum` bytes, or a lone surrogate, which UTF-8 cannot encode
   * @example
   * ```ts
   * encode((w) => w.string("lisp", 255)); // => Uint8Array.of(0, 0, 0, 4, 0x6c, 0x69, 0x73, 0x70)
   * ```
   */
  string(value: string, maximum: number): void {
    checkNumber("maximum", maximum);
    this.#run((output) => writeString(output, value, maximum));
  }

  /**
   * Writes a fixed-length array (§4.12): the elements without a count.
   *
   * @param values - exactly `count` elements
   * @param count - the number of elements, 0 to 2^32 - 1
   * @param write - writes one element
   * @throws {TypeError} if `values` is not an array, or what `write` throws
   * @throws {RangeError} if `values` has more or fewer than `count` elements, or is nested too deep
   * @example
   * ```ts
   * encode((w) => w.fixedArray([1, 2], 2, (w, n) => w.int(n))).length; // => 8
   * ```
   */
  fixedArray<T>(values: readonly T[], count: number, write: Write<T>): void {
    checkNumber("count", count);
    this.#elements((output) => countOf(output, "fixedArray", values, count, true), values, false, write);
  }

  /**
   * Writes a variable-length array (§4.13): a count of 4 bytes, then the elements.
   *
   * @param values - at most `maximum` elements
   * @param maximum - the maximum number of elements, 0 to 2^32 - 1
   * @param write - writes one element
   * @throws {TypeError} if `values` is not an array, or what `write` throws
   * @throws {RangeError} if `values` has more than `maximum` elements, or is nested too deep
   * @example
   * ```ts
   * encode((w) => w.array(["a", "b"], 100, (w, name) => w.string(name, 255))).length; // => 20
   * ```
   */
  array<T>(values: readonly T[], maximum: number, write: Write<T>): void {
    checkNumber("maximum", maximum);
    this.#elements((output) => countOf(output, "array", values, maximum, false), values, true, write);
  }

  /**
   * Writes optional-data (§4.19): a bool, then the value if there is one.
   *
   * @param value - the value, or `null` if there is none
   * @param write - writes the value
   * @throws {RangeError} if `value` is nested too deep, or what `write` throws
   * @example
   * ```ts
   * encode((w) => w.optional<string>(null, (w, name) => w.string(name, 255))); // => Uint8Array.of(0, 0, 0, 0)
   * ```
   */
  optional<T extends NonNullable<unknown> | undefined>(value: T | null, write: Write<T>): void {
    this.#nested(() => {
      this.bool(value !== null);
      if (value !== null) write(this, value);
    });
  }

  /**
   * Writes a discriminated union (§4.15): a discriminant, then the arm that it selects.
   *
   * @param discriminant - an int, an unsigned int, an enum or a bool
   * @param writeDiscriminant - writes the discriminant
   * @param arms - the function that writes each arm, by discriminant: 0 for `false`, 1 for `true`
   * @param otherwise - writes the default arm. Its second argument is the discriminant
   * @throws {TypeError} if `discriminant` is neither a number nor a boolean, or what the callbacks throw
   * @throws {RangeError} if the discriminant has no arm and `otherwise` is missing, or the union is nested too deep
   * @example
   * ```ts
   * const KINDS = new Set([0, 2]);
   * const writer = new XdrWriter();
   * writer.union(2, (w, kind) => w.enum(kind, KINDS), {
   *   0: (w) => w.void(),
   *   2: (w) => w.string("lisp", 255),
   * });
   * writer.length; // => 12
   * ```
   */
  union<D extends number | boolean>(
    discriminant: D,
    writeDiscriminant: Write<D>,
    arms: { readonly [discriminant: number]: (writer: XdrWriter) => void },
    otherwise?: Write<D>,
  ): void {
    if (typeof discriminant !== "number" && typeof discriminant !== "boolean") {
      throw new TypeError(`union: expected a number or boolean as discriminant, got ${typeName(discriminant)}`);
    }
    const key = Number(discriminant);
    // Own properties only: a property added to Object.prototype must not become an arm.
    const arm = Object.hasOwn(arms, key) ? arms[key] : otherwise;
    if (arm === undefined) {
      this.#run((output) => rejectArm(output, discriminant));
      return;
    }
    this.#nested(() => {
      writeDiscriminant(this, discriminant);
      arm(this, discriminant);
    });
  }

  #elements<T>(
    readCount: (output: XdrOutput) => number,
    values: readonly T[],
    counted: boolean,
    write: Write<T>,
  ): void {
    // Read only once: a callback may change the array, but the count has been written by then.
    const count = this.#run(readCount);
    this.#nested(() => {
      if (counted) this.uint(count);
      for (let i = 0; i < count; i += 1) write(this, values[i] as T);
    });
  }

  /** Calls `write` one level of nesting deeper. If it throws, undoes what it has written. */
  #nested(write: () => void): void {
    const output = this[STATE];
    const { at, depth } = output;
    if (depth >= output.maxDepth) this.#run(isTooDeep);
    output.depth = depth + 1;
    try {
      write();
    } catch (error) {
      this.#undo(at);
      throw error;
    } finally {
      output.depth = depth;
    }
  }

  /** Writes with a function that reports failures in the state. If it fails, undoes it and throws its error. */
  #run<T>(write: (output: XdrOutput) => T): T {
    const output = this[STATE];
    const { at } = output;
    const result = write(output);
    const rejection = output.failed;
    if (!rejection) return result;
    output.failed = undefined;
    this.#undo(at);
    throw writeErrorOf(rejection);
  }

  /** Zeroes the bytes written from `at` on, and moves back to it: half a value in a target might be sent by mistake. */
  #undo(at: number): void {
    const output = this[STATE];
    output.bytes.fill(0, at, output.at);
    output.at = at;
  }
}
