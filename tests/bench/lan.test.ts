/** `bun run bench:lan`: its programs find each other and are measured, and its figures are right. How fast they are does not matter here. */
import { describe, expect, test } from "bun:test";
import { RUNTIMES } from "../../bench/lan/agents.ts";
import { Lans } from "../../bench/lan/network.ts";
import { type Figure, figure, missed, textTables } from "../../bench/lan/report.ts";
import { runBench, runBenchLines } from "../support/bench.ts";
import { testIf } from "../support/needs.ts";
import { hasNetns, NEEDS_NETNS } from "../support/netns.ts";
import { LONG_LIMIT_MS } from "../support/time-limits.ts";

const BENCH = "bench/lan/main.ts";

const bench = (args: readonly string[]) => runBench(BENCH, args);

describe("bench:lan", () => {
  testIf(hasNetns, NEEDS_NETNS)(
    "measures programs of all runtimes on several LANs",
    async () => {
      const { out, err, code } = await bench([
        "--quick",
        "--rounds",
        "1",
        "--restarts",
        "2",
        "--lookups",
        "1",
        "--json",
      ]);
      expect(code, err).toBe(0);
      const { figures, runtimes, quick } = JSON.parse(out) as { figures: Figure[]; runtimes: string[]; quick: boolean };
      expect({ quick, runtimes }).toEqual({ quick: true, runtimes: [...RUNTIMES] });
      expect([...new Set(figures.map(({ part }) => part))]).toEqual(["start-up", "restarts", "first lookup", "crowd"]);
      const of = (part: string, what: string) =>
        figures.find((figure) => figure.part === part && figure.what.startsWith(what))!;
      // A value of each of the nine programs.
      for (const what of ["first other node", "all other nodes", "step: the LAN is open", "step: another node"]) {
        const { count, median, max } = of("start-up", what);
        expect({ what, count }).toEqual({ what, count: 9 });
        expect(median, what).toBeGreaterThan(0);
        expect(max, what).toBeGreaterThanOrEqual(median);
      }
      expect(of("restarts", "same NodeID: until").count).toBe(1);
      expect(of("restarts", "random NodeID: not known").max).toBe(0);
      expect(of("crowd", "nodes").max).toBe(20);
      expect(of("crowd", "nodes that a real one knows").max).toBeGreaterThan(6);
      expect(of("crowd", "processor time").max).toBeGreaterThan(0);
      expect(of("crowd", "packets of the first 1 s, all nodes start").max).toBeGreaterThanOrEqual(20);
      expect(of("crowd", "packets of the first 1 s, a node is new").max).toBeGreaterThan(0);
    },
    LONG_LIMIT_MS,
  );

  test("says why it does nothing where there are no network namespaces, with exit code 0", async () => {
    const without = { ...Bun.env, PATH: "" };
    const lines = [[], ["--json"]].map((args) => ({ file: BENCH, args }));
    const [text, json] = await runBenchLines(lines, without);
    expect(text).toEqual({ out: `bench:lan: skipped: it ${NEEDS_NETNS}\n`, err: "", code: 0 });
    expect(JSON.parse(json!.out)).toEqual({ skipped: NEEDS_NETNS });
  });
});

describe("the LANs of bench:lan", () => {
  testIf(hasNetns, NEEDS_NETNS)(
    "connect all hosts, and the packets of the first one are counted",
    async () => {
      await using lans = await Lans.create(3, 2);
      const counts = () => lans.hosts.map((_, host) => lans.packets(host));
      const send = (destination: string) => {
        const code = `const socket = await Bun.udpSocket({});
          socket.setBroadcast(true);
          for (let i = 0; i < 200; i++) socket.send("x", 9, "${destination}");
          socket.close();`;
        lans.hosts[0]!.run(`'${process.execPath}' -e '${code}'`);
      };
      const before = counts();
      send("10.1.255.255");
      const between = counts();
      send("10.2.255.255");
      const after = counts();
      // In units of what was sent: hosts also send a few packets of their own accord.
      const difference = (a: typeof before, b: typeof before) =>
        b.map(({ sent, received }, i) =>
          [sent - a[i]!.sent, received - a[i]!.received].map((n) => Math.floor(n / 200)),
        );
      expect(difference(before, between)).toEqual([
        [1, 0],
        [0, 1],
        [0, 1],
      ]);
      expect(difference(between, after).flat()).toEqual(Array(6).fill(0));
    },
    LONG_LIMIT_MS,
  );
});

describe("a figure of bench:lan", () => {
  test("has the median, the value that 99 % do not exceed, and the maximum, in the unit of its values", () => {
    const values = Array.from({ length: 101 }, (_, i) => 101 - i);
    expect(figure("part", "what", "ms", values)).toEqual({
      part: "part",
      what: "what",
      unit: "ms",
      count: 101,
      median: 51,
      p99: 100,
      max: 101,
      targets: {},
    });
    expect(figure("part", "what", "ms", [1, 3])).toMatchObject({ median: 2, p99: 3, max: 3 });
    expect(figure("part", "what", "ms", [5])).toMatchObject({ median: 5, p99: 5, max: 5 });
  });

  test("misses a target only if it is above it, and what never happened misses all", () => {
    const targets = { median: 2, max: 3 };
    expect(missed(figure("part", "what", "ms", [1, 2, 3], targets))).toEqual([]);
    expect(missed(figure("part", "what", "ms", [1, 2.5, 4], targets))).toEqual([
      "MISSED   part, what: median 2.50 ms, target 2",
      "MISSED   part, what: max 4 ms, target 3",
    ]);
    expect(missed(figure("part", "lost", "", [1], { max: 0 }))).toEqual(["MISSED   part, lost: 1, target 0"]);
    expect(missed(figure("part", "what", "ms", [1, 1, Number.POSITIVE_INFINITY], targets))).toEqual([
      "MISSED   part, what: max never, target 3",
    ]);
  });

  test("is a row of its part's table; a figure of one value has no median", () => {
    const figures = [
      figure("start-up", "first", "ms", [1.234, 12.34, 1234], { median: 300, max: 2_000 }),
      figure("start-up", "lost", "", [3], { max: 0 }),
      figure("lookup", "Bun", "ms", [Number.POSITIVE_INFINITY]),
    ];
    expect(textTables(figures)).toBe(`start-up  n  median   99 %    max      target
first     3    12.3  1,234  1,234  ms  median 300, max 2000
lost                            3      0

lookup  n  median  99 %    max      target
Bun                      never  ms`);
  });
});
