import { checkBytes } from "./check.ts";
import { type Cursor, type Part, pathText, within } from "./cursor.ts";
import { XdrError, type XdrErrorCode } from "./error.ts";
import { decodeUtf8 } from "./utf8.ts";

/** Why input is refused. */
export interface Refusal {
  readonly code: XdrErrorCode;
  /** Where, in bytes. */
  readonly offset: number;
  /** The message, in which `#` stands for `found`, and `@` for `bound`. */
  readonly detail: string;
  readonly found: unknown;
  readonly bound: unknown;
  /** How many bytes are missing at least, if the input only ends too early. */
  readonly needs: number | undefined;
  readonly path: Part[];
}

/**
 * The bytes that a value is read from, and the position in them. Functions that read return the value; if they cannot,
 * they call {@link refuse}, which sets `failed`. Nothing is thrown and no Error is made, so refusing costs little.
 */
export class XdrInput implements Cursor {
  readonly bytes: Uint8Array;
  at = 0;
  /** Where the input ends: at the end of `bytes`, or of the opaque data that is being read. */
  end: number;
  /** How many opaque data enclose the position. Within them, more bytes would not help: they end where their length says. */
  enclosed = 0;
  depth = 0;
  maxDepth: number;
  /** Whether padding other than zeros is refused. */
  readonly strict: boolean;
  failed: Refusal | undefined = undefined;
  // Read only when the first view is made: V8 allocates the buffer of a small array on first access.
  buffer: ArrayBufferLike | undefined = undefined;

  constructor(bytes: Uint8Array, maxDepth: number, strict: boolean) {
    checkBytes("bytes", bytes);
    this.bytes = bytes;
    this.end = bytes.length;
    this.maxDepth = maxDepth;
    this.strict = strict;
  }
}

/**
 * Throws a TypeError if the bytes were lost while they were read from `start` on: zeros have been read instead. The input
 * is at `start` then, and a refusal of those zeros is forgotten: a buffer that has shrunk may grow again.
 */
export function checkInput(input: XdrInput, start: number): void {
  if (input.bytes.length >= input.end) return;
  input.at = start;
  input.failed = undefined;
  throw new TypeError("bytes: its buffer is detached");
}

/** Refuses the input. Returns `undefined` in place of the value that was to be read. */
export function refuse<T>(
  input: XdrInput,
  code: XdrErrorCode,
  offset: number,
  detail: string,
  found?: unknown,
  bound?: unknown,
  needs?: number,
): T {
  input.failed = { code, offset, detail, found, bound, needs: input.enclosed > 0 ? undefined : needs, path: [] };
  return undefined as T;
}

/** Refuses the input because it ends within `size` bytes from `at` on. */
function truncated<T>(input: XdrInput, size: number, at = input.at): T {
  const left = input.end - at;
  return refuse(input, "truncated", at, "expected @ bytes, but # are left", left, size, size - left);
}

/** The error for a refusal. */
export function errorOf({ code, offset, detail, found, bound, needs, path }: Refusal): XdrError {
  const text = detail.replace(/[#@]/g, (sign) => `${sign === "#" ? found : bound}`);
  return new XdrError(code, offset, text, pathText(path), needs);
}

/** Refuses bytes after the value. */
export function finish(input: XdrInput): void {
  if (input.at < input.end) refuse(input, "trailing-bytes", input.at, "# bytes left over", input.end - input.at);
}

export function tooDeep<T>(input: XdrInput): T {
  return refuse(input, "too-deep", input.at, "nested deeper than the maxDepth of #", input.maxDepth);
}

/** Refuses a discriminant for which a union has no arm. */
export function noArm<T>(input: XdrInput, at: number, found: unknown): T {
  return refuse(input, "unknown-discriminant", at, "the union has no arm for #", found);
}

/** Refuses a number that an enum does not have. If there is none, the input has been refused already. */
export function unknownEnum<T>(input: XdrInput, found: number): T {
  if (input.failed) return undefined as T;
  return refuse(input, "unknown-enum", input.at - 4, "the enum has no value #", found);
}

/** Refuses a null as the value of an optional, which starts at `at`: it would mean that there is none. */
export function refuseNull<T>(input: XdrInput, at: number): T {
  return refuse(input, "refused", at, "the value of an optional must not be null");
}

function tooShort(input: XdrInput, size: number): number {
  truncated(input, size);
  return -1;
}

/** Moves past `size` bytes. Returns where they start, or -1 if the input ends before. */
function take(input: XdrInput, size: number): number {
  const { at } = input;
  if (size > input.end - at) return tooShort(input, size);
  input.at = at + size;
  return at;
}

/**
 * Moves past fields of a fixed size each, `size` bytes together. Returns where they start, or -1 if the input ends before:
 * {@link truncatedWithin} then refuses it.
 */
export function takeFields(input: XdrInput, size: number): number {
  const { at } = input;
  if (size > input.end - at) return -1;
  input.at = at + size;
  return at;
}

/** Refuses an input that ends within the given fields. */
export function truncatedWithin<T>(input: XdrInput, fields: readonly (readonly [name: string, size: number])[]): T {
  for (const [name, size] of fields) {
    if (take(input, size) < 0) return within(input, name);
  }
  return undefined as T;
}

// Built from single bytes: for most packets, creating a DataView costs more than it saves.
function int32At(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}

function uint32At(bytes: Uint8Array, at: number): number {
  return unsigned(int32At(bytes, at));
}

function unsigned(value: number): number {
  // Not `>>> 0`: JavaScriptCore assumes its result is an int32, and leaves compiled code each time it is not.
  return value < 0 ? value + 0x1_0000_0000 : value;
}

/** Scratch space for numbers that are read through a DataView. */
const SCRATCH = /* @__PURE__ */ new DataView(/* @__PURE__ */ new ArrayBuffer(8));

/** The 8 bytes from `at` in a DataView, which the next call overwrites. */
function scratchAt({ bytes }: XdrInput, at: number): DataView {
  SCRATCH.setInt32(0, int32At(bytes, at));
  SCRATCH.setInt32(4, int32At(bytes, at + 4));
  return SCRATCH;
}

// These functions read a number that is known to be there.

/** The int at a position. */
export function intAt(input: XdrInput, at: number): number {
  return int32At(input.bytes, at);
}

/** The unsigned int at a position. */
export function uintAt(input: XdrInput, at: number): number {
  return uint32At(input.bytes, at);
}

/** The hyper at a position. */
export function hyperAt(input: XdrInput, at: number): bigint {
  return scratchAt(input, at).getBigInt64(0);
}

/** The unsigned hyper at a position. */
export function uhyperAt(input: XdrInput, at: number): bigint {
  return scratchAt(input, at).getBigUint64(0);
}

/** An int (RFC 4506 §4.1). */
export function readInt(input: XdrInput): number {
  const { at, bytes } = input;
  if (input.end - at < 4) {
    truncated(input, 4);
    return 0;
  }
  input.at = at + 4;
  return int32At(bytes, at);
}

/** An unsigned int (RFC 4506 §4.2). */
export function readUint(input: XdrInput): number {
  return unsigned(readInt(input));
}

/** A hyper (RFC 4506 §4.5). */
export function readHyper(input: XdrInput): bigint {
  const at = take(input, 8);
  return at < 0 ? 0n : hyperAt(input, at);
}

/** An unsigned hyper (RFC 4506 §4.5). */
export function readUhyper(input: XdrInput): bigint {
  const at = take(input, 8);
  return at < 0 ? 0n : uhyperAt(input, at);
}

/** A hyper as a number. */
export function readSafeHyper(input: XdrInput): number {
  const at = take(input, 8);
  return at < 0 ? 0 : safeHyper(input, int32At(input.bytes, at), at);
}

/** An unsigned hyper as a number. */
export function readSafeUhyper(input: XdrInput): number {
  const at = take(input, 8);
  return at < 0 ? 0 : safeHyper(input, uint32At(input.bytes, at), at);
}

function safeHyper(input: XdrInput, high: number, at: number): number {
  const low = uint32At(input.bytes, at + 4);
  const value = high * 0x1_0000_0000 + low;
  if (Number.isSafeInteger(value)) return value;
  const exact = (BigInt(high) << 32n) | BigInt(low);
  return refuse(input, "unsafe-integer", at, "# is not a safe integer", exact);
}

/** A float (RFC 4506 §4.6). */
export function readFloat(input: XdrInput): number {
  SCRATCH.setInt32(0, readInt(input));
  return SCRATCH.getFloat32(0);
}

/** A double (RFC 4506 §4.7). */
export function readDouble(input: XdrInput): number {
  const at = take(input, 8);
  return at < 0 ? 0 : scratchAt(input, at).getFloat64(0);
}

/** A bool (RFC 4506 §4.4). */
export function readBool(input: XdrInput): boolean {
  const value = readInt(input);
  if (value >>> 0 > 1) return refuse(input, "bad-bool", input.at - 4, "a bool is 0 or 1, not #", value >>> 0);
  return value === 1;
}

/** A number that must be `value`. */
export function readConstant<N extends number>(input: XdrInput, value: N): N {
  const found = value < 0 ? readInt(input) : readUint(input);
  if (found === value || input.failed) return value;
  return refuse(input, "wrong-constant", input.at - 4, "expected @, got #", found, value);
}

/**
 * A length or count, which may be at most `maximum`. Each unit takes at least `unit` bytes, and as many must be left.
 */
export function readLength(input: XdrInput, maximum: number, unit: number): number {
  const length = readUint(input);
  // A product of two such numbers is exact where it matters: below 2^53, far more than there can be bytes.
  if (length > maximum || length * unit > input.end - input.at) return lengthFault(input, length, maximum, unit);
  return length;
}

function lengthFault(input: XdrInput, length: number, maximum: number, unit: number): number {
  const at = input.at - 4;
  if (length > maximum) {
    return refuse(input, "length-over-maximum", at, "length # is over the maximum of @", length, maximum);
  }
  const needs = length * unit - (input.end - input.at);
  return refuse(input, "length-over-input", at, "length # exceeds the bytes left", length, 0, needs);
}

/** The bool before an element of a list. Refuses one more element than `maximum`. */
export function readNext(input: XdrInput, count: number, maximum: number): boolean {
  const next = readBool(input);
  if (!next || count < maximum) return next;
  const at = input.at - 4;
  return refuse(input, "length-over-maximum", at, "length # is over the maximum of @", count + 1, maximum);
}

/** Whether there are only zeros in a place. */
function isPadding({ bytes, strict }: XdrInput, from: number, to: number): boolean {
  let at = from;
  while (at < to && bytes[at] === 0) at += 1;
  return at === to || !strict;
}

/** Refuses data of `length` bytes or their padding. */
function paddedFault<T>(input: XdrInput, length: number): T {
  const { at, bytes, end } = input;
  let last = at + length;
  const next = last + (-length & 3);
  if (length > end - at) return truncated(input, length);
  if (next > end) return truncated(input, next - last, last);
  while (bytes[last] === 0) last += 1;
  return refuse(input, "nonzero-padding", last, "padding must be zero, not #", bytes[last]);
}

/**
 * In bytes: opaque data up to this length are copied. In JavaScriptCore a copy of so few bytes takes half as long as a
 * view; in V8 it takes twice as long (`bun bench --only xdr`).
 */
const SHORT = "Bun" in globalThis ? 64 : 0;

/**
 * Opaque data of `length` bytes (RFC 4506 §4.9): a view of the input, or a copy where that is faster. It moves past the
 * data itself, since V8 would not inline two more calls.
 */
export function readFixedOpaque(input: XdrInput, length: number): Uint8Array {
  const { at, bytes } = input;
  const end = at + length;
  const next = end + (-length & 3);
  if (next > input.end || (next > end && !isPadding(input, end, next))) return paddedFault(input, length);
  input.at = next;
  if (length <= SHORT) return shortCopy(bytes, at, length);
  input.buffer ??= bytes.buffer;
  return new Uint8Array(input.buffer, bytes.byteOffset + at, length);
}

function shortCopy(bytes: Uint8Array, at: number, length: number): Uint8Array {
  const copy = new Uint8Array(length);
  for (let i = 0; i < length; i += 1) copy[i] = bytes[at + i] as number;
  return copy;
}

/** Opaque data of variable length (RFC 4506 §4.10). */
export function readOpaque(input: XdrInput, maximum: number): Uint8Array {
  const length = readLength(input, maximum, 1);
  return input.failed ? (undefined as never) : readFixedOpaque(input, length);
}

/** Like {@link readFixedOpaque}, but always a copy. */
export function readFixedOpaqueCopy(input: XdrInput, length: number): Uint8Array {
  const data = readFixedOpaque(input, length);
  return input.failed || length <= SHORT ? data : data.slice();
}

/** Like {@link readOpaque}, but always a copy. */
export function readOpaqueCopy(input: XdrInput, maximum: number): Uint8Array {
  const length = readLength(input, maximum, 1);
  return input.failed ? (undefined as never) : readFixedOpaqueCopy(input, length);
}

/** Makes opaque data the end of the input, so that a value in it can be read. Returns the end before. */
export function openNested(input: XdrInput, bound: number, exact: boolean): number {
  const { end } = input;
  const length = exact ? bound : readLength(input, bound, 1);
  if (exact && length > end - input.at) truncated(input, length);
  if (input.failed) return end;
  input.end = input.at + length;
  input.enclosed += 1;
  return end;
}

/** Checks that the value took up all of the opaque data. Values of XDR need no padding behind them. */
export function closeNested(input: XdrInput, end: number): void {
  finish(input);
  if (input.failed) return;
  input.end = end;
  input.enclosed -= 1;
}

/** A string (RFC 4506 §4.11) as text. */
export function readString(input: XdrInput, maximum: number): string {
  const { at } = input;
  const text = readText(input, maximum);
  return text === undefined && !input.failed
    ? refuse(input, "bad-utf8", at, "the string is not UTF-8")
    : (text as string);
}

/** A string as text, or as bytes if they are not UTF-8. */
export function readStringOrBytes(input: XdrInput, maximum: number): string | Uint8Array {
  return readEither(input, maximum, readOpaque);
}

/** Like {@link readStringOrBytes}, but bytes are always a copy. */
export function readStringOrBytesCopy(input: XdrInput, maximum: number): string | Uint8Array {
  return readEither(input, maximum, readOpaqueCopy);
}

function readEither(
  input: XdrInput,
  maximum: number,
  readBytes: (input: XdrInput, maximum: number) => Uint8Array,
): string | Uint8Array {
  const { at } = input;
  const text = readText(input, maximum);
  if (text !== undefined || input.failed) return text as string;
  input.at = at;
  return readBytes(input, maximum);
}

/** A string as text, or `undefined` if it is not UTF-8 or there is none. */
function readText(input: XdrInput, maximum: number): string | undefined {
  const length = readLength(input, maximum, 1);
  const { at } = input;
  const end = at + length;
  const next = end + (-length & 3);
  if (input.failed) return undefined;
  if (next > input.end || (next > end && !isPadding(input, end, next))) return paddedFault(input, length);
  input.at = next;
  return decodeUtf8(input.bytes, at, length);
}
