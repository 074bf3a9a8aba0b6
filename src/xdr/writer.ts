import { checkArray, checkDiscriminant, checkLength } from "./check.ts";
import { writeOpaque, writeString } from "./opaque.ts";
import { DEFAULT_MAX_DEPTH, type XdrWriterOptions } from "./options.ts";
import { Output } from "./output.ts";
import { BOOL, DOUBLE, FLOAT, HYPER, INT, UHYPER, UINT, writeEnum } from "./scalar.ts";

/** Writes one value. */
export type Write<T> = (writer: XdrWriter, value: T) => void;

/**
 * Writes XDR (RFC 4506) into bytes of its own, which grow, or into a target, with no allocation after the
 * constructor's. A struct (§4.14) is its fields in order: one write after the other. Where the format is a type,
 * {@link struct} and its like are shorter; a writer is for what no type can say.
 *
 * Every value is checked: one of the wrong kind is a `TypeError`; one that its type cannot state, that is over its
 * maximum or that does not fit in the target is a `RangeError`. A write that throws leaves the writer where it was,
 * and what an array, union or optional had already put into the target is zeroed.
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
  readonly #output: Output;

  /**
   * Makes a writer of bytes of its own, or of a target.
   *
   * @param options - the target and where to begin in it, and how deep values may nest
   * @throws {TypeError} if `target` is not a Uint8Array
   * @throws {RangeError} if `offset` is past its end, or `maxDepth` is out of range
   * @example
   * ```ts
   * new XdrWriter().length; // => 0
   * ```
   */
  constructor({ target, offset = 0, maxDepth = DEFAULT_MAX_DEPTH }: XdrWriterOptions = {}) {
    this.#output = new Output(maxDepth, target);
    this.#output.reset(offset);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#output.length;
  }

  /**
   * Shows what has been written.
   *
   * @returns a view that is good until the next write or {@link reset}
   * @example
   * ```ts
   * const writer = new XdrWriter();
   * writer.uint(256);
   * writer.bytes(); // => Uint8Array.of(0, 0, 1, 0)
   * ```
   */
  bytes(): Uint8Array {
    return this.#output.written();
  }

  /**
   * Gives what has been written.
   *
   * @returns a copy to keep
   * @example
   * ```ts
   * const writer = new XdrWriter();
   * writer.uint(256);
   * writer.finish(); // => Uint8Array.of(0, 0, 1, 0)
   * ```
   */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#output.written().slice();
  }

  /**
   * Starts over in the same memory.
   *
   * @param offset - where, in bytes from the start of the target. Default: where it started before
   * @throws {RangeError} if `offset` is past the target's end, or not 0 where there is no target
   * @example
   * ```ts
   * const writer = new XdrWriter();
   * writer.uint(1);
   * writer.reset();
   * writer.length; // => 0
   * ```
   */
  reset(offset?: number): void {
    this.#output.reset(offset);
  }

  /**
   * Writes an int (§4.1), 4 bytes.
   *
   * @param value - an integer, -2^31 to 2^31 - 1
   * @throws {TypeError} if it is not a number
   * @throws {RangeError} if it is any other number
   * @example
   * ```ts
   * encode((w) => w.int(-1)); // => Uint8Array.of(0xff, 0xff, 0xff, 0xff)
   * ```
   */
  int(value: number): void {
    INT.write(this.#output, value);
  }

  /**
   * Writes an unsigned int (§4.2), 4 bytes.
   *
   * @param value - an integer, 0 to 2^32 - 1
   * @throws {TypeError} if it is not a number
   * @throws {RangeError} if it is any other number
   * @example
   * ```ts
   * encode((w) => w.uint(256)); // => Uint8Array.of(0, 0, 1, 0)
   * ```
   */
  uint(value: number): void {
    UINT.write(this.#output, value);
  }

  /**
   * Writes a hyper (§4.5), 8 bytes.
   *
   * @param value - a bigint, -2^63 to 2^63 - 1
   * @throws {TypeError} if it is not a bigint
   * @throws {RangeError} if it is any other bigint
   * @example
   * ```ts
   * encode((w) => w.hyper(-1n)); // => Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
   * ```
   */
  hyper(value: bigint): void {
    HYPER.write(this.#output, value);
  }

  /**
   * Writes an unsigned hyper (§4.5), 8 bytes.
   *
   * @param value - a bigint, 0 to 2^64 - 1
   * @throws {TypeError} if it is not a bigint
   * @throws {RangeError} if it is any other bigint
   * @example
   * ```ts
   * encode((w) => w.uhyper(6n)); // => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 6)
   * ```
   */
  uhyper(value: bigint): void {
    UHYPER.write(this.#output, value);
  }

  /**
   * Writes a float (§4.6), 4 bytes.
   *
   * @param value - rounded to IEEE 754 single precision; the payload of a NaN may be lost
   * @throws {TypeError} if it is not a number
   * @throws {RangeError} if it is finite but would round to an infinity
   * @example
   * ```ts
   * encode((w) => w.float(1.5)); // => Uint8Array.of(0x3f, 0xc0, 0, 0)
   * ```
   */
  float(value: number): void {
    FLOAT.write(this.#output, value);
  }

  /**
   * Writes a double (§4.7), 8 bytes.
   *
   * @param value - any number; the payload of a NaN may be lost
   * @throws {TypeError} if it is not a number
   * @example
   * ```ts
   * encode((w) => w.double(1.5)); // => Uint8Array.of(0x3f, 0xf8, 0, 0, 0, 0, 0, 0)
   * ```
   */
  double(value: number): void {
    DOUBLE.write(this.#output, value);
  }

  /**
   * Writes a bool (§4.4), 4 bytes.
   *
   * @param value - nothing else is taken for true or false
   * @throws {TypeError} if it is not a boolean
   * @example
   * ```ts
   * encode((w) => w.bool(true)); // => Uint8Array.of(0, 0, 0, 1)
   * ```
   */
  bool(value: boolean): void {
    BOOL.write(this.#output, value);
  }

  /**
   * Writes an enum (§4.3), 4 bytes, signed.
   *
   * @param value - one of `allowed`
   * @param allowed - the values that the enum assigns, each an int
   * @throws {TypeError} if `value` is not a number
   * @throws {RangeError} if it is not one of them
   * @example
   * ```ts
   * const KINDS = new Set([0, 1, 2]);
   * encode((w) => w.enum(2, KINDS)); // => Uint8Array.of(0, 0, 0, 2)
   * ```
   */
  enum<E extends number>(value: E, allowed: ReadonlySet<E>): void {
    writeEnum(this.#output, value, allowed);
  }

  /**
   * Writes a void (§4.16), no bytes: the arm of a union that carries nothing.
   *
   * @example
   * ```ts
   * encode((w) => w.void()).length; // => 0
   * ```
   */
  void(): void {}

  /**
   * Writes fixed-length opaque data (§4.9): the bytes and their padding.
   *
   * @param value - exactly `length` bytes
   * @param length - 0 to 2^32 - 1
   * @throws {TypeError} if `value` is not a Uint8Array
   * @throws {RangeError} if it has more or fewer bytes
   * @example
   * ```ts
   * encode((w) => w.fixedOpaque(Uint8Array.of(1, 2), 2)); // => Uint8Array.of(1, 2, 0, 0)
   * ```
   */
  fixedOpaque(value: Uint8Array, length: number): void {
    writeOpaque(this.#output, value, length, true);
  }

  /**
   * Writes variable-length opaque data (§4.10): a length, the bytes and their padding.
   *
   * @param value - at most `maximum` bytes
   * @param maximum - 0 to 2^32 - 1
   * @throws {TypeError} if `value` is not a Uint8Array
   * @throws {RangeError} if it has more bytes
   * @example
   * ```ts
   * encode((w) => w.opaque(Uint8Array.of(1, 2), 64)); // => Uint8Array.of(0, 0, 0, 2, 1, 2, 0, 0)
   * ```
   */
  opaque(value: Uint8Array, maximum: number): void {
    writeOpaque(this.#output, value, maximum, false);
  }

  /**
   * Writes a string (§4.11) in UTF-8, of which the standard's ASCII is a part.
   *
   * @param value - at most `maximum` bytes of text
   * @param maximum - in bytes, not characters, 0 to 2^32 - 1
   * @throws {TypeError} if `value` is not a string
   * @throws {RangeError} if it has more bytes, or a lone surrogate, which has no UTF-8
   * @example
   * ```ts
   * encode((w) => w.string("lisp", 255)); // => Uint8Array.of(0, 0, 0, 4, 0x6c, 0x69, 0x73, 0x70)
   * ```
   */
  string(value: string, maximum: number): void {
    writeString(this.#output, value, maximum);
  }

  /**
   * Writes a fixed-length array (§4.12): its elements and no count.
   *
   * @param values - exactly `count` elements
   * @param count - 0 to 2^32 - 1
   * @param write - writes one element
   * @throws {TypeError} if `values` is not an array
   * @throws {RangeError} if it has more or fewer elements, or is nested too deep
   * @example
   * ```ts
   * encode((w) => w.fixedArray([1, 2], 2, (w, n) => w.int(n))).length; // => 8
   * ```
   */
  fixedArray<T>(values: readonly T[], count: number, write: Write<T>): void {
    checkArray("fixedArray", values);
    checkLength("fixedArray", values.length, count, true);
    this.#elements(values, false, write);
  }

  /**
   * Writes a variable-length array (§4.13): a count and as many elements.
   *
   * @param values - at most `maximum` elements
   * @param maximum - 0 to 2^32 - 1
   * @param write - writes one element
   * @throws {TypeError} if `values` is not an array
   * @throws {RangeError} if it has more elements, or is nested too deep
   * @example
   * ```ts
   * encode((w) => w.array(["a", "b"], 100, (w, name) => w.string(name, 255))).length; // => 20
   * ```
   */
  array<T>(values: readonly T[], maximum: number, write: Write<T>): void {
    checkArray("array", values);
    checkLength("array", values.length, maximum, false);
    this.#elements(values, true, write);
  }

  /**
   * Writes optional-data (§4.19): a bool, and the value if there is one.
   *
   * @param value - the value, or `null` where there is none
   * @param write - writes the value
   * @throws {RangeError} if it is nested too deep, or what `write` throws
   * @example
   * ```ts
   * encode((w) => w.optional<string>(null, (w, name) => w.string(name, 255))); // => Uint8Array.of(0, 0, 0, 0)
   * ```
   */
  optional<T extends NonNullable<unknown> | undefined>(value: T | null, write: Write<T>): void {
    this.#output.nested(() => {
      this.bool(value !== null);
      if (value !== null) write(this, value);
    });
  }

  /**
   * Writes a discriminated union (§4.15): a discriminant and the arm that it selects.
   *
   * @param discriminant - an int, an unsigned int, an enum or a bool (whose arms are 0 and 1)
   * @param writeDiscriminant - writes it
   * @param arms - what to write for each discriminant
   * @param otherwise - the default arm
   * @throws {TypeError} if `discriminant` is neither a number nor a boolean
   * @throws {RangeError} if there is no arm, nor a default one, or it is nested too deep
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
    checkDiscriminant(discriminant);
    const key = Number(discriminant);
    // An own property, so that nothing put on Object.prototype can become an arm.
    const arm = Object.hasOwn(arms, key) ? arms[key] : otherwise;
    if (arm === undefined) throw new RangeError(`union: there is no arm for ${discriminant}`);
    this.#output.nested(() => {
      writeDiscriminant(this, discriminant);
      arm(this, discriminant);
    });
  }

  #elements<T>(values: readonly T[], counted: boolean, write: Write<T>): void {
    // Taken once: a callback may change the array, but not the count that has been written.
    const count = values.length;
    this.#output.nested(() => {
      if (counted) this.uint(count);
      for (let i = 0; i < count; i += 1) write(this, values[i] as T);
    });
  }
}
