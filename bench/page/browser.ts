/** Chromium, as the benches start it. */
import type { Browser } from "playwright-core";
import { hasChromium, launchChromium, NEEDS_CHROMIUM } from "../../tests/support/chromium.ts";

/** @throws {Error} if there is no Chromium on the PATH; the message is one line */
export async function openBrowser(): Promise<Browser> {
  if (!hasChromium) throw new Error(`there is no Chromium on the PATH: it ${NEEDS_CHROMIUM}`);
  return launchChromium();
}
