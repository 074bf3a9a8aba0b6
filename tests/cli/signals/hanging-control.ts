/**
 * Preloaded into `whereabouts server`. Makes the control thread spin when the file that HANG names appears, until it is gone
 * again. While it spins, there is a file with `.spins` added to the name.
 */
import { existsSync, rmSync, writeFileSync } from "node:fs";

const file = Bun.env.HANG!;
if (Bun.isMainThread) {
  const timer = setInterval(() => {
    if (!existsSync(file)) return;
    writeFileSync(`${file}.spins`, "");
    while (existsSync(file));
    rmSync(`${file}.spins`);
  }, 20);
  timer.unref();
}
