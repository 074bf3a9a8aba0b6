/** `bun run bench:chromium`: the page of the bench in a Chromium without a window, its tables on the terminal. */
import { chromium } from "playwright-core";
import type { Row } from "../contest.ts";
import { optionsOf } from "../options.ts";
import { jsonOf, lineOf, type Outcome, textOfOutcome } from "../outcome.ts";
import { PORTABLE } from "../portable.ts";
import { servePage } from "./server.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "chrome"];

const { suites, quick, json } = optionsOf("bun run bench:chromium", PORTABLE);
const executablePath = NAMES.map((name) => Bun.which(name)).find((path) => path !== null);
if (executablePath === undefined) {
  console.error(`bench: there is no Chromium on the PATH: ${NAMES.join(", ")}`);
  process.exit(1);
}

const flags = new URLSearchParams();
if (suites.length < PORTABLE.length) flags.set("only", suites.join());
if (quick) flags.set("quick", "");

const server = await servePage(0);
// Root has no sandbox to go into; all that is opened is our own page.
const browser = await chromium.launch({ executablePath, chromiumSandbox: process.getuid?.() !== 0 });
try {
  const page = await browser.newPage();
  await page.exposeFunction("report", (rows: readonly Row[]) => {
    if (!json) console.error(rows.map(lineOf).join("\n"));
  });
  await page.goto(`${server.url}?${flags}`);
  const outcome = await page.evaluate(() => (globalThis as unknown as { bench: Promise<Outcome> }).bench);
  console.log(json ? jsonOf(outcome) : textOfOutcome(outcome));
} catch (error) {
  // playwright adds its own name in front, and the page's stack behind.
  const [line = ""] = (error as Error).message.split("\n");
  console.error(`bench: ${line.replace(/^(page\.)?evaluate: (Error: bench: )?/, "")}`);
  process.exitCode = 1;
} finally {
  await browser.close();
  await server.stop(true);
}
