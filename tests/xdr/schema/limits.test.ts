// Whatever the input, decoding allocates at most a small multiple of its size, and its loops and its depth are limited.
import { expect, test } from "bun:test";
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
import { TEST_LIMIT_MS } from "../../support/time-limits.ts";
import { BEGIN, END, greedy, LARGE, unbounded } from "./limits.ts";
import { describePaths, PATHS, type Path } from "./paths.ts";

const PROGRAM = join(import.meta.dir, "limits.ts");
/** In bytes: memory that the process uses besides the values, for uncollected garbage and compiled code. */
const OVERHEAD = 32 * 2 ** 20;
/**
 * The most bytes allocated per byte of input. The worst case is an empty Uint8Array, which takes four bytes of input.
 */
const MULTIPLE = 64;

/**
 * Runs cases of limits.ts, one after the other in a process of its own. Returns the growth in bytes and the garbage collections of each.
 * The growth is only right for the first case: it is that of the process's peak.
 */
async function measured(path: Path, ...names: string[]): Promise<{ grown: number; collections: number }[]> {
  const child = Bun.spawn([process.execPath, PROGRAM, path, ...names], {
    env: { ...process.env, BUN_JSC_logGC: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, log, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(log);
  const grown = out.trim().split("\n").map(Number);
  // The text before the first BEGIN belongs to no case.
  const logs = log.split(BEGIN).slice(1);
  expect([grown.length, logs.length]).toEqual([names.length, names.length]);
  return logs.map((text, i) => {
    const during = text.slice(0, text.indexOf(END));
    return { grown: grown[i]!, collections: during.match(/=> (Eden|Full)Collection/g)?.length ?? 0 };
  });
}

test(
  "encodeInto allocates nothing: half a million calls cause no garbage collection, while those of encode do",
  async () => {
    const [generated, interpreted] = await Promise.all([
      measured("generated", "encodeInto", "encodeInto, long", "encode"),
      measured("interpreted", "encodeInto"),
    ]);
    const [short, long, encode] = generated.map(({ collections }) => collections);
    expect([short, long, interpreted[0]!.collections]).toEqual([0, 0, 0]);
    expect(encode).toBeGreaterThan(5);
  },
  TEST_LIMIT_MS,
);

test(
  "a hundred thousand short inputs with excessive lengths allocate no more than what describes them",
  async () => {
    for (const [result] of await Promise.all(PATHS.map((path) => measured(path, "greedy and short")))) {
      const { grown, collections } = result!;
      expect(grown).toBeLessThan(OVERHEAD);
      expect(collections).toBeLessThan(400);
    }
  },
  TEST_LIMIT_MS,
);

test(
  "inputs of 256 KiB with excessive lengths allocate at most a small multiple of 256 KiB",
  async () => {
    for (const [result] of await Promise.all(PATHS.map((path) => measured(path, "greedy and long")))) {
      expect(result!.grown).toBeLessThan(MULTIPLE * LARGE + OVERHEAD);
    }
  },
  TEST_LIMIT_MS,
);

describePaths("the work of decoding is limited by the size of the input:", () => {
  /** A type, and a counter of how many of its values have been read. */
  function counted() {
    const counter = { count: 0 };
    const decode = (value: number) => {
      counter.count += 1;
      return value;
    };
    return { counter, type: transform(int, { decode, encode: Number }) };
  }

  test("at most one element is read per four bytes of input", () => {
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

  test("a count of 2^32 - 1 is rejected before any element is read", () => {
    const { counter, type } = counted();
    const bytes = new Uint8Array(4000).fill(255);
    expect(array(type, MAX_LENGTH).tryDecode(bytes)).toMatchObject({ code: "length-over-input", offset: 0 });
    expect(array(array(bool, 9), MAX_LENGTH - 1).tryDecode(bytes)).toMatchObject({ code: "length-over-maximum" });
    expect(counter.count).toBe(0);
  });

  test("no input nests deeper than maxDepth", () => {
    const deep = new Set<string>();
    for (const [name, type] of Object.entries(unbounded())) {
      for (const bytes of [...greedy(40_000), matryoshka(40_000)]) {
        const result = type.tryDecode(bytes);
        if (result.ok || result.code !== "too-deep") continue;
        expect(result.offset).toBe(name === "tree" ? 2000 : 4004);
        deep.add(name);
      }
    }
    expect([...deep]).toEqual(["tree", "nested data that contain themselves"]);
  });
});

/** Opaque data that contain `true` and opaque data, which contain `true` and so on. */
function matryoshka(size: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(size));
  for (let at = 0; at < size; at += 8) {
    view.setUint32(at, size - at - 4);
    view.setUint32(at + 4, 1);
  }
  return new Uint8Array(view.buffer);
}
