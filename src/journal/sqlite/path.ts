/** Paths of SQLite journals: the default one, which file a path leads to, and the names of damaged files. */
import { existsSync, lstatSync, readlinkSync, realpathSync, renameSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { cannotSetAside } from "./error.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where the server keeps its files: `$STATE_DIRECTORY` (set by systemd for StateDirectory=), else `$XDG_STATE_HOME/whereabouts`
 * (XDG Base Directory Specification), else `~/.local/state/whereabouts`.
 */
export function stateFolder(env: Environment = Bun.env): string {
  // systemd separates several folders with colons.
  const service = env.STATE_DIRECTORY?.split(":")[0];
  if (service) return service;
  const state = env.XDG_STATE_HOME?.startsWith("/") ? env.XDG_STATE_HOME : join(homedir(), ".local", "state");
  return join(state, "whereabouts");
}

/** `registry.db` in the {@link stateFolder}. */
export function defaultSqlitePath(env?: Environment): string {
  return join(stateFolder(env), "registry.db");
}

/** The target of a symbolic link, even if there is no file; any other path as it is. */
export function resolveLink(path: string): string {
  try {
    if (!lstatSync(path).isSymbolicLink()) return path;
  } catch {
    return path;
  }
  try {
    return realpathSync(path);
  } catch {
    return resolve(dirname(path), readlinkSync(path));
  }
}

/** Size, and device and inode, which tell a file from another one of the same name. Undefined if it is out of reach. */
function inspect(path: string): { size: number; identity: string } | undefined {
  try {
    const { size, dev, ino } = statSync(path);
    return { size, identity: `${dev} ${ino}` };
  } catch {
    return undefined;
  }
}

/** Device and inode of a file; empty if there is none. */
export function identity(path: string): string {
  return inspect(path)?.identity ?? "";
}

/** The size of a file in bytes; 0 if there is none. */
export function sizeOf(path: string): number {
  return inspect(path)?.size ?? 0;
}

/**
 * Renames a damaged file and its companions to a free name.
 *
 * @param suffixes - of the files to rename: `""` for the file itself, `-wal` and the like for those beside it
 * @returns the new name of the file
 * @throws {JournalError}
 */
export function renameDamaged(path: string, suffixes: readonly string[]): string {
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+Z$/g, "");
  let aside = `${path}.damaged-${stamp}`;
  for (let n = 2; suffixes.some((end) => existsSync(aside + end)); n++) aside = `${path}.damaged-${stamp}-${n}`;
  try {
    for (const end of suffixes) if (existsSync(path + end)) renameSync(path + end, aside + end);
  } catch (error) {
    throw cannotSetAside(error as NodeJS.ErrnoException);
  }
  return aside;
}
