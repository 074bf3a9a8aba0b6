import { checkBytes, isAttached, isBytes, isInt32, isUint32, typeName, UINT32 } from "./check.ts";
import { type Cursor, type Part, pathText } from "./cursor.ts";
import { encodeUtf8, utf8Length } from "./utf8.ts";

/** In bytes: enough for a typical packet. A longer value doubles the size until it fits. */
const INITIAL_SIZE = 256;

/**
 * The output is copied in chunks of this many bytes, through views. The rest is shorter, and faster to copy byte by
 * byte.
 */
const CHUNK_SIZE = 128;

/** Why a value is rejected. */
export interface Rejection {
  /** The class of the error: a wrong type, or a wrong value. */
  readonly Kind: typeof TypeError | typeof RangeError;
  readonly message: string;
  readonly cause?: unknown;
  readonly path: Part[];
}

/**
 * The bytes that a value is written to. Functions that write check the value; if it is wrong, they call {@link reject},
 * which sets `failed`.
 */
export class XdrOutput implements Cursor {
  bytes: Uint8Array;
  view: DataView;
  at = 0;
  depth = 0;
  maxDepth: number;
  failed: Rejection | undefined = undefined;
  readonly grows: boolean;
  /** Whether the program has access to `bytes`: then a value may be a part of them. */
  readonly shared: boolean;
  /** Views of `bytes`, cached so that copying allocates nothing. */
  chunks: Uint8Array[] = [];

  /** Without a target, the output has bytes of its own, which grow as needed. */
  constructor(maxDepth: number, target?: Uint8Array, shared = false) {
    if (target) checkBytes("target", target);
    // A subclass may override `subarray` and `set`, as Node's Buffer does.
    this.bytes = target
      ? new Uint8Array(target.buffer, target.byteOffset, target.length)
      : new Uint8Array(INITIAL_SIZE);
    this.view = viewOf(this.bytes);
    this.maxDepth = maxDepth;
    this.grows = !target;
    this.shared = shared;
  }
}

function viewOf({ buffer, byteOffset, length }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, length);
}

/** Rejects the value. The caller adds the path to the message. */
export function reject(output: XdrOutput, Kind: Rejection["Kind"], message: string, cause?: unknown): void {
  output.failed = { Kind, message, cause, path: [] };
}

/** Rejects a value: a TypeError if it is not of type `kind`, else a RangeError. */
function rejectValue(output: XdrOutput, name: string, value: unknown, kind: string, expected: string): void {
  if (typeof value !== kind) {
    rejectType(output, name, value, `a ${kind}`);
    return;
  }
  reject(output, RangeError, `${name}: expected ${expected}, got ${value}`);
}

function rejectType(output: XdrOutput, name: string, value: unknown, expected: string): void {
  reject(output, TypeError, `${name}: expected ${expected}, got ${typeName(value)}`);
}

/** Whether a value may nest no deeper. Rejects it if so. */
export function isTooDeep(output: XdrOutput): boolean {
  if (output.depth < output.maxDepth) return false;
  reject(output, RangeError, `nested deeper than the maxDepth of ${output.maxDepth}: is it a cycle?`);
  return true;
}

/** Rejects a number that an enum does not have. */
export function rejectEnum(output: XdrOutput, value: unknown): void {
  rejectValue(output, "enum", value, "number", "one of its values");
}

/** Rejects a discriminant for which a union has no arm. */
export function rejectArm(output: XdrOutput, value: unknown): void {
  reject(output, RangeError, `the union has no arm for ${value}`);
}

/** The error for a rejection, with the path in front of its message. */
export function writeErrorOf({ Kind, message, cause, path }: Rejection): Error {
  const prefix = pathText(path);
  return new Kind(prefix ? `${prefix}: ${message}` : message, { cause });
}

/** Makes room for `size` bytes, moves past them, and returns the position before them. */
export function extend(output: XdrOutput, size: number): number {
  const { at } = output;
  if (size > output.bytes.length - at) grow(output, size);
  output.at = at + size;
  return at;
}

function grow(output: XdrOutput, size: number): void {
  const { at, bytes } = output;
  if (!output.grows) {
    if (!isAttached(bytes)) throw new TypeError("target: its buffer is detached");
    doesNotFit(size, bytes.length - at);
  }
  let capacity = bytes.length * 2;
  while (capacity - at < size) capacity *= 2;
  const grown = new Uint8Array(capacity);
  grown.set(bytes.subarray(0, at));
  output.bytes = grown;
  output.chunks = [];
  output.view = viewOf(grown);
}

function doesNotFit(size: number, left: number): never {
  throw new RangeError(`target: ${size} more bytes do not fit in the ${left} left`);
}

/** Copies the bytes written so far to `target`. */
export function copyTo(output: XdrOutput, target: Uint8Array, offset: number): void {
  const { at, bytes, chunks } = output;
  // A function of the program may have given it away meanwhile.
  checkBytes("target", target);
  if (at > target.length - offset) doesNotFit(at, target.length - offset);
  let done = 0;
  for (let i = 0; done + CHUNK_SIZE <= at; i += 1, done += CHUNK_SIZE) {
    chunks[i] ??= bytes.subarray(done, done + CHUNK_SIZE);
    target.set(chunks[i] as Uint8Array, offset + done);
  }
  for (; done < at; done += 1) target[offset + done] = bytes[done] as number;
}

// Each function below calls `extend` before it reads `output.view`: if the output grows, it has a new view.

/** A word that needs no check: a count or a discriminant. */
export function writeWord(output: XdrOutput, word: number): void {
  const at = extend(output, 4);
  putWord(output.bytes, at, word);
}

// JavaScriptCore stores four bytes faster than one word through a DataView. In V8 they cost the same.
function putWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}

/** An int (RFC 4506 §4.1). */
export function writeInt(output: XdrOutput, value: number): void {
  if (isInt32(value)) writeWord(output, value);
  else rejectValue(output, "int", value, "number", "an integer, -2^31 to 2^31 - 1");
}

/** An unsigned int (RFC 4506 §4.2). */
export function writeUint(output: XdrOutput, value: number): void {
  if (isUint32(value)) writeWord(output, value);
  else rejectValue(output, "uint", value, "number", UINT32);
}

/** A hyper (RFC 4506 §4.5). */
export function writeHyper(output: XdrOutput, value: bigint): void {
  if (typeof value !== "bigint" || BigInt.asIntN(64, value) !== value) {
    rejectValue(output, "hyper", value, "bigint", "-2^63 to 2^63 - 1");
    return;
  }
  const at = extend(output, 8);
  output.view.setBigInt64(at, value);
}

/** An unsigned hyper (RFC 4506 §4.5). */
export function writeUhyper(output: XdrOutput, value: bigint): void {
  if (typeof value !== "bigint" || BigInt.asUintN(64, value) !== value) {
    rejectValue(output, "uhyper", value, "bigint", "0 to 2^64 - 1");
    return;
  }
  const at = extend(output, 8);
  output.view.setBigUint64(at, value);
}

/** A hyper from a number. */
export function writeSafeHyper(output: XdrOutput, value: number): void {
  if (!Number.isSafeInteger(value)) {
    rejectValue(output, "hyper", value, "number", "a safe integer");
    return;
  }
  writeWord(output, Math.floor(value / 0x1_0000_0000));
  writeWord(output, value);
}

/** An unsigned hyper from a number. */
export function writeSafeUhyper(output: XdrOutput, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    rejectValue(output, "uhyper", value, "number", "a safe integer, 0 or greater");
    return;
  }
  writeSafeHyper(output, value);
}

/** A float (RFC 4506 §4.6). */
export function writeFloat(output: XdrOutput, value: number): void {
  if (typeof value !== "number" || (Number.isFinite(value) && !Number.isFinite(Math.fround(value)))) {
    rejectValue(output, "float", value, "number", "a number within single precision");
    return;
  }
  const at = extend(output, 4);
  output.view.setFloat32(at, value);
}

/** A double (RFC 4506 §4.7). */
export function writeDouble(output: XdrOutput, value: number): void {
  if (typeof value !== "number") {
    rejectType(output, "double", value, "a number");
    return;
  }
  const at = extend(output, 8);
  output.view.setFloat64(at, value);
}

/** A bool (RFC 4506 §4.4). */
export function writeBool(output: XdrOutput, value: boolean): void {
  if (typeof value !== "boolean") {
    rejectType(output, "bool", value, "a boolean");
    return;
  }
  writeWord(output, value ? 1 : 0);
}

/** A number that must be `expected`. */
export function writeConstant(output: XdrOutput, value: number, expected: number): void {
  if (value !== expected) {
    rejectValue(output, "constant", value, "number", `${expected}`);
    return;
  }
  writeWord(output, expected);
}

/** Void (RFC 4506 §4.16): no bytes. */
export function writeVoid(output: XdrOutput, value: undefined): void {
  if (value !== undefined) rejectType(output, "void", value, "undefined");
}

/** Whether the value is an object. Rejects it if not. */
export function isObject(output: XdrOutput, name: string, value: unknown): boolean {
  // Not `Object(value) === value`, which V8 does not inline.
  if ((typeof value === "object" && value !== null) || typeof value === "function") return true;
  rejectType(output, name, value, "an object");
  return false;
}

/** A property of `value`. What all objects inherit, such as `constructor`, is none. */
export function own<V extends object, K extends keyof V>(value: V, name: K): V[K] {
  return name in Object.prototype && !Object.hasOwn(value, name) ? (undefined as never) : value[name];
}

/** Rejects a length that is over its maximum or, if `exact`, differs from it. */
function checkLength(output: XdrOutput, name: string, length: number, bound: number, exact: boolean): void {
  if (exact ? length === bound : length <= bound) return;
  reject(output, RangeError, `${name}: length ${length} is ${exact ? "not" : "over the maximum of"} ${bound}`);
}

/** The number of elements to write. Read only once: a function of the program may change the array meanwhile. */
export function countOf(
  output: XdrOutput,
  name: string,
  values: readonly unknown[],
  bound: number,
  exact: boolean,
): number {
  if (!Array.isArray(values)) {
    rejectType(output, name, values, "an array");
    return 0;
  }
  const { length } = values;
  if (!isTooDeep(output)) checkLength(output, name, length, bound, exact);
  return output.failed ? 0 : length;
}

/** Whether the value can be written as opaque data. Rejects it if not. */
function isOpaque(output: XdrOutput, value: Uint8Array, bound: number, exact: boolean): boolean {
  if (value instanceof Uint8Array && value.length > 0 && (exact ? value.length === bound : value.length <= bound)) {
    return true;
  }
  if (!isBytes(value)) rejectType(output, "opaque", value, "a Uint8Array");
  else if (!isAttached(value)) reject(output, TypeError, "opaque: its buffer is detached");
  else checkLength(output, "opaque", value.length, bound, exact);
  return !output.failed;
}

/** The least length of opaque data that `set` copies faster than a loop (`bun bench --only xdr`). */
const LONG = 24;

/** Opaque data of `length` bytes (RFC 4506 §4.9). */
export function writeFixedOpaque(output: XdrOutput, value: Uint8Array, length: number): void {
  if (!isOpaque(output, value, length, true)) return;
  const at = extend(output, length + (-length & 3));
  copyIn(output, at, value, length);
}

/** Opaque data of variable length (RFC 4506 §4.10). */
export function writeOpaque(output: XdrOutput, value: Uint8Array, maximum: number): void {
  if (!isOpaque(output, value, maximum, false)) return;
  const { length } = value;
  const at = extend(output, 4 + length + (-length & 3));
  // First of all: the value may be a part of the target, and lie where its own length or padding will be written.
  copyIn(output, at + 4, value, length);
  putWord(output.bytes, at, length);
}

/** Copies bytes and zeroes their padding: an earlier value may have left other bytes there. */
function copyIn({ bytes, shared }: XdrOutput, at: number, value: Uint8Array, length: number): void {
  if (length < LONG && !shared) {
    for (let i = 0; i < length; i += 1) bytes[at + i] = value[i] as number;
  } else {
    bytes.set(value, at);
  }
  if (length & 3) zeroPadding(bytes, at + length, length);
}

/** Zeroes the padding of `length` bytes, which starts at `end`. */
function zeroPadding(bytes: Uint8Array, end: number, length: number): void {
  for (let i = end + (-length & 3) - 1; i >= end; i -= 1) bytes[i] = 0;
}

/** Makes room for the length of opaque data, unless it is fixed. Returns where the data start. */
export function beginNested(output: XdrOutput, exact: boolean): number {
  if (!exact) extend(output, 4);
  return output.at;
}

/** Checks the length of the data that start at `start` and end here, and writes it in front of them. */
export function endNested(output: XdrOutput, start: number, bound: number, exact: boolean): void {
  const length = output.at - start;
  checkLength(output, "nested", length, bound, exact);
  if (!exact && !output.failed) output.view.setUint32(start - 4, length);
}

/** A string (RFC 4506 §4.11) from text. */
export function writeString(output: XdrOutput, value: string, maximum: number): void {
  if (typeof value !== "string") {
    rejectType(output, "string", value, "a string");
    return;
  }
  const length = utf8Length(value);
  if (length < 0) {
    reject(output, RangeError, "string: contains a lone surrogate");
    return;
  }
  checkLength(output, "string", length, maximum, false);
  if (output.failed) return;
  const at = extend(output, 4 + length + (-length & 3));
  output.view.setUint32(at, length);
  encodeUtf8(value, length, output.bytes, at + 4);
  zeroPadding(output.bytes, at + 4 + length, length);
}

/** A string from text or bytes. */
export function writeStringOrBytes(output: XdrOutput, value: string | Uint8Array, maximum: number): void {
  if (typeof value === "string") writeString(output, value, maximum);
  else if (isBytes(value)) writeOpaque(output, value, maximum);
  else rejectType(output, "string", value, "a string or a Uint8Array");
}
