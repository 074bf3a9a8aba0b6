/** Waits for changes of files, by looking at them again and again: this works for all editors and file systems. */
import { stat } from "node:fs/promises";

/** Files, with what changes when their content does. */
export type Fingerprints = Map<string, string>;

const INTERVAL_MS = 200;

/** What changes when the content of a file does. A file that is missing has a fingerprint too. */
export async function fingerprint(file: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(file);
    return `${mtimeMs} ${size} ${ino}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

/** Resolves when one of the files has changed, or when `stop` does. */
export async function changed(files: Fingerprints, stop: Promise<void>): Promise<void> {
  let stopped = false;
  const stopping = stop.then(() => {
    stopped = true;
  });
  while (!stopped) {
    let timer: NodeJS.Timeout | undefined;
    const pause = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, INTERVAL_MS);
    });
    await Promise.race([pause, stopping]);
    clearTimeout(timer);
    for (const [file, known] of files) if ((await fingerprint(file)) !== known) return;
  }
}
