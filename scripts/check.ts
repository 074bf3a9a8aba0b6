/**
 * The full check: types, unused code, lint, as-pect, bun test. If one fails, the others still run. The last line has the
 * totals. `bun run test` runs scripts/setup.ts and then this.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TEST_LIMIT_MS } from "../tests/support/time-limits.ts";
import { runAspect } from "./aspect.ts";

const root = join(import.meta.dir, "..");

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** Runs a tool of node_modules with its output on the terminal. Counts as one test. */
async function tool(title: string, command: readonly string[]): Promise<Tally> {
  console.log(`\n== ${title}`);
  const child = Bun.spawn([process.execPath, "--bun", ...command], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });
  const ok = (await child.exited) === 0;
  return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 };
}

async function aspect(): Promise<Tally> {
  console.log("\n== as-pect");
  const { passed, failed, ok, output } = await runAspect();
  console.log(output);
  return { passed, failed: ok ? 0 : Math.max(1, failed), skipped: 0 };
}

/** An attribute of the root element of a JUnit report; 0 if it is missing. */
function total(report: string, name: string): number {
  const root = /<testsuites\b[^>]*>/.exec(report)?.[0] ?? "";
  return Number(new RegExp(`\\b${name}="(\\d+)"`).exec(root)?.[1] ?? 0);
}

/** The test files that are missing in the report. */
async function missingIn(report: string): Promise<string[]> {
  const files = await Array.fromAsync(new Bun.Glob("tests/**/*.test.ts").scan({ cwd: root }));
  return files.filter((file) => !report.includes(`file="${file}"`)).sort();
}

async function bunTest(): Promise<Tally> {
  console.log("\n== bun test");
  const folder = await mkdtemp(join(tmpdir(), "whereabouts-"));
  try {
    const report = join(folder, "report.xml");
    const command = [
      "test",
      "./tests",
      `--timeout=${TEST_LIMIT_MS}`,
      "--reporter=junit",
      `--reporter-outfile=${report}`,
    ];
    const child = Bun.spawn([process.execPath, ...command], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
    const code = await child.exited;
    const text = (await Bun.file(report).exists()) ? await Bun.file(report).text() : "";
    const [tests, failures, skipped] = ["tests", "failures", "skipped"].map((name) => total(text, name)) as [
      number,
      number,
      number,
    ];
    const passed = tests - failures - skipped;
    const missing = await missingIn(text);
    for (const file of missing) console.log(`check: ${file} ran no test`);
    // Bun's report has no failure if a file does not load or if there is no test at all. Its exit code shows the error.
    const failed = failures + missing.length;
    return { passed, failed: code !== 0 || passed === 0 ? Math.max(1, failed) : failed, skipped };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** In CI a skipped test is a failure: the machine must have everything that the tests need. */
function strict(tally: Tally): Tally {
  if (Bun.env.CI !== "true" || tally.skipped === 0) return tally;
  console.log(`check: ${tally.skipped} tests were skipped, but CI=true requires all to run`);
  return { ...tally, failed: tally.failed + tally.skipped };
}

const tallies = [
  await tool("types", ["node_modules/typescript/bin/tsc", "-p", "."]),
  await tool("unused", ["node_modules/knip/bin/knip.js", "--no-progress", "--treat-config-hints-as-errors"]),
  await tool("lint", ["node_modules/@biomejs/biome/bin/biome", "check", "."]),
  await aspect(),
  strict(await bunTest()),
];
const sum = (name: keyof Tally) => tallies.reduce((total, tally) => total + tally[name], 0);
console.log(`\n${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped`);
process.exit(sum("failed") > 0 ? 1 : 0);
