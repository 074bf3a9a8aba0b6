/**
 * `--report` of the benches: plots, tables and a page from the JSON of a run. The published plots and tables are what the
 * published JSON gives.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { page } from "../../bench/report/page.ts";
import { pictures, type Runs } from "../../bench/report/pictures.ts";
import { ends } from "../../bench/report/plots/lines.ts";
import type { ServerRun } from "../../bench/report/runs.ts";
import { tables } from "../../bench/report/tables.ts";
import { runsIn } from "../../bench/report/write.ts";
import { parse } from "../../bench/server/options.ts";
import { lostOf, stepOf } from "../../bench/server/sweep.ts";
import { figuresOf } from "../../bench/server/xdp.ts";
import type { Sample } from "../../bench/xdp-transport/rows.ts";
import { runBench, runBenchLines } from "../support/bench.ts";
import { hasChromium, launchChromium, NEEDS_CHROMIUM } from "../support/chromium.ts";
import { testIf } from "../support/needs.ts";
import { LONG_LIMIT_MS } from "../support/time-limits.ts";

const ROOT = join(import.meta.dir, "../..");
const PUBLISHED = join(ROOT, "docs/performance");
const PICTURES = join(ROOT, "docs/pictures");
const PLOTS = [
  "bench-codec",
  "bench-engine",
  "bench-offered",
  "bench-sizes",
  "bench-transports",
  "bench-workers",
] as const;

const folder = mkdtempSync(join(tmpdir(), "whereabouts-report-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const runs = runsIn(PUBLISHED);
const drawn = await pictures(runs);
const svgOf = (name: string, found = drawn) => found.find((picture) => picture.name === name)!.svg;

/** The words of a picture, as they are read from top to bottom. */
function wordsOf(svg: string): string {
  const texts = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
  return texts.join(" ").replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code));
}

/** The published run of the server with other figures. */
function serverWith(changes: Partial<ServerRun>): Runs {
  return { bench: undefined, server: { ...runs.server!, ...changes } };
}

describe("the published plots and tables", () => {
  test("are what the published JSON gives: run the commands of docs/performance.md again", () => {
    const files = readdirSync(PICTURES).filter((name) => name.startsWith("bench-"));
    expect(files.sort()).toEqual(PLOTS.map((name) => `${name}.svg`));
    for (const name of PLOTS) {
      expect(readFileSync(join(PICTURES, `${name}.svg`), "utf8"), name).toBe(svgOf(name));
    }
    expect(readFileSync(join(PUBLISHED, "tables.md"), "utf8")).toBe(tables(runs));
  });

  test("say below each plot by which command, on which machine and when it was measured", () => {
    for (const { name, svg, origin } of drawn) {
      const { host, date, command } = origin;
      const words = wordsOf(svg);
      for (const fact of [
        host.processor,
        host.kernel,
        `Bun ${host.bun}`,
        date,
        `load average ${host.loadAverage}`,
        command,
      ])
        expect(words, name).toContain(fact);
    }
  });

  test("are explained by docs/performance.md, with each plot, rows of the tables, and flags that exist", () => {
    const text = readFileSync(join(ROOT, "docs/performance.md"), "utf8");
    for (const name of PLOTS) expect(text).toContain(`](pictures/${name}.svg)`);
    const rows = /^## Some rows\n+```\n([\s\S]*?)```$/m.exec(text)![1]!.trimEnd().split("\n");
    expect(rows.length).toBeGreaterThan(3);
    // Rows that are out of date: copy them from docs/performance/tables.md.
    expect(tables(runs).split("\n")).toEqual(expect.arrayContaining(rows));
    const lines = [...text.matchAll(/^bun run bench:server ([^#\n]*)/gm)].map(([, flags]) => flags!.trim().split(" "));
    expect(lines.length).toBeGreaterThan(3);
    for (const flags of lines) expect(parse(flags)).toBeDefined();
  });

  test("do not load anything", () => {
    for (const { svg } of drawn) expect(svg).not.toMatch(/(href|src)=|url\(|@import/);
  });
});

describe("a plot", () => {
  test("of transports has a bar for each, with its cost in figures and as times of the floor", async () => {
    const [row] = runs.server!.rows.filter(({ who }) => who === "server");
    const hit = { ...row!, what: "hit", nodes: 10_000, workers: 2 } as const;
    const rows = [
      { ...hit, transport: "udp", cpu: 7.5, ratio: 1.875 },
      { ...hit, transport: "mmsg", cpu: 4.4, ratio: 1.1 },
    ] as const;
    const { xdp } = runs.server!;
    const without = wordsOf(svgOf("bench-transports", await pictures(serverWith({ rows, xdp: undefined }))));
    expect(without).toContain("10,000 nodes, 2 workers.");
    expect(without).toContain("floor 4.00");
    expect(without).toContain("7.50, 1.88 × floor");
    expect(without).toContain("4.40, 1.10 × floor");
    expect(without).not.toContain("veth");
    const costs = [
      { who: "echo", cpu: 2, ratio: 1, spread: [2, 2] },
      { who: "xdp", cpu: 1.5, ratio: 0.75, spread: [1, 2] },
    ] as const;
    const command = "bun run bench:xdp";
    const measured = { ...xdp, command, place: "", rounds: 1, softirq: true, costs };
    const beside = wordsOf(svgOf("bench-transports", await pictures(serverWith({ rows, xdp: measured }))));
    expect(beside).toContain("over a virtual cable (veth)");
    expect(beside).toContain("1.50, 0.75 × floor");
  });

  test("of loss says which processors server and load had", async () => {
    const [udp, mmsg] = ["server on processor 0, load on 1,2", "server and load share 2 processors"];
    const places = [`udp, 2 workers: ${udp}`, `mmsg, 1 worker: ${udp}`, `mmsg, 2 workers: ${mmsg}`];
    const sweep = runs.server!.sweep.map((step) => ({ ...step, transport: "mmsg" as const, workers: 2 }));
    const words = wordsOf(svgOf("bench-offered", await pictures(serverWith({ places, sweep }))));
    expect(words).toContain(`2 workers: ${mmsg}. Medians`);
    expect(words).not.toContain(udp);
  });

  test("is left out if a run has no figures for it", async () => {
    const sweepless = await pictures(serverWith({ sweep: [] }));
    expect(sweepless.map(({ name }) => name).sort()).toEqual(["bench-sizes", "bench-transports", "bench-workers"]);
    const rows = runs.server!.rows.filter(({ what, nodes }) => what === "miss" || nodes === 0);
    expect((await pictures(serverWith({ rows }))).map(({ name }) => name)).toEqual(["bench-offered"]);
  });

  test("of lines has their names beside their ends, none over another one", () => {
    const values = (given: readonly number[]) =>
      ends(
        given.map((value) => ({ value })),
        100,
        160,
      ).map(({ value }) => value);
    expect(values([50, 20, 80])).toEqual([50, 20, 80]);
    expect(values([0, 0, 5, 90])).toEqual([0, 10, 20, 90]);
    expect(values([25, 20])).toEqual([30, 20]);
  });

  test("starts at zero and goes to the largest registry on a logarithmic axis", async () => {
    const words = wordsOf(svgOf("bench-sizes"));
    expect(words).toContain("µs of processor per reply");
    for (const nodes of new Set(runs.server!.rows.map((row) => row.nodes)))
      if (nodes > 0) expect(words).toContain(nodes < 1e6 ? nodes.toLocaleString("en-US") : `${nodes / 1e6} million`);
    expect(words).toMatch(/(^| )0 /);
  });
});

describe("--report", () => {
  test("--from makes the same report of a saved JSON, and two benches share one folder", async () => {
    const report = join(folder, "saved");
    const pictures = join(folder, "pictures");
    const saved = (name: string) => join(PUBLISHED, `${name}.json`);
    const into = ["--report", report, "--pictures", pictures, "--from"];
    const outcomes = await runBenchLines([
      { file: "bench/main.ts", args: [...into, saved("bench")] },
      { file: "bench/server/main.ts", args: [...into, saved("server")] },
    ]);
    for (const outcome of outcomes) expect(outcome).toMatchObject({ out: "", code: 0 });
    for (const name of ["bench", "server"]) {
      expect(readFileSync(join(report, `${name}.json`), "utf8")).toBe(readFileSync(saved(name), "utf8"));
    }
    expect(readdirSync(report).sort()).toEqual(["bench.json", "report.html", "server.json", "tables.md"]);
    expect(readdirSync(pictures).sort()).toEqual(PLOTS.map((name) => `${name}.svg`));
    expect(readFileSync(join(report, "report.html"), "utf8")).toBe(page(runs, drawn));
  });

  test("refuses flags that make no sense, and files that are no run, with one line", async () => {
    const wrong = join(folder, "wrong.json");
    writeFileSync(wrong, '{"rows":[]}');
    cpSync(join(PUBLISHED, "server.json"), join(folder, "server.json"));
    const { places: _, ...placeless } = runs.server!;
    const [step] = runs.server!.sweep;
    const older = { placeless, lossless: { ...runs.server!, sweep: [{ ...step, lost: undefined }] } };
    for (const [name, run] of Object.entries(older)) writeFileSync(join(folder, `${name}.json`), JSON.stringify(run));
    const from = (name: string) => ["--report", folder, "--from", join(folder, `${name}.json`)];
    const cases = [
      ["server/main.ts", from("placeless"), 'has no "places", so it is of another version: measure again', 1],
      ["server/main.ts", from("lossless"), 'has no "lost" in "sweep", so it is of another version', 1],
      ["main.ts", ["--from", wrong], "--from needs --report", 2],
      ["main.ts", ["--report", folder, "--quick"], "--report needs figures, and --quick measures none", 2],
      ["server/main.ts", ["--pictures", folder], "--pictures needs --report", 2],
      ["server/main.ts", ["--pace", "2000"], "--pace needs --sweep or --report", 2],
      ["server/main.ts", ["--report", folder, "--from", wrong], "is not the JSON of `bun run bench:server --json`", 1],
      ["main.ts", ["--report", folder, "--from", join(folder, "server.json")], "is not the JSON of `bun bench", 1],
      ["main.ts", ["--report", folder, "--from", join(folder, "none.json")], "cannot read", 1],
    ] as const;
    const outcomes = await runBenchLines(cases.map(([script, args]) => ({ file: `bench/${script}`, args })));
    for (const [i, [, args, line, code]] of cases.entries()) {
      const found = outcomes[i]!;
      expect(found, args.join(" ")).toMatchObject({ out: "", code });
      expect(found.err).toContain(line);
      expect(found.err.trim().split("\n")).toHaveLength(1);
    }
  });
});

describe("the sweep of bench:server", () => {
  testIf(process.platform === "linux", "needs Linux")(
    "sends queries at each rate, whatever is answered, and counts what was sent and what was lost",
    async () => {
      const only = ["--transport", "mmsg", "--what", "hit", "--nodes", "300", "--seconds", "0.1"];
      const rates = ["--quick", "--sweep", "--pace", "2000,9000000"];
      const found = await runBench("bench/server/main.ts", [...rates, ...only, "--json"]);
      expect(found.code, found.err).toBe(0);
      const { sweep, command, date, host } = JSON.parse(found.out) as ServerRun;
      expect(sweep.map(({ transport, workers, nodes, pace }) => [transport, workers, nodes, pace])).toEqual([
        ["mmsg", 1, 300, 2000],
        ["mmsg", 1, 300, 9_000_000],
      ]);
      const [slow, fast] = sweep;
      expect(slow!.offered).toBeLessThanOrEqual(2000);
      // No load generator sends nine million packets per second from one processor.
      expect(fast!.offered).toBeGreaterThan(slow!.offered);
      expect(fast!.offered).toBeLessThan(9_000_000);
      for (const { offered, answered, lost, medianMs, p99Ms } of sweep) {
        expect(answered).toBeGreaterThan(0);
        expect(answered).toBeLessThanOrEqual(offered);
        expect(lost).toBeWithin(0, 1);
        expect(p99Ms).toBeGreaterThanOrEqual(medianMs);
      }
      expect(command).toStartWith("bun run bench:server --quick --sweep --pace 2000,9000000 ");
      expect(date).toMatch(/^\d{4}-\d\d-\d\d$/);
      expect(host.bun).toBe(Bun.version);
    },
    LONG_LIMIT_MS,
  );

  test("counts as lost what got no reply, but not what the load generator had no room for", () => {
    expect(lostOf({ expected: 200, replies: 100, dropped: 50 })).toBe(0.25);
    expect(lostOf({ expected: 100, replies: 101, dropped: 0 })).toBe(0);
  });

  test("has medians of the rounds, and their spread", () => {
    const sample = { offered: 100, answered: 90, lost: 0.1, medianMs: 1, p99Ms: 3 };
    const samples = [sample, { ...sample, answered: 50, lost: 0.5 }, { ...sample, answered: 99, lost: 0.01 }];
    expect(stepOf(100, samples)).toEqual({
      ...sample,
      pace: 100,
      spread: { answered: [50, 99], lost: [0.01, 0.5] },
    });
  });
});

test("the figures of xdp count softirq where it belongs, if that was measured", () => {
  const costs = { own: 2, whole: 3 };
  const sample = { ...costs, ratios: costs } as Sample;
  const rows = [{ who: "xdp", own: 2, whole: 3, ratios: { own: 0.5, whole: 0.6 }, samples: [sample] }] as const;
  const run = { place: "here", rounds: 1, rows };
  expect(figuresOf("x", run)).toMatchObject({ softirq: true, costs: [{ cpu: 3, ratio: 0.6, spread: [3, 3] }] });
  const without = figuresOf("x", { ...run, noSoftirq: "no BPF" });
  expect(without).toMatchObject({ softirq: false, costs: [{ cpu: 2, ratio: 0.5, spread: [2, 2] }] });
});

describe("the page of a report", () => {
  testIf(hasChromium, NEEDS_CHROMIUM)(
    "has all plots whole, in light and dark, on a phone, and makes no request",
    async () => {
      const file = join(folder, "page.html");
      writeFileSync(file, page(runs, drawn));
      const browser = await launchChromium();
      try {
        const view = await browser.newPage({ viewport: { width: 390, height: 800 } });
        const requests: string[] = [];
        const problems: string[] = [];
        view.on("request", (request) => requests.push(request.url()));
        view.on("console", (message) => problems.push(message.text()));
        await view.goto(`file://${file}`);
        for (const [colorScheme, ink] of [
          ["light", "rgb(31, 35, 40)"],
          ["dark", "rgb(230, 237, 243)"],
        ] as const) {
          await view.emulateMedia({ colorScheme });
          const found = await view.evaluate<Look>(LOOK);
          expect(found).toEqual({ plots: PLOTS.length, cut: [], scrolls: false, ink });
        }
        expect(requests.filter((url) => !url.startsWith("data:"))).toEqual([`file://${file}`]);
        expect(problems).toEqual([]);
      } finally {
        await browser.close();
      }
    },
    LONG_LIMIT_MS,
  );
});

interface Look {
  readonly plots: number;
  readonly cut: readonly string[];
  readonly scrolls: boolean;
  readonly ink: string;
}

/** Runs in the page: how many plots there are, and which of their texts are not wholly inside. */
const LOOK = `(() => {
  const plots = [...document.querySelectorAll("figure > svg")];
  const cut = plots.flatMap((plot) => {
    const whole = plot.getBoundingClientRect();
    return [...plot.querySelectorAll("text")].filter((text) => {
      const box = text.getBoundingClientRect();
      return text.textContent !== "" && (box.left < whole.left || box.right > whole.right || box.top < whole.top || box.bottom > whole.bottom);
    }).map((text) => text.textContent);
  });
  return {
    plots: plots.length,
    cut,
    scrolls: document.documentElement.scrollWidth > innerWidth,
    ink: getComputedStyle(document.querySelector("figure .title")).fill,
  };
})()`;
