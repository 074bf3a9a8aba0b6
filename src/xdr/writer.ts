import { checkArray, checkBytes, checkDiscriminant, checkExact, checkMaximum, checkUint32, refuse } from "./check.ts";
import { DEFAULT_MAX_DEPTH, type XdrWriterOptions } from "./options.ts";
import { Output } from "./output.ts";
import { utf8Length, writeUtf8 } from "./utf8.ts";

/** Writes one value. */
export type Write<T> = (writer: XdrWriter, value: T) => void;

/**
 * Writes XDR (RFC 4506) into bytes of its own, which grow, or into a target, with no allocation after the
 * constructor's. A struct (§4.14) is its fields in order: one write after the other.
 *
 * Every value is checked: one of the wrong kind is a `TypeError`; one that its type cannot state, that is over its
 * maximum or that does not fit in the target is a `RangeError`. A write that throws leaves the writer where it was,
 * and what an array, union or optional had already put into the target is zeroed.
 *
 * @example
 * const writer = new XdrWriter({ target: datagram, offset: 8 });
 * writer.string("sillyprog", 255);
 * writer.uhyper(6n);
 * writer.length; // 24
 */
export class XdrWriter {
  // Where a write calls take() before it names the view: taking may grow the output, and then the view is another.
  readonly #output: Output;

  /**
   * @throws {TypeError} if `target` is not a Uint8Array
   * @throws {RangeError} if `offset` is past its end
   */
  constructor({ target, offset = 0, maxDepth = DEFAULT_MAX_DEPTH }: XdrWriterOptions = {}) {
    this.#output = new Output(maxDepth, target);
    this.#output.reset(offset);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#output.length;
  }

  /** @returns what has been written, as a view that is good until the next write or {@link reset} */
  bytes(): Uint8Array {
    return this.#output.written();
  }

  /** @returns what has been written, as a copy to keep */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#output.written().slice();
  }

  /**
   * Starts over in the same memory.
   * @param offset - where, in bytes from the start of the target. Default: where it started before
   * @throws {RangeError} if `offset` is past the target's end, or not 0 where there is no target
   */
  reset(offset?: number): void {
    this.#output.reset(offset);
  }

  /**
   * Writes an int (§4.1), 4 bytes.
   * @param value - an integer, -2^31 to 2^31 - 1
   * @throws {RangeError} if it is any other number
   * @example writer.int(-1); // ff ff ff ff
   */
  int(value: number): void {
    if (typeof value !== "number" || (value | 0) !== value) {
      refuse("int", value, "number", "an integer, -2^31 to 2^31 - 1");
    }
    const at = this.#output.take(4);
    this.#output.view.setInt32(at, value);
  }

  /**
   * Writes an unsigned int (§4.2), 4 bytes.
   * @param value - an integer, 0 to 2^32 - 1
   * @throws {RangeError} if it is any other number
   * @example writer.uint(256); // 00 00 01 00
   */
  uint(value: number): void {
    checkUint32("uint", value);
    const at = this.#output.take(4);
    this.#output.view.setUint32(at, value);
  }

  /**
   * Writes a hyper (§4.5), 8 bytes.
   * @param value - a bigint, -2^63 to 2^63 - 1
   * @throws {TypeError} if it is a number, {RangeError} if it is any other bigint
   */
  hyper(value: bigint): void {
    if (typeof value !== "bigint" || BigInt.asIntN(64, value) !== value) {
      refuse("hyper", value, "bigint", "-2^63 to 2^63 - 1");
    }
    const at = this.#output.take(8);
    this.#output.view.setBigInt64(at, value);
  }

  /**
   * Writes an unsigned hyper (§4.5), 8 bytes.
   * @param value - a bigint, 0 to 2^64 - 1
   * @throws {TypeError} if it is a number, {RangeError} if it is any other bigint
   */
  uhyper(value: bigint): void {
    if (typeof value !== "bigint" || BigInt.asUintN(64, value) !== value) {
      refuse("uhyper", value, "bigint", "0 to 2^64 - 1");
    }
    const at = this.#output.take(8);
    this.#output.view.setBigUint64(at, value);
  }

  /**
   * Writes a float (§4.6), 4 bytes.
   * @param value - rounded to IEEE 754 single precision; the payload of a NaN may be lost
   * @throws {RangeError} if it is finite but would round to an infinity
   * @example writer.float(1.5); // 3f c0 00 00
   */
  float(value: number): void {
    if (typeof value !== "number" || (Number.isFinite(value) && !Number.isFinite(Math.fround(value)))) {
      refuse("float", value, "number", "a number within single precision");
    }
    const at = this.#output.take(4);
    this.#output.view.setFloat32(at, value);
  }

  /** Writes a double (§4.7), 8 bytes: any number; the payload of a NaN may be lost. */
  double(value: number): void {
    if (typeof value !== "number") refuse("double", value, "number", "");
    const at = this.#output.take(8);
    this.#output.view.setFloat64(at, value);
  }

  /** Writes a bool (§4.4), 4 bytes. Nothing else is taken for true or false. */
  bool(value: boolean): void {
    if (typeof value !== "boolean") refuse("bool", value, "boolean", "");
    const at = this.#output.take(4);
    this.#output.view.setUint32(at, value ? 1 : 0);
  }

  /**
   * Writes an enum (§4.3), 4 bytes, signed.
   * @param value - one of `allowed`
   * @param allowed - the values that the enum assigns, each an int
   * @throws {RangeError} if `value` is not one of them
   */
  enum<E extends number>(value: E, allowed: ReadonlySet<E>): void {
    if (typeof value !== "number" || !allowed.has(value)) refuse("enum", value, "number", "a value that it assigns");
    this.int(value);
  }

  /** Writes a void (§4.16), no bytes: the arm of a union that carries nothing. */
  void(): void {}

  /**
   * Writes fixed-length opaque data (§4.9): the bytes and their padding.
   * @param value - exactly `length` bytes
   * @param length - 0 to 2^32 - 1
   * @throws {RangeError} if `value` has more or fewer
   */
  fixedOpaque(value: Uint8Array, length: number): void {
    checkBytes("fixedOpaque", value);
    checkExact("fixedOpaque", value.length, length);
    this.#opaque(0, value);
  }

  /**
   * Writes variable-length opaque data (§4.10): a length, the bytes and their padding.
   * @param value - at most `maximum` bytes
   * @param maximum - 0 to 2^32 - 1
   * @throws {RangeError} if `value` has more
   */
  opaque(value: Uint8Array, maximum: number): void {
    checkBytes("opaque", value);
    const { length } = value;
    checkMaximum("opaque", length, maximum);
    const at = this.#opaque(4, value);
    this.#output.view.setUint32(at, length);
  }

  /**
   * Writes a string (§4.11) in UTF-8, of which the standard's ASCII is a part.
   * @param value - at most `maximum` bytes of text
   * @param maximum - in bytes, not characters, 0 to 2^32 - 1
   * @throws {RangeError} if `value` has more, or a lone surrogate, which has no UTF-8
   */
  string(value: string, maximum: number): void {
    if (typeof value !== "string") refuse("string", value, "string", "");
    const length = utf8Length(value);
    if (length < 0) throw new RangeError("string: it has a lone surrogate, which UTF-8 cannot state");
    checkMaximum("string", length, maximum);
    const at = this.#output.takePadded(4, length);
    this.#output.view.setUint32(at, length);
    writeUtf8(value, this.#output.bytes, at + 4);
    this.#output.pad(length);
  }

  /**
   * Writes a fixed-length array (§4.12): its elements and no count.
   * @param values - exactly `count` elements
   * @param count - 0 to 2^32 - 1
   * @param write - writes one element
   * @throws {RangeError} if `values` has more or fewer, or is nested too deep
   */
  fixedArray<T>(values: readonly T[], count: number, write: Write<T>): void {
    checkArray("fixedArray", values);
    checkExact("fixedArray", values.length, count);
    this.#elements(values, false, write);
  }

  /**
   * Writes a variable-length array (§4.13): a count and as many elements.
   * @param values - at most `maximum` elements
   * @param maximum - 0 to 2^32 - 1
   * @param write - writes one element
   * @throws {RangeError} if `values` has more, or is nested too deep
   * @example writer.array(["a", "b"], 100, (w, name) => w.string(name, 255));
   */
  array<T>(values: readonly T[], maximum: number, write: Write<T>): void {
    checkArray("array", values);
    checkMaximum("array", values.length, maximum);
    this.#elements(values, true, write);
  }

  /**
   * Writes optional-data (§4.19): a bool, and the value if there is one.
   * @param value - the value, or `null` where there is none
   * @param write - writes the value
   * @throws {RangeError} if it is nested too deep
   */
  optional<T extends NonNullable<unknown> | undefined>(value: T | null, write: Write<T>): void {
    const start = this.#output.enter();
    try {
      this.bool(value !== null);
      if (value !== null) write(this, value);
    } catch (error) {
      throw this.#output.undo(start, error);
    } finally {
      this.#output.leave();
    }
  }

  /**
   * Writes a discriminated union (§4.15): a discriminant and the arm that it selects.
   * @param discriminant - an int, an unsigned int, an enum or a bool (whose arms are 0 and 1)
   * @param writeDiscriminant - writes it
   * @param arms - what to write for each discriminant
   * @param otherwise - the default arm
   * @throws {RangeError} if there is no arm, nor a default one, or it is nested too deep
   * @example
   * writer.union(file.kind, (w, kind) => w.enum(kind, KINDS), {
   *   0: (w) => w.void(),
   *   2: (w) => w.string(file.interpretor, 255),
   * });
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
    const start = this.#output.enter();
    try {
      writeDiscriminant(this, discriminant);
      arm(this, discriminant);
    } catch (error) {
      throw this.#output.undo(start, error);
    } finally {
      this.#output.leave();
    }
  }

  /** Copies before it writes anything else: `value` may lie in the target, right where its padding will be. */
  #opaque(prefix: number, value: Uint8Array): number {
    const at = this.#output.takePadded(prefix, value.length);
    this.#output.bytes.set(value, at + prefix);
    this.#output.pad(value.length);
    return at;
  }

  #elements<T>(values: readonly T[], counted: boolean, write: Write<T>): void {
    // Taken once: a callback may change the array, but not the count that has been written.
    const count = values.length;
    const start = this.#output.enter();
    try {
      if (counted) this.uint(count);
      for (let i = 0; i < count; i += 1) write(this, values[i] as T);
    } catch (error) {
      throw this.#output.undo(start, error);
    } finally {
      this.#output.leave();
    }
  }
}
