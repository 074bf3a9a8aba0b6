/** `bun run bench:chromium`: opens the bench page in a headless Chromium and prints its tables on the terminal. */
import { chromium } from "playwright-core";
import { CHROMIUM, NEEDS_CHROMIUM } from "../../tests/support/chromium.ts";
import type { Row } from "../contest.ts";
import { jsonOf, lineOf, type Outcome, textOfOutcome } from "../outcome.ts";
import { PORTABLE } from "../portable.ts";
import { suiteOptionsOf } from "../suite-options.ts";
import { servePage } from "./server.ts";

const { suites, quick, json } = suiteOptionsOf("bun run bench:chromium", PORTABLE);
if (CHROMIUM === undefined) {
  console.error(`bench:chromium: there is no Chromium on the PATH: it ${NEEDS_CHROMIUM}`);
  process.exit(1);
}

const flags = new URLSearchParams();
if (suites.length < PORTABLE.length) flags.set("only", suites.join());
if (quick) flags.set("quick", "");

const server = await servePage(0);
// Chromium's sandbox does not work as root. Only our own page is opened.
const browser = await chromium.launch({ executablePath: CHROMIUM, chromiumSandbox: process.getuid?.() !== 0 });
try {
  const page = await browser.newPage();
  await page.exposeFunction("report", (rows: readonly Row[]) => {
    if (!json) console.error(rows.map((row) => lineOf(row, quick)).join("\n"));
  });
  await page.goto(`${server.url}?${flags}`);
  const outcome = await page.evaluate(() => (globalThis as unknown as { bench: Promise<Outcome> }).bench);
  console.log(json ? jsonOf(outcome) : textOfOutcome(outcome));
} catch (error) {
  // playwright puts its own prefix before the message and the page's stack after it.
  const [line = ""] = (error as Error).message.split("\n");
  console.error(`bench:chromium: ${line.replace(/^(page\.)?evaluate: (Error: bench: )?/, "")}`);
  process.exitCode = 1;
} finally {
  await browser.close();
  await server.stop(true);
}
