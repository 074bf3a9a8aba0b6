import { checkUint32 } from "./check.ts";
import { XdrError } from "./error.ts";
import { Input } from "./input.ts";
import { DEFAULT_MAX_DEPTH, type XdrOptions } from "./options.ts";
import { readUtf8 } from "./utf8.ts";

/** Reads one value, moving the reader past it. */
export type Read<T> = (reader: XdrReader) => T;

/** What the arms of a union give. */
export type ArmValue<Arms> = Arms[keyof Arms] extends Read<infer T> ? T : never;

/**
 * Reads XDR (RFC 4506) from bytes, strictly: whatever it accepts, {@link XdrWriter} would write as the same bytes
 * (the payload of a NaN excepted). A struct (§4.14) is its fields in order: an object literal of reads.
 *
 * Input cannot ask for more work than its size warrants: lengths are held against a maximum and against what is
 * left before anything is allocated. A read that throws leaves the reader where it was. Wrong arguments throw
 * `TypeError` (wrong kind) or `RangeError` (wrong value); wrong input throws only {@link XdrError}.
 *
 * @example
 * const reader = new XdrReader(packet);
 * const file = { name: reader.string(255), size: reader.uhyper() };
 * reader.end();
 */
export class XdrReader {
  readonly #input: Input;

  /**
   * @param bytes - the input; it is not copied, so leave it unchanged while values read from it are in use
   * @throws {TypeError} if `bytes` is not a Uint8Array
   */
  constructor(bytes: Uint8Array, { maxDepth = DEFAULT_MAX_DEPTH }: XdrOptions = {}) {
    this.#input = new Input(bytes, maxDepth);
  }

  /** Bytes read so far. */
  get offset(): number {
    return this.#input.at;
  }

  /** Bytes left to read. */
  get remaining(): number {
    return this.#input.remaining;
  }

  /**
   * Asserts that all input has been read.
   * @throws {@link XdrError} `trailing-bytes`
   */
  end(): void {
    if (this.remaining !== 0) throw new XdrError("trailing-bytes", this.#input.at, `${this.remaining} bytes left over`);
  }

  /**
   * Reads an int (§4.1), 4 bytes.
   * @returns an integer, -2^31 to 2^31 - 1
   * @throws {@link XdrError} `truncated`
   * @example new XdrReader(Uint8Array.of(255, 255, 255, 255)).int(); // -1
   */
  int(): number {
    return this.#input.view.getInt32(this.#input.take(4));
  }

  /**
   * Reads an unsigned int (§4.2), 4 bytes.
   * @returns an integer, 0 to 2^32 - 1
   * @throws {@link XdrError} `truncated`
   * @example new XdrReader(Uint8Array.of(0, 0, 1, 0)).uint(); // 256
   */
  uint(): number {
    return this.#input.view.getUint32(this.#input.take(4));
  }

  /**
   * Reads a hyper (§4.5), 8 bytes.
   * @returns a bigint, -2^63 to 2^63 - 1
   * @throws {@link XdrError} `truncated`
   */
  hyper(): bigint {
    return this.#input.view.getBigInt64(this.#input.take(8));
  }

  /**
   * Reads an unsigned hyper (§4.5), 8 bytes.
   * @returns a bigint, 0 to 2^64 - 1
   * @throws {@link XdrError} `truncated`
   */
  uhyper(): bigint {
    return this.#input.view.getBigUint64(this.#input.take(8));
  }

  /**
   * Reads a float (§4.6), 4 bytes: IEEE 754 single precision. The sign and payload of a NaN may be lost.
   * @throws {@link XdrError} `truncated`
   */
  float(): number {
    return this.#input.view.getFloat32(this.#input.take(4));
  }

  /**
   * Reads a double (§4.7), 8 bytes: IEEE 754 double precision. The sign and payload of a NaN may be lost.
   * @throws {@link XdrError} `truncated`
   */
  double(): number {
    return this.#input.view.getFloat64(this.#input.take(8));
  }

  /**
   * Reads a bool (§4.4), 4 bytes.
   * @throws {@link XdrError} `truncated`, or `bad-bool` for anything but 0 and 1
   */
  bool(): boolean {
    const value = this.#input.view.getUint32(this.#input.need(4));
    if (value > 1) throw new XdrError("bad-bool", this.#input.at, `a bool is 0 or 1, not ${value}`);
    this.#input.at += 4;
    return value === 1;
  }

  /**
   * Reads an enum (§4.3), 4 bytes, signed.
   * @param allowed - the values that the enum assigns
   * @returns one of `allowed`
   * @throws {@link XdrError} `truncated`, or `unknown-enum` for a value not in `allowed`
   * @example reader.enum(new Set([0, 1, 2] as const)); // 0 | 1 | 2
   */
  enum<E extends number>(allowed: ReadonlySet<E>): E {
    const value = this.#input.view.getInt32(this.#input.need(4)) as E;
    if (!allowed.has(value)) throw new XdrError("unknown-enum", this.#input.at, `the enum has no value ${value}`);
    this.#input.at += 4;
    return value;
  }

  /** Reads a void (§4.16), no bytes: the arm of a union that carries nothing. */
  void(): undefined {}

  /**
   * Reads fixed-length opaque data (§4.9): `length` bytes and their padding.
   * @param length - in bytes, 0 to 2^32 - 1
   * @returns a view of the input, not a copy: `slice()` it to keep it longer than the input
   * @throws {@link XdrError} `truncated` or `nonzero-padding`
   * @example reader.fixedOpaque(16); // an IPv6 address
   */
  fixedOpaque(length: number): Uint8Array {
    checkUint32("length", length);
    return this.#input.padded(this.#input.need(length), length);
  }

  /**
   * Reads variable-length opaque data (§4.10): a length, as many bytes, and their padding.
   * @param maximum - the most bytes to accept, 0 to 2^32 - 1
   * @returns a view of the input, not a copy: `slice()` it to keep it longer than the input
   * @throws {@link XdrError} `truncated`, `length-over-maximum`, `length-over-input` or `nonzero-padding`
   */
  opaque(maximum: number): Uint8Array {
    const length = this.#input.length(maximum, 1);
    return this.#input.padded(this.#input.at + 4, length);
  }

  /**
   * Reads a string (§4.11) as UTF-8, of which the standard's ASCII is a part. Strings in another encoding, or in
   * none, can be had as bytes from {@link opaque}: the two look the same on the wire.
   * @param maximum - the most bytes (not characters) to accept, 0 to 2^32 - 1
   * @returns the text; a byte order mark is kept
   * @throws {@link XdrError} as {@link opaque}, or `bad-utf8`
   */
  string(maximum: number): string {
    const start = this.#input.at;
    const text = readUtf8(this.opaque(maximum));
    if (text !== undefined) return text;
    this.#input.at = start;
    throw new XdrError("bad-utf8", start, "the string is not UTF-8; opaque() gives its bytes");
  }

  /**
   * Reads a fixed-length array (§4.12): `count` elements and no more than them.
   * @param count - 0 to 2^32 - 1; it comes from the caller, who bounds the work by it
   * @param read - reads one element
   * @throws {@link XdrError} `too-deep`, or what `read` throws
   * @example reader.fixedArray(3, (r) => r.int()); // [1, 2, 3]
   */
  fixedArray<T>(count: number, read: Read<T>): T[] {
    checkUint32("count", count);
    return this.#elements(0, count, read);
  }

  /**
   * Reads a variable-length array (§4.13): a count and as many elements.
   * @param maximum - the most elements to accept, 0 to 2^32 - 1
   * @param read - reads one element
   * @param minimumSize - the fewest bytes that an element takes. A count that cannot fit in what is left is refused
   *   before any element is read. All XDR types take at least 4, the default, except those made of nothing
   *   (`opaque[0]`, a struct of void): give 0 for these, and a small `maximum`, since nothing else bounds the work.
   * @throws {@link XdrError} `truncated`, `length-over-maximum`, `length-over-input`, `too-deep`, or what `read` throws
   * @example reader.array(100, (r) => r.string(255)); // ["a", "b"]
   */
  array<T>(maximum: number, read: Read<T>, minimumSize = 4): T[] {
    checkUint32("minimumSize", minimumSize);
    return this.#elements(4, this.#input.length(maximum, minimumSize), read);
  }

  /**
   * Reads optional-data (§4.19): a bool, and the value if it is true. A linked list can be read without recursion,
   * and so to any length: `while (reader.bool()) list.push(read(reader))`.
   * @param read - reads the value. It must not give `null`, which stands for absence: an optional in an optional
   *   goes into an object
   * @returns the value, or `null` where there is none
   * @throws {@link XdrError} `truncated`, `bad-bool`, `too-deep`, or what `read` throws
   * @example reader.optional((r) => r.string(255)); // "lisp", or null
   */
  optional<T extends NonNullable<unknown> | undefined>(read: Read<T>): T | null {
    const start = this.#input.enter();
    try {
      return this.bool() ? read(this) : null;
    } catch (error) {
      this.#input.at = start;
      throw error;
    } finally {
      this.#input.leave();
    }
  }

  /**
   * Reads a discriminated union (§4.15): a discriminant and the arm that it selects.
   * @param readDiscriminant - reads an int, an unsigned int, an enum or a bool (whose arms are 0 and 1)
   * @param arms - what to read for each discriminant
   * @param otherwise - the default arm; it is given the discriminant. Without it, a discriminant without an arm is refused
   * @returns what the arm gives; to tell arms apart, have each give its tag
   * @throws {@link XdrError} `unknown-discriminant`, `too-deep`, or what the callbacks throw
   * @example
   * reader.union((r) => r.enum(KINDS), {
   *   0: () => ({ kind: "text" }),
   *   2: (r) => ({ kind: "exec", interpretor: r.string(255) }),
   * });
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
    const start = this.#input.enter();
    try {
      const discriminant = readDiscriminant(this);
      const key = Number(discriminant);
      // An own property, so that nothing put on Object.prototype can become an arm.
      if (Object.hasOwn(arms, key)) return arms[key]!(this);
      if (otherwise !== undefined) return otherwise(this, discriminant);
      throw new XdrError("unknown-discriminant", start, `the union has no arm for ${discriminant}`);
    } catch (error) {
      this.#input.at = start;
      throw error;
    } finally {
      this.#input.leave();
    }
  }

  #elements<T>(prefix: number, count: number, read: Read<T>): T[] {
    const start = this.#input.enter();
    try {
      this.#input.at += prefix;
      const values: T[] = [];
      for (let i = 0; i < count; i += 1) values.push(read(this));
      return values;
    } catch (error) {
      this.#input.at = start;
      throw error;
    } finally {
      this.#input.leave();
    }
  }
}
