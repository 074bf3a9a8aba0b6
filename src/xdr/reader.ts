import { checkUint32 } from "./check.ts";
import { Input } from "./input.ts";
import { readOpaque, readString } from "./opaque.ts";
import { DEFAULT_MAX_DEPTH, type XdrOptions } from "./options.ts";
import { BOOL, DOUBLE, FLOAT, HYPER, INT, readEnum, UHYPER, UINT } from "./scalar.ts";

/** Reads one value, moving the reader past it. */
export type Read<T> = (reader: XdrReader) => T;

/** What the arms of a union give. */
export type ArmValue<Arms> = Arms[keyof Arms] extends Read<infer T> ? T : never;

/**
 * Reads XDR (RFC 4506) from bytes, strictly: whatever it accepts, {@link XdrWriter} would write as the same bytes
 * (the payload of a NaN excepted). A struct (§4.14) is its fields in order: an object literal of reads. Where the
 * format is a type, {@link struct} and its like are shorter; a reader is for what no type can say.
 *
 * Input cannot ask for more work than its size warrants: lengths are held against a maximum and against what is
 * left before anything is allocated. A read that throws leaves the reader where it was. Wrong arguments throw
 * `TypeError` (wrong kind) or `RangeError` (wrong value); wrong input throws only {@link XdrError}.
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
  readonly #input = new Input();

  /**
   * Makes a reader of bytes.
   *
   * @param bytes - the input; it is not copied, so leave it unchanged while values read from it are in use
   * @param options - how deep values may nest
   * @throws {TypeError} if `bytes` is not a Uint8Array
   * @throws {RangeError} if `maxDepth` is out of range
   * @example
   * ```ts
   * new XdrReader(Uint8Array.of(0, 0, 0, 7)).remaining; // => 4
   * ```
   */
  constructor(bytes: Uint8Array, { maxDepth = DEFAULT_MAX_DEPTH }: XdrOptions = {}) {
    this.#input.reset(bytes, maxDepth);
  }

  /** Bytes read so far. */
  get offset(): number {
    return this.#input.at;
  }

  /** Bytes left to read. */
  get remaining(): number {
    return this.#input.end - this.#input.at;
  }

  /**
   * Asserts that all input has been read.
   *
   * @throws {@link XdrError} `trailing-bytes`
   * @example
   * ```ts
   * const reader = new XdrReader(Uint8Array.of(0, 0, 0, 7));
   * reader.uint(); // => 7
   * reader.end();
   * new XdrReader(Uint8Array.of(0, 0, 0, 7)).end(); // throws XdrError
   * ```
   */
  end(): void {
    this.#input.finish();
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
    return INT.read(this.#input);
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
    return UINT.read(this.#input);
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
    return HYPER.read(this.#input);
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
    return UHYPER.read(this.#input);
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
    return FLOAT.read(this.#input);
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
    return DOUBLE.read(this.#input);
  }

  /**
   * Reads a bool (§4.4), 4 bytes.
   *
   * @returns whether it is 1
   * @throws {@link XdrError} `truncated`, or `bad-bool` for anything but 0 and 1
   * @example
   * ```ts
   * new XdrReader(Uint8Array.of(0, 0, 0, 1)).bool(); // => true
   * ```
   */
  bool(): boolean {
    return BOOL.read(this.#input);
  }

  /**
   * Reads an enum (§4.3), 4 bytes, signed.
   *
   * @param allowed - the values that the enum assigns
   * @returns one of `allowed`
   * @throws {@link XdrError} `truncated`, or `unknown-enum` for a value not in `allowed`
   * @example
   * ```ts
   * const KINDS = new Set([0, 1, 2] as const);
   * new XdrReader(Uint8Array.of(0, 0, 0, 2)).enum(KINDS); // => 2
   * ```
   */
  enum<E extends number>(allowed: ReadonlySet<E>): E {
    return readEnum(this.#input, allowed);
  }

  /**
   * Reads a void (§4.16), no bytes: the arm of a union that carries nothing.
   *
   * @returns `undefined`
   * @example
   * ```ts
   * new XdrReader(new Uint8Array(0)).void(); // => undefined
   * ```
   */
  void(): undefined {}

  /**
   * Reads fixed-length opaque data (§4.9): `length` bytes and their padding.
   *
   * @param length - in bytes, 0 to 2^32 - 1
   * @returns a view of the input, not a copy: `slice()` it to keep it longer than the input
   * @throws {@link XdrError} `truncated` or `nonzero-padding`
   * @throws {RangeError} if `length` is out of range
   * @example
   * ```ts
   * new XdrReader(Uint8Array.of(192, 0, 2, 1)).fixedOpaque(4); // => Uint8Array.of(0xc0, 0, 2, 1)
   * ```
   */
  fixedOpaque(length: number): Uint8Array {
    return readOpaque(this.#input, length, true);
  }

  /**
   * Reads variable-length opaque data (§4.10): a length, as many bytes, and their padding.
   *
   * @param maximum - the most bytes to accept, 0 to 2^32 - 1
   * @returns a view of the input, not a copy: `slice()` it to keep it longer than the input
   * @throws {@link XdrError} `truncated`, `length-over-maximum`, `length-over-input` or `nonzero-padding`
   * @throws {RangeError} if `maximum` is out of range
   * @example
   * ```ts
   * new XdrReader(Uint8Array.of(0, 0, 0, 2, 1, 2, 0, 0)).opaque(64); // => Uint8Array.of(1, 2)
   * ```
   */
  opaque(maximum: number): Uint8Array {
    return readOpaque(this.#input, maximum, false);
  }

  /**
   * Reads a string (§4.11) as UTF-8, of which the standard's ASCII is a part. Strings in another encoding, or in
   * none, can be had as bytes from {@link opaque}: the two look the same on the wire.
   *
   * @param maximum - the most bytes (not characters) to accept, 0 to 2^32 - 1
   * @returns the text; a byte order mark is kept
   * @throws {@link XdrError} as {@link opaque}, or `bad-utf8`
   * @throws {RangeError} if `maximum` is out of range
   * @example
   * ```ts
   * new XdrReader(Uint8Array.of(0, 0, 0, 1, 0x61, 0, 0, 0)).string(255); // => "a"
   * ```
   */
  string(maximum: number): string {
    return readString(this.#input, maximum);
  }

  /**
   * Reads a fixed-length array (§4.12): `count` elements and no more than them.
   *
   * @param count - 0 to 2^32 - 1; it comes from the caller, who bounds the work by it
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
    checkUint32("count", count);
    return this.#elements(0, count, read);
  }

  /**
   * Reads a variable-length array (§4.13): a count and as many elements.
   *
   * @param maximum - the most elements to accept, 0 to 2^32 - 1
   * @param read - reads one element
   * @param minimumSize - the fewest bytes that an element takes. A count that cannot fit in what is left is refused
   *   before any element is read. All XDR types take at least 4, the default, except those made of nothing
   *   (`opaque[0]`, a struct of void): give 0 for these, and a small `maximum`, since nothing else bounds the work.
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
    checkUint32("minimumSize", minimumSize);
    return this.#elements(4, this.#input.length(maximum, minimumSize), read);
  }

  /**
   * Reads optional-data (§4.19): a bool, and the value if it is true. A linked list can be read without recursion,
   * and so to any length: `while (reader.bool()) list.push(read(reader))`.
   *
   * @param read - reads the value. It must not give `null`, which stands for absence: an optional in an optional
   *   goes into an object
   * @returns the value, or `null` where there is none
   * @throws {@link XdrError} `truncated`, `bad-bool`, `too-deep`, or what `read` throws
   * @example
   * ```ts
   * new XdrReader(Uint8Array.of(0, 0, 0, 0)).optional((r) => r.string(255)); // => null
   * ```
   */
  optional<T extends NonNullable<unknown> | undefined>(read: Read<T>): T | null {
    return this.#input.nested(() => (this.bool() ? read(this) : null));
  }

  /**
   * Reads a discriminated union (§4.15): a discriminant and the arm that it selects.
   *
   * @param readDiscriminant - reads an int, an unsigned int, an enum or a bool (whose arms are 0 and 1)
   * @param arms - what to read for each discriminant
   * @param otherwise - the default arm; it is given the discriminant. Without it, a discriminant without an arm is refused
   * @returns what the arm gives; to tell arms apart, have each give its tag
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
    return this.#input.nested(() => {
      const discriminant = readDiscriminant(this);
      const key = Number(discriminant);
      // An own property, so that nothing put on Object.prototype can become an arm.
      if (Object.hasOwn(arms, key)) return arms[key]!(this);
      if (otherwise !== undefined) return otherwise(this, discriminant);
      return this.#input.fail("unknown-discriminant", start, `the union has no arm for ${discriminant}`);
    });
  }

  #elements<T>(prefix: number, count: number, read: Read<T>): T[] {
    return this.#input.nested(() => {
      this.#input.at += prefix;
      const values: T[] = [];
      for (let i = 0; i < count; i += 1) values.push(read(this));
      return values;
    });
  }
}
