/** The Chromium in which tests and benches run pages. Without the user interface it needs half the processor time, so that one comes first. */
const NAMES = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome"];

export const CHROMIUM = NAMES.map((name) => Bun.which(name)).find((path) => path !== null);
export const hasChromium = CHROMIUM !== undefined;
export const NEEDS_CHROMIUM = `needs one of ${NAMES.join(", ")}`;
