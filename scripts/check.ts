/**
 * The full check: types, unused code, lint, as-pect, bun test. If one fails, the others still run. The last line has the
 * totals. `bun run test` runs scripts/setup.ts and then this.
 */
import { mkdtemp, readdir, rm } from "node:fs/promises";
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

/** The test files that are missing in the reports. */
async function missingIn(reports: readonly string[]): Promise<string[]> {
  const files = await Array.fromAsync(new Bun.Glob("tests/**/*.test.ts").scan({ cwd: root }));
  return files.filter((file) => !reports.some((report) => report.includes(`file="${file}"`))).sort();
}

/**
 * The folders of tests/ that mostly wait: for programs, packets and time-outs. These two groups and the other folders run at the
 * same time.
 */
const WAITING = [["client"], ["cli", "docs", "examples", "package"]];
/** The folders whose tests measure time, or fail if servers and threads get little processor time. They run alone, after the rest. */
const ALONE = ["bench", "journal", "server"];

/** Runs the tests of some folders. Their output comes as a whole if it is to be printed `later`. */
async function testFolders(
  folders: readonly string[],
  report: string,
  later: boolean,
): Promise<{ code: number; report: string; output: string }> {
  const options = [`--timeout=${TEST_LIMIT_MS}`, "--reporter=junit", `--reporter-outfile=${report}`];
  const out = later ? "pipe" : "inherit";
  const child = Bun.spawn([process.execPath, "test", ...folders.map((name) => `./tests/${name}/`), ...options], {
    cwd: root,
    stdio: ["ignore", out, out],
  });
  const output = later ? Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]) : [];
  const code = await child.exited;
  const text = (await Bun.file(report).exists()) ? await Bun.file(report).text() : "";
  return { code, report: text, output: (await output).join("") };
}

async function bunTest(): Promise<Tally> {
  console.log("\n== bun test");
  const folder = await mkdtemp(join(tmpdir(), "whereabouts-"));
  try {
    const folders = (await readdir(join(root, "tests"), { withFileTypes: true })).filter((it) => it.isDirectory());
    const known = [...WAITING.flat(), ...ALONE];
    const others = folders.map(({ name }) => name).filter((name) => !known.includes(name));
    // The output of one group comes as it is printed, the output of the others after it.
    const groups = [...WAITING, others];
    const runs = await Promise.all(groups.map((group, i) => testFolders(group, join(folder, `${i}.xml`), i > 0)));
    for (const { output } of runs.slice(1)) console.log(output);
    runs.push(await testFolders(ALONE, join(folder, "alone.xml"), false));
    const all = (name: string) => runs.reduce((sum, { report }) => sum + total(report, name), 0);
    const skipped = all("skipped");
    const passed = all("tests") - all("failures") - skipped;
    const missing = await missingIn(runs.map(({ report }) => report));
    for (const file of missing) console.log(`check: ${file} ran no test`);
    // Bun's report has no failure if a file does not load or if there is no test at all. Its exit code shows the error.
    const failed = all("failures") + missing.length;
    const ok = runs.every(({ code }) => code === 0) && passed > 0;
    return { passed, failed: ok ? failed : Math.max(1, failed), skipped };
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
