/** `bun run bench:chromium`: opens the bench page in a headless Chromium and prints its tables on the terminal. */
import type { Row } from "../contest.ts";
import { jsonOf, lineOf, type Outcome, textOfOutcome } from "../outcome.ts";
import { PORTABLE } from "../portable.ts";
import { suiteOptionsOf } from "../suite-options.ts";
import { openBrowser } from "./browser.ts";
import { servePage } from "./server.ts";

const { suites, quick, json } = suiteOptionsOf("bun run bench:chromium", PORTABLE);
const flags = new URLSearchParams();
if (suites.length < PORTABLE.length) flags.set("only", suites.join());
if (quick) flags.set("quick", "");

const browser = await openBrowser().catch((error: Error) => {
  console.error(`bench:chromium: ${error.message}`);
  process.exit(1);
});
const server = await servePage(0);
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
