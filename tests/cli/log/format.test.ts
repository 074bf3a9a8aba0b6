import { expect, setDefaultTimeout, test } from "bun:test";
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { localTime } from "../../../src/cli/terminal/time.ts";
import { OutputLines, start, TerminalCommand } from "../../support/command.ts";
import { Folder } from "../../support/folder.ts";
import { TEST_LIMIT_MS, until } from "../../support/time-limits.ts";

setDefaultTimeout(TEST_LIMIT_MS);

const ARGS = ["server", "--host", "127.0.0.1", "--port", "0", "--workers", "1"];
/** An empty variable counts as not set. */
const AUTO = { WHEREABOUTS_LOG_FORMAT: "" };

/** Starts a server whose output is a file that pretends to be systemd's journal, until it has logged what it listens on. */
async function logOf(env: Record<string, string>, asJournal: boolean): Promise<string[]> {
  using folder = new Folder();
  const path = folder.at("log");
  const fd = openSync(path, "w");
  const { dev, ino } = fstatSync(fd);
  const stream = asJournal ? `${dev}:${ino}` : `${dev}:${ino + 1}`;
  const child = Bun.spawn([process.execPath, new URL("../../../src/cli/main.ts", import.meta.url).pathname, ...ARGS], {
    env: { ...Bun.env, WHEREABOUTS_JOURNAL: "memory", WHEREABOUTS_ADMIN: "off", ...env, JOURNAL_STREAM: stream },
    stdin: "ignore",
    stdout: fd,
    stderr: "inherit",
  });
  await until(() => readFileSync(path, "utf8").includes("stores up to"), "the start");
  child.kill();
  expect(await child.exited).toBe(0);
  return readFileSync(path, "utf8").trim().split("\n");
}

test("the log is JSON lines by default where nobody reads it, with local time and offset", async () => {
  await using child = start(ARGS, { env: { ...AUTO, TZ: "Asia/Kolkata" } });
  const line = JSON.parse(await new OutputLines(child.stdout).next(/listens on/));
  child.kill();
  expect(line).toMatchObject({ level: "INFO", logger: "whereabouts.server", properties: { workers: 1 } });
  const time: string = line["@timestamp"];
  expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+05:30$/);
  expect(Math.abs(Date.parse(time) - Date.now())).toBeLessThan(TEST_LIMIT_MS);
  expect(await child.exited).toBe(0);
});

test("the log is text by default on a terminal, with local time and offset", async () => {
  await using shown = new TerminalCommand(
    ARGS,
    { env: { ...AUTO, TZ: "Asia/Kolkata", NO_COLOR: "1" } },
    { cols: 300, rows: 24 },
  );
  await until(() => shown.text.includes("listens on"), "the start");
  expect(shown.text).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \+05:30 \[INF\] whereabouts·server: whereabouts /);
});

test("in systemd's journal, lines have a priority, and text has no time", async () => {
  const wrong = { WHEREABOUTS_NONSENSE: "1" };
  const [warning, listens] = await logOf(wrong, true);
  expect(warning).toStartWith("<4>[WRN] whereabouts·server: unknown variable WHEREABOUTS_NONSENSE is ignored");
  expect(listens).toMatch(/^<6>\[INF\] whereabouts·server: whereabouts \S+ listens on udp 127\.0\.0\.1:/);
  // A program that was started by a service inherits the variable, but perhaps not the output.
  const [other] = await logOf(wrong, false);
  expect(JSON.parse(other!).level).toBe("WARN");
});

/** What a program writes that logs by {@link configureLog}. */
async function writtenBy(script: string, logFormat: "json" | "pretty", asJournal = false): Promise<string[]> {
  using folder = new Folder();
  const path = folder.at("log");
  const fd = openSync(path, "w");
  const { dev, ino } = fstatSync(fd);
  const log = JSON.stringify(new URL("../../../src/cli/terminal/log.ts", import.meta.url).pathname);
  const program = `
    import { getLogger } from "@logtape/logtape";
    import { configureLog, writeLog } from ${log};
    await configureLog({ logLevel: "debug", logFormat: "${logFormat}" });
    const logger = getLogger(["whereabouts", "test"]);
    ${script}`;
  const child = Bun.spawn([process.execPath, "-e", program], {
    env: { ...Bun.env, JOURNAL_STREAM: asJournal ? `${dev}:${ino}` : "" },
    cwd: new URL("../../..", import.meta.url).pathname,
    stdin: "ignore",
    stdout: fd,
    stderr: "inherit",
  });
  expect(await child.exited).toBe(0);
  closeSync(fd);
  return readFileSync(path, "utf8").trim().split("\n");
}

test("lines that repeat are summed up, and written at the latest before the program ends", async () => {
  const repeat = 'for (let i = 1; i <= 3; i++) logger.warning("again {i}", { i });';
  const lines = await writtenBy(
    `${repeat} await writeLog(); console.log("after"); ${repeat} process.exit();`,
    "pretty",
  );
  expect(lines.map((line) => line.replace(/^.* whereabouts·test: /, ""))).toEqual([
    "again 1",
    "again 3 (2 more in the last 30 s)",
    "after",
    "again 1",
    "again 3 (2 more in the last 30 s)",
  ]);
});

test("each level has its priority in systemd's journal, and characters that change a terminal are escaped", async () => {
  const levels = ["debug", "info", "warning", "error", "fatal"];
  const script = levels.map((level) => `logger.${level}("{text}", { text: "a\\x1b[2J\\u202e" });`).join("\n");
  const [text, json] = await Promise.all([writtenBy(script, "pretty", true), writtenBy(script, "json", true)]);
  expect(text.map((line) => line.slice(0, 8))).toEqual(["<7>[DBG]", "<6>[INF]", "<4>[WRN]", "<3>[ERR]", "<2>[FTL]"]);
  expect(json.map((line) => line.slice(0, 4))).toEqual(["<7>{", "<6>{", "<4>{", "<3>{", "<2>{"]);
  for (const line of text) expect(line).toEndWith(": a\\u{1b}[2J\\u{202e}");
  for (const line of json) {
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(JSON.parse(line.slice(3)).properties).toEqual(expect.objectContaining({ text: "a\x1b[2J\u202e" }));
  }
});

test("local times are right in winter and in summer, east and west of Greenwich", () => {
  const before = process.env.TZ;
  const [winter, summer] = [Date.UTC(2026, 10, 28, 20, 18, 46, 932), Date.UTC(2026, 6, 1, 22, 0, 0, 5)];
  const timesIn = (zone: string) => {
    process.env.TZ = zone;
    return [localTime(winter, " "), localTime(summer, "T")];
  };
  try {
    expect(timesIn("Europe/Berlin")).toEqual(["2026-11-28 21:18:46.932 +01:00", "2026-07-02T00:00:00.005+02:00"]);
    expect(timesIn("America/St_Johns")).toEqual(["2026-11-28 16:48:46.932 -03:30", "2026-07-01T19:30:00.005-02:30"]);
    expect(timesIn("UTC")).toEqual(["2026-11-28 20:18:46.932 +00:00", "2026-07-01T22:00:00.005+00:00"]);
  } finally {
    process.env.TZ = before ?? "UTC";
  }
});
