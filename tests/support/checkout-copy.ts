/** What a copy of a checkout has of build/. */
import { statSync } from "node:fs";
import { basename, dirname } from "node:path";

/**
 * A filter for cp: of build/ only the files, which the set-up writes. Its folders belong to tests, which may write or remove them at the
 * same time.
 */
export function isOfSetUp(path: string): boolean {
  return basename(dirname(path)) !== "build" || statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
