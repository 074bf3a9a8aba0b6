import { checkUint32, refuse, wrongKind } from "./check.ts";
import type { Input } from "./input.ts";
import { ops } from "./ops.ts";
import type { Output } from "./output.ts";

// Each write calls `output.take` before it reads `output.view`: if the output grows, it has a new view.

/** §4.1 */
export const INT = ops<number>(
  4,
  (input) => input.int32(input.take(4)),
  (output, value) => {
    if (typeof value !== "number" || (value | 0) !== value) {
      refuse("int", value, "number", "an integer, -2^31 to 2^31 - 1");
    }
    const at = output.take(4);
    output.view.setInt32(at, value);
  },
);

/** §4.2 */
export const UINT = ops<number>(
  4,
  (input) => input.uint32(input.take(4)),
  (output, value) => {
    checkUint32("uint", value);
    const at = output.take(4);
    output.view.setUint32(at, value);
  },
);

/** §4.5 */
export const HYPER = ops<bigint>(
  8,
  (input) => input.view64(input.take(8)).getBigInt64(0),
  (output, value) => {
    if (typeof value !== "bigint" || BigInt.asIntN(64, value) !== value) {
      refuse("hyper", value, "bigint", "-2^63 to 2^63 - 1");
    }
    const at = output.take(8);
    output.view.setBigInt64(at, value);
  },
);

/** §4.5 */
export const UHYPER = ops<bigint>(
  8,
  (input) => input.view64(input.take(8)).getBigUint64(0),
  (output, value) => {
    if (typeof value !== "bigint" || BigInt.asUintN(64, value) !== value) {
      refuse("uhyper", value, "bigint", "0 to 2^64 - 1");
    }
    const at = output.take(8);
    output.view.setBigUint64(at, value);
  },
);

/** §4.6 */
export const FLOAT = ops<number>(
  4,
  (input) => input.float32(input.take(4)),
  (output, value) => {
    if (typeof value !== "number" || (Number.isFinite(value) && !Number.isFinite(Math.fround(value)))) {
      refuse("float", value, "number", "a number within single precision");
    }
    const at = output.take(4);
    output.view.setFloat32(at, value);
  },
);

/** §4.7 */
export const DOUBLE = ops<number>(
  8,
  (input) => input.view64(input.take(8)).getFloat64(0),
  (output, value) => {
    if (typeof value !== "number") refuse("double", value, "number", "");
    const at = output.take(8);
    output.view.setFloat64(at, value);
  },
);

/** §4.4 */
export const BOOL = ops<boolean>(
  4,
  (input) => {
    const value = input.uint32(input.need(4));
    if (value > 1) input.fail("bad-bool", input.at, `a bool is 0 or 1, not ${value}`);
    input.at += 4;
    return value === 1;
  },
  (output, value) => {
    if (typeof value !== "boolean") refuse("bool", value, "boolean", "");
    const at = output.take(4);
    output.view.setUint32(at, value ? 1 : 0);
  },
);

/** §4.16 */
export const VOID = ops<undefined>(
  0,
  () => undefined,
  (_, value) => {
    if (value !== undefined) wrongKind("void", value, "undefined");
  },
);

/** §4.3 */
export function readEnum<E extends number>(input: Input, allowed: ReadonlySet<E>): E {
  const value = input.int32(input.need(4)) as E;
  if (!allowed.has(value)) input.fail("unknown-enum", input.at, `the enum has no value ${value}`);
  input.at += 4;
  return value;
}

/** §4.3 */
export function writeEnum<E extends number>(output: Output, value: E, allowed: ReadonlySet<E>): void {
  if (typeof value !== "number" || !allowed.has(value)) {
    refuse("enum", value, "number", "one of its values");
  }
  INT.write(output, value);
}
