import { readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";

/**
 * Replaces the content of a file at once: a program that reads it meanwhile finds the old or the new content. A file that
 * has the content already stays as it is, so that no build starts for nothing.
 *
 * @returns whether it was written
 * @throws a system error if it cannot be written
 */
export async function replaceFile(path: string, text: string): Promise<boolean> {
  const existing = await stat(path).catch((error) => {
    if (error.code !== "ENOENT") throw error;
  });
  if (existing !== undefined && !existing.isFile()) {
    // A device or a pipe.
    await writeFile(path, text);
    return true;
  }
  if (existing !== undefined && (await readFile(path, "utf8")) === text) return false;
  // A link stays a link.
  const target = existing === undefined ? path : await realpath(path);
  const temporary = `${target}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, text, existing === undefined ? {} : { mode: existing.mode });
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return true;
}
