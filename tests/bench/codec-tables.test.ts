/** `bun run bench:codec`: what the tables of docs/codec.md are made from. tests/docs/codec.test.ts compares them with the page. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import type { Row } from "../../bench/contest.ts";
import { measureCold } from "../../bench/packet/published/cold.ts";
import { type Figures, ID_LENGTHS, OPERATIONS, RUNTIMES, warmOf } from "../../bench/packet/published/figures.ts";
import { withTables } from "../../bench/packet/published/tables.ts";
import { hasChromium, NEEDS_CHROMIUM } from "../support/chromium.ts";
import { testIf } from "../support/needs.ts";
import { hasNode, NEEDS_NODE } from "../support/node.ts";
import { TEST_LIMIT_MS } from "../support/time-limits.ts";

const ROOT = join(import.meta.dir, "../..");
const PLACES = ["machine", "faster", "cold", "warm"]
  .map((name) => `${name}:\n<!-- bench:codec ${name} -->\nstale\n<!-- end -->\n`)
  .join("");

/** Rows of all tasks. @param ns - the time of a backend with a NodeID of this length */
function rowsOf(ns: (who: string, idLength: number) => number): Row[] {
  return Object.values(OPERATIONS).flatMap((task) =>
    ID_LENGTHS.flatMap((length) =>
      ["wasm", "ts", "auto"].map((who): Row => {
        const what = `${task}, announcement${length === 52 ? "" : `, NodeID of ${length} bytes`}`;
        return { suite: "codec", what, who, ns: ns(who, length), spread: [0, 0] };
      }),
    ),
  );
}

function figures(ns: (who: string, idLength: number) => number): Figures {
  return {
    runtime: "Bun 1",
    processor: "P",
    processors: 2,
    system: "Linux",
    date: "2026-01-31",
    command: "bun run bench:codec",
    cold: { import: 2, decode: { wasm: 1.25, ts: 0.0625 }, batch: { wasm: 1.5, ts: 0.5 } },
    warm: warmOf(rowsOf(ns)),
  };
}

describe("the first use of the codec", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "whereabouts-codec-"));
    const entryPoints = [join(ROOT, "src/codec/index.ts")];
    await build({ entryPoints, outfile: join(folder, "codec.js"), bundle: true, format: "esm", platform: "neutral" });
  });
  afterAll(() => rm(folder, { recursive: true }));

  for (const runtime of RUNTIMES) {
    const canRun = { bun: true, node: hasNode, chromium: hasChromium }[runtime];
    testIf(canRun, runtime === "node" ? NEEDS_NODE : NEEDS_CHROMIUM)(
      `is measured in ${runtime}: the import, one packet and a batch, on both backends`,
      async () => {
        const { decode, batch, ...rest } = await measureCold(runtime, 1, join(folder, "codec.js"));
        expect(Object.keys({ ...decode, ...batch, ...rest }).sort()).toEqual(["import", "ts", "wasm"]);
        for (const ms of [rest.import, decode.wasm, decode.ts, batch.wasm, batch.ts]) expect(ms).toBeGreaterThan(0);
      },
      TEST_LIMIT_MS,
    );
  }

  test("cannot be measured without the codec's module, which the error names", async () => {
    await expect(measureCold("node", 1, join(folder, "none.js"))).rejects.toThrow(
      /^there is no .*none\.js: bun run dist/,
    );
  });
});

test("a row that the bench lacks is an error that names it", () => {
  const rows = rowsOf(() => 1).filter(({ what }) => what !== "tryDecode, announcement");
  expect(() => warmOf(rows)).toThrow('the bench has no row "tryDecode, announcement" of wasm');
});

test("the tables name the faster backend by the mean over the lengths of NodeIDs, and count times that differ by less than 5 % as equal", () => {
  const times = { 7: [30, 20], 52: [40, 41], 1000: [100, 1230] } as const;
  const one = figures((who, length) => times[length as keyof typeof times][who === "wasm" ? 0 : 1]);
  const same = figures((who, length) => (who === "wasm" ? 3 : 1) * (length === 7 ? 2 : 3));
  const equal = figures((who) => (who === "wasm" ? 100 : 104));
  const text = withTables(PLACES, {
    bun: one,
    node: { ...same, runtime: "Node 20" },
    chromium: { ...equal, date: "2026-02-01" },
  });
  expect(text).not.toContain("stale");
  const lines = text.split("\n");
  expect(lines).toContain("| `decode` | WebAssembly 2.0× | TypeScript 3.0× | equal |");
  expect(lines).toContain("| `decode` | 30 | **20** | 40 | 41 | **100** | 1,230 |");
  expect(lines).toContain("| `decode` | 6.0 | **2.0** | 9.0 | **3.0** | 9.0 | **3.0** |");
  expect(lines).toContain("| first `tryDecode`, TypeScript | 63 µs | 63 µs | 63 µs |");
  expect(lines).toContain("| first batch of 64, WebAssembly | 1.5 ms | 1.5 ms | 1.5 ms |");
  expect(lines).toContain("- Bun 1; 2 processors P, Linux, 2026-02-01; `bun run bench:codec`");
});
