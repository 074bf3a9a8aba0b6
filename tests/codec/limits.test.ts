// No input makes the codec allocate more than a small multiple of its size, loop for a long time, or recurse deeply.

import { describe, expect, spyOn, test } from "bun:test";
import { join } from "node:path";
import { bytesFromHex, bytesToHex, createCodec, PacketFields } from "../../src/codec/index.ts";
import { announcement, ascii, NASTY_LENGTHS, query } from "../support/packets.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";
import { BEGIN, END, HUGE, HUGER, MANY } from "./limits.ts";

const PROGRAM = join(import.meta.dir, "limits.ts");
const MiB = 2 ** 20;
/** Memory that the process may use in addition: garbage that is not collected yet, and compiled code. */
const OVERHEAD = 48 * MiB;

interface Measured {
  /** Bytes by which the process grew. */
  readonly grown: number;
  /** Bytes by which the module's memory grew. */
  readonly memory: number;
  readonly collections: number;
}

/** Runs cases one after the other in a new process. `grown` is only right for the first one: it is that of the process's peak. */
async function measured(backend: string, ...names: string[]): Promise<Measured[]> {
  const child = Bun.spawn([process.execPath, PROGRAM, backend, ...names], {
    env: { ...process.env, BUN_JSC_logGC: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, log, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(log);
  const results = out.trim().split("\n");
  // The text before the first BEGIN belongs to no case.
  const logs = log.split(BEGIN).slice(1);
  expect([results.length, logs.length]).toEqual([names.length, names.length]);
  return logs.map((text, i) => {
    const during = text.slice(0, text.indexOf(END));
    return { ...JSON.parse(results[i]!), collections: during.match(/=> (Eden|Full)Collection/g)?.length ?? 0 };
  });
}

/** Runs one case in a new process. */
async function measuredAlone(backend: string, name: string): Promise<Measured> {
  return (await measured(backend, name))[0]!;
}

describe.each(["wasm", "ts"] as const)("on %s", (backend) => {
  /**
   * Checks that the wasm module did the work: then its memory, which has 2 pages at first, has grown for the packet.
   */
  function expectGrown(memory: number, size: number): void {
    expect(memory).toBeGreaterThanOrEqual(backend === "wasm" ? size - 2 * 65_536 : 0);
    expect(memory).toBeLessThanOrEqual(backend === "wasm" ? size : 0);
  }

  test(
    "a million calls of decodeInto, encodeInto or methods of a batch cause no garbage collection, but a million of decode do",
    async () => {
      const cases = ["decodeInto", "decodeInto, bad", "encodeInto", "encodeInto, longest", "batch", "decode"];
      const found = await measured(backend, ...cases);
      const collections = Object.fromEntries(found.map(({ collections }, i) => [cases[i], collections]));
      expect(collections).toEqual({
        decodeInto: 0,
        "decodeInto, bad": 0,
        encodeInto: 0,
        "encodeInto, longest": 0,
        batch: 0,
        decode: expect.any(Number),
      });
      expect(collections.decode).toBeGreaterThan(5);
    },
    TEST_LIMIT_MS,
  );

  test(
    "a length field of up to 2^32 - 1 causes no allocation and no loop before it is compared with the bytes left",
    async () => {
      // The case creates half a million results of a few words each. Allocating even one buffer of 2 GiB would cause a
      // collection, or fail.
      const { collections } = await measuredAlone(backend, "bad lengths");
      expect(collections).toBeLessThan(100);
    },
    TEST_LIMIT_MS,
  );

  test(
    "decoding bad packets of 16 MiB takes at most 16 MiB of memory, however many there are",
    async () => {
      const { grown, memory } = await measuredAlone(backend, "16 MiB, bad");
      expect(grown).toBeLessThan(HUGE + OVERHEAD);
      expectGrown(memory, HUGE);
    },
    TEST_LIMIT_MS,
  );

  test(
    "decoding and encoding a good packet of 16 MiB takes at most 3 times its size",
    async () => {
      const { grown, memory } = await measuredAlone(backend, "16 MiB, good");
      // The NodeID, the encoded datagram, and the memory of the module.
      expect(grown).toBeLessThan(3 * HUGE + OVERHEAD);
      expectGrown(memory, HUGE);
      const beyond = await measuredAlone(backend, "beyond 16 MiB, good");
      expect(beyond.grown).toBeLessThan(3 * HUGER + OVERHEAD);
      expect(beyond.memory).toBe(0);
    },
    TEST_LIMIT_MS,
  );

  test(
    "decodeMany of a million bad packets takes at most 128 bytes for each",
    async () => {
      const { grown } = await measuredAlone(backend, "many, bad");
      expect(grown).toBeLessThan(MANY * 128 + OVERHEAD);
    },
    TEST_LIMIT_MS,
  );

  test("bad lengths do not make the memory of the module grow", () => {
    const grow = spyOn(WebAssembly.Memory.prototype, "grow");
    try {
      const codec = createCodec({ backend });
      const fields = new PacketFields();
      for (const length of NASTY_LENGTHS) {
        const bytes = query(ascii("NODE"));
        new DataView(bytes.buffer).setUint32(4, length);
        codec.decodeInto(bytes, fields);
        codec.decodeMany(new Array(200).fill(bytes));
      }
      expect(grow).not.toHaveBeenCalled();
      codec.decodeInto(query(new Uint8Array(MiB)), fields);
      expect(grow).toHaveBeenCalledTimes(backend === "wasm" ? 1 : 0);
    } finally {
      grow.mockRestore();
    }
  });

  test("no input needs more stack than a short packet", () => {
    const codec = createCodec({ backend });
    let returned = 0;
    const at = (depth: number, run: () => unknown): unknown => {
      if (depth === 0) return run();
      const result = at(depth - 1, run);
      // Without this, the recursion would be a tail call, which takes no stack.
      returned++;
      return result;
    };
    const short = query(ascii("NODE"));
    const run = (bytes: Uint8Array) => () => [codec.tryDecode(bytes).ok, codec.decodeMany([bytes, bytes]).length];
    let depth = 1000;
    for (;;) {
      try {
        at(depth, run(short));
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        break;
      }
      depth = Math.ceil(depth * 1.2);
    }
    // Optimized code has smaller stack frames, so half of this depth remains reachable.
    depth = Math.floor(depth / 2);
    const inputs = [
      query(new Uint8Array(16 * MiB)),
      announcement(new Uint8Array(MiB).fill(0x20), 22000),
      new Uint8Array(MiB).fill(0x19),
      query(query(query(query(short)))),
      ...NASTY_LENGTHS.map((length) => {
        const bytes = announcement(ascii("NODE"), 22000, new Uint8Array(16));
        new DataView(bytes.buffer).setUint32(8, length);
        return bytes;
      }),
    ];
    for (const bytes of inputs) {
      returned = 0;
      expect(at(depth, run(bytes))).toEqual([codec.tryDecode(bytes).ok, 2]);
      expect(returned).toBe(depth);
    }
  });
});

test("1 MiB is written as hex and read again as the same bytes", () => {
  const bytes = new Uint8Array(MiB).fill(0xa5);
  const text = bytesToHex(bytes);
  expect(text.length).toBe(2 * bytes.length);
  expect(Buffer.compare(bytesFromHex(text), bytes)).toBe(0);
});
