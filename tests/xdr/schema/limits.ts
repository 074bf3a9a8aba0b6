/**
 * Measures memory in a process of its own: `bun limits.ts PATH CASE…`, where PATH is `generated` or `interpreted`, prints for each case how many bytes the process grew
 * during it, one per line. It prints BEGIN and END to standard error, so that the garbage collector's log in between belongs to the case.
 */
import { readFileSync } from "node:fs";
import {
  allowCodeGeneration,
  array,
  bool,
  enumType,
  fixedArray,
  hyper,
  int,
  lazy,
  list,
  MAX_LENGTH,
  nested,
  opaque,
  optional,
  string,
  struct,
  uhyper,
  uint,
  union,
  voidType,
  type XdrType,
} from "../../../src/xdr/index.ts";

export const BEGIN = "~~~ begin";
export const END = "~~~ end";
/** Enough calls to cause garbage collections if each one allocates as little as 16 bytes, the smallest allocation. */
const CALLS = 500_000;
export const LARGE = 2 ** 19;

const Kind = enumType({ A: 0, B: 1 });
const Record = struct({
  id: uhyper,
  name: string(64),
  kind: union("kind", Kind, { 0: voidType, 1: { value: int, far: hyper } }),
  key: opaque(64),
  sizes: array(uint, 16),
  next: optional(struct({ on: bool })),
  links: list(int, 9),
  data: opaque(1 << 15),
});
const RECORD = {
  id: 2n ** 64n - 1n,
  name: "zoë's file",
  kind: { kind: 1 as const, value: -1, far: -(2n ** 63n) },
  key: new Uint8Array(32),
  sizes: [1, 2 ** 31, 3],
  next: { on: true },
  links: [1, 2],
  data: new Uint8Array(0),
};

interface Tree {
  readonly children: Tree[];
}

interface Nest {
  readonly next: Nest | null;
}

/** Types whose maximum is 2^32 - 1, by name. New ones with each call, since types keep the path on which they run. */
export function unbounded(): { readonly [name: string]: XdrType<unknown> } {
  const Tree: XdrType<Tree> = struct({
    children: array(
      lazy(() => Tree),
      MAX_LENGTH,
    ),
  });
  const Nest: XdrType<Nest> = struct({
    next: nested(opaque(MAX_LENGTH), optional(lazy(() => Nest))),
  });
  return {
    opaque: opaque(MAX_LENGTH),
    string: string(MAX_LENGTH),
    "string or bytes": string(MAX_LENGTH, { as: "either" }),
    "array of bool": array(bool, MAX_LENGTH),
    "array of opaque": array(opaque(MAX_LENGTH), MAX_LENGTH),
    "array of unions": array(union("d", int, {}, voidType), MAX_LENGTH),
    "array of structs": array(struct({ nothing: voidType, n: int }), MAX_LENGTH),
    "array of lazy structs": array(
      lazy(() => struct({ nothing: voidType, n: int })),
      MAX_LENGTH,
    ),
    "array of arrays": array(array(array(int, MAX_LENGTH), MAX_LENGTH), MAX_LENGTH),
    "fixed array": fixedArray(fixedArray(int, MAX_LENGTH), MAX_LENGTH),
    "list of nothing": list(voidType, MAX_LENGTH),
    "list of lists": list(list(voidType, MAX_LENGTH), MAX_LENGTH),
    "optional of an array": array(optional(array(int, MAX_LENGTH)), MAX_LENGTH),
    "array of nested data": array(nested(opaque(MAX_LENGTH), list(voidType, MAX_LENGTH)), MAX_LENGTH),
    tree: Tree,
    "nested data that contain themselves": Nest,
  };
}

/** `size` bytes: a count, then one word repeated. */
function words(count: number, word: number, size: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(size));
  for (let at = 0; at < size; at += 4) view.setUint32(at, word);
  view.setUint32(0, count);
  return new Uint8Array(view.buffer);
}

/**
 * Inputs of `size` bytes that request as much as possible: many empty elements, many long ones, great depth, long data.
 */
export function greedy(size: number): Uint8Array[] {
  const most = size / 4 - 1;
  return [MAX_LENGTH, most, 1].flatMap((count) => [0, 1, 2, most, MAX_LENGTH].map((word) => words(count, word, size)));
}

/** Each case prepares its input, and returns the function to measure. */
const CASES: { readonly [name: string]: () => () => void } = {
  encodeInto() {
    const target = new Uint8Array(1 << 16);
    return () => repeat(CALLS, () => Record.encodeInto(RECORD, target, 8));
  },
  "encodeInto, long"() {
    const target = new Uint8Array(1 << 16);
    const value = { ...RECORD, data: new Uint8Array(1 << 14) };
    return () => repeat(CALLS / 5, () => Record.encodeInto(value, target));
  },
  encode: () => () => repeat(CALLS, () => Record.encode(RECORD)),
  "greedy and short"() {
    const list = [4, 8, 40].flatMap(greedy);
    const types = Object.values(unbounded());
    return () =>
      repeat(CALLS / 10 / list.length / types.length, () => {
        for (const type of types) for (const bytes of list) type.tryDecode(bytes);
      });
  },
  "greedy and long"() {
    const list = greedy(LARGE);
    const types = Object.values(unbounded());
    return () => {
      for (const type of types) {
        for (const bytes of list) {
          const result = type.tryDecode(bytes);
          // What is refused soon has allocated little.
          if (!result.ok && result.offset < 5000) continue;
          // So that the peak is that of a single input.
          Bun.gc(true);
        }
      }
    };
  },
};

/**
 * The peak resident memory of the process in bytes. On Linux, `resourceUsage` starts with the peak of the parent
 * process.
 */
function peak(): number {
  if (process.platform !== "linux") return process.resourceUsage().maxRSS * 1024;
  const status = readFileSync("/proc/self/status", "latin1");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)![1]) * 1024;
}

function repeat(times: number, run: () => unknown): void {
  for (let i = 0; i < times; i += 1) run();
}

if (import.meta.main) {
  const [, , path, ...names] = process.argv;
  allowCodeGeneration(path === "generated");
  // Warm up, so that compiled code and values created only once are not measured.
  const target = new Uint8Array(1 << 16);
  repeat(CALLS / 50, () => Record.encodeInto({ ...RECORD, data: new Uint8Array(1 << 14) }, target));
  for (const name of names) {
    const run = CASES[name]!();
    Bun.gc(true);
    const before = process.memoryUsage.rss();
    console.error(BEGIN);
    run();
    console.error(END);
    console.log(peak() - before);
  }
}
