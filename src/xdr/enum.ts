import type { Lines, Ops } from "./ops.ts";
import { isInt32 } from "./runtime/check.ts";
import { readInt, unknownEnum, type XdrInput } from "./runtime/input.ts";
import { rejectEnum, writeWord, type XdrOutput } from "./runtime/output.ts";

/** §4.3 */
export function readEnum<E extends number>(input: XdrInput, isMember: (value: number) => boolean): E {
  const value = readInt(input);
  if (isMember(value)) return value as E;
  return unknownEnum(input, value);
}

/** §4.3 */
export function writeEnum(output: XdrOutput, value: number, isMember: (value: number) => boolean): void {
  if (isInt32(value) && isMember(value)) writeWord(output, value);
  else rejectEnum(output, value);
}

/** A statement that runs if `value` is a member. */
function ifMember(members: ReadonlySet<number>, before: string, statement: string): Lines {
  // The values of most enums follow one another.
  const ranges: [first: number, last: number][] = [];
  for (const value of [...members].sort((a, b) => a - b)) {
    const range = ranges.at(-1);
    if (range !== undefined && range[1] === value - 1) range[1] = value;
    else ranges.push([value, value]);
  }
  const tests = ranges.map(([first, last]) => {
    if (first === last) return `value === ${first}`;
    return `${ranges.length === 1 ? "" : "("}value >= ${first} && value <= ${last}${ranges.length === 1 ? "" : ")"}`;
  });
  const single = `if (${before}${tests[0]}) ${statement}`;
  if (tests.length < 2) return [tests.length === 0 ? "" : single];
  const [open, close] = before === "" ? ["", ""] : ["(", ")"];
  return [`if (${before}${open}`, [tests.join(" || ")], `${close}) ${statement}`];
}

/** §4.3 */
export function enumOps<E extends number>(allowed: ReadonlySet<E>): Ops<E> {
  const isMember = (value: number) => allowed.has(value as E);
  return {
    minimum: () => 4,
    read: (input) => readEnum(input, isMember),
    write: (output, value) => writeEnum(output, value, isMember),
    source: {
      read: (emitter) => [
        `const value = ${emitter.use("readInt", readInt)}(input);`,
        ...ifMember(allowed, "", `return value${emitter.type((own) => ` as ${own}`)};`),
        `return ${emitter.use("unknownEnum", unknownEnum)}(input, value);`,
      ],
      write: (emitter) => [
        ...ifMember(
          allowed,
          `${emitter.use("isInt32", isInt32)}(value) && `,
          `${emitter.use("writeWord", writeWord)}(output, value);`,
        ),
        `else ${emitter.use("rejectEnum", rejectEnum)}(output, value);`,
      ],
    },
  };
}
