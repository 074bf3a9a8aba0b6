/**
 * `bun bench` and the same suites in Node and Chromium. Smoke runs: these tests check what is measured, not how fast it
 * is.
 */
import { afterAll, describe, expect, spyOn, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Row } from "../../bench/contest.ts";
import { compare, QUICK } from "../../bench/measure.ts";
import { jsonOf, lineOf, textOfOutcome } from "../../bench/outcome.ts";
import { checkColumns, checkPackets } from "../../bench/packet/agree.ts";
import { datagramsOf } from "../../bench/packet/columns.ts";
import { dataView } from "../../bench/packet/dataview.ts";
import { announcement, query } from "../../bench/packets.ts";
import { ratios, textOf, times } from "../../bench/table.ts";
import { createCodec } from "../../src/codec/index.ts";
import { runBench, runBenchLines } from "../support/bench.ts";
import { isOfSetUp } from "../support/checkout-copy.ts";
import { hasChromium, NEEDS_CHROMIUM } from "../support/chromium.ts";
import { MAIN, run as runCommand } from "../support/command.ts";
import { testIf } from "../support/needs.ts";
import type { Outcome } from "../support/one-process-main.ts";
import { LONG_LIMIT_MS } from "../support/time-limits.ts";

const SERVE = join(import.meta.dir, "../../bench/page/serve.ts");
const REPORT = ["--report <folder>", "--pictures <folder>", "--from <file>"];

const CODEC = ["wasm", "ts", "auto", "DataView", "js-xdr", "micro-packed"];
const INTO = ["wasm", "ts", "auto", "DataView"];
const OWN = ["wasm", "ts", "auto"];
const BACKENDS = ["wasm", "ts"];
const XDR = ["schema", "reader/writer", "DataView", "js-xdr", "micro-packed"];
const AGAIN = ["schema", "made before others", "DataView", "js-xdr"];
const PARSED = ["schema", "compiled", "interpreter", "js-xdr"];

const ROWS = [
  ...["announcement", "query"].flatMap((type) => codec(type, CODEC, OWN, INTO)),
  ...[7, 1000].flatMap((length) => codec(`announcement, NodeID of ${length} bytes`, BACKENDS, BACKENDS, BACKENDS)),
  ...xdr(XDR, "file of RFC 4506", "transaction of 6 operations"),
  ...xdr(AGAIN, "file of RFC 4506, after 60 other types", "transaction of 6 operations, after 60 other types"),
  ...["transaction of 6 operations", "Stellar envelope"].flatMap((type) =>
    ["first decode", "first encode"].flatMap((what) =>
      ["schema", "js-xdr"].map((who) => `xdr: ${what}, ${type}: ${who}`),
    ),
  ),
  ...xdr(PARSED, "Stellar envelope", "Stellar envelope of up to 2 KB", "sFlow counters"),
  ...["3 bytes", "a transaction without its last 4 bytes", "a packet of 4 KB that nests too deep"].flatMap((what) =>
    ["schema", "a good packet", "js-xdr"].map((who) => `xdr: refuse ${what}: ${who}`),
  ),
];

/** The tasks of all contestants, those of this project alone, and those that use the caller's memory. */
function codec(packets: string, all: readonly string[], own: readonly string[], into: readonly string[]): string[] {
  const tasks: [string, readonly string[]][] = [
    ["decode", all],
    ["tryDecode", own],
    ["encode", all],
    ["decode, 64 together", all],
    ["encode, 64 together", all],
    ["decodeInto", into],
    ["encodeInto", into],
    ["decode columns, 64 together", own],
    ["decode columns, 64 in the room", own],
    ["encode columns, 64 together", own],
  ];
  return tasks.flatMap(([what, contestants]) => contestants.map((who) => `codec: ${what}, ${packets}: ${who}`));
}

function xdr(contestants: readonly string[], ...types: readonly string[]): string[] {
  return types.flatMap((type) =>
    ["decode", "encode"].flatMap((what) => contestants.map((who) => `xdr: ${what}, ${type}: ${who}`)),
  );
}

/** The engine's tasks, with 500 nodes. */
const ENGINE = ["hit", "miss", "announce", "limited"]
  .flatMap((path) => [1, 64].map((batch) => `engine: ${path}, batch of ${batch}, 500 nodes`))
  .flatMap((path) => ["wasm", "ts twin", "idiomatic"].map((who) => `${path}: ${who}`));

/** @param script - from the folder bench/ */
const run = (script: string, ...args: string[]) => runBench(`bench/${script}`, args);

/** The outcome of a bench that must succeed and print nothing but its JSON. @returns the runtime and the names of the rows */
function rowsOf({ out, err, code }: Outcome) {
  expect({ err, code }).toEqual({ err: "", code: 0 });
  const { runtime, quick, rows } = JSON.parse(out) as { runtime: string; quick: boolean; rows: Row[] };
  expect(quick).toBe(true);
  for (const row of rows) expect(row).not.toHaveProperty("ns");
  return { runtime, rows: rows.map(({ suite, what, who }) => `${suite}: ${what}: ${who}`) };
}

describe("bun bench", () => {
  test(
    "runs every contestant of codec, XDR and engine, and prints in quick mode no figures, only that everything ran and agrees",
    async () => {
      const { out, err, code } = await run("main.ts", "--quick", "--nodes", "500");
      expect(code).toBe(0);
      const [head, summary] = out.trim().split("\n\n");
      expect(head).toMatch(/^Bun \S+, \d+ processors; smoke test, nothing was measured$/);
      expect(summary!.split("\n")).toEqual([
        expect.stringMatching(/^codec: ok, 40 tasks by wasm, ts, auto, DataView, js-xdr, micro-packed: /),
        expect.stringMatching(
          /^xdr: ok, 21 tasks by schema, reader\/writer, DataView, js-xdr, micro-packed, made before others, compiled, interpreter, a good packet: /,
        ),
        expect.stringMatching(/^engine: ok, 8 tasks by wasm, ts twin, idiomatic: /),
      ]);
      expect(out + err).not.toMatch(/\d+\.\d+( ns|x)/);
      const rows = err
        .trimEnd()
        .split("\n")
        .map((line) => line.replace(/^ok {2}(.*?), (.*?): (.*)$/, "$1: $3: $2"));
      expect(rows.slice(0, ROWS.length)).toEqual(ROWS);
      expect(rows.slice(ROWS.length).sort()).toEqual(ENGINE.toSorted());
    },
    LONG_LIMIT_MS,
  );

  test("prints the usage and a line per flag for --help, as its programs for other runtimes do, and exits with 0", async () => {
    const programs = [
      [
        "main.ts",
        "bun bench [options]",
        ["--only <list>", "--nodes <n>", "--quick", "--json", ...REPORT, "-h, --help"],
      ],
      ["node.ts", "bun run bench:node [options]", ["--only <list>", "--quick", "--json", "-h, --help"]],
      ["page/chromium.ts", "bun run bench:chromium [options]", ["--only <list>", "--quick", "--json", "-h, --help"]],
      ["page/serve.ts", "bun run bench:page [options] [port]", ["--port <n>", "-h, --help"]],
    ] as const;
    for (const flag of ["--help", "-h"]) {
      const outcomes = await runBenchLines(programs.map(([script]) => ({ file: `bench/${script}`, args: [flag] })));
      for (const [i, [script, usage, flags]] of programs.entries()) {
        const { out, err, code } = outcomes[i]!;
        expect({ err, code }, script).toEqual({ err: "", code: 0 });
        const [first, empty, ...lines] = out.trimEnd().split("\n");
        expect([first, empty]).toEqual([`Usage: ${usage}`, ""]);
        const flagLines = lines.filter((line) => line.startsWith("  -"));
        expect(flagLines.map((line) => line.trim().split(/ {2,}/)[0]!)).toEqual([...flags]);
      }
    }
  });

  test("prints one line that says what is wrong with the flags, as its programs for other runtimes do, and exits with 2", async () => {
    const wrong = [
      ["main.ts", ["--only", "all"], "It must be one of codec, xdr, engine"],
      ["main.ts", ["--nodes", "4"], "It must be a whole number of 5 or more"],
      ["main.ts", ["--nodes", "x"], "It must be a whole number of 5 or more"],
      ["main.ts", ["--fast"], "unknown option '--fast'"],
      ["main.ts", ["codec"], "too many arguments"],
      ["node.ts", ["--only", "engine"], "It must be one of codec, xdr"],
      ["page/chromium.ts", ["--nodes", "5"], "unknown option '--nodes'"],
      ["page/serve.ts", ["70000"], "It must be a whole number from 0 to 65535"],
    ] as const;
    const outcomes = await runBenchLines(wrong.map(([script, args]) => ({ file: `bench/${script}`, args })));
    for (const [i, [script, args, message]] of wrong.entries()) {
      const { out, err, code } = outcomes[i]!;
      expect({ out, code }, `${script} ${args.join(" ")}`).toEqual({ out: "", code: 2 });
      expect(err).toMatch(/^bench[:a-z]*: [^\n]*\n$/);
      expect(err).toContain(message);
      expect(err).toMatch(/; for all flags: bun [^\n]* --help\n$/);
    }
  });
});

describe("in other runtimes", () => {
  testIf(Bun.which("node") !== null, "there is no node")(
    "the same codec and XDR tasks run in Node",
    async () => {
      const { runtime, rows } = rowsOf(await run("run-node.ts", "--quick", "--json"));
      expect(runtime).toMatch(/^Node \d+\.\d+\.\d+$/);
      expect(rows).toEqual(ROWS);
    },
    LONG_LIMIT_MS,
  );

  testIf(hasChromium, NEEDS_CHROMIUM)(
    "the same codec and XDR tasks run on the page in Chromium",
    async () => {
      const { runtime, rows } = rowsOf(await run("page/chromium.ts", "--quick", "--json"));
      expect(runtime).toMatch(/^Chromium \d+$/);
      expect(rows).toEqual(ROWS);
    },
    LONG_LIMIT_MS,
  );

  test("bench:page serves the page, isolated from other origins, until it is interrupted", async () => {
    const child = Bun.spawn([process.execPath, SERVE], { stdout: "pipe", stderr: "inherit" });
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

test("no time is 0 with a coarse clock: calls are counted again after a slow start, and more are made if the clock does not tick", async () => {
  let clock = 0;
  const now = spyOn(performance, "now").mockImplementation(() => Math.floor(clock * 10) / 10);
  try {
    // Milliseconds: the first call compiles, and calls get faster again after 5000.
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

describe("checkPackets, for a contestant that", () => {
  const packets = [query(1), announcement(2)];
  const encoded = packets.map(dataView.encode);

  test("gives the right results, does not throw", () => {
    expect(() => checkPackets(dataView, packets, encoded)).not.toThrow();
  });

  describe("whose batch", () => {
    const given = datagramsOf(encoded);
    const create = () => createCodec({ backend: "ts" }).batch({ packets: 64, bytes: 2000 });

    test("gives the right columns, does not throw", () => {
      expect(() => checkColumns("ts", create(), packets, given)).not.toThrow();
    });

    test.each([
      ["decodes none", { decode: () => 0 }],
      ["decodes other packets", { packet: () => packets[0] }],
      ["encodes nothing", { encode: () => 2 }],
    ])("%s, throws an error that names it", (_, wrong) => {
      const batch = create();
      for (const [name, value] of Object.entries(wrong)) Object.defineProperty(batch, name, { value });
      expect(() => checkColumns("ts", batch, packets, given)).toThrow(/^bench: ts /);
    });
  });

  test.each([
    ["decodes something else", { decode: (bytes: Uint8Array) => ({ ...dataView.decode(bytes), port: 1 }) }],
    ["encodes something else", { encode: () => new Uint8Array(60) }],
    [
      "accepts bytes that are no packet",
      { decode: (bytes: Uint8Array) => dataView.decode(bytes.length < 8 ? encoded[0]! : bytes) },
    ],
    ["finds fields at wrong offsets", { decodeInto: () => true }],
    ["writes beyond the packet", { encodeInto: (_: unknown, target: Uint8Array) => target.fill(0).length }],
    ["tries to decode and refuses packets", { tryDecode: () => createCodec().tryDecode(new Uint8Array(1)) }],
    ["decodes many as none", { decodeMany: () => [] }],
    ["encodes many as none", { encodeMany: () => [] }],
  ])("%s, throws an error that names it", (_, wrong) => {
    expect(() => checkPackets({ ...dataView, ...wrong }, packets, encoded)).toThrow(/^bench: DataView /);
  });
});

test("tables have a line per task and a column per contestant; ratios are relative to the base", () => {
  const row = (what: string, who: string, ns: number): Row => ({ suite: "engine", what, who, ns, spread: [ns, ns] });
  const rows = [
    row("hit", "wasm", 40),
    row("hit", "idiomatic", 800),
    row("a longer one", "wasm", 8),
    row("hit", "ts", 20),
  ];
  expect(times(rows).map(textOf)).toEqual([
    [
      "engine: nanoseconds per packet",
      "               wasm   idiomatic     ts",
      "hit            40.0       800.0   20.0",
      "a longer one    8.0",
    ].join("\n"),
  ]);
  expect(ratios(rows).map(textOf)).toEqual([
    ["engine: times as long as wasm takes", "      idiomatic      ts", "hit      20.00x   0.50x"].join("\n"),
  ]);
});

describe("the outcome", () => {
  const row = (suite: Row["suite"], what: string, who: string, ns: number): Row => ({
    suite,
    what,
    who,
    ns,
    spread: [ns, ns],
  });
  const outcome = {
    runtime: "Bun 1",
    processors: 2,
    rows: [row("codec", "decode", "wasm", 40), row("codec", "decode", "ts", 20), row("xdr", "decode", "schema", 5)],
  };

  test("of a full run is a table of times, then a table of ratios", () => {
    const [head, ...tables] = textOfOutcome({ ...outcome, quick: false })
      .trim()
      .split("\n\n");
    expect(head).toBe("Bun 1, 2 processors");
    expect(tables.at(-1)).toBe("codec: times as long as wasm takes\n            ts\ndecode   0.50x");
    expect(tables[0]).toMatch(/^codec: nanoseconds per packet [^\n]*\n[^\n]*\ndecode +40\.0 +20\.0$/);
    expect(lineOf(outcome.rows[0]!, false)).toBe("     40.0 ns  codec, wasm: decode");
    const json = JSON.parse(jsonOf({ ...outcome, quick: false }));
    expect(json).toMatchObject({ runtime: "Bun 1", processors: 2, quick: false, rows: outcome.rows });
    expect(json.unit.engine).toBe("nanoseconds per packet");
  });

  test("says which targets were reached, if it has figures for them", () => {
    const task = (what: string, wasm: number, ts: number, auto: number) => [
      row("codec", what, "wasm", wasm),
      row("codec", what, "ts", ts),
      row("codec", what, "auto", auto),
    ];
    const rows = [
      ...task("decode, 64 together, query", 80, 60, 60),
      ...task("decode columns, 64 together, query", 5, 10, 8),
      ...task("decode columns, 64 in the room, query", 5, 8, 5),
    ];
    const text = textOfOutcome({ ...outcome, rows, quick: false });
    expect(text.split("\n\n").at(-1)!.split("\n")).toEqual([
      "reached      decode columns, 64 together, query: ts / wasm: 2.00 (at least 1.8)",
      "not reached  decode columns, 64 in the room, query: ts / wasm: 1.60 (at least 1.8)",
      "not reached  64 together, query, auto: decodeMany / columns: 7.50 (at least 8)",
      "reached      decode, 64 together, query: auto / the faster backend: 1.00 (at most 1.1)",
      "not reached  decode columns, 64 together, query: auto / the faster backend: 1.60 (at most 1.1)",
      "reached      decode columns, 64 in the room, query: auto / the faster backend: 1.00 (at most 1.1)",
    ]);
    const { targets } = JSON.parse(jsonOf({ ...outcome, rows, quick: false }));
    expect(targets).toHaveLength(6);
  });

  test("says which targets of XDR were reached, and where js-xdr is ahead", () => {
    const task = (what: string, times: { [who: string]: number }) =>
      Object.entries(times).map(([who, ns]) => row("xdr", what, who, ns));
    const rows = [
      ...task("decode, Stellar envelope", { schema: 10, interpreter: 20, "js-xdr": 49 }),
      ...task("encode, sFlow counters", { schema: 10, interpreter: 20, "js-xdr": 40 }),
      ...task("decode, file, after 60 other types", { schema: 12, "made before others": 10, "js-xdr": 11 }),
      ...task("refuse 3 bytes", { schema: 10, "a good packet": 5, "js-xdr": 1000 }),
    ];
    const text = textOfOutcome({ ...outcome, rows, quick: false });
    expect(text.split("\n\n").at(-1)!.split("\n")).toEqual([
      "not reached  decode, Stellar envelope: js-xdr / schema: 4.90 (at least 5)",
      "reached      encode, sFlow counters: js-xdr / schema: 4.00 (at least 4)",
      "not reached  decode, file, after 60 other types: schema / made before others: 1.20 (at most 1.1)",
      "reached      refuse 3 bytes: schema / a good packet: 2.00 (at most 2)",
      "not reached  rows in which js-xdr is ahead (decode, file, after 60 other types): 1.00 (at most 0)",
    ]);
    expect(JSON.parse(jsonOf({ ...outcome, rows, quick: false })).targets).toHaveLength(5);
  });

  test("of a quick run has no times", () => {
    expect(textOfOutcome({ ...outcome, quick: true })).not.toMatch(/\d+\.\d/);
    expect(lineOf(outcome.rows[0]!, true)).toBe("ok  codec, wasm: decode");
    const json = JSON.parse(jsonOf({ ...outcome, quick: true }));
    expect(json).not.toHaveProperty("unit");
    expect(json.rows).toContainEqual({ suite: "codec", what: "decode", who: "ts" });
  });
});

describe("whereabouts bench", () => {
  const folder = mkdtempSync(join(tmpdir(), "whereabouts-bench-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test(
    "passes its flags to bun bench, and returns its output and exit code",
    async () => {
      const quick = await runCommand(["bench", "--quick", "--only", "engine", "--nodes", "500", "--json"]);
      const { runtime, rows } = rowsOf(quick);
      expect(runtime).toBe(`Bun ${Bun.version}`);
      expect(rows.sort()).toEqual(ENGINE.toSorted());
      const wrong = await runCommand(["bench", "--only", "all"]);
      expect(wrong.code).toBe(2);
      expect(wrong.err).toContain("It must be one of");
    },
    LONG_LIMIT_MS,
  );

  test("--help lists the flags of bun bench", async () => {
    const flags = (text: string) => [...text.matchAll(/^ {2}(-.*?)(?: {2,}|$)/gm)].map((match) => match[1]!);
    const { out, err, code } = await runCommand(["bench", "--help"]);
    expect({ err, code }).toEqual({ err: "", code: 0 });
    expect(out).toStartWith("Usage: whereabouts bench [options]\n");
    const own = flags((await run("main.ts", "--help")).out);
    expect(own.length).toBeGreaterThan(3);
    expect(flags(out)).toEqual(own);
  });

  test("without the benches or their packages, prints one line that says so, and exits with 2", async () => {
    const root = join(MAIN, "../../..");
    for (const name of ["src", "assembly", "build", "package.json"])
      cpSync(join(root, name), join(folder, name), { recursive: true, filter: isOfSetUp });
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    const bench = async () => {
      const command = [process.execPath, join(folder, "src/cli/main.ts"), "bench", "--quick"];
      const child = Bun.spawn(command, { stderr: "pipe" });
      const [err, code] = await Promise.all([child.stderr.text(), child.exited]);
      return { err, code };
    };
    const installed = await bench();
    expect(installed.code).toBe(2);
    expect(installed.err).toMatch(/^whereabouts: error: bench needs a checkout: [^\n]*bun bench[^\n]*\n$/);

    // A checkout that has only what the other commands need.
    cpSync(join(root, "bench"), join(folder, "bench"), { recursive: true });
    unlinkSync(join(folder, "node_modules"));
    mkdirSync(join(folder, "node_modules"));
    for (const name of ["@logtape", "commander", "ipaddr.js", "prom-client", "string-width"])
      symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
    expect(await bench()).toEqual({
      err: "whereabouts: error: the benches need more packages: run bun bench, which installs them first\n",
      code: 2,
    });
  });
});
