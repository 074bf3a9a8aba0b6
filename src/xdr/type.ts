import { countUse } from "./emit/compile.ts";
import type { Ops } from "./ops.ts";
import type { XdrReader } from "./reader.ts";
import {
  type DecodeOptions,
  type DecodeResult,
  decodeNext,
  decodeWith,
  encodeIntoWith,
  encodeNext,
  encodeWith,
  sizeWith,
  tryDecodeNext,
  tryDecodeWith,
  type ValidateResult,
  validateWith,
  type XdrOptions,
} from "./runtime/entry.ts";
import { XdrInput } from "./runtime/input.ts";
import { XdrOutput } from "./runtime/output.ts";
import { STATE } from "./state.ts";
import type { XdrWriter } from "./writer.ts";

export type { DecodeResult, ValidateResult };

/** Which function or constant of this module made a type. */
export type XdrKind =
  | "array"
  | "bool"
  | "constant"
  | "double"
  | "enum"
  | "fixedArray"
  | "fixedOpaque"
  | "float"
  | "hyper"
  | "int"
  | "lazy"
  | "list"
  | "nested"
  | "opaque"
  | "optional"
  | "refine"
  | "safeHyper"
  | "safeUhyper"
  | "string"
  | "struct"
  | "transform"
  | "uhyper"
  | "uint"
  | "union"
  | "void";

/**
 * The TypeScript type of the values of an XdrType.
 *
 * @example
 * ```ts
 * const Point = struct({ x: int, y: int });
 * type Point = Infer<typeof Point>; // { x: number; y: number }
 * const origin: Point = { x: 0, y: 0 };
 * Point.encode(origin).length; // => 8
 * ```
 */
export type Infer<Type extends XdrType<unknown>> = Type extends XdrType<infer T> ? T : never;

/** Returns the implementation of a type, for the other files of this folder. Users cannot access it: the field is private. */
export let opsOf: <T>(type: XdrType<T>) => Ops<T>;

/** Creates a type from its implementation. */
export let typeOf: <T>(kind: XdrKind, ops: Ops<T>) => XdrType<T>;

/**
 * An XDR type (RFC 4506). It encodes and decodes its values. Types come from the constants and functions of this
 * module, such as {@link int}, {@link struct} and {@link array}; the constructor is private.
 *
 * Decoding is strict: encoding a decoded value gives the same bytes again, except for the payload of a NaN. The work
 * and the memory for decoding are limited by the size of the input. Errors name the part of the value that is wrong.
 *
 * @example
 * ```ts
 * const File = struct({ name: string(255), size: uhyper });
 * const bytes = File.encode({ name: "sillyprog", size: 6n });
 * File.decode(bytes); // => { name: "sillyprog", size: 6n }
 * ```
 */
export class XdrType<T> {
  readonly #ops: Ops<T>;
  #reads = 0;
  #writes = 0;
  /** Which function or constant made the type. */
  readonly kind: XdrKind;

  static {
    typeOf = (kind, ops) => new XdrType(kind, ops);
    opsOf = (type) => {
      if (!(#ops in Object(type))) throw new TypeError("expected an XdrType");
      return type.#ops;
    };
  }

  private constructor(kind: XdrKind, ops: Ops<T>) {
    this.kind = kind;
    this.#ops = ops;
  }

  /**
   * Returns the encoded size of a value. This takes as long as encoding it.
   *
   * @param value - the value to measure
   * @param options - the maximum nesting depth
   * @returns the size in bytes, a multiple of 4
   * @throws {TypeError} if a part of `value` has the wrong type
   * @throws {RangeError} if a part of `value` is out of range or longer than its maximum, or it is nested too deep
   * @example
   * ```ts
   * string(255).size("lisp"); // => 8
   * ```
   */
  size(value: T, options?: XdrOptions): number {
    return sizeWith(this.#writer(), value, options);
  }

  /**
   * Encodes a value.
   *
   * @param value - the value to encode
   * @param options - the maximum nesting depth
   * @returns a new array of exactly the encoded bytes
   * @throws {TypeError} if a part of `value` has the wrong type. The message names the part, as in `entries[3].size`
   * @throws {RangeError} if a part of `value` is out of range or longer than its maximum, or it is nested too deep
   * @example
   * ```ts
   * string(255).encode("lisp"); // => Uint8Array.of(0, 0, 0, 4, 0x6c, 0x69, 0x73, 0x70)
   * ```
   */
  encode(value: T, options?: XdrOptions): Uint8Array<ArrayBuffer> {
    return encodeWith(this.#writer(), value, options);
  }

  /**
   * Encodes a value into `target`. Values of up to 64 KiB are encoded without allocation. Opaque data in the value may
   * be views of `target` itself. If it throws, `target` is unchanged.
   *
   * @param value - the value to encode
   * @param target - the array to write into. Bytes before and after the value do not change
   * @param offset - where to start, in bytes from the start of `target`
   * @param options - the maximum nesting depth
   * @returns how many bytes were written
   * @throws {TypeError} if a part of `value` has the wrong type, or `target` is not a Uint8Array
   * @throws {RangeError} if a part of `value` is out of range or longer than its maximum, or it is nested too deep, or
   *   it does not fit in `target`
   * @example
   * ```ts
   * const datagram = new Uint8Array(1024);
   * uint.encodeInto(7, datagram, 8); // => 4
   * ```
   */
  encodeInto(value: T, target: Uint8Array, offset = 0, options?: XdrOptions): number {
    return encodeIntoWith(this.#writer(), value, target, offset, options);
  }

  /**
   * Decodes one value.
   *
   * @param bytes - the encoded value, with nothing after it unless `allowTrailing` is set
   * @param options - the maximum nesting depth, whether bytes may follow the value, and whether padding must be zero
   * @returns the value. Opaque data in it may be views of `bytes` instead of copies. If `bytes` is a buffer that will
   *   be reused, decode `bytes.slice()` instead
   * @throws {@link XdrError} if `bytes` is not a valid value of this type
   * @throws {TypeError} if `bytes` is not a Uint8Array
   * @throws {RangeError} if an option is out of range
   * @example
   * ```ts
   * const Point = struct({ x: int, y: int });
   * Point.decode(Uint8Array.of(0, 0, 0, 1, 255, 255, 255, 255)); // => { x: 1, y: -1 }
   * ```
   */
  decode(bytes: Uint8Array, options?: DecodeOptions): T {
    return decodeWith(this.#reader(), bytes, options);
  }

  /**
   * Like {@link decode}, but returns invalid input as a result instead of throwing. Use it for untrusted bytes.
   *
   * @param bytes - the encoded value, with nothing after it unless `allowTrailing` is set
   * @param options - the maximum nesting depth, whether bytes may follow the value, and whether padding must be zero
   * @returns the value; or the code, offset, path and `needs` of an {@link XdrError}
   * @throws {TypeError} if `bytes` is not a Uint8Array
   * @throws {RangeError} if an option is out of range
   * @example
   * ```ts
   * const Switch = struct({ on: bool });
   * Switch.tryDecode(Uint8Array.of(0, 0, 0, 1)); // => { ok: true, value: { on: true } }
   * Switch.tryDecode(Uint8Array.of(0, 0, 0, 2)); // => { ok: false, code: "bad-bool", offset: 0, path: "on" }
   * ```
   */
  tryDecode(bytes: Uint8Array, options?: DecodeOptions): DecodeResult<T> {
    return tryDecodeWith(this.#reader(), bytes, options);
  }

  /**
   * Checks whether a value can be encoded. This takes as long as encoding it.
   *
   * @param value - any value
   * @param options - the maximum nesting depth
   * @returns the value; or the path of the part that cannot be encoded, and the reason for people
   * @throws {RangeError} if an option is out of range
   * @example
   * ```ts
   * const File = struct({ name: string(255), size: uint });
   * File.validate({ name: "a", size: 1 }).ok; // => true
   * const result = File.validate({ name: "a", size: -1 });
   * if (!result.ok) [result.path, result.message]; // => ["size", "uint: expected an integer, 0 to 4294967295, got -1"]
   * ```
   */
  validate(value: unknown, options?: XdrOptions): ValidateResult<T> {
    return validateWith(this.#writer(), value, options);
  }

  /**
   * Decodes the next value of a reader, and moves the reader behind it: `reader.offset` then tells how many bytes it took.
   * For values one after another, as in a file or a stream.
   *
   * @param reader - the reader. Its options apply
   * @returns the value. Opaque data in it may be views of the reader's input
   * @throws {@link XdrError} if there is no valid value. Its `needs` tells how many bytes are missing at least, if the
   *   input only ends too early. The reader stays where it was
   * @throws {TypeError} if `reader` is not an XdrReader
   * @example
   * ```ts
   * const reader = new XdrReader(Uint8Array.of(0, 0, 0, 1, 0x61, 0, 0, 0, 0, 0, 0, 7, 0, 0));
   * string(9).decodeFrom(reader); // => "a"
   * uint.decodeFrom(reader); // => 7
   * reader.offset; // => 12
   * uint.tryDecodeFrom(reader); // => { ok: false, code: "truncated", offset: 12, path: "", needs: 2 }
   * ```
   */
  decodeFrom(reader: XdrReader): T {
    return decodeNext(this.#reader(), stateOf(reader, XdrInput, "an XdrReader"));
  }

  /**
   * Like {@link decodeFrom}, but returns invalid input as a result instead of throwing. The reader then stays where it was.
   *
   * @param reader - the reader. Its options apply
   * @returns the value; or the code, offset, path and `needs` of an {@link XdrError}
   * @throws {TypeError} if `reader` is not an XdrReader
   * @example
   * ```ts
   * const reader = new XdrReader(Uint8Array.of(0, 0, 0, 8, 1, 2));
   * const result = opaque(64).tryDecodeFrom(reader);
   * if (!result.ok) result.needs; // => 6
   * ```
   */
  tryDecodeFrom(reader: XdrReader): DecodeResult<T> {
    return tryDecodeNext(this.#reader(), stateOf(reader, XdrInput, "an XdrReader"));
  }

  /**
   * Encodes a value to a writer, behind what it has written.
   *
   * @param writer - the writer. Its options apply
   * @param value - the value to encode
   * @throws {TypeError} if a part of `value` has the wrong type, or `writer` is not an XdrWriter
   * @throws {RangeError} if a part of `value` is out of range or longer than its maximum, or it is nested too deep, or it
   *   does not fit. The writer then stays where it was
   * @example
   * ```ts
   * const writer = new XdrWriter();
   * writer.uint(1);
   * string(9).encodeTo(writer, "a");
   * writer.finish(); // => Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 1, 0x61, 0, 0, 0)
   * ```
   */
  encodeTo(writer: XdrWriter, value: T): void {
    encodeNext(this.#writer(), stateOf(writer, XdrOutput, "an XdrWriter"), value);
  }

  #reader(): Ops<T> {
    this.#reads = countUse(this.#ops as Ops<never>, "read", this.#reads);
    return this.#ops;
  }

  #writer(): Ops<T> {
    this.#writes = countUse(this.#ops as Ops<never>, "write", this.#writes);
    return this.#ops;
  }
}

/** The state of a reader, an XdrInput, or of a writer, an XdrOutput. */
function stateOf<S>(holder: { readonly [STATE]: S }, State: new (...args: never) => S, expected: string): S {
  const state = (holder as { readonly [STATE]?: S } | null)?.[STATE];
  if (!(state instanceof State)) throw new TypeError(`expected ${expected}`);
  return state;
}
