/** `bun run bench:xdp`: it measures what it should. How fast a server is does not matter here. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../../bench/options.ts";
import { parse } from "../../bench/xdp-transport/options.ts";
import {
  type Measured,
  type Row,
  rowOf,
  type Sample,
  table,
  targetLine,
  targets,
} from "../../bench/xdp-transport/rows.ts";
import { SoftirqClock, softirqObstacle } from "../../bench/xdp-transport/softirq.ts";
import { runBench, runBenchLines } from "../support/bench.ts";
import { testIf } from "../support/needs.ts";
import { hasNetns, NEEDS_NETNS } from "../support/netns.ts";
import { LONG_LIMIT_MS } from "../support/time-limits.ts";

const BENCH = "bench/xdp-transport/main.ts";

const bench = (args: readonly string[]) => runBench(BENCH, args);

describe("bench:xdp", () => {
  testIf(hasNetns, NEEDS_NETNS)(
    "measures a server of each transport and the floor, each on a cable of its own, under each load",
    async () => {
      const only = ["--window", "64", "--pace", "5000", "--nodes", "300", "--what", "hit,announce", "--seconds", "0.1"];
      const { out, err, code } = await bench(["--quick", ...only, "--json"]);
      expect(code, err).toBe(0);
      const { rows, noSoftirq, targets } = JSON.parse(out);
      const names = rows.map(({ who, nodes, what, window, pace }: Row) => `${who} ${nodes} ${what} ${window} ${pace}`);
      const servers = (shape: string) =>
        ["hit", "announce"].flatMap((what) => ["mmsg", "xdp"].map((who) => `${who} 300 ${what} ${shape}`));
      expect(names).toEqual(["64 0", "0 5000"].flatMap((shape) => [`echo 0 hit ${shape}`, ...servers(shape)]));
      for (const row of rows as Row[]) {
        expect(row.wrong + row.limited).toBe(0);
        expect(row.own).toBeGreaterThan(0);
        expect(row.ratios.own).toBeGreaterThan(0);
        // JSON has null for what was not measured.
        expect(row.whole === null).toBe(noSoftirq !== undefined);
        expect(row.medianMs > 0).toBe(row.pace > 0);
        if (row.who !== "xdp") expect(row.kernel).toBeGreaterThan(0);
      }
      // On a machine that is too busy, a server may give its queue back to the kernel for a moment.
      expect((rows as Row[]).some(({ who, kernel }) => who === "xdp" && kernel === 0)).toBe(true);
      expect(targets.map(({ text }: { text: string }) => text)).toContain("wrong replies");
    },
    LONG_LIMIT_MS,
  );

  testIf(hasNetns, NEEDS_NETNS)(
    "leaves nothing behind when a signal ends it",
    async () => {
      const args = ["--quick", "--transport", "mmsg", "--nodes", "300", "--what", "hit", "--rounds", "1000"];
      const child = Bun.spawn([process.execPath, join(import.meta.dir, "../..", BENCH), ...args], {
        stdio: ["ignore", "ignore", "pipe"],
      });
      // Its progress goes to stderr. The first line of a round comes when everything is running.
      let progress = "";
      for await (const chunk of child.stderr.pipeThrough(new TextDecoderStream())) {
        progress += chunk;
        if (progress.includes("round 1,")) break;
      }
      const children = descendants(child.pid);
      expect(children.length).toBeGreaterThan(3);
      child.kill("SIGINT");
      expect(await child.exited).toBe(130);
      while (children.some(isRunning)) await Bun.sleep(10);
    },
    LONG_LIMIT_MS,
  );

  test("says why it does nothing where there are no network namespaces, with exit code 0", async () => {
    const without = { ...Bun.env, PATH: "" };
    const lines = [[], ["--json"]].map((args) => ({ file: BENCH, args }));
    const [text, json] = await runBenchLines(lines, without);
    expect(text).toEqual({ out: `bench:xdp: skipped: it ${NEEDS_NETNS}\n`, err: "", code: 0 });
    expect(JSON.parse(json!.out)).toEqual({ skipped: NEEDS_NETNS });
  });
});

/** Numbers of the processes that a process has started, and that those have started. */
function descendants(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "latin1").split(" ").filter(Boolean).map(Number),
  );
  return children.flatMap((child) => [child, ...descendants(child)]);
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "latin1"));
  } catch {
    return false;
  }
}

describe("the softirq clock", () => {
  const obstacle = softirqObstacle();
  const clocked = testIf(obstacle === undefined, obstacle ?? "");

  /** Sends packets over loopback, on which the sender's process receives them. @returns how long that took, in us */
  async function send(): Promise<number> {
    const socket = await Bun.udpSocket({ hostname: "127.0.0.1", socket: {} });
    const began = Bun.nanoseconds();
    for (let i = 0; i < 2000; i++) socket.send("packet", socket.port, "127.0.0.1");
    const elapsed = (Bun.nanoseconds() - began) / 1000;
    socket.close();
    return elapsed;
  }

  clocked("counts what a process is charged for", async () => {
    using clock = new SoftirqClock();
    const before = clock.time(process.pid);
    const elapsed = await send();
    const time = clock.time(process.pid) - before;
    expect(time).toBeGreaterThan(0);
    expect(time).toBeLessThan(elapsed);
    // No process has this number.
    expect(clock.time(2 ** 31 - 1)).toBe(0);
  });
});

describe("the flags of bench:xdp", () => {
  test("choose transports, windows, paces, loads, naps and sizes", () => {
    expect(parse([])).toEqual({
      transports: ["mmsg", "xdp"],
      nodes: [10_000, 1_000_000],
      whats: ["hit", "miss", "announce"],
      shapes: [
        { window: 64, pace: 0 },
        { window: 128, pace: 0 },
        { window: 256, pace: 0 },
        { window: 512, pace: 0 },
        { window: 0, pace: 20_000 },
        { window: 0, pace: 60_000 },
      ],
      coalesce: [undefined],
      rounds: 5,
      seconds: 1,
      json: false,
    });
    expect(parse(["--window", "0", "--pace", "9", "--coalesce", "0,300", "--transport", "mmsg"])).toMatchObject({
      transports: ["mmsg"],
      shapes: [{ window: 0, pace: 9 }],
      coalesce: [0, 300],
    });
    expect(parse(["--quick", "--rounds", "3"])).toMatchObject({ nodes: [10_000], rounds: 3, seconds: 0.3 });
  });

  test("with wrong values are refused", () => {
    const wrong = [
      ["--transport", "udp"],
      ["--window", "31"],
      ["--window", "0", "--pace", "0"],
      ["--nodes", "30000001"],
      ["--coalesce", "-1"],
      ["--seconds", "0"],
      ["--nonsense"],
    ];
    for (const args of wrong) expect(() => parse(args), args.join(" ")).toThrow(UsageError);
  });
});

describe("the figures of bench:xdp", () => {
  const GOOD: Sample = {
    own: 2,
    whole: 3,
    ratios: { own: 0.5, whole: 0.6 },
    perSecond: 1000,
    expected: 1000,
    replies: 1000,
    wrong: 0,
    limited: 0,
    replaced: 0,
    received: 1000,
    kernel: 0,
    medianMs: 0,
    p99Ms: 0,
  };
  const HIT: Measured = { who: "xdp", coalesce: undefined, nodes: 10_000, what: "hit", window: 512, pace: 0 };
  const row = (what: Partial<Measured>, ...samples: Partial<Sample>[]) =>
    rowOf(
      { ...HIT, ...what },
      samples.map((sample) => ({ ...GOOD, ...sample })),
    );
  const lines = (...rows: Row[]) => targets(rows).map(targetLine);

  test("are medians of the rounds; errors are summed up", () => {
    const rows = row(
      {},
      { own: 9, ratios: { own: 3, whole: 1 }, replies: 900, wrong: 1, kernel: 30 },
      { own: 1, ratios: { own: 1, whole: 3 }, limited: 2 },
      { own: 5, ratios: { own: 2, whole: 2 }, replaced: 1 },
    );
    expect(rows).toMatchObject({
      own: 5,
      ratios: { own: 2, whole: 2 },
      wrong: 1,
      limited: 2,
      replaced: 1,
      kernel: 0.01,
    });
    expect(rows.unanswered).toBeCloseTo(100 / 3000);
  });

  test("have targets for queries with window 512: 0.65 of the floor, and 0.85 with a million nodes", () => {
    expect(
      lines(
        row({}, { ratios: { own: 0.65, whole: 9 } }),
        row({ nodes: 1_000_000 }, { ratios: { own: 0.86, whole: 0 } }),
      ),
    ).toEqual([
      "reached      xdp, window 512, 10,000 nodes: hit / floor: 0.65 (at most 0.65)",
      "not reached  xdp, window 512, 1,000,000 nodes: hit / floor: 0.86 (at most 0.85)",
      "reached      wrong replies: 0 (at most 0)",
      "reached      share of queries unanswered, in the worst row: 0.00000 (at most 0.001)",
      "reached      packets stopped by a limit: 0 (at most 0)",
      "reached      workers replaced under load: 0 (at most 0)",
      "reached      share of the packets of xdp that came through the kernel: 0 (at most 0)",
    ]);
    const other = [
      row({ window: 256 }, {}),
      row({ what: "miss" }, {}),
      row({ coalesce: 0 }, {}),
      row({ nodes: 5 }, {}),
    ];
    expect(lines(...other).some((line) => line.includes("floor"))).toBe(false);
  });

  test("miss their targets if replies are wrong or missing, or packets of xdp came through the kernel", () => {
    const found = lines(
      row({ who: "echo" }, { replies: 0 }),
      row({ who: "mmsg" }, { kernel: 1000 }),
      row({ window: 64 }, { wrong: 1, replies: 998, limited: 2, replaced: 3, kernel: 1 }),
    );
    expect(found).toEqual([
      "not reached  wrong replies: 1 (at most 0)",
      "not reached  share of queries unanswered, in the worst row: 0.00200 (at most 0.001)",
      "not reached  packets stopped by a limit: 2 (at most 0)",
      "not reached  workers replaced under load: 3 (at most 0)",
      "not reached  share of the packets of xdp that came through the kernel: 0.00100 (at most 0)",
    ]);
  });

  test("are printed as a table; what was not measured is left empty", () => {
    const rows = [
      row({ who: "echo", nodes: 0 }, {}),
      row(
        { coalesce: 100, window: 0, pace: 20_000, what: "announce" },
        { whole: Number.NaN, ratios: { own: 1, whole: Number.NaN }, medianMs: 0.1, p99Ms: 0.25 },
      ),
    ];
    expect(table(rows)).toBe(
      `               nodes  load      sent          us  x floor  with softirq  x floor  per second  unanswered  wrong     ms   99 %
echo                  hit       window 512  2.00     0.50          3.00     0.60       1,000      0.00 %
xdp, nap 100  10,000  announce  20,000/s    2.00     1.00                              1,000      0.00 %      0  0.100  0.250`,
    );
  });
});
