import { checkBytes, checkUint32 } from "./check.ts";
import { XdrError, type XdrErrorCode } from "./error.ts";
import { Input, NONE } from "./input.ts";
import type { Ops } from "./ops.ts";
import { DEFAULT_MAX_DEPTH, type DecodeOptions, type XdrOptions } from "./options.ts";
import { Output } from "./output.ts";

/** What {@link XdrType.tryDecode} gives: the value; or why there is none, and where in the bytes and in the value. */
export type DecodeResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: XdrErrorCode; readonly offset: number; readonly path: string };

/**
 * The values of a type.
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

/** What is behind a type. */
export let opsOf: <T>(type: XdrType<T>) => Ops<T>;

/** A type from what is to be behind it. */
export let typeOf: <T>(ops: Ops<T>) => XdrType<T>;

/**
 * A type of XDR (RFC 4506), and how its values are encoded and decoded. Types are made of other types, and of the
 * constants and functions of this module: there is no constructor to call.
 *
 * Decoding is strict: what it accepts, encoding writes as the same bytes (the payload of a NaN excepted). Input cannot
 * ask for more work than its size warrants. Errors name the part of the value that they are about.
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
   * Tells how long a value is when encoded. It costs as much as encoding does.
   *
   * @param value - what would be encoded
   * @param options - how deep it may nest
   * @returns the length in bytes, a multiple of four
   * @throws {TypeError} if a part of `value` is of the wrong kind
   * @throws {RangeError} if a part of it is one that its type cannot state, or it is nested too deep
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
   * @param value - what to write; it is not kept
   * @param options - how deep it may nest
   * @returns the bytes, in a buffer of their own
   * @throws {TypeError} if a part of `value` is of the wrong kind; the message names it, as in `entries[3].size`
   * @throws {RangeError} if a part of it is one that its type cannot state, or it is nested too deep
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
   * Encodes a value into `target`. Up to 64 KiB, it allocates nothing. Bytes in the value may be part of `target`.
   *
   * @param value - what to write; it is not kept
   * @param target - where to write; bytes before and after the value stay as they are
   * @param offset - where to begin, in bytes from the start of `target`
   * @param options - how deep the value may nest
   * @returns how many bytes were written
   * @throws {TypeError} if a part of `value` is of the wrong kind, or `target` is not a Uint8Array
   * @throws {RangeError} if a part of it is one that its type cannot state, it is nested too deep, or it does not fit.
   *   Whatever it throws, `target` is as it was
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
   * @param bytes - all of the value, and no more unless `allowTrailing` says so
   * @param options - how deep the value may nest, and whether bytes may follow it
   * @returns the value. Opaque data in it are views of `bytes`, not copies: to have a value that outlives a buffer
   *   that is used again, decode `bytes.slice()`
   * @throws {@link XdrError} if `bytes` are not a value of this type
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
   * As {@link decode}, for bytes that come from strangers: where they are wrong, that is a result, not an exception.
   *
   * @param bytes - all of the value, and no more unless `allowTrailing` says so
   * @param options - how deep the value may nest, and whether bytes may follow it
   * @returns the value; or the code of an {@link XdrError}, its offset in `bytes` and its path in the value
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

/** The longest memory that is kept for the next value to be encoded: one huge value must not hold its own for good. */
const KEPT_SIZE = 0x1_0000;

// One of each is enough, since nothing here waits, and saves the making. Whoever encodes or decodes from inside a
// type's own functions finds it taken, and makes another.
let spareInput: Input | undefined;
let spareOutput: Output | undefined;

/** Reads a value that takes up all of `bytes`. */
function decodeAll<T>(ops: Ops<T>, bytes: Uint8Array, options?: DecodeOptions): T {
  const input = spareInput ?? new Input();
  spareInput = undefined;
  input.reset(bytes, options?.maxDepth ?? DEFAULT_MAX_DEPTH);
  const value = ops.read(input);
  if (options?.allowTrailing !== true) input.finish();
  input.reset(NONE, 0);
  spareInput = input;
  return value;
}

/** Writes a value into an output of its own, which must be given to {@link release}. */
function encodeAll<T>(ops: Ops<T>, value: T, options?: XdrOptions): Output {
  const output = spareOutput ?? new Output(0);
  spareOutput = undefined;
  output.limit(options?.maxDepth ?? DEFAULT_MAX_DEPTH);
  try {
    ops.write(output, value);
    return output;
  } catch (error) {
    throw output.located(error);
  }
}

/** Gives the output back, and how many bytes it held. */
function release(output: Output): number {
  const { length } = output;
  output.at = 0;
  if (output.bytes.length <= KEPT_SIZE) spareOutput = output;
  return length;
}
