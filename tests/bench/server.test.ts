/**
 * `bun run bench:server`: it measures what it should, and every reply is right. How fast the server is does not matter
 * here.
 */
import { describe, expect, test } from "bun:test";
import { UsageError } from "../../bench/options.ts";
import { processorTime } from "../../bench/server/machine.ts";
import { parse } from "../../bench/server/options.ts";
import { type Measured, type Row, rowOf, type Sample, table, targets } from "../../bench/server/rows.ts";
import { runBench, runBenchLines } from "../support/bench.ts";
import { testIf } from "../support/needs.ts";
import { LONG_LIMIT_MS } from "../support/time-limits.ts";

const BENCH = "bench/server/main.ts";
const linux = testIf(process.platform === "linux", "needs Linux");

/** A short load: its length proves nothing here. */
const bench = (...args: string[]) => runBench(BENCH, ["--quick", "--seconds", "0.05", ...args]);

describe("bench:server", () => {
  linux(
    "measures each transport under each load beside the floor, and every reply is right",
    async () => {
      const { out, err, code } = await bench("--nodes", "300,700", "--json");
      expect(code, err).toBe(0);
      const { host, engine, limits, rows, targets } = JSON.parse(out);
      expect(host).toMatchObject({ bun: Bun.version, kernel: expect.stringContaining("Linux") });
      expect({ engine, limits }).toEqual({ engine: "wasm", limits: true });
      const names = rows.map(({ who, transport, nodes, what }: Row) => `${who} ${transport} ${nodes} ${what}`);
      const servers = ["udp", "mmsg"].map((transport) =>
        [300, 700].flatMap((nodes) =>
          ["hit", "miss", "announce", "mixed"].map((what) => `server ${transport} ${nodes} ${what}`),
        ),
      );
      expect(names).toEqual([
        ...["mmsg echo udp 0 hit", "udp echo udp 0 hit", ...servers[0]!],
        ...["mmsg echo mmsg 0 hit", ...servers[1]!],
      ]);
      for (const row of rows as Row[]) {
        expect(row).toMatchObject({ workers: 1, wrong: 0, limited: 0 });
        expect(row.samples.length).toBe(row.who === "server" ? 1 : 2);
        for (const figure of [row.cpu, row.ratio, row.perSecond, row.resident]) expect(figure).toBeGreaterThan(0);
        for (const { expected, replies } of row.samples) expect(replies).toBeLessThanOrEqual(expected);
      }
      const checks = targets.map(({ text }: { text: string }) => text);
      expect(checks).toContain("mmsg, 1 worker, 700 nodes: miss / hit");
      expect(checks).toContain("wrong replies");
    },
    LONG_LIMIT_MS,
  );

  linux(
    "prints a table, also for several workers and without limits",
    async () => {
      const only = ["--transport", "mmsg", "--workers", "2", "--what", "hit,announce"];
      const { out, err, code } = await bench("--nodes", "300", "--no-limits", "--engine", "ts", ...only);
      expect(code, err).toBe(0);
      expect(out).toContain(`Bun ${Bun.version}`);
      expect(out).toContain("ts engine, limits off");
      expect(out).toMatch(/^mmsg echo +2 +hit +\d+\.\d\d .* 1\.00$/m);
      expect(out).toMatch(/^mmsg +2 +300 +hit +\d+\.\d\d .* 0 +\d+\.\d\d$/m);
      expect(out).toMatch(/^mmsg +2 +300 +announce /m);
      expect(out).not.toMatch(/^mmsg +2 +300 +mi/m);
      expect(out).toMatch(/^reached +wrong replies: 0 \(at most 0\)$/m);
    },
    LONG_LIMIT_MS,
  );

  test("lists its flags for --help, and prints one line for a wrong flag", async () => {
    const lines = [["--help"], ["--nodes", "many"]].map((args) => ({ file: BENCH, args }));
    const [help, wrong] = await runBenchLines(lines);
    expect(help).toMatchObject({ code: 0, err: "" });
    for (const flag of [
      "transport",
      "workers",
      "nodes",
      "what",
      "engine",
      "rounds",
      "seconds",
      "all",
      "quick",
      "json",
    ]) {
      expect(help!.out).toContain(`--${flag} `);
    }
    expect(wrong).toMatchObject({ code: 2, out: "" });
    expect(wrong!.err).toBe(
      "bench:server: option '--nodes <list>' argument 'many' is invalid. It must be a whole number from 1 to 30000000; for all flags: bun run bench:server --help\n",
    );
  });
});

linux("the processor time of a process is what the kernel counts for it, not only in ticks of 10 ms", async () => {
  const counted = () => process.cpuUsage().user + process.cpuUsage().system;
  const before = counted();
  const times = Array.from({ length: 3 }, () => processorTime(process.pid));
  const after = counted();
  // The kernel counts a thread that runs on another processor a few ms later.
  const LATE = 50_000;
  for (const time of times) expect(time).toBeWithin(before - LATE, after + LATE);
  expect(times.some((time) => time % 10_000 !== 0)).toBe(true);
  const NOBODY = 2 ** 22 + 1;
  expect(() => processorTime(NOBODY)).toThrow("clock_gettime");
});

describe("the flags of bench:server", () => {
  test("take precedence over --quick and --all", () => {
    expect(parse([])).toMatchObject({ transports: ["udp", "mmsg"], workers: [1], limits: true, rounds: 5 });
    expect(parse(["--all"])).toMatchObject({ workers: [1, 2], nodes: [10_000, 1_000_000, 10_000_000] });
    const narrow = parse(["--quick", "--rounds", "3", "--nodes", "7,5,7", "--what", "miss,hit"]);
    expect(narrow).toMatchObject({ rounds: 3, seconds: 0.3, nodes: [5, 7], whats: ["hit", "miss"] });
  });

  test("with wrong values are refused", () => {
    const wrong = [
      ["--transport", "tcp"],
      ["--transport", ""],
      ["--workers", "0"],
      ["--workers", "1.5"],
      ["--nodes", "30000001"],
      ["--what", "hit,"],
      ["--engine", "wasm,ts"],
      ["--rounds", "1,2"],
      ["--seconds", "0"],
      ["--seconds", "soon"],
      ["--all", "--quick"],
      ["--nonsense"],
      ["more"],
    ];
    for (const args of wrong) expect(() => parse(args), args.join(" ")).toThrow(UsageError);
  });
});

describe("the figures of bench:server", () => {
  const GOOD: Sample = {
    cpu: 4,
    ratio: 1.2,
    perSecond: 1,
    expected: 100,
    replies: 100,
    wrong: 0,
    limited: 0,
    replaced: 0,
  };
  const hit: Measured = { who: "server", transport: "mmsg", workers: 1, nodes: 10_000, what: "hit" };
  const row = (what: Partial<Measured>, ...samples: Partial<Sample>[]) =>
    rowOf(
      { ...hit, ...what },
      1.3e9,
      samples.map((sample) => ({ ...GOOD, ...sample })),
    );
  const targetsOf = (rows: Row[]) =>
    Object.fromEntries(targets(rows).map(({ text, figure, reached }) => [text, { figure, reached }]));

  test("are medians of the rounds; errors are summed up", () => {
    const rows = row({}, { cpu: 9, replies: 90, wrong: 1 }, { cpu: 5, limited: 2 }, { cpu: 4, replaced: 1 });
    expect(rows).toMatchObject({ cpu: 5, ratio: 1.2, wrong: 1, limited: 2, replaced: 1 });
    expect(rows.unanswered).toBeCloseTo(10 / 300);
    expect(row({}, { cpu: 4 }, { cpu: 5 }).cpu).toBe(4.5);
  });

  test("are compared within each round, because the machine's speed drifts", () => {
    const rows = [
      row({}, { cpu: 4 }, { cpu: 40 }, { cpu: 4 }),
      row({ what: "miss" }, { cpu: 2 }, { cpu: 20 }, { cpu: 2.8 }),
    ];
    const miss = "mmsg, 1 worker, 10,000 nodes: miss / hit";
    expect(targetsOf(rows)[miss]).toEqual({ figure: 0.5, reached: true });
    rows[1] = row({ what: "miss" }, { cpu: 2.5 }, { cpu: 25 }, { cpu: 2 });
    expect(targetsOf(rows)[miss]).toEqual({ figure: 0.625, reached: false });
  });

  test("have targets by size: ratio to the floor up to a million nodes, memory and growth at ten million", () => {
    const rows = [
      row({}, { ratio: 1.25 }),
      row({ nodes: 1_000_000 }, { ratio: 1.51 }),
      row({ nodes: 10_000_000 }, { cpu: 6, ratio: 3 }),
      row({ transport: "udp" }, { ratio: 2 }),
    ];
    expect(targetsOf(rows)).toEqual({
      "mmsg, 1 worker, 10,000 nodes: hit / floor": { figure: 1.25, reached: true },
      "mmsg, 1 worker, 1,000,000 nodes: hit / floor": { figure: 1.51, reached: false },
      "mmsg, 1 worker, 10,000,000 nodes: GB resident": { figure: 1.3, reached: true },
      "mmsg, 1 worker, 10,000,000 nodes: hit / hit with 10,000 nodes": { figure: 1.5, reached: true },
      "wrong replies": { figure: 0, reached: true },
      "packets stopped by a limit": { figure: 0, reached: true },
      "workers replaced under load": { figure: 0, reached: true },
    });
  });

  test("miss their targets if replies are wrong, packets are limited or workers are replaced", () => {
    const found = targetsOf([row({ nodes: 5 }, { wrong: 1, limited: 2, replaced: 3 })]);
    expect(Object.values(found).map(({ figure, reached }) => [figure, reached])).toEqual([
      [1, false],
      [2, false],
      [3, false],
    ]);
  });

  test("are printed as a table with aligned columns", () => {
    const text = table([
      row({ who: "mmsg echo", nodes: 0 }, { cpu: 3.2 }),
      row({ nodes: 1_000_000, what: "announce" }, {}),
    ]);
    expect(text.split("\n").map((line) => line.length)).toEqual([...new Array(3).fill(text.split("\n")[0]!.length)]);
    expect(text).toContain("1,000,000");
  });
});
