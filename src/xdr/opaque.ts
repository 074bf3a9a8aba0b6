import { checkBytes, checkLength, checkUint32, refuse } from "./check.ts";
import type { Input } from "./input.ts";
import type { Output } from "./output.ts";
import { readUtf8, temporaryView, utf8Length, writeUtf8 } from "./utf8.ts";

/** §4.9, §4.10. If `exact`, the length is `bound`; else it is read from the input, and may be at most `bound`. */
export function readOpaque(input: Input, bound: number, exact: boolean): Uint8Array {
  if (exact) checkUint32("length", bound);
  const length = exact ? bound : input.length(bound, 1);
  const at = exact ? input.need(bound) : input.at + 4;
  input.takePadded(at, length);
  return input.view(at, length);
}

/** §4.9, §4.10 */
export function writeOpaque(output: Output, value: Uint8Array, bound: number, exact: boolean): void {
  checkBytes("opaque", value);
  const { length } = value;
  checkLength("opaque", length, bound, exact);
  const prefix = exact ? 0 : 4;
  const at = output.takePadded(prefix, length);
  // First of all: the value may be a part of the target, and lie where its own length or padding will be written.
  output.bytes.set(value, at + prefix);
  output.pad(length);
  if (!exact) output.view.setUint32(at, length);
}

/** §4.11 */
export function readString(input: Input, maximum: number): string {
  const start = input.at;
  const length = input.length(maximum, 1);
  input.takePadded(start + 4, length);
  const text = readUtf8(temporaryView(input.bytes, start + 4, length));
  if (text !== undefined) return text;
  input.at = start;
  return input.fail("bad-utf8", start, "the string is not UTF-8");
}

/** §4.11 */
export function writeString(output: Output, value: string, maximum: number): void {
  if (typeof value !== "string") refuse("string", value, "string", "");
  const length = utf8Length(value);
  if (length < 0) {
    throw new RangeError("string: contains a lone surrogate");
  }
  checkLength("string", length, maximum, false);
  const at = output.takePadded(4, length);
  output.view.setUint32(at, length);
  writeUtf8(value, length, output.bytes, at + 4);
  output.pad(length);
}
