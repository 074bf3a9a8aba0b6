/**
 * Preloaded into `whereabouts server`. Makes the control thread spin when the file that HANG names appears, until it is gone again.
 */
import { existsSync } from "node:fs";

const file = Bun.env.HANG!;
if (Bun.isMainThread) {
  const timer = setInterval(() => {
    while (existsSync(file));
  }, 20);
  timer.unref();
}
