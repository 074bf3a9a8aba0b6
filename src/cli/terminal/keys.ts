/** Keys that end a command with a live screen. */

const CTRL_C = "\x03";
const CTRL_Z = "\x1a";

/** Resolves when q or Ctrl-C is typed. Never, if standard input is no terminal. */
export function untilQuitKey(): Promise<string> {
  const { stdin } = process;
  if (!stdin.isTTY) return new Promise(() => {});
  // Without it, keys would arrive by the line only, and be shown. But it also turns off Ctrl-C and Ctrl-Z.
  const raw = (on: boolean) => stdin.setRawMode(on);
  process.on("exit", () => raw(false));
  process.on("SIGCONT", () => raw(true));
  raw(true);
  return new Promise((resolve) => {
    stdin.on("data", (bytes: Buffer) => {
      for (const key of bytes.toString("latin1")) {
        if (key === "q" || key === "Q" || key === CTRL_C) resolve(key);
        if (key === CTRL_Z) {
          raw(false);
          process.kill(process.pid, "SIGTSTP");
        }
      }
    });
  });
}
