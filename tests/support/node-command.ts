/** The command line for Node, built from these sources once for all test files. */
import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { buildNodeCommand } from "../../scripts/node-command.ts";

const ROOT = join(import.meta.dir, "../..");
/** In the checkout, where Node finds the dependencies. */
const BUILD = join(ROOT, "build");
const PREFIX = "node-command-";

/** All files that the command is built from. */
const SOURCES = ["src/**/*.ts", "assembly/*.ts", "build/*.ts", "scripts/node-command.ts", "package.json"];

async function digestOfSources(): Promise<string> {
  const hasher = new Bun.CryptoHasher("sha256");
  const files = SOURCES.flatMap((pattern) => [...new Bun.Glob(pattern).scanSync({ cwd: ROOT })]);
  for (const file of files.sort()) {
    hasher.update(`${file}\0`);
    hasher.update(await Bun.file(join(ROOT, file)).bytes());
  }
  return hasher.digest("hex").slice(0, 16);
}

/**
 * Builds the command line for Node, unless there is a build of the same sources.
 *
 * @returns the path of its entry point
 */
export async function builtNodeCommand(): Promise<string> {
  const name = `${PREFIX}${await digestOfSources()}`;
  const folder = join(BUILD, name);
  if (!existsSync(folder)) {
    // Built elsewhere and then renamed: several test files may start at once.
    const temporary = mkdtempSync(join(BUILD, "unfinished-"));
    try {
      buildNodeCommand(temporary);
      renameSync(temporary, folder);
      for (const other of readdirSync(BUILD)) {
        if (other.startsWith(PREFIX) && other !== name) rmSync(join(BUILD, other), { recursive: true, force: true });
      }
    } catch (error) {
      // Another test file may have built it meanwhile.
      if (!existsSync(folder)) throw error;
    } finally {
      rmSync(temporary, { recursive: true, force: true });
    }
  }
  return join(folder, "cli.js");
}
