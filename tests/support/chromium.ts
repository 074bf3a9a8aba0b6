/** The Chromium that tests run pages in: by the names that bench/page/chromium.ts looks for, too. */
const NAMES = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/** Its path. */
export const CHROMIUM = NAMES.map((name) => Bun.which(name)).find((path) => path !== null);
export const hasChromium = CHROMIUM !== undefined;
export const NEEDS_CHROMIUM = `there is none of ${NAMES.join(", ")}`;
