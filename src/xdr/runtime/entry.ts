import { checkBytes, checkKeys, checkNumber } from "./check.ts";
import { pathText } from "./cursor.ts";
import type { XdrErrorCode } from "./error.ts";
import { checkInput, errorOf, finish, XdrInput } from "./input.ts";
import { copyTo, extend, writeErrorOf, XdrOutput } from "./output.ts";

/**
 * The default of `maxDepth`: how deep arrays, lists, unions and optionals may nest. Without a limit, a few kilobytes of
 * input for a recursive type could overflow the call stack. 500 levels, at several stack frames each, fit in the
 * smallest stacks in use, those of browsers.
 */
export const DEFAULT_MAX_DEPTH = 500;

/** Options of readers, and of encoding. */
export interface XdrOptions {
  /** How deep arrays, lists, unions and optionals may nest, 0 to 2^32 - 1. Default {@link DEFAULT_MAX_DEPTH}. */
  readonly maxDepth?: number;
}

/** Options of decoding. */
export interface DecodeOptions extends XdrOptions {
  /** Whether bytes may follow the value. Default `false`: they are rejected with `trailing-bytes`. */
  readonly allowTrailing?: boolean;
  /**
   * Whether padding (RFC 4506 §3) must consist of zeros. Default `"zero"`. Some senders pad with whatever their buffer
   * holds: `"ignore"` accepts that.
   */
  readonly padding?: "zero" | "ignore";
}

/**
 * The result of decoding without exceptions: the value; or the error code, its `offset` in the bytes, its `path` in the
 * value, and if the input only ends too early, how many more bytes it `needs` at least.
 */
export type DecodeResult<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false;
      readonly code: XdrErrorCode;
      readonly offset: number;
      readonly path: string;
      readonly needs?: number;
    };

/** The result of validating a value: the value with its type; or the part that cannot be encoded, and why. */
export type ValidateResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly path: string; readonly message: string };

/** The functions that read and write the values of a type. */
export interface XdrFunctions<T> {
  read(input: XdrInput): T;
  write(output: XdrOutput, value: T): void;
}

const ENCODE_OPTIONS = ["maxDepth"];
const DECODE_OPTIONS = [...ENCODE_OPTIONS, "allowTrailing", "padding"];
const PADDINGS = ["zero", "ignore"];

function checkOptions(options: DecodeOptions, known: readonly string[]): void {
  checkKeys(options, known);
  const { maxDepth = 0, padding = "zero" } = options;
  checkNumber("maxDepth", maxDepth);
  if (!PADDINGS.includes(padding)) throw new RangeError(`padding: expected "zero" or "ignore", got ${padding}`);
}

export function inputFor(bytes: Uint8Array, options: DecodeOptions | undefined): XdrInput {
  if (options === undefined) return new XdrInput(bytes, DEFAULT_MAX_DEPTH, true);
  checkOptions(options, DECODE_OPTIONS);
  return new XdrInput(bytes, options.maxDepth ?? DEFAULT_MAX_DEPTH, options.padding !== "ignore");
}

/**
 * Reads a value, after which nothing may follow if `all` is set. If it fails, or a function of the program throws, the
 * input stays where it was.
 */
function attempt<T>({ read }: XdrFunctions<T>, input: XdrInput, all: boolean): T {
  const { at, depth, end, enclosed } = input;
  let done = false;
  try {
    const value = read(input);
    if (all && !input.failed) finish(input);
    checkInput(input, at);
    done = !input.failed;
    return value;
  } finally {
    if (!done) {
      input.at = at;
      input.depth = depth;
      input.end = end;
      input.enclosed = enclosed;
    }
  }
}

/** Decodes the next value. Throws an XdrError if there is none. */
export function decodeNext<T>(type: XdrFunctions<T>, input: XdrInput, all = false): T {
  const value = attempt(type, input, all);
  if (!input.failed) return value;
  const refusal = input.failed;
  input.failed = undefined;
  throw errorOf(refusal);
}

/** Decodes the next value, or returns why there is none. */
export function tryDecodeNext<T>(type: XdrFunctions<T>, input: XdrInput, all = false): DecodeResult<T> {
  const value = attempt(type, input, all);
  if (!input.failed) return { ok: true, value };
  const { code, offset, path, needs } = input.failed;
  input.failed = undefined;
  const text = pathText(path);
  return needs === undefined ? { ok: false, code, offset, path: text } : { ok: false, code, offset, path: text, needs };
}

/** Decodes one value that takes up all of `bytes`, unless `allowTrailing` is set. Throws an XdrError if it cannot. */
export function decodeWith<T>(type: XdrFunctions<T>, bytes: Uint8Array, options?: DecodeOptions): T {
  return decodeNext(type, inputFor(bytes, options), options?.allowTrailing !== true);
}

/** Like {@link decodeWith}, but returns why it cannot. */
export function tryDecodeWith<T>(type: XdrFunctions<T>, bytes: Uint8Array, options?: DecodeOptions): DecodeResult<T> {
  return tryDecodeNext(type, inputFor(bytes, options), options?.allowTrailing !== true);
}

/** In bytes. A larger output is not reused for the next value. Otherwise the memory of one huge value would never be freed. */
const MAX_KEPT_SIZE = 0x1_0000;

// One output is reused, so that a call does not have to allocate it. One is enough because encoding is synchronous. A
// nested call, from a getter or a function given to `transform`, finds `undefined` here and creates a new one.
let spare: XdrOutput | undefined;

/** Writes a value into an output, which the caller must pass to {@link release}. It may have failed. */
function written<T>(type: XdrFunctions<T>, value: T, options: XdrOptions | undefined): XdrOutput {
  if (options !== undefined) checkOptions(options, ENCODE_OPTIONS);
  const output = spare ?? new XdrOutput(0);
  spare = undefined;
  output.maxDepth = options?.maxDepth ?? DEFAULT_MAX_DEPTH;
  type.write(output, value);
  return output;
}

/** Makes the output the spare for the next value. Returns how many bytes it held. */
function release(output: XdrOutput): number {
  const { at } = output;
  output.at = 0;
  output.depth = 0;
  if (output.bytes.length <= MAX_KEPT_SIZE) spare = output;
  return at;
}

/** Like {@link written}, but throws if the value cannot be encoded. */
function encoded<T>(type: XdrFunctions<T>, value: T, options: XdrOptions | undefined): XdrOutput {
  const output = written(type, value, options);
  if (output.failed) throw writeErrorOf(output.failed);
  return output;
}

/** Encodes a value into a new array. */
export function encodeWith<T>(type: XdrFunctions<T>, value: T, options?: XdrOptions): Uint8Array<ArrayBuffer> {
  const output = encoded(type, value, options);
  return output.bytes.slice(0, release(output)) as Uint8Array<ArrayBuffer>;
}

/** Encodes a value into `target` from `offset` on. Returns how many bytes were written. */
export function encodeIntoWith<T>(
  type: XdrFunctions<T>,
  value: T,
  target: Uint8Array,
  offset = 0,
  options?: XdrOptions,
): number {
  checkBytes("target", target);
  checkNumber("offset", offset);
  const output = encoded(type, value, options);
  copyTo(output, target, offset);
  return release(output);
}

/** The encoded size of a value, in bytes. */
export function sizeWith<T>(type: XdrFunctions<T>, value: T, options?: XdrOptions): number {
  return release(encoded(type, value, options));
}

/** Whether a value can be encoded, or why not. */
export function validateWith<T>(type: XdrFunctions<T>, value: unknown, options?: XdrOptions): ValidateResult<T> {
  const output = written(type, value as T, options);
  if (output.failed) return { ok: false, path: pathText(output.failed.path), message: output.failed.message };
  release(output);
  return { ok: true, value: value as T };
}

/** Encodes a value behind those before it. */
export function encodeNext<T>(type: XdrFunctions<T>, output: XdrOutput, value: T): void {
  const encoded = encodeWith(type, value, { maxDepth: output.maxDepth - output.depth });
  const at = extend(output, encoded.length);
  output.bytes.set(encoded, at);
}
