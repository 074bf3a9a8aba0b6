import { checkBytes, checkUint32 } from "./check.ts";
import { XdrError, type XdrErrorCode } from "./error.ts";
import { Input, NO_BYTES } from "./input.ts";
import type { Ops } from "./ops.ts";
import { DEFAULT_MAX_DEPTH, type DecodeOptions, type XdrOptions } from "./options.ts";
import { Output } from "./output.ts";

/**
 * The result of {@link XdrType.tryDecode}: the value; or the error code, its `offset` in the bytes, and its `path` in
 * the value.
 */
export type DecodeResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: XdrErrorCode; readonly offset: number; readonly path: string };

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
export let typeOf: <T>(ops: Ops<T>) => XdrType<T>;

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

  static {
    typeOf = (ops) => new XdrType(ops);
    opsOf = (type) => {
      if (!(#ops in Object(type))) throw new TypeError("expected an XdrType");
      return type.#ops;
    };
  }

  private constructor(ops: Ops<T>) {
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
    return release(encodeAll(this.#ops, value, options));
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
    const output = encodeAll(this.#ops, value, options);
    const bytes = output.bytes.slice(0, output.at) as Uint8Array<ArrayBuffer>;
    release(output);
    return bytes;
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
    checkBytes("target", target);
    checkUint32("offset", offset);
    const output = encodeAll(this.#ops, value, options);
    output.copyTo(target, offset);
    return release(output);
  }

  /**
   * Decodes one value.
   *
   * @param bytes - the encoded value, with nothing after it unless `allowTrailing` is set
   * @param options - the maximum nesting depth, and whether bytes may follow the value
   * @returns the value. Opaque data in it are views of `bytes`, not copies. If `bytes` is a buffer that will be reused,
   *   decode `bytes.slice()` instead
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
    return decodeAll(this.#ops, bytes, options);
  }

  /**
   * Like {@link decode}, but returns invalid input as a result instead of throwing. Use it for untrusted bytes.
   *
   * @param bytes - the encoded value, with nothing after it unless `allowTrailing` is set
   * @param options - the maximum nesting depth, and whether bytes may follow the value
   * @returns the value; or the code, offset and path of an {@link XdrError}
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
    try {
      return { ok: true, value: decodeAll(this.#ops, bytes, options) };
    } catch (error) {
      if (!(error instanceof XdrError)) throw error;
      const { code, offset, path } = error;
      return { ok: false, code, offset, path };
    }
  }
}

/** In bytes. A larger output is not reused for the next value. Otherwise the memory of one huge value would never be freed. */
const MAX_KEPT_SIZE = 0x1_0000;

// One input and one output are reused, so that a call does not have to allocate them. One of each is enough because
// encoding and decoding are synchronous. A nested call, from a function given to `transform`, finds `undefined` here and
// creates a new one.
let spareInput: Input | undefined;
let spareOutput: Output | undefined;

/** Decodes a value that takes up all of `bytes`, unless `allowTrailing` is set. */
function decodeAll<T>(ops: Ops<T>, bytes: Uint8Array, options?: DecodeOptions): T {
  const input = spareInput ?? new Input();
  spareInput = undefined;
  input.reset(bytes, options?.maxDepth ?? DEFAULT_MAX_DEPTH);
  const value = ops.read(input);
  if (options?.allowTrailing !== true) input.finish();
  input.reset(NO_BYTES, 0);
  spareInput = input;
  return value;
}

/** Encodes a value into an output. The caller must pass the output to {@link release}. */
function encodeAll<T>(ops: Ops<T>, value: T, options?: XdrOptions): Output {
  const output = spareOutput ?? new Output(0);
  spareOutput = undefined;
  output.limit(options?.maxDepth ?? DEFAULT_MAX_DEPTH);
  try {
    ops.write(output, value);
    return output;
  } catch (error) {
    throw output.withPath(error);
  }
}

/** Makes the output the spare for the next value. Returns how many bytes it held. */
function release(output: Output): number {
  const { length } = output;
  output.at = 0;
  if (output.bytes.length <= MAX_KEPT_SIZE) spareOutput = output;
  return length;
}
