import { readEnum } from "./enum.ts";
import { checkNumber } from "./runtime/check.ts";
import { type DecodeOptions, inputFor } from "./runtime/entry.ts";
import {
  checkInput,
  errorOf,
  finish,
  noArm,
  readFixedOpaque,
  readLength,
  readOpaque,
  readString,
  tooDeep,
  type XdrInput,
} from "./runtime/input.ts";
import { BOOL, DOUBLE, FLOAT, HYPER, INT, UHYPER, UINT } from "./scalar.ts";
import { STATE } from "./state.ts";

/** A function that reads one value and moves the reader past it. */
export type Read<T> = (reader: XdrReader) => T;

/** The values that the arms of {@link XdrReader.union} return. */
export type ArmValue<Arms> = Arms[keyof Arms] extends Read<infer T> ? T : never;

/**
 * Reads XDR (RFC 4506) from bytes, value by value. Use it for formats that no schema can describe. For all others,
 * {@link struct} and the other types need less code. To read a struct (§4.14), read its fields in order.
 *
 * Reading is strict: if a value that was read is written with {@link XdrWriter}, the bytes are the same as before,
 * except for the sign and payload of a NaN. Every length is checked against a maximum and against the bytes left before anything is allocated, so the work
 * is limited by the size of the input. A read that throws does not move the reader. Invalid input throws
 * {@link XdrError} only; a wrong argument throws `TypeError` (wrong type) or `RangeError` (wrong value).
 *
 * @example
 * ```ts
 * const reader = new XdrReader(Uint8Array.of(0, 0, 0, 1, 0x61, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6));
 * const file = { name: reader.string(255), size: reader.uhyper() };
 * reader.end();
 * file; // => { name: "a", size: 6n }
 * ```
 */
export class XdrReader {
  /** The bytes, and how far they have been read. @internal */
  declare readonly [STATE]: XdrInput;

  /**
   * Creates a reader.
   *
   * @param bytes - the input. It is not copied: do not change it while values that were read from it are in use
   * @param options - the maximum nesting depth, and whether padding must be zero
   * @throws {TypeError} if `bytes` is not a Uint8Array
   * @throws {RangeError} if `maxDepth` is out of range
   * @example
   * ```ts
   * new XdrReader(Uint8Array.of(0, 0, 0, 7)).remaining; // => 4
   * ```
   */
  constructor(bytes: Uint8Array, options?: Pick<DecodeOptions, "maxDepth" | "padding">) {
    this[STATE] = inputFor(bytes, options);
  }

  /** How many bytes have been read. */
  get offset(): number {
    return this[STATE].at;
  }

  /** How many bytes are left. */
  get remaining(): number {
    return this[STATE].end - this[STATE].at;
  }

  /**
   * Checks that all input has been read.
   *
   * @throws {@link XdrError} `trailing-bytes` if bytes are left
   * @example
   * ```ts
   * const reader = new XdrReader(Uint8Array.of(0, 0, 0, 7));
   * reader.uint(); // => 7
   * reader.end();
   * new XdrReader(Uint8Array.of(0, 0, 0, 7)).end(); // throws XdrError
   * ```
   */
  end(): void {
    this.#run(finish);
  }

  /**
   * Reads an int (§4.1), 4 bytes.
   *
   * @returns an integer, -2^31 to 2^31 - 1
   * @throws {@link XdrError} `truncated`
   * @example
   * ```ts
   * new XdrReader(Uint8Array.of(255, 255, 255, 255)).int(); // => -1
   * ```
   */
  int(): number {
    return this.#run(INT.read);
  }

  /**
   * Reads an unsigned int (§4.2), 4 bytes.
   *
   * @returns an integer, 0 to 2^32 - 1
   * @throws {@link XdrError} `truncated`
   * @example
   * ```ts
   * new XdrReader(Uint8Array.of(0, 0, 1, 0)).uint(); // => 256
   * ```
   */
  uint(): number {
    return this.#run(UINT.read);
  }

  /**
   * Reads a hyper (§4.5), 8 bytes.
   *
   * @returns a bigint, -2^63 to 2^63 - 1
   * @throws {@link XdrError} `truncated`
   * @example
   * ```ts
   * new XdrReader(new Uint8Array(8).fill(255)).hyper(); // => -1n
   * ```
   */
  hyper(): bigint {
    return this.#run(HYPER.read);
  }

  /**
   * Reads an unsigned hyper (§4.5), 8 bytes.
   *
   * @returns a bigint, 0 to 2^64 - 1
   * @throws {@link XdrError} `truncated`
   * @example
   * ```ts
   * new XdrReader(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 6)).uhyper(); // => 6n
   * ```
   */
  uhyper(): bigint {
    return this.#run(UHYPER.read);
  }

  /**
   * Reads a float (§4.6), 4 bytes: IEEE 754 single precision. The sign and payload of a NaN may be lost.
   *
   * @returns any number of single precision
   * @throws {@link XdrError} `truncated`
   * @example
   * ```ts
   * new XdrReader(Uint8Array.of(0x3f, 0xc0, 0, 0)).float(); // => 1.5
   * ```
   */
  float(): number {
    return this.#run(FLOAT.read);
  }

  /**
   * Reads a double (§4.7), 8 bytes: IEEE 754 double precision. The sign and payload of a NaN may be lost.
   *
   * @returns any number
   * @throws {@link XdrError} `truncated`
   * @example
   * ```ts
   * new XdrReader(Uint8Array.of(0x3f, 0xf8, 0, 0, 0, 0, 0, 0)).double(); // => 1.5
   * ```
   */
  double(): number {
    return this.#run(DOUBLE.read);
  }

  /**
   * Reads a bool (§4.4), 4 bytes.
   *
   * @returns `true` for 1, `false` for 0
   * @throws {@link XdrError} `truncated`, or `bad-bool` for any other number
   * @example
   * ```ts
   * new XdrReader(Uint8Array.of(0, 0, 0, 1)).bool(); // => true
   * ```
   */
  bool(): boolean {
    return this.#run(BOOL.read);
  }

  /**
   * Reads an enum (§4.3), 4 bytes, signed.
   *
   * @param allowed - the values that the enum assigns
   * @returns one of `allowed`
   * @throws {@link XdrError} `truncated`, or `unknown-enum` if the value is not in `allowed`
   * @example
   * ```ts
   * const KINDS = new Set([0, 1, 2] as const);
   * new XdrReader(Uint8Array.of(0, 0, 0, 2)).enum(KINDS); // => 2
   * ```
   */
  enum<E extends number>(allowed: ReadonlySet<E>): E {
    return this.#run((input) => readEnum<E>(input, (found) => allowed.has(found as E)));
  }

  /**
   * Reads a void (§4.16), no bytes. For union arms without fields.
   *
   * @returns `undefined`
   * @example
   * ```ts
   * new XdrReader(new Uint8Array(0)).void(); // => undefined
   * ```
   */
  void(): undefined {}

  /**
   * Reads fixed-length opaque data (§4.9): `length` bytes, then their padding.
   *
   * @param length - in bytes, 0 to 2^32 - 1
   * @returns a view of the input, not a copy. To keep it longer than the input, copy it with `slice()`
   * @throws {@link XdrError} `truncated` or `nonzero-padding`
   * @throws {RangeError} if `length` is out of range
   * @example
   * ```ts
   * new XdrReader(Uint8Array.of(192, 0, 2, 1)).fixedOpaque(4); // => Uint8Array.of(0xc0, 0, 2, 1)
   * ```
   */
  fixedOpaque(length: number): Uint8Array {
    checkNumber("length", length);
    return this.#run((input) => readFixedOpaque(input, length));
  }

  /**
   * Reads variable-length opaque data (§4.10): a length of 4 bytes, that many bytes, then their padding.
   *
   * @param maximum - the maximum length in bytes, 0 to 2^32 - 1
   * @returns a view of the input, not a copy. To keep it longer than the input, copy it with `slice()`
   * @throws {@link XdrError} `truncated`, `length-over-maximum`, `length-over-input` or `nonzero-padding`
   * @throws {RangeError} if `maximum` is out of range
   * @example
   * ```ts
   * new XdrReader(Uint8Array.of(0, 0, 0, 2, 1, 2, 0, 0)).opaque(64); // => Uint8Array.of(1, 2)
   * ```
   */
  opaque(maximum: number): Uint8Array {
    checkNumber("maximum", maximum);
    return this.#run((input) => readOpaque(input, maximum));
  }

  /**
   * Reads a string (§4.11). The RFC specifies ASCII; this accepts all of UTF-8. Read text in another encoding with
   * {@link opaque}, which looks the same on the wire.
   *
   * @param maximum - the maximum length in bytes (not characters), 0 to 2^32 - 1
   * @returns the text. A byte order mark is part of it
   * @throws {@link XdrError} `bad-utf8`, or the errors of {@link opaque}
   * @throws {RangeError} if `maximum` is out of range
   * @example
   * ```ts
   * new XdrReader(Uint8Array.of(0, 0, 0, 1, 0x61, 0, 0, 0)).string(255); // => "a"
   * ```
   */
  string(maximum: number): string {
    checkNumber("maximum", maximum);
    return this.#run((input) => readString(input, maximum));
  }

  /**
   * Reads a fixed-length array (§4.12): `count` elements. The work is limited by `count`, so do not take it from input
   * without checking it.
   *
   * @param count - the number of elements, 0 to 2^32 - 1
   * @param read - reads one element
   * @returns the elements
   * @throws {@link XdrError} `too-deep`, or what `read` throws
   * @throws {RangeError} if `count` is out of range
   * @example
   * ```ts
   * const reader = new XdrReader(Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 2));
   * reader.fixedArray(2, (r) => r.int()); // => [1, 2]
   * ```
   */
  fixedArray<T>(count: number, read: Read<T>): T[] {
    checkNumber("count", count);
    return this.#elements(() => count, read);
  }

  /**
   * Reads a variable-length array (§4.13): a count of 4 bytes, then the elements.
   *
   * @param maximum - the maximum number of elements, 0 to 2^32 - 1
   * @param read - reads one element
   * @param minimumSize - the minimum size of an element in bytes. A count that needs more bytes than are left is
   *   rejected before any element is read. The default, 4, is right for all XDR types except those without bytes
   *   (`opaque[0]`, a struct of void). For these, pass 0 and a small `maximum`: then only `maximum` limits the work
   * @returns the elements
   * @throws {@link XdrError} `truncated`, `length-over-maximum`, `length-over-input`, `too-deep`, or what `read` throws
   * @throws {RangeError} if `maximum` or `minimumSize` is out of range
   * @example
   * ```ts
   * const reader = new XdrReader(Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 7));
   * reader.array(100, (r) => r.int()); // => [7]
   * ```
   */
  array<T>(maximum: number, read: Read<T>, minimumSize = 4): T[] {
    checkNumber("maximum", maximum);
    checkNumber("minimumSize", minimumSize);
    return this.#elements((input) => readLength(input, maximum, minimumSize), read);
  }

  /**
   * Reads optional-data (§4.19): a bool, then the value if the bool is `true`. To read a linked list of any length, use
   * a loop instead of recursion: `while (reader.bool()) list.push(read(reader))`.
   *
   * @param read - reads the value. It must not return `null`, which means "no value" here. If the value is
   *   itself optional, return it inside an object
   * @returns the value, or `null` if there is none
   * @throws {@link XdrError} `truncated`, `bad-bool`, `too-deep`, or what `read` throws
   * @example
   * ```ts
   * new XdrReader(Uint8Array.of(0, 0, 0, 0)).optional((r) => r.string(255)); // => null
   * ```
   */
  optional<T extends NonNullable<unknown> | undefined>(read: Read<T>): T | null {
    return this.#nested(() => (this.bool() ? read(this) : null));
  }

  /**
   * Reads a discriminated union (§4.15): a discriminant, then the arm that it selects.
   *
   * @param readDiscriminant - reads the discriminant: an int, an unsigned int, an enum or a bool
   * @param arms - the function that reads each arm, by discriminant: 0 for `false`, 1 for `true`
   * @param otherwise - reads the default arm; its second argument is the discriminant. Without `otherwise`, a discriminant
   *   that has no arm is rejected
   * @returns what the arm returns. To make the result a discriminated union in TypeScript, return the tag from each arm
   * @throws {@link XdrError} `unknown-discriminant`, `too-deep`, or what the callbacks throw
   * @example
   * ```ts
   * const KINDS = new Set([0, 2] as const);
   * const type = new XdrReader(Uint8Array.of(0, 0, 0, 0)).union((r) => r.enum(KINDS), {
   *   0: () => ({ kind: "text" as const }),
   *   2: (r: XdrReader) => ({ kind: "exec" as const, interpretor: r.string(255) }),
   * });
   * type; // => { kind: "text" }
   * ```
   */
  union<D extends number | boolean, Arms extends { readonly [discriminant: number]: Read<unknown> }, Other = never>(
    readDiscriminant: Read<D>,
    arms: Arms,
    otherwise?: (reader: XdrReader, discriminant: D) => Other,
  ): ArmValue<Arms> | Other;
  union<D extends number | boolean>(
    readDiscriminant: Read<D>,
    arms: { readonly [discriminant: number]: Read<unknown> },
    otherwise?: (reader: XdrReader, discriminant: D) => unknown,
  ): unknown {
    const start = this.offset;
    return this.#nested(() => {
      const discriminant = readDiscriminant(this);
      const key = Number(discriminant);
      // Own properties only: a property added to Object.prototype must not become an arm.
      if (Object.hasOwn(arms, key)) return arms[key]?.(this);
      if (otherwise !== undefined) return otherwise(this, discriminant);
      return this.#run((input) => noArm(input, start, discriminant));
    });
  }

  #elements<T>(readCount: (input: XdrInput) => number, read: Read<T>): T[] {
    return this.#nested(() => {
      const count = this.#run(readCount);
      const values: T[] = [];
      for (let i = 0; i < count; i += 1) values.push(read(this));
      return values;
    });
  }

  /** Calls `read` one level of nesting deeper. If it throws, the reader is where it was. */
  #nested<T>(read: () => T): T {
    const input = this[STATE];
    const { at, depth } = input;
    if (depth >= input.maxDepth) this.#run(tooDeep);
    input.depth = depth + 1;
    try {
      return read();
    } catch (error) {
      input.at = at;
      throw error;
    } finally {
      input.depth = depth;
    }
  }

  /** Reads with a function that reports failures in the state. If it fails, throws its error, and is where it was. */
  #run<T>(read: (input: XdrInput) => T): T {
    const input = this[STATE];
    const { at } = input;
    const value = read(input);
    checkInput(input, at);
    const refusal = input.failed;
    if (!refusal) return value;
    input.failed = undefined;
    input.at = at;
    throw errorOf(refusal);
  }
}
