/**
 * The full check: types, unused code, lint, as-pect, bun test. If one fails, the others still run. The outputs of test files that failed
 * come at the end; the last line has the totals. `bun run test` runs scripts/setup.ts and then this.
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

/** The outputs of the test files that failed. They are printed at the end, where one finds them among thousands of tests. */
const failedOutputs: string[] = [];

/** Runs a tool of node_modules, and prints its output when it has ended. Counts as one test. */
async function tool(title: string, command: readonly string[]): Promise<Tally> {
  const child = Bun.spawn([process.execPath, "--bun", ...command], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  console.log(`\n== ${title}\n${`${out}${err}`.trim()}`);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
}

async function aspect(): Promise<Tally> {
  const { passed, failed, ok, output } = await runAspect();
  console.log(`\n== as-pect\n${output}`);
  return { passed, failed: ok ? 0 : Math.max(1, failed), skipped: 0 };
}

/** An attribute of the root element of a JUnit report; 0 if it is missing. */
function total(report: string, name: string): number {
  const root = /<testsuites\b[^>]*>/.exec(report)?.[0] ?? "";
  return Number(new RegExp(`\\b${name}="(\\d+)"`).exec(root)?.[1] ?? 0);
}

/**
 * The tests run file by file, in three phases. First most folders: their tests mostly wait, for programs, packets and time-outs,
 * so several files run at a time. Then folders whose tests fail if servers get little processor time, and last the files that
 * starve threads, flood a server, or count the replies to a load. A phase names folders and single files of tests/.
 */
const PHASES: readonly { readonly names: readonly string[]; readonly atOnce: number }[] = [
  { names: ["*"], atOnce: 5 },
  {
    names: [
      ...["journal", "server", "bench"],
      ...["client/node-sockets.test.ts", "client/servers/addresses.test.ts", "client/servers/failures.test.ts"],
      ...["client/servers/confirm.test.ts", "client/servers/pending.test.ts"],
    ],
    atOnce: 3,
  },
  {
    names: [
      "server/flood.test.ts",
      "server/starved.test.ts",
      "server/workers.test.ts",
      "bench/abuse.test.ts",
      "bench/server.test.ts",
    ],
    atOnce: 1,
  },
];

/** Files that take long. They start first in their phase, so that none of them runs last, by itself. The check prints the slowest. */
const LONG: readonly string[] = [
  "docs/site.test.ts",
  "package/installed.test.ts",
  "transport/reply-address.test.ts",
  "client/lan/lan.test.ts",
  "client/lan/groups.test.ts",
  "client/node-sockets.test.ts",
  "cli/lookup.test.ts",
  "cli/watch.test.ts",
  "examples/chat.test.ts",
  "examples/game-lobby.test.ts",
  "transport/transport.test.ts",
  "examples/lan-cache.test.ts",
  "admin/page.test.ts",
  "journal/redis/clock.test.ts",
  "journal/redis/journal.test.ts",
  "journal/sqlite/clock.test.ts",
  "server/stalls/stalls.test.ts",
  "journal/kill/kill.test.ts",
  "server/xdp/trouble.test.ts",
];

/** The folders whose files run one after the other: they build dist/ in the checkout. */
const TOGETHER = ["package"];

/** The test files of a phase, in groups that run one after the other; `*` stands for all folders that no phase names. */
async function groupsOf(names: readonly string[]): Promise<string[][]> {
  const files = (await Array.fromAsync(new Bun.Glob("**/*.test.ts").scan({ cwd: join(root, "tests") }))).sort();
  const folderOf = (file: string) => file.split("/")[0]!;
  const unknown = [...PHASES.flatMap((phase) => phase.names), ...LONG, ...TOGETHER].filter(
    (name) => name !== "*" && !files.some((file) => file === name || folderOf(file) === name),
  );
  if (unknown.length > 0) throw new Error(`check.ts names files that tests/ does not have: ${unknown.join(", ")}`);
  const named = PHASES.flatMap((phase) => phase.names);
  // A file that is named itself is not one of its folder.
  const nameOf = (file: string) => [file, folderOf(file)].find((name) => named.includes(name)) ?? "*";
  const all = files.filter((file) => names.includes(nameOf(file)));
  const inOrder = [...LONG.filter((file) => all.includes(file)), ...all.filter((file) => !LONG.includes(file))];
  const together = Map.groupBy(inOrder, (file) => (TOGETHER.includes(folderOf(file)) ? folderOf(file) : file));
  return [...together.values()];
}

/** Seconds that each file took, and seconds of processor time that it and its programs used. */
const seconds = new Map<string, { took: number; used: number }>();
/** How many of the files that take longest and that use most are printed. */
const LISTED = 10;

/** Runs one test file of tests/. */
async function testFile(file: string, report: string): Promise<Tally> {
  const options = [`--timeout=${TEST_LIMIT_MS}`, "--reporter=junit", `--reporter-outfile=${report}`];
  const from = performance.now();
  const child = Bun.spawn([process.execPath, "test", `./tests/${file}`, ...options], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  const used = Number(child.resourceUsage()!.cpuTime.total) / 1e6;
  seconds.set(file, { took: (performance.now() - from) / 1000, used });
  const text = (await Bun.file(report).exists()) ? await Bun.file(report).text() : "";
  const skipped = total(text, "skipped");
  const failed = total(text, "failures");
  const passed = total(text, "tests") - failed - skipped;
  // Bun's report has no failure if a file does not load or has no test. Its exit code, or a report without tests, shows that.
  const ok = code === 0 && passed + skipped > 0;
  const output = `${out}${err}`.trim();
  if (ok) console.log(output);
  else {
    console.log(`check: ${file} failed; its output is at the end`);
    const counts = `exit ${code}, ${passed} passed, ${failed} failed, ${skipped} skipped`;
    failedOutputs.push(`== failed: ${file} (${counts})\n${output}`);
  }
  return { passed, failed: ok ? failed : Math.max(1, failed), skipped };
}

async function bunTest(): Promise<Tally> {
  console.log("\n== bun test");
  const folder = await mkdtemp(join(tmpdir(), "whereabouts-"));
  const tallies: Tally[] = [];
  try {
    for (const { names, atOnce } of PHASES) {
      const groups = await groupsOf(names);
      const next = async () => {
        for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
          for (const file of group) {
            tallies.push(await testFile(file, join(folder, `${file.replaceAll("/", "-")}.xml`)));
          }
        }
      };
      await Promise.all(Array.from({ length: atOnce }, next));
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const all = sum(tallies);
  return all.passed > 0 ? all : { ...all, failed: Math.max(1, all.failed) };
}

function sum(tallies: readonly Tally[]): Tally {
  const add = (name: keyof Tally) => tallies.reduce((all, tally) => all + tally[name], 0);
  return { passed: add("passed"), failed: add("failed"), skipped: add("skipped") };
}

/** In CI a skipped test is a failure: the machine must have everything that the tests need. */
function strict(tally: Tally): Tally {
  if (Bun.env.CI !== "true" || tally.skipped === 0) return tally;
  console.log(`check: ${tally.skipped} tests were skipped, but CI=true requires all to run`);
  return { ...tally, failed: tally.failed + tally.skipped };
}

// Before the tests, which write into the checkout that these tools read.
const tools = await Promise.all([
  tool("types", ["node_modules/typescript/bin/tsc", "-p", "."]),
  tool("types of the page", ["node_modules/typescript/bin/tsc", "-p", "src/admin/page"]),
  tool("unused", ["node_modules/knip/bin/knip.js", "--no-progress", "--treat-config-hints-as-errors"]),
  tool("lint", ["node_modules/@biomejs/biome/bin/biome", "check", "."]),
  aspect(),
]);
const tallies = [...tools, strict(await bunTest())];
for (const [what, name] of [
  ["take longest", "took"],
  ["use most processor time", "used"],
] as const) {
  const most = [...seconds].sort(([, a], [, b]) => b[name] - a[name]).slice(0, LISTED);
  console.log(`\n${what}: ${most.map(([file, time]) => `${file} ${time[name].toFixed(0)} s`).join(", ")}`);
}
for (const output of failedOutputs) console.log(`\n${output}`);
const { passed, failed, skipped } = sum(tallies);
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed > 0 ? 1 : 0);
