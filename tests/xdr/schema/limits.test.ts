// No input makes a type allocate more than a small multiple of its size, loop for long, or go deep.
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import {
  array,
  bool,
  int,
  list,
  MAX_LENGTH,
  optional,
  struct,
  transform,
  union,
  voidType,
} from "../../../src/xdr/index.ts";
import { BEGIN, END, greedy, LARGE, UNBOUNDED } from "./limits.ts";

const PROGRAM = join(import.meta.dir, "limits.ts");
/** What a process takes for itself meanwhile: garbage that is not collected yet, code that is compiled. */
const ASIDE = 64 * 2 ** 20;
/** An empty Uint8Array, which four bytes can ask for, is the largest of what there is to ask for. */
const TIMES = 64;
const LIMIT_MS = 60_000;

/** Runs a case in a process of its own. */
async function measured(name: string): Promise<{ grown: number; collections: number }> {
  const child = Bun.spawn([process.execPath, PROGRAM, name], {
    env: { ...process.env, BUN_JSC_logGC: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, log, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(log);
  const during = log.slice(log.indexOf(BEGIN), log.indexOf(END));
  return { grown: Number(out), collections: during.match(/=> (Eden|Full)Collection/g)?.length ?? 0 };
}

test(
  "encodeInto allocates nothing: half a million calls make no garbage to collect, as half a million of encode do",
  async () => {
    const found = await Promise.all(["encodeInto", "encodeInto, long", "encode"].map(measured));
    const [short, long, encode] = found.map(({ collections }) => collections);
    expect([short, long]).toEqual([0, 0]);
    expect(encode).toBeGreaterThan(5);
  },
  LIMIT_MS,
);

test(
  "a hundred thousand short inputs that ask for as much as they can cost no more than their refusals",
  async () => {
    const { grown, collections } = await measured("greedy and short");
    expect(grown).toBeLessThan(ASIDE);
    expect(collections).toBeLessThan(400);
  },
  LIMIT_MS,
);

test(
  "inputs of 1 MiB that ask for as much as they can cost a small multiple of that",
  async () => {
    const { grown } = await measured("greedy and long");
    expect(grown).toBeLessThan(TIMES * LARGE + ASIDE);
  },
  LIMIT_MS,
);

describe("what there is to do is bounded by the size of the input:", () => {
  /** A type that counts how often its values are read. */
  function counted() {
    const counter = { count: 0 };
    const decode = (value: number) => {
      counter.count += 1;
      return value;
    };
    return { counter, type: transform(int, { decode, encode: Number }) };
  }

  test("no element is read more often than there is a word for it", () => {
    const { counter, type } = counted();
    const types = [
      array(type, MAX_LENGTH),
      list(type, MAX_LENGTH),
      array(struct({ none: voidType, n: type }), MAX_LENGTH),
      array(array(type, MAX_LENGTH), MAX_LENGTH),
      array(optional(type), MAX_LENGTH),
      array(union("d", type, {}, voidType), MAX_LENGTH),
    ];
    for (const size of [4, 8, 400, 4000]) {
      for (const bytes of greedy(size)) {
        for (const each of types) {
          counter.count = 0;
          each.tryDecode(bytes);
          expect(counter.count).toBeLessThanOrEqual(size / 4);
        }
      }
    }
  });

  test("a count of 2^32 - 1 is refused before any element is read", () => {
    const { counter, type } = counted();
    const bytes = new Uint8Array(4000).fill(255);
    expect(array(type, MAX_LENGTH).tryDecode(bytes)).toMatchObject({ code: "length-over-input", offset: 0 });
    expect(array(array(bool, 9), MAX_LENGTH - 1).tryDecode(bytes)).toMatchObject({ code: "length-over-maximum" });
    expect(counter.count).toBe(0);
  });

  test("no input goes deeper than maxDepth", () => {
    let deep = 0;
    for (const [name, type] of Object.entries(UNBOUNDED)) {
      for (const bytes of greedy(40_000)) {
        const result = type.tryDecode(bytes);
        if (result.ok || result.code !== "too-deep") continue;
        expect(name).toBe("tree");
        expect(result.offset).toBe(2000);
        deep += 1;
      }
    }
    expect(deep).toBeGreaterThan(0);
  });
});
