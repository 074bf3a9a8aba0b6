import type { Browser } from "playwright-core";

/** The Chromium in which tests and benches run pages. Without the user interface it needs half the processor time, so that one comes first. */
const NAMES = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome"];

const CHROMIUM = NAMES.map((name) => Bun.which(name)).find((path) => path !== null);
export const hasChromium = CHROMIUM !== undefined;
export const NEEDS_CHROMIUM = `needs one of ${NAMES.join(", ")}`;

/** Starts it. The caller closes it. */
export async function launchChromium(): Promise<Browser> {
  // Loaded here, since files that only ask whether there is a Chromium do not need it.
  const { chromium } = await import("playwright-core");
  const args = ["--disable-gpu", "--disable-background-networking"];
  // Chromium has no sandbox for root, which CI runs as.
  return chromium.launch({ executablePath: CHROMIUM!, chromiumSandbox: process.getuid?.() !== 0, args });
}
