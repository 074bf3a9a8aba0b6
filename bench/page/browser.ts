/** Chromium, as the benches start it. */
import { type Browser, chromium } from "playwright-core";
import { CHROMIUM, NEEDS_CHROMIUM } from "../../tests/support/chromium.ts";

/** @throws {Error} if there is no Chromium on the PATH; the message is one line */
export async function launchChromium(): Promise<Browser> {
  if (CHROMIUM === undefined) throw new Error(`there is no Chromium on the PATH: it ${NEEDS_CHROMIUM}`);
  // Chromium's sandbox does not work as root. Only our own pages are opened.
  return chromium.launch({ executablePath: CHROMIUM, chromiumSandbox: process.getuid?.() !== 0 });
}
