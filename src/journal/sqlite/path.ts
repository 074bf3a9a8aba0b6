/** The names of SQLite journals: where one is when nobody says where, which file a name means, and what a damaged one is called. */
import { existsSync, lstatSync, realpathSync, renameSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { immovable } from "./error.ts";

/**
 * `registry.db` in the folder that systemd gives a service (StateDirectory=), else in that for state of the user (XDG Base
 * Directory): `$STATE_DIRECTORY`, `$XDG_STATE_HOME/whereabouts` or `~/.local/state/whereabouts`.
 */
export function defaultSqlitePath(env: Readonly<Record<string, string | undefined>> = Bun.env): string {
  // A service may have several; the first is the one it was given first.
  const service = env.STATE_DIRECTORY?.split(":")[0];
  if (service) return join(service, "registry.db");
  const state = env.XDG_STATE_HOME?.startsWith("/") ? env.XDG_STATE_HOME : join(homedir(), ".local", "state");
  return join(state, "whereabouts", "registry.db");
}

/** What a link leads to; else the path as it was given. */
export function linked(path: string): string {
  try {
    return lstatSync(path).isSymbolicLink() ? realpathSync(path) : path;
  } catch {
    return path;
  }
}

/** Empty if there is no file. */
export function identity(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found ? `${found.dev} ${found.ino}` : "";
}

/** Renames what is damaged, with each of `ends`, to a name that nothing has. Returns that name. @throws {JournalError} */
export function renamed(path: string, ends: readonly string[]): string {
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+Z$/g, "");
  let aside = `${path}.damaged-${stamp}`;
  for (let n = 2; ends.some((end) => existsSync(aside + end)); n++) aside = `${path}.damaged-${stamp}-${n}`;
  try {
    for (const end of ends) if (existsSync(path + end)) renameSync(path + end, aside + end);
  } catch (error) {
    throw immovable(error as NodeJS.ErrnoException);
  }
  return aside;
}
