/** The Chromium in which tests and benches run pages. */
const NAMES = ["chromium", "chromium-browser", "google-chrome", "chrome"];

export const CHROMIUM = NAMES.map((name) => Bun.which(name)).find((path) => path !== null);
export const hasChromium = CHROMIUM !== undefined;
export const NEEDS_CHROMIUM = `needs one of ${NAMES.join(", ")}`;
