// The benches do what they say, wherever they run. What they measure is nobody's business here.
import { afterAll, describe, expect, spyOn, test } from "bun:test";
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Row } from "../../bench/contest.ts";
import { compare, QUICK } from "../../bench/measure.ts";
import { checkPackets } from "../../bench/packet/agree.ts";
import { dataView } from "../../bench/packet/dataview.ts";
import { announcement, query } from "../../bench/packets.ts";
import { ratios, textOf, times } from "../../bench/table.ts";
import { hasChromium, NEEDS_CHROMIUM } from "../support/chromium.ts";
import { MAIN, run as runCommand } from "../support/command.ts";
import { testIf } from "../support/needs.ts";

const BENCH = join(import.meta.dir, "../../bench");
const LIMIT_MS = 120_000;

const CODEC = ["wasm", "ts", "DataView", "js-xdr", "micro-packed"];
const INTO = ["wasm", "ts", "DataView"];
const XDR = ["schema", "reader/writer", "DataView", "js-xdr", "micro-packed"];

const ROWS = [
  ...["announcement", "query"].flatMap((type) => [
    ...["decode", "encode", "decode, 64 together", "encode, 64 together"].flatMap((what) =>
      CODEC.map((who) => `codec: ${what}, ${type}: ${who}`),
    ),
    ...["decodeInto", "encodeInto"].flatMap((what) => INTO.map((who) => `codec: ${what}, ${type}: ${who}`)),
  ]),
  ...["file of RFC 4506", "transaction of 6 operations"].flatMap((type) =>
    ["decode", "encode"].flatMap((what) => XDR.map((who) => `xdr: ${what}, ${type}: ${who}`)),
  ),
];

async function run(script: string, ...args: string[]) {
  const child = Bun.spawn([process.execPath, join(BENCH, script), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { out, err, code };
}

/** Runs a bench that must succeed and say nothing but its JSON; gives where it ran, and its rows, without their times. */
async function rowsOf(script: string, ...args: string[]) {
  const { out, err, code } = await run(script, "--quick", "--json", ...args);
  expect({ err, code }).toEqual({ err: "", code: 0 });
  const { runtime, rows } = JSON.parse(out) as { runtime: string; rows: Row[] };
  for (const { ns } of rows) expect(ns).toBeGreaterThan(0);
  return { runtime, rows: rows.map(({ suite, what, who }) => `${suite}: ${what}: ${who}`) };
}

describe("bun bench", () => {
  test(
    "measures all of codec and XDR, and the contestants agree",
    async () => {
      expect(await rowsOf("main.ts", "--only", "codec")).toEqual({
        runtime: `Bun ${Bun.version}`,
        rows: ROWS.filter((row) => row.startsWith("codec")),
      });
      expect((await rowsOf("main.ts", "--only", "xdr")).rows).toEqual(ROWS.filter((row) => row.startsWith("xdr")));
    },
    LIMIT_MS,
  );

  test(
    "measures the engine, and the contestants judge alike",
    async () => {
      const paths = ["hit", "miss", "announce", "limited"].flatMap((path) =>
        [1, 64].map((batch) => `engine: ${path}, batch of ${batch}, 500 nodes`),
      );
      const { rows } = await rowsOf("main.ts", "--only", "engine", "--nodes", "500");
      const all = paths.flatMap((path) => ["wasm", "ts twin", "idiomatic"].map((who) => `${path}: ${who}`));
      expect(rows.sort()).toEqual(all.sort());
    },
    LIMIT_MS,
  );

  test(
    "ends with a table of ratios",
    async () => {
      const { out, code } = await run("main.ts", "--quick", "--only", "codec");
      expect(code).toBe(0);
      const last = out.trim().split("\n\n").at(-1)!;
      expect(last).toStartWith("codec: times as long as wasm takes\n");
      expect(last).toMatch(/^decode, announcement( +[\d.]+x){4}$/m);
    },
    LIMIT_MS,
  );

  test.each([
    ["main.ts", "bun bench [options]", ["--only <suite>", "--nodes <n>", "--quick", "--json", "-h, --help"]],
    ["node.ts", "bun run bench:node [options]", ["--only <suite>", "--quick", "--json", "-h, --help"]],
    ["page/chromium.ts", "bun run bench:chromium [options]", ["--only <suite>", "--quick", "--json", "-h, --help"]],
    ["page/serve.ts", "bun run bench:page [PORT]", ["PORT", "-h, --help"]],
  ])("%s --help is its usage, a line a flag, and exits with 0", async (script, usage, flags) => {
    for (const flag of ["--help", "-h"]) {
      const { out, err, code } = await run(script, flag);
      expect({ err, code }).toEqual({ err: "", code: 0 });
      const [first, empty, ...lines] = out.trimEnd().split("\n");
      expect([first, empty]).toEqual([`Usage: ${usage}`, ""]);
      expect(lines.map((line) => line.trim().split(/ {2,}/)[0]!)).toEqual(flags);
    }
  });

  test.each([
    ["main.ts", ["--only", "all"], "--only must be one of codec, xdr, engine"],
    ["main.ts", ["--nodes", "4"], "--nodes must be a whole number of 5 or more"],
    ["main.ts", ["--nodes", "x"], "--nodes must be a whole number of 5 or more"],
    ["main.ts", ["--fast"], "Unknown option '--fast'"],
    ["main.ts", ["codec"], "Unexpected argument 'codec'"],
    ["node.ts", ["--only", "engine"], "--only must be one of codec, xdr"],
    ["page/chromium.ts", ["--nodes", "5"], "Unknown option '--nodes'"],
    ["page/serve.ts", ["70000"], "the port must be 0 to 65535"],
  ])("%s %p says in one line what is wrong, and exits with 2", async (script, args, message) => {
    const { out, err, code } = await run(script, ...args);
    expect({ out, code }).toEqual({ out: "", code: 2 });
    expect(err).toMatch(/^bench: [^\n]*\n$/);
    expect(err).toContain(message);
    expect(err).toContain("; usage: bun ");
  });
});

describe("elsewhere", () => {
  testIf(Bun.which("node") !== null, "there is no node")(
    "the same is measured in Node",
    async () => {
      const { runtime, rows } = await rowsOf("run-node.ts");
      expect(runtime).toMatch(/^Node \d+\.\d+\.\d+$/);
      expect(rows).toEqual(ROWS);
    },
    LIMIT_MS,
  );

  testIf(hasChromium, NEEDS_CHROMIUM)(
    "the same is measured in Chromium, on the page",
    async () => {
      const { runtime, rows } = await rowsOf("page/chromium.ts");
      expect(runtime).toMatch(/^Chromium \d+$/);
      expect(rows).toEqual(ROWS);
    },
    LIMIT_MS,
  );

  test("the page is served where its clock is fine, until it is interrupted", async () => {
    const child = Bun.spawn([process.execPath, join(BENCH, "page/serve.ts")], { stdout: "pipe", stderr: "inherit" });
    const { value } = await child.stdout.getReader().read();
    const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(new TextDecoder().decode(value))![0];
    const response = await fetch(url);
    expect(response.headers.get("content-type")).toStartWith("text/html");
    expect(response.headers.get("cross-origin-opener-policy")).toBe("same-origin");
    expect(response.headers.get("cross-origin-embedder-policy")).toBe("require-corp");
    const html = await response.text();
    for (const [, path] of html.matchAll(/(?:src|href)="(\.?\/[^"]+)"/g)) {
      expect((await fetch(new URL(path!, url))).status).toBe(200);
    }
    expect(html.match(/src="[^"]+\.js"/g)).toHaveLength(1);
    expect((await fetch(new URL("missing", url))).status).toBe(404);
    child.kill("SIGINT");
    await child.exited;
    expect(child.signalCode).toBe("SIGINT");
  });
});

test("no time is 0, however coarse the clock: calls are counted anew after a slow start, and more are made if need be", async () => {
  let clock = 0;
  const now = spyOn(performance, "now").mockImplementation(() => Math.floor(clock * 10) / 10);
  try {
    // Milliseconds: compiled in the first call, and better still after 5000.
    const contestant = (who: string) => {
      let calls = 0;
      const run = () => {
        calls++;
        clock += calls === 1 ? 1 : calls < 5000 ? 1e-4 : 1e-6;
      };
      return { who, run };
    };
    const contest = {
      suite: "codec",
      what: "decode",
      size: 1,
      contestants: [contestant("a"), contestant("b")],
    } as const;
    for (const { ns } of await compare(contest, { ...QUICK, rounds: 9 })) {
      expect(ns).toBeGreaterThan(0.5);
      expect(ns).toBeLessThan(200);
    }
  } finally {
    now.mockRestore();
  }
});

describe("a contestant that", () => {
  const packets = [query(1), announcement(2)];
  const encoded = packets.map(dataView.encode);

  test("does as the others is let in", () => {
    expect(() => checkPackets(dataView, packets, encoded)).not.toThrow();
  });

  test.each([
    ["decodes something else", { decode: (bytes: Uint8Array) => ({ ...dataView.decode(bytes), port: 1 }) }],
    ["encodes something else", { encode: () => new Uint8Array(60) }],
    [
      "takes what is no packet",
      { decode: (bytes: Uint8Array) => dataView.decode(bytes.length < 8 ? encoded[0]! : bytes) },
    ],
    ["finds fields elsewhere", { decodeInto: () => true }],
    ["writes over what follows", { encodeInto: (_: unknown, target: Uint8Array) => target.fill(0).length }],
    ["decodes many as none", { decodeMany: () => [] }],
    ["encodes many as none", { encodeMany: () => [] }],
  ])("%s ends the bench", (_, wrong) => {
    expect(() => checkPackets({ ...dataView, ...wrong }, packets, encoded)).toThrow(/^bench: DataView /);
  });
});

test("tables have a line for what was measured and a column for who did it, ratios are of the base", () => {
  const row = (what: string, who: string, ns: number): Row => ({ suite: "engine", what, who, ns });
  const rows = [
    row("hit", "wasm", 40),
    row("hit", "idiomatic", 800),
    row("a longer one", "wasm", 8),
    row("hit", "ts", 20),
  ];
  expect(times(rows).map(textOf)).toEqual([
    [
      "engine: nanoseconds a packet",
      "               wasm   idiomatic     ts",
      "hit            40.0       800.0   20.0",
      "a longer one    8.0",
    ].join("\n"),
  ]);
  expect(ratios(rows).map(textOf)).toEqual([
    ["engine: times as long as wasm takes", "      idiomatic      ts", "hit      20.00x   0.50x"].join("\n"),
  ]);
});

describe("whereabouts bench", () => {
  const folder = mkdtempSync(join(tmpdir(), "whereabouts-bench-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test(
    "passes its flags on, and what comes of them back",
    async () => {
      const { out, code } = await runCommand(["bench", "--quick", "--only", "codec", "--json"]);
      expect(code).toBe(0);
      expect(JSON.parse(out).rows).toHaveLength(ROWS.filter((row) => row.startsWith("codec")).length);
      const wrong = await runCommand(["bench", "--only", "all"]);
      expect(wrong.code).toBe(2);
      expect(wrong.err).toContain("--only must be one of");
    },
    LIMIT_MS,
  );

  test("--help has the flags that bun bench has", async () => {
    const flags = (text: string) => [...text.matchAll(/^ {2}(-.*?)(?: {2,}|$)/gm)].map((match) => match[1]!);
    const { out, err, code } = await runCommand(["bench", "--help"]);
    expect({ err, code }).toEqual({ err: "", code: 0 });
    expect(out).toStartWith("Usage: whereabouts bench [options]\n");
    const own = flags((await run("main.ts", "--help")).out);
    expect(own.length).toBeGreaterThan(3);
    expect(flags(out)).toEqual(own);
  });

  test("says in one line, as installed, that it takes a checkout, and exits with 2", async () => {
    const root = join(MAIN, "../../..");
    for (const name of ["src", "assembly", "build", "package.json"])
      cpSync(join(root, name), join(folder, name), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    const child = Bun.spawn([process.execPath, join(folder, "src/cli/main.ts"), "bench", "--quick"], {
      stderr: "pipe",
    });
    const [err, code] = await Promise.all([child.stderr.text(), child.exited]);
    expect(code).toBe(2);
    expect(err).toMatch(/^whereabouts: error: the benches are not in the package: [^\n]*bun bench[^\n]*\n$/);
  });
});
